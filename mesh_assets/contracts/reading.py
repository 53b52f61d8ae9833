"""Existing contracts, whoever wrote them: who owns what, in which domain, and which rules hold."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mesh_assets.contracts.folder import GENERATED, contract_files, load
from mesh_assets.contracts.properties import contract_fields
from mesh_assets.contracts.quality import rules_of
from mesh_assets.contracts.records import ContractTopic, KnownContract, ServiceLevel
from mesh_assets.errors import ContractError
from mesh_assets.estate.model import Estate
from mesh_assets.expectations.judging import Rule
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import one_line

_LONGEST_NAME = 200


class KnownContracts(Record, frozen=True, kw_only=True):
    """The contracts in a folder, by file name. `problems`: a sentence for each file that is not a contract or repeats an
    id."""

    contracts: tuple[KnownContract, ...] = ()
    problems: tuple[str, ...] = ()

    def contract(self, id: str) -> KnownContract | None:  # noqa: A002 - the record's own word
        return next((one for one in self.contracts if one.id == id), None)

    def of_topic(self, cluster: str, topic: str) -> Iterator[tuple[KnownContract, ContractTopic]]:
        """The contracts that have the topic, for this cluster or without naming one."""
        for contract in self.contracts:
            for one in contract.topics:
                if one.topic == topic and one.cluster in (cluster, None):
                    yield contract, one

    def owner_of(self, cluster: str, topic: str) -> str | None:
        """The owner that a person names in a contract of the topic; this wins over guesses."""
        said = (one.said_owner for one, _ in self.of_topic(cluster, topic))
        return next((owner for owner in said if owner is not None), None)

    def domain_of(self, cluster: str, topic: str) -> str | None:
        said = (one.said_domain for one, _ in self.of_topic(cluster, topic))
        return next((domain for domain in said if domain is not None), None)

    def rules_of(self, cluster: str, topic: str) -> tuple[Rule, ...]:
        return tuple(rule for _, one in self.of_topic(cluster, topic) for rule in one.rules)


def read_contracts(folder: Path | None, clusters: Sequence[str]) -> KnownContracts:
    """Those in the folder (`*.odcs.yaml`); None: the estate names no folder. `clusters`: the names of the estate's. Each
    file that cannot be read is one of `problems`. Raises ContractError if the folder cannot be listed."""
    contracts: list[KnownContract] = []
    problems: list[str] = []
    ids: dict[str, str] = {}
    for path in contract_files(folder) if folder is not None else ():
        try:
            one = _read(path, clusters)
            before = path.parent / GENERATED / path.name
            if before.exists():
                untouched = (
                    before.read_bytes() == path.read_bytes()
                )  # most files are, and parsing takes a second
                base = one if untouched else _read(before, clusters)
                one = replace(one, generated_owner=base.owner, generated_domain=base.domain)
        except ContractError as error:
            problems.append(str(error))
            continue
        except OSError as error:
            problems.append(f"{error.filename} cannot be read: {error.strerror}")
            continue
        if one.id in ids:
            problems.append(
                f"{path}: has the id {one.id} of {ids[one.id]}; give each contract an id of its own"
            )
            continue
        ids[one.id] = str(path)
        contracts.append(one)
    return KnownContracts(contracts=tuple(contracts), problems=tuple(problems))


def _read(path: Path, clusters: Sequence[str]) -> KnownContract:
    try:
        status = path.stat()
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error}") from error
    return _parsed(path, tuple(clusters), (status.st_ino, status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=4_096)
def _parsed(
    path: Path,
    clusters: tuple[str, ...],
    state: tuple[int, int, int],  # noqa: ARG001 - of the file, so that it is parsed anew once it is another
) -> KnownContract:
    """Parsing takes a second, and each question about owners needs all contracts."""
    return read_contract(load(path), str(path), clusters)


def contracts_folder(estate: Estate) -> Path | None:
    """Where the estate keeps its contracts; None: it does not say."""
    return None if estate.contracts.folder is None else Path(estate.contracts.folder)


def known_contracts(estate: Estate, folder: Path | None = None) -> KnownContracts:
    """The contracts in that folder, else in the estate's: the owners and domains that people name in them win over guesses,
    and their rules are judged. Raises ContractError if the folder cannot be listed; a file that is not a contract is among
    `problems`."""
    return read_contracts(folder or contracts_folder(estate), tuple(estate.clusters))


def read_contract(read: Mapping[str, Any], file: str, clusters: Sequence[str]) -> KnownContract:
    """Raises ContractError, which says what is missing and what was expected."""
    if read.get("kind") != "DataContract" or not str(read.get("apiVersion", "")).startswith("v3."):
        raise ContractError(
            f"{file}: is apiVersion {read.get('apiVersion')}, kind {read.get('kind')}; expected kind: DataContract of ODCS, "
            "apiVersion: v3.0.0 or newer"
        )
    id_, version = read.get("id"), read.get("version")
    if not isinstance(id_, str) or not id_:
        raise ContractError(f"{file}: id: expected the contract's machine-readable name, found {id_!r}")
    schema = read.get("schema") or []
    if not isinstance(schema, list) or not all(isinstance(one, Mapping) for one in schema):
        raise ContractError(f"{file}: schema: expected a list of topics, each with a name")
    notes: list[str] = []
    only = _only_cluster(read, clusters)
    topics = tuple(_topic(one, id_, only, clusters, file, notes) for one in schema)
    return KnownContract(
        id=id_,
        name=_name(read.get("name")),
        file=file,
        version=str(version or ""),
        status=_name(read.get("status")),
        domain=_name(read.get("domain")),
        owner=_owner(read.get("team")),
        topics=topics,
        levels=tuple(_levels(read.get("slaProperties"))),
        notes=tuple(notes),
    )


def _name(value: Any) -> str | None:
    return one_line(value, most=_LONGEST_NAME) or None if isinstance(value, str) else None


def _owner(team: Any) -> str | None:
    """The team's name, else the member that is its owner. Before v3.1, a team is a list of its members."""
    members = team
    if isinstance(team, Mapping):
        if _name(team.get("name")) is not None:
            return _name(team["name"])
        members = team.get("members")
    for one in members if isinstance(members, list) else ():
        if isinstance(one, Mapping) and "owner" in str(one.get("role", "")).casefold():
            return _name(one.get("username")) or _name(one.get("name"))
    return None


