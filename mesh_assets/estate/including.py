"""The clusters of an estate from several files, with their defaults.

An estate file names other files in `include`, and what its clusters have in common in `defaults`. docs/estate.md says how
both are merged.
"""

import glob
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mesh_assets.errors import EstateError
from mesh_assets.estate.text import Stamp, read_text
from mesh_assets.estate.yaml_text import Written, read_mapping

INCLUDED_FIELDS = ("include", "defaults", "clusters")
"""What an included file may have: the rest concerns the whole estate and is written in one place."""
# Part of file names in the store, where non-ASCII letters take up to twelve bytes; file systems allow 255.
_NAME_IN_FILES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCluster:
    """A cluster as the files describe it. `data`: with defaults; `places`: where that is written, the nearest first."""

    data: Any
    places: tuple[Written, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What applies to a cluster unless it says otherwise, and where that is written."""

    data: Mapping[Any, Any]
    places: tuple[Written, ...]


NO_DEFAULTS = Defaults(data={}, places=())


@dataclass(slots=True)
class Gathered:
    """`clusters` by name, in the order of the files. `files`: the included ones, each with the place that names it. `stamps`,
    `patterns`: the files as they were read, and what patterns found, so that changes are noticed. `defaults`: of the estate file."""

    clusters: dict[str, NamedCluster] = field(default_factory=dict)
    files: dict[Path, str] = field(default_factory=dict)
    stamps: dict[Path, Stamp | None] = field(default_factory=dict)
    patterns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: Defaults = NO_DEFAULTS


def gather_clusters(file: Written, data: Mapping[Any, Any]) -> Gathered:
    """The clusters of an estate file and of those that it includes. Anything that should be a mapping but is not is left
    to the model, which says so. Raises EstateError."""
    gathered = Gathered(defaults=_defaults(file, data, NO_DEFAULTS))
    _gather(file, data, NO_DEFAULTS, gathered, above=(Path(file.source).resolve(),))
    return gathered


def merged(below: Mapping[Any, Any], above: Mapping[Any, Any]) -> dict[Any, Any]:
    """`below` (the defaults) overridden by `above` (the nearer one). Mappings are merged by key; a mapping of a different
    `kind`, a list or any other value replaces what is there; null removes it."""
    result = dict(below)
    for key, value in above.items():
        other = result.get(key)
        if value is None and key in result:
            del result[key]
        elif isinstance(value, Mapping) and isinstance(other, Mapping) and _same_kind(other, value):
            result[key] = merged(other, value)
        else:
            result[key] = value
    return result


def with_name(value: Any, name: str, **others: str) -> Any:
    """The value with the cluster's name in place of `{cluster}` and, in capitals like variables, of `{CLUSTER}`; `others`:
    replacements for other words in braces."""
    if isinstance(value, Mapping):
        return {key: with_name(item, name, **others) for key, item in value.items()}
    if isinstance(value, list):
        return [with_name(item, name, **others) for item in value]
    if not isinstance(value, str):
        return value
    variable = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    for word, stands_for in {"cluster": name, "CLUSTER": variable, **others}.items():
        value = value.replace(f"{{{word}}}", stands_for)
    return value


def name_problem(name: object) -> str | None:
    """What is wrong with a cluster's name. These are folder names and Dagster's partition keys, in which `...` means a
    range."""
    if not isinstance(name, str):
        return "is not text; put it in quotes"
    if not name or not all(c.isalnum() or c in "-_." for c in name) or name.startswith("."):
        return "may only contain letters, digits, '-', '_' and '.', and not start with '.'"
    if "..." in name:
        return "may not contain '...', which Dagster takes for a range of partitions"
    if len(quote(name)) > _NAME_IN_FILES:
        return (
            f"is too long for a file name; expected at most {_NAME_IN_FILES} letters, or fewer if not ASCII"
        )
    return None


def _gather(
    file: Written, data: Mapping[Any, Any], inherited: Defaults, into: Gathered, *, above: tuple[Path, ...]
) -> None:
    defaults = _defaults(file, data, inherited)
    clusters = data.get("clusters")
    if isinstance(clusters, Mapping):
        for name, fields in clusters.items():
            _add(file, name, fields, defaults, into)
    for path, where in _included(file, data, into):
        resolved = path.resolve()
        if resolved in above:
            way = " → ".join(str(one) for one in (*above[above.index(resolved) :], resolved))
            raise EstateError(
                f"{where}: include: leads back to {path} ({way}); leave that file out of the pattern"
            )
        if resolved in into.files:
            raise EstateError(
                f"{where}: include: {path} was already included by {into.files[resolved]}; include each file once"
            )
        into.files[resolved] = where
        included, fields = _read(path, where, into.stamps)
        _gather(included, fields, defaults, into, above=(*above, resolved))


def _add(file: Written, name: Any, fields: Any, defaults: Defaults, into: Gathered) -> None:
    clusters = file.below("clusters")
    written = (clusters.below(name) if clusters is not None else None) or file
    problem = name_problem(name)
    if problem:
        raise EstateError(f"{written}: cluster name {name!r} {problem}")
    if name in into.clusters:
        raise EstateError(
            f"{written}: clusters.{name}: {into.clusters[name].places[0]} already has a cluster of this name; give each its own name"
        )
    if isinstance(fields, Mapping):
        fields = {**merged(with_name(defaults.data, name), fields), "name": name}
    into.clusters[name] = NamedCluster(data=fields, places=(written, *defaults.places))


def _defaults(file: Written, data: Mapping[Any, Any], inherited: Defaults) -> Defaults:
    said = data.get("defaults")
    if said is None:
        return inherited
    written = file.below("defaults") or file
    if not isinstance(said, Mapping):
        raise EstateError(
            f"{written}: defaults: expected what clusters have in common, such as `kafka: {{…}}`, in the fields of a cluster"
        )
    return Defaults(data=merged(inherited.data, said), places=(written, *inherited.places))


def _included(file: Written, data: Mapping[Any, Any], into: Gathered) -> Iterator[tuple[Path, str]]:
    """The files that `include` names, in the order of patterns and names, and the place of the pattern."""
    said = data.get("include")
    if said is None:
        return
    patterns = [said] if isinstance(said, str) else said
    if not isinstance(patterns, list) or not all(isinstance(one, str) and one for one in patterns):
        raise EstateError(
            f"{file.at('include')}: include: expected file names or patterns: [clusters/*.yaml], relative to this file's folder"
        )
    for number, pattern in enumerate(patterns):
        where = file.at("include", number)
        whole = str(Path(file.source).parent / pattern)
        found = find_files(whole)
        into.patterns[whole] = found
        if not found:
            raise EstateError(
                f"{where}: include: {pattern} is not a file in {Path(whole).parent.absolute()} and matches none there"
            )
        yield from ((Path(one), where) for one in found)


def find_files(pattern: str) -> tuple[str, ...]:
    """The files that match a shell pattern (`**`: at any depth), sorted; hidden ones only if the pattern has the dot."""
    return tuple(sorted(one for one in glob.glob(pattern, recursive=True) if Path(one).is_file()))


def _read(path: Path, where: str, stamps: dict[Path, Stamp | None]) -> tuple[Written, Mapping[Any, Any]]:
    try:
        text = read_text(path, stamps)
    except (OSError, ValueError) as error:
        raise EstateError(f"{where}: include: {path} cannot be read: {error}") from error
    file, data = read_mapping(text, source=str(path), expected="clusters:")
    other = next((key for key in data if key not in INCLUDED_FIELDS), None)
    if other is not None:
        raise EstateError(
            f"{file.at(other)}: {other}: is not a field of an included file, which may have {', '.join(INCLUDED_FIELDS)}; "
            f"write it in the file that includes this one ({where})"
        )
    clusters = data.get("clusters")
    if clusters is not None and not isinstance(clusters, Mapping):
        raise EstateError(
            f"{file.at('clusters')}: clusters: expected clusters by name, such as `payments: {{kafka: …}}`"
        )
    return file, data


def _same_kind(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    return "kind" not in other or "kind" not in one or one["kind"] == other["kind"]
