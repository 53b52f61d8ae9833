"""The estate file: read once with everything that it names, checked completely, every error with file and line."""

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from dotenv import load_dotenv
from pydantic import BaseModel

from mesh_assets.errors import EstateError
from mesh_assets.estate.costs import CostSettings
from mesh_assets.estate.faults import Origins, validated
from mesh_assets.estate.found import FoundCluster, entry_of, sample, why_not
from mesh_assets.estate.including import INCLUDED_FIELDS, Defaults, find_files, gather_clusters
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.estate.policy import Policy
from mesh_assets.estate.products import ProductSettings
from mesh_assets.estate.text import Stamp, decoded_text, read_text, stamp_of
from mesh_assets.estate.yaml_text import Written, read_mapping

T = TypeVar("T", bound=BaseModel)

DEFAULT_ESTATE = "estate.yaml"
FindClusters = Callable[[], Sequence[FoundCluster]]
"""The clusters found so far. Raises EstateError when they cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateRead:
    """An estate, and what shows whether its files have changed since they were read: `stamps` of the file and of those that
    it names, and what its patterns found. `found`: the clusters that its rules found, including any that the file also names;
    None where the estate has no rules. `named`: the clusters that the files name, without found ones. `defaults`: those of the
    estate file."""

    estate: Estate
    found: tuple[FoundCluster, ...] | None
    stamps: Mapping[Path, Stamp | None]
    patterns: Mapping[str, tuple[str, ...]]
    named: Mapping[str, Cluster]
    defaults: Mapping[Any, Any]

    @property
    def is_current(self) -> bool:
        """Whether a file that was read has changed since, or one has come or gone. Only looks at each file's stamp."""
        return all(
            stamp is not None and stamp_of(path) == stamp for path, stamp in self.stamps.items()
        ) and all(find_files(pattern) == found for pattern, found in self.patterns.items())


def estate_path(environment: Mapping[str, str] | None = None) -> Path:
    """The file that `MESH_ESTATE` names, or `estate.yaml` in the current folder."""
    return Path((os.environ if environment is None else environment).get("MESH_ESTATE") or DEFAULT_ESTATE)


def load_estate(path: Path | None = None) -> Estate:
    """The estate of `path` (default: `estate_path()`), without found clusters: `fleet/loading.py` adds those.

    A `.env` beside the file sets environment variables that are not set already. So every way to run (command line,
    Dagster, an MCP client that starts the server in a folder of its choice) finds the same secrets.

    Raises EstateError with each error on its own line: file, line, field, what was expected.
    """
    return read_estate(path).estate


def read_estate(path: Path | None = None, *, find: FindClusters | None = None) -> EstateRead:
    """Like `load_estate`, and what shows when to read again. `find` is called only where the file has rules. Raises EstateError."""
    path = estate_path() if path is None else path
    stamps: dict[Path, Stamp | None] = {}
    try:
        text = read_text(path, stamps)
    except FileNotFoundError as error:
        raise EstateError(
            f"there is no estate file at {path}; set MESH_ESTATE to yours, run `mesh-assets init DIR` to write a project with one, "
            "or run `mesh-assets sandbox start` for a sandbox with one"
        ) from error
    except (OSError, ValueError) as error:
        raise EstateError(f"the estate file {path} cannot be read: {error}") from error
    load_variables(path.absolute().parent / ".env")
    return _parse(text, str(path), stamps, find)


def load_variables(path: Path) -> None:
    """Sets the environment variables of a `.env` that are not set already; does nothing if there is no such file. Raises
    EstateError when it cannot be read."""
    try:
        text = decoded_text(path.read_bytes())
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise EstateError(f"{path} cannot be read: {error}") from error
    load_dotenv(stream=io.StringIO(text), override=False)


def parse_estate(text: str, *, source: str) -> Estate:
    """Like `load_estate`, but from text; `source` is the file's name in messages, and files that it names are looked for
    beside it. Raises EstateError."""
    return _parse(text, source, {}, None).estate