def _only_cluster(read: Mapping[str, Any], clusters: Sequence[str]) -> str | None:
    """The cluster of a contract whose servers name one of the estate's."""
    servers = read.get("servers")
    named = {
        one.get("server")
        for one in (servers if isinstance(servers, list) else ())
        if isinstance(one, Mapping) and one.get("type") == "kafka"
    }
    known = [name for name in clusters if name in named]
    return known[0] if len(known) == 1 else None


def _topic(
    one: Mapping[str, Any],
    contract: str,
    only: str | None,
    clusters: Sequence[str],
    file: str,
    notes: list[str],
) -> ContractTopic:
    name = one.get("name")
    if not isinstance(name, str) or not name:
        raise ContractError(f"{file}: schema: one of its entries has no name")
    several = one.get("customProperties")
    custom = {
        entry["property"]: entry.get("value")
        for entry in (several if isinstance(several, list) else ())
        if isinstance(entry, Mapping) and isinstance(entry.get("property"), str)
    }
    physical = one.get("physicalName")
    partitions, cluster = custom.get("partitions"), custom.get("cluster")
    where = f"schema.{name}"
    return ContractTopic(
        name=name,
        topic=physical if isinstance(physical, str) and physical else name,
        cluster=cluster if cluster in clusters else only,
        fields=dict(contract_fields(one.get("properties"))),
        partitions=partitions if isinstance(partitions, int) and not isinstance(partitions, bool) else None,
        rules=_told_apart(tuple(_rules(one, contract, where, notes))),
    )


def _told_apart(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Rules for several fields often share a name, such as `not_null`, but results are kept by name."""
    counts = Counter(rule.name for rule in rules)
    qualified = [
        rule if counts[rule.name] == 1 else rule._replace(name=f"{rule.name}_{rule.rule.path or 'topic'}")
        for rule in rules
    ]
    seen: Counter[str] = Counter()
    found = []
    for rule in qualified:
        seen[rule.name] += 1
        number = seen[rule.name]
        found.append(rule if number == 1 else rule._replace(name=f"{rule.name}_{number}"))
    return tuple(found)


def _rules(one: Mapping[str, Any], contract: str, where: str, notes: list[str]) -> Iterator[Rule]:
    yield from rules_of(one.get("quality"), path=None, origin=contract, notes=notes, place=where)
    yield from _rules_below(one.get("properties"), "", contract, where, notes)


def _rules_below(properties: Any, above: str, contract: str, where: str, notes: list[str]) -> Iterator[Rule]:
    for one in properties if isinstance(properties, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("name"), str):
            path = f"{above}{one['name']}"
            place = f"{where}.properties.{path}"
            yield from rules_of(one.get("quality"), path=path, origin=contract, notes=notes, place=place)
            yield from _rules_below(one.get("properties"), f"{path}.", contract, where, notes)


def _levels(entries: Any) -> Iterator[ServiceLevel]:
    for one in entries if isinstance(entries, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("property"), str):
            elements = str(one.get("element") or "").split(",")
            yield ServiceLevel(
                property=one["property"].casefold(),
                value=one.get("value"),
                unit=one.get("unit") if isinstance(one.get("unit"), str) else None,
                elements=tuple(part.strip().partition(".")[0] for part in elements if part.strip()),
            )
