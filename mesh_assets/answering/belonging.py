"""Relationships and domains of the whole estate: derived from the newest documents, kept as results, and read for answers."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from mesh_assets.contracts.reading import known_contracts
from mesh_assets.errors import DamagedError, MeshError
from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.importing import importing, without_collector
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record, Schema, SchemaReference
from mesh_assets.inventory.wording import counted
from mesh_assets.profiling.results import of_present_topics, profile_results
from mesh_assets.relationships.domains import DomainRules, find_domains
from mesh_assets.relationships.records import Domains, Gap, Relationships, SharedValues
from mesh_assets.relationships.relating import find_relationships
from mesh_assets.relationships.shared_values import with_shared_values
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import (
    DocumentRead,
    LatestDocuments,
    ResultStore,
    holds_for,
    read_latest_documents,
)

MOST_PINNED = 500
"""Versions read from one registry, one request each: most schemas refer to the latest, which the document has."""
_KEPT = 4


ReadVersions = Callable[
    [SchemaRegistryConnection, Sequence[tuple[str, int]]], Mapping[tuple[str, int], Schema]
]


class EstateRelationships(Record, frozen=True, kw_only=True):
    """The relationships, and the documents they were derived from."""

    relationships: Relationships
    documents: tuple[DocumentRead, ...]


class EstateDomains(Record, frozen=True, kw_only=True):
    """The domains, and the documents they were derived from."""

    domains: Domains
    documents: tuple[DocumentRead, ...]


def relationship_results(store: InventoryStore) -> ResultStore[Relationships]:
    """Where the newest relationships are kept: `analysis/relationships.json`."""
    return ResultStore(store, "relationships", Relationships)


def domain_results(store: InventoryStore) -> ResultStore[Domains]:
    """Where the newest domains are kept: `analysis/domains.json`."""
    return ResultStore(store, "domains", Domains)


@without_collector()
def read_estate_relationships(
    estate: Estate, store: InventoryStore, *, read_versions: ReadVersions | None = None
) -> EstateRelationships:
    """The relationships of every cluster of the estate that was discovered.

    Versions of subjects that others refer to are read from the registry where the document lacks them; anything
    that could not be read is a gap. Raises StoreError if a document cannot be read.
    """
    latest = read_latest_documents(store, estate.clusters)
    pinned: dict[str, dict[tuple[str, int], Schema]] = {}
    gaps = list(_undiscovered(latest))
    for name, document in latest.documents.items():
        found, gap = read_pinned(estate.clusters[name], document, read_versions or _read_versions)
        pinned[name] = found
        gaps += [] if gap is None else [Gap(cluster=name, subject=None, reason=gap)]
    found_now = find_relationships(
        latest.documents.values(), synonyms=estate.relationships.synonyms, pinned=pinned
    )
    shared, damaged = _shared_values(store, latest.documents)
    found_now = with_shared_values(found_now, shared)
    gaps += (
        []
        if damaged is None
        else [Gap(cluster=name, subject=None, reason=damaged) for name in latest.documents]
    )
    relationships = Relationships(
        entities=found_now.entities,
        gaps=(*gaps, *found_now.gaps),
        subjects=found_now.subjects,
        fields=found_now.fields,
    )
    return EstateRelationships(relationships=relationships, documents=latest.read)


def _shared_values(
    store: InventoryStore, documents: Mapping[str, Document]
) -> tuple[list[SharedValues], str | None]:
    """What profiles say about the values that fields share, and why it could not be read; None: it was read."""
    try:
        kept = profile_results(store).get()
    except DamagedError as error:
        return [], f"it is not known which values fields share: {error}"
    return [
        SharedValues(
            cluster=one.cluster,
            topic=one.topic,
            path=one.path,
            other_topic=one.other_topic,
            other_path=one.other_path,
            contained=one.contained,
        )
        for one in (() if kept is None else of_present_topics(kept.result, documents).overlaps)
    ], None


@without_collector()
def read_estate_domains(estate: Estate, store: InventoryStore) -> EstateDomains:
    """The domains of every discovered cluster of the estate, with the relationships kept for the same documents, else with
    new ones. Raises StoreError if a document or the kept result cannot be read."""
    latest = read_latest_documents(store, estate.clusters)
    kept = relationship_results(store).get()
    relationships = (
        kept.result
        if kept is not None and kept.documents == latest.read
        else read_estate_relationships(estate, store).relationships
    )
    domains = find_domains(latest.documents.values(), relationships, domain_rules(estate))
    return EstateDomains(domains=domains, documents=latest.read)


def keep_estate_relationships(store: InventoryStore, found: EstateRelationships, *, made_at: datetime) -> str:
    """Keeps them as the newest; the location, for people."""
    return relationship_results(store).put(found.relationships, documents=found.documents, made_at=made_at)


def keep_estate_domains(store: InventoryStore, found: EstateDomains, *, made_at: datetime) -> str:
    """Keeps them as the newest; the location, for people."""
    return domain_results(store).put(found.domains, documents=found.documents, made_at=made_at)


def domain_rules(estate: Estate) -> DomainRules:
    """Raises ContractError if the estate's folder of contracts cannot be listed."""
    contracts = {
        one.topic if one.cluster is None else f"{one.cluster}/{one.topic}": contract.said_domain
        for contract in known_contracts(estate).contracts
        for one in contract.topics
        if contract.said_domain is not None
    }
    return DomainRules(
        patterns=estate.domains.patterns, overrides=estate.domains.overrides, contracts=contracts
    )


