"""Adds entries to an estate file's text and variables to a `.env`'s, and leaves the rest as it is."""

import io
import re
from collections.abc import Mapping
from typing import Any

from dotenv import dotenv_values
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from mesh_assets.configuration.entries import is_secret
from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.file import parse_estate

_HEADER = "Written by `mesh-assets configure`. Secrets are named here, never written; `mesh-assets init DIR` writes one with all fields.\n"
# Mappings in an entry that fit on one line.
_ON_ONE_LINE = ("environment",)
# Common indentations: of a mapping, of a sequence, and of the dash in a sequence.
_LAYOUTS = ((2, 4, 2), (2, 2, 0), (4, 4, 2), (4, 6, 4), (4, 2, 0))


def merged_estate(
    text: str | None,
    entries: Mapping[str, Mapping[str, Any]],
    *,
    source: str,
    triggers: Mapping[str, Any] | None = None,
    force: bool = False,
) -> str:
    """The estate file `text` (None: there is none) with the clusters `entries`, by name, and the triggers.

    An existing entry that says the same is left alone. Raises ConfigurationError when one differs without
    `force`, and EstateError when the text is not a valid estate, before or after.
    """
    if text is None or not text.strip():
        yaml, estate = _yaml(), CommentedMap(clusters=CommentedMap())
        estate.yaml_set_start_comment(_HEADER)
    else:
        parse_estate(text, source=source)
        yaml, estate = _read(text, source)
    clusters = estate.get("clusters")
    if clusters is None:  # it only includes others
        clusters = estate["clusters"] = CommentedMap()
    changes = [
        _put_cluster(clusters, name, entry, source=source, force=force) for name, entry in entries.items()
    ]
    if triggers is not None:
        changes.append(_put_triggers(estate, triggers, source=source, force=force))
    if text is not None and not any(changes):
        return text
    merged = _dumped(yaml, estate)
    parse_estate(merged, source=source)
    return merged


def entry_text(entries: Mapping[str, Mapping[str, Any]], triggers: Mapping[str, Any] | None = None) -> str:
    """Only the entries, as the file has them."""
    shown: dict[str, Any] = {"clusters": {name: _styled(entry) for name, entry in entries.items()}}
    if triggers is not None:
        shown["triggers"] = _styled(triggers)
    return _dumped(_yaml(), shown)


def _read(text: str, source: str) -> tuple[YAML, Any]:
    """Parses with the indentation that reproduces the text exactly, or the usual one if none does."""
    try:
        for layout in _LAYOUTS:
            yaml = _yaml(*layout)
            estate = yaml.load(text)
            if _dumped(yaml, estate) == text:
                return yaml, estate
        return _yaml(), _yaml().load(text)
    except YAMLError as error:
        raise ConfigurationError(f"{source} cannot be edited in place: {error}") from error


def _put_cluster(clusters: Any, name: str, entry: Mapping[str, Any], *, source: str, force: bool) -> bool:
    """Whether anything changed."""
    for other, standing in clusters.items():
        if other != name and standing.get("cluster_id") == entry["cluster_id"]:
            raise ConfigurationError(
                f"{source} already has the cluster {entry['cluster_id']}, as {other}; remove that entry, or give this one that name"
            )
    if name in clusters:
        if _data(clusters[name]) == entry:
            return False
        if not force:
            raise ConfigurationError(
                f"{source} already has a cluster {name}; --force replaces its entry, --name gives this one another name"
            )
    clusters[name] = _styled(entry)
    return True


def _put_triggers(estate: Any, triggers: Mapping[str, Any], *, source: str, force: bool) -> bool:
    standing = estate.get("triggers")
    if standing is not None and _data(standing) == triggers:
        return False
    if standing is not None and not force:
        raise ConfigurationError(f"{source} already has other triggers; --force replaces them")
    estate["triggers"] = _styled(triggers)
    return True


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
    # `${…}` needs no quotes, but looks like a mapping without them.
    return DoubleQuotedScalarString(value) if isinstance(value, str) and "${" in value else value


def _dumped(yaml: YAML, data: Any) -> str:
    out = io.StringIO()
    yaml.dump(data, out)
    return out.getvalue()


def _yaml(mapping: int = 2, sequence: int = 4, offset: int = 2) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # lines stay as long as they are
    yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
    return yaml


_ENV_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")
_UNQUOTED = re.compile(r"[A-Za-z0-9_./:@+=,-]*")
_ENV_HEADER = "# Keys of the estate beside this file. Readable by you alone; never commit it.\n"
HIDDEN = "(hidden)"


def merged_env(text: str | None, variables: Mapping[str, str], *, source: str, force: bool = False) -> str:
    """The `.env` `text` (None: there is none) with these variables; other lines stay as they are.

    Raises ConfigurationError when one has a different value there without `force`, or cannot be written.
    """
    standing = dotenv_values(stream=io.StringIO(text or ""), interpolate=False)
    other = [name for name, value in variables.items() if name in standing and standing[name] != value]
    if other and not force:
        raise ConfigurationError(
            f"{source} has {other[0]} with a different value; --force replaces it, --env-suffix NAME keeps this cluster's variables apart"
        )
    kept = [
        line
        for line in (text or _ENV_HEADER).splitlines()
        if (found := _ENV_LINE.match(line)) is None or found[1] not in variables
    ]
    merged = "".join(
        f"{line}\n" for line in [*kept, *(f"{name}={_quoted(value)}" for name, value in variables.items())]
    )
    # A reader replaces ${…} even in quotes.
    read = dotenv_values(stream=io.StringIO(merged))
    changed = [name for name, value in variables.items() if read[name] != value]
    if changed:
        raise ConfigurationError(
            f"the value of {changed[0]} cannot be written to a .env: it contains ${{…}} or a line break"
        )
    return merged


def shown_env(variables: Mapping[str, str]) -> str:
    """The lines, with secrets hidden."""
    return "".join(f"{name}={HIDDEN if is_secret(name) else value}\n" for name, value in variables.items())


def _quoted(value: str) -> str:
    if _UNQUOTED.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
