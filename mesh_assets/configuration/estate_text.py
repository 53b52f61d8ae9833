"""Entries put into the text of an estate file: comments and order of what stands there stay."""

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.file import parse_estate

_HEADER = "Written by `mesh-assets configure`. Secrets are named here, never written; what else can stand here: estate.example.yaml.\n"
# Mappings of an entry that are short enough for one line.
_ON_ONE_LINE = ("environment",)


def merged_estate(
    text: str | None,
    entries: Mapping[str, Mapping[str, Any]],
    *,
    source: str,
    triggers: Mapping[str, Any] | None = None,
    force: bool = False,
) -> str:
    """The estate file `text` (None: there is none) with the clusters `entries`, by name, and the triggers.

    What stands there already and says the same is left alone. Raises ConfigurationError when it says something else, unless `force`, and
    EstateError when the text is no estate, before or after.
    """
    yaml = _yaml()
    if text is None or not text.strip():
        estate = CommentedMap(clusters=CommentedMap())
        estate.yaml_set_start_comment(_HEADER)
    else:
        parse_estate(text, source=source)
        try:
            estate = yaml.load(text)
        except YAMLError as error:
            raise ConfigurationError(f"{source} cannot be changed and written again as it is: {error}") from error
    clusters = estate["clusters"]
    for name, entry in entries.items():
        _put_cluster(clusters, name, entry, source=source, force=force)
    if triggers is not None:
        standing = estate.get("triggers")
        if standing is not None and dict(standing) != dict(triggers) and not force:
            raise ConfigurationError(f"{source} has triggers of its own; --force replaces them")
        if standing is None or dict(standing) != dict(triggers):
            estate["triggers"] = _styled(triggers)
    out = io.StringIO()
    yaml.dump(estate, out)
    merged = out.getvalue()
    parse_estate(merged, source=source)
    return merged


def entry_text(entries: Mapping[str, Mapping[str, Any]], triggers: Mapping[str, Any] | None = None) -> str:
    """The entries alone, as they stand in the file."""
    out = io.StringIO()
    shown: dict[str, Any] = {"clusters": {name: _styled(entry) for name, entry in entries.items()}}
    if triggers is not None:
        shown["triggers"] = _styled(triggers)
    _yaml().dump(shown, out)
    return out.getvalue()


def _put_cluster(clusters: Any, name: str, entry: Mapping[str, Any], *, source: str, force: bool) -> None:
    for other, standing in clusters.items():
        if other != name and standing.get("cluster_id") == entry["cluster_id"]:
            raise ConfigurationError(
                f"{source} has the cluster {entry['cluster_id']} already, as {other}; remove that entry, or give this one that name"
            )
    if name in clusters:
        if _data(clusters[name]) == entry:
            return
        if not force:
            raise ConfigurationError(
                f"{source} has a cluster {name} already; --force replaces its entry, --name gives this one another name"
            )
    clusters[name] = _styled(entry)


def _data(value: Any) -> Any:
    """Without styles and comments."""
    if isinstance(value, Mapping):
        return {str(key): _data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_data(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _styled(value: Any, *, name: str = "") -> Any:
    if isinstance(value, Mapping):
        mapping = CommentedMap({key: _styled(item, name=key) for key, item in value.items()})
        if name in _ON_ONE_LINE:
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        return CommentedSeq(_styled(item) for item in value)
    # `${…}` would be read well without quotes, but looks like a mapping.
    return DoubleQuotedScalarString(value) if isinstance(value, str) and "${" in value else value


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # lines stay as long as they are
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