def read_pinned(
    cluster: Cluster, document: Document, read: ReadVersions
) -> tuple[dict[tuple[str, int], Schema], str | None]:
    """The versions that schemas of the document, and those versions themselves, refer to and the document lacks; and why
    some are missing (None: none is)."""
    known = {(schema.subject, schema.version) for schema in document.schemas}
    found: dict[tuple[str, int], Schema] = {}
    wanted = _missing(document.schemas, known)
    while wanted:
        connection = cluster.schema_registry
        if connection is None:
            return (
                found,
                f"{counted(len(wanted), 'version')} that schemas refer to: the estate configures no registry",
            )
        if len(found) + len(wanted) > MOST_PINNED:
            return (
                found,
                f"more than {MOST_PINNED} older versions that schemas refer to; the rest were not read",
            )
        try:
            new = read(connection, wanted)
        except MeshError as error:
            return (
                found,
                f"{counted(len(wanted), 'version')} that schemas refer to could not be read: {error}",
            )
        found.update(new)
        known.update(wanted)  # asked for once, even those that the registry no longer has
        wanted = _missing(new.values(), known)
    return found, None


def _missing(schemas: Iterable[Schema], known: set[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(
        {
            (reference.subject, reference.version)
            for schema in schemas
            for reference in schema.references
            if (reference.subject, reference.version) not in known
        }
    )


def _undiscovered(latest: LatestDocuments) -> list[Gap]:
    return [
        Gap(cluster=one.cluster, subject=None, reason="has not been discovered yet")
        for one in latest.read
        if one.sequence is None
    ]


def _read_versions(
    connection: SchemaRegistryConnection, wanted: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], Schema]:
    with importing:
        from mesh_assets.platforms.schema_registry import (
            SchemaRegistryClient,  # imports HTTP, needed only here
        )

    found = {}
    with SchemaRegistryClient(connection) as registry:
        for subject, version in wanted:
            read = registry.version(subject, version)
            if read is not None:
                found[subject, version] = Schema(
                    subject=read.subject,
                    version=read.version,
                    id=read.id,
                    schema_type=read.schema_type,
                    definition=read.definition,
                    references=tuple(
                        SchemaReference(name=one.name, subject=one.subject, version=one.version)
                        for one in read.references
                    ),
                )
    return found


class ClusterBelonging(Record, frozen=True, kw_only=True):
    """What is known about one cluster. `kept`: by the job `analysis`; otherwise it was derived for the answer, without
    versions that only the registry has."""

    relationships: Relationships
    domains: Domains
    kept: bool


class KnownBelonging:
    """Relationships and domains for answers: those kept for the same document, else derived once per document."""

    def __init__(self, estate: Callable[[], Estate | None], store: Callable[[], InventoryStore]) -> None:
        self._estate = estate
        self._store = store
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[str, str], ClusterBelonging] = OrderedDict()

    def of(self, document: Document, *, version: str) -> ClusterBelonging:
        """`version`: of the view, which identifies the document's state. Raises MeshError."""
        with self._lock:  # 50 clients asking at once derive it once
            found = self._current(document, version)
            if found is None:
                found = self._keep(document, version, self._new(document))
            return found

    def if_current(self, document: Document, *, version: str) -> ClusterBelonging | None:
        """None where it would have to be derived, which takes seconds for thousands of subjects. Raises StoreError."""
        with self._lock:
            return self._current(document, version)

    def _current(self, document: Document, version: str) -> ClusterBelonging | None:
        key = (document.cluster.id, version)
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        store, name = self._store(), document.cluster.name
        relationships, domains = relationship_results(store).get(), domain_results(store).get()
        if relationships is None or domains is None:
            return None
        for result in (relationships, domains):
            of = {one.cluster: one for one in result.documents}
            if not holds_for(store, of.get(name), document):
                return None
        made = _of_cluster(name, relationships.result, domains.result, kept=True)
        return self._keep(document, version, made)

    def _keep(self, document: Document, version: str, made: ClusterBelonging) -> ClusterBelonging:
        self._made[document.cluster.id, version] = made
        while len(self._made) > _KEPT:
            self._made.popitem(last=False)
        return made

    def _new(self, document: Document) -> ClusterBelonging:
        estate = self._estate()
        synonyms = {} if estate is None else estate.relationships.synonyms
        relationships = find_relationships([document], synonyms=synonyms)
        rules = DomainRules() if estate is None else domain_rules(estate)
        domains = find_domains([document], relationships, rules)
        return _of_cluster(document.cluster.name, relationships, domains, kept=False)


def _of_cluster(name: str, relationships: Relationships, domains: Domains, *, kept: bool) -> ClusterBelonging:
    return ClusterBelonging(
        relationships=Relationships(
            entities=tuple(one for one in relationships.entities if one.cluster == name),
            gaps=tuple(one for one in relationships.gaps if one.cluster == name),
            subjects=relationships.subjects,
            fields=relationships.fields,
        ),
        domains=Domains(
            domains=tuple(one for one in domains.domains if one.cluster == name),
            unassigned=tuple(one for one in domains.unassigned if one.cluster == name),
        ),
        kept=kept,
    )