def _parse(text: str, source: str, stamps: dict[Path, Stamp | None], find: FindClusters | None) -> EstateRead:
    file, data = read_mapping(text, source=source, expected="clusters:")
    gathered = gather_clusters(file, data)
    stamps.update(gathered.stamps)
    clusters = data.get("clusters")
    if isinstance(clusters, dict) or (clusters is None and ("include" in data or "found" in data)):
        data = {**data, "clusters": {name: one.data for name, one in gathered.clusters.items()}}
    data = {key: value for key, value in data.items() if key not in INCLUDED_FIELDS or key == "clusters"}
    for name, (model, expected) in _IN_FILES.items():
        part = data.get(name)
        if isinstance(part, dict) and isinstance(part.get("file"), str):
            where = file.at(name, "file")
            data = {
                **data,
                name: _read_part(name, model, expected, part, where=where, source=source, stamps=stamps),
            }
    contracts = data.get("contracts")
    if isinstance(contracts, dict) and isinstance(contracts.get("folder"), str) and contracts["folder"]:
        folder = str((Path(source).parent / contracts["folder"]).absolute())
        data = {**data, "contracts": {**contracts, "folder": folder}}
    places = {name: one.places for name, one in gathered.clusters.items()}
    estate = validated(Estate, data, Origins(file=file, clusters=places))
    found, named = None, estate.clusters
    if estate.found.rules:
        _check_rules(estate, file, gathered.defaults)
        found = () if find is None else tuple(find())
        estate = _with_found(estate, found, file, gathered.defaults)
    return EstateRead(
        estate=estate,
        found=found,
        stamps=stamps,
        patterns=gathered.patterns,
        named=named,
        defaults=gathered.defaults.data,
    )


def _check_rules(estate: Estate, file: Written, defaults: Defaults) -> None:
    """Anything a rule may find must become a valid cluster, even if it has found none yet. Raises EstateError."""
    at = datetime.now(UTC)
    for number, rule in enumerate(estate.found.rules):
        cluster = sample(rule, at)
        data = {"clusters": {cluster.cluster: entry_of(rule, cluster, defaults.data)}}
        validated(Estate, data, _origins(file, {cluster.cluster: number}, defaults))


def _with_found(estate: Estate, found: Sequence[FoundCluster], file: Written, defaults: Defaults) -> Estate:
    """The estate with those found clusters that match its rules and that it does not name itself."""
    added = dict(_meant(estate, found))
    if not added:
        return estate
    entries = {
        one.cluster: entry_of(estate.found.rules[number], one, defaults.data)
        for one, number in added.values()
    }
    numbers = {one.cluster: number for one, number in added.values()}
    read = validated(Estate, {"clusters": entries}, _origins(file, numbers, defaults))
    return estate.model_copy(update={"clusters": {**estate.clusters, **read.clusters}})


def _meant(estate: Estate, found: Sequence[FoundCluster]) -> Iterator[tuple[str, tuple[FoundCluster, int]]]:
    numbers = {rule.name: number for number, rule in enumerate(estate.found.rules)}
    named = {identity for cluster in estate.clusters.values() for identity in identities(cluster)}
    for one in found:
        number = numbers.get(one.rule)
        if number is None or one.id in named or one.cluster in estate.clusters:
            continue
        if why_not(estate.found.rules[number], one) is None:
            yield one.cluster, (one, number)


def identities(cluster: Cluster) -> tuple[str, ...]:
    """What identifies a cluster of the estate in a listing: its ARN, its id."""
    return tuple(one for one in (cluster.kafka.cluster_arn, cluster.cluster_id) if one is not None)


def _origins(file: Written, rules: Mapping[str, int], defaults: Defaults) -> Origins:
    """The entries of found clusters are written in their rules and in the defaults."""
    places = {}
    for cluster, number in rules.items():
        rule, _ = file.deepest(("found", "rules", number))
        places[cluster] = (rule.below("cluster") or rule, *defaults.places)
    return Origins(file=file, clusters=places)


_IN_FILES: dict[str, tuple[type[BaseModel], str]] = {
    "policy": (Policy, "rules:"),
    "products": (ProductSettings, "decisions:"),
    "costs": (CostSettings, "prices:"),
}
"""Parts of the estate that may have a file of their own, and what such a file begins with."""


def _read_part(
    name: str,
    model: type[T],
    expected: str,
    part: dict[str, Any],
    *,
    where: str,
    source: str,
    stamps: dict[Path, Stamp | None],
) -> T:
    """The part that is in the named file; the estate file then has nothing of that part itself."""
    named = part["file"]
    if len(part) > 1:
        raise EstateError(
            f"{where}: {name}: names a file but also has {' and '.join(sorted(set(part) - {'file'}))} itself; "
            "write all of it in one of the two"
        )
    path = Path(source).parent / named
    try:
        text = read_text(path, stamps)
    except (OSError, ValueError) as error:
        raise EstateError(
            f"{where}: {name}.file: {path} cannot be read: {error}; expected a YAML file with `{expected}`"
        ) from error
    file, data = read_mapping(text, source=str(path), expected=expected)
    if "file" in data:
        raise EstateError(f"{file.at('file')}: file: is not a field here; {_ONE_FILE[name]}")
    return validated(model, {**data, "file": str(path.absolute())}, Origins(file=file))


_ONE_FILE = {
    "policy": "a policy is one file",
    "products": "decisions are one file",
    "costs": "prices are one file",
}
