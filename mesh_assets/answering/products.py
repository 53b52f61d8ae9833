"""Data products and costs of the whole estate: derived from the newest documents and the other analyses' results, kept as
results, and read for answers, exports and the report."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.analysis.schema_fields import schema_properties
from mesh_assets.answering.belonging import (
    domain_results,
    domain_rules,
    read_estate_relationships,
    relationship_results,
)
from mesh_assets.answering.estate_lineage import FROM_DOCUMENTS_ALONE, addresses, lineage_results
from mesh_assets.answering.known_products import (
    EstateProducts,
    cost_results,
    product_results,
    settings_digest,
)
from mesh_assets.costs.sharing import share_costs
from mesh_assets.errors import DamagedError
from mesh_assets.estate.model import Estate
from mesh_assets.findings.finding import Finding
from mesh_assets.findings.history import findings_results
from mesh_assets.findings.judge import judge
from mesh_assets.findings.reading import read_case
from mesh_assets.findings.samples import read_samples
from mesh_assets.importing import importing, without_collector
from mesh_assets.inventory.document import Document
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.products.finding import Ground, make_products, place_topics
from mesh_assets.products.flows import flows_of
from mesh_assets.products.quality import Evidence
from mesh_assets.products.records import DataProducts, TopicPlace
from mesh_assets.profiling.records import TopicProfile
from mesh_assets.profiling.results import of_present_topics, profile_results
from mesh_assets.relationships.domains import find_domains
from mesh_assets.relationships.records import Domains, Relationships
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import (
    LatestDocuments,
    ResultStore,
    holds_for,
    read_latest_documents,
)


def known_estate_products(estate: Estate, store: InventoryStore, *, now: datetime) -> EstateProducts:
    """Like `kept_estate_products`; derived again where there are none. Raises StoreError if a document or a result cannot be
    read."""
    return kept_estate_products(estate, store) or read_estate_products(estate, store, now=now)


def kept_estate_products(estate: Estate, store: InventoryStore) -> EstateProducts | None:
    """Those that the job `analysis` kept, with a note where they come from older documents. None: it has not run, or the
    estate's decisions or prices have changed since.

    Raises StoreError if a document or a result cannot be read.
    """
    products, costs = product_results(store).get(), cost_results(store).get()
    if products is None or costs is None or products.result.settings != settings_digest(estate):
        return None
    of = {one.cluster: one for one in products.documents}
    latest = read_latest_documents(store, estate.clusters)
    notes = [
        f"data products and costs of {name} come from an earlier document: the job `analysis` has not run on the newest yet"
        for name, document in latest.documents.items()
        if not holds_for(store, of.get(name), document)
    ]
    return EstateProducts(
        products=products.result, costs=costs.result, documents=products.documents, notes=tuple(notes)
    )


@without_collector()
def read_estate_products(estate: Estate, store: InventoryStore, *, now: datetime) -> EstateProducts:
    """The products of every discovered cluster of the estate, derived again. The results that other analyses kept for the
    same documents are taken as they are; the rest is derived from the documents, with a note where that says less.

    Raises StoreError if a document or a kept result cannot be read.
    """
    latest = read_latest_documents(store, estate.clusters)
    notes = [
        f"cluster {one.cluster} has not been discovered yet" for one in latest.read if one.sequence is None
    ]
    documents = latest.documents
    graph = _lineage(estate, store, latest, notes)
    relationships, domains = _belonging(estate, store, latest)
    ground = Ground(
        documents=documents,
        flows=flows_of(graph),
        domains=domains,
        relationships=relationships,
        owners=dict(_owners(documents.values())),
        evidence=Evidence(
            documents=documents,
            findings=_findings(estate, store, latest),
            profiles=_profiles(store, documents, notes),
            gaps=_gaps(store, documents, notes),
        ),
    )
    before = _before(store, notes)
    placed = place_topics(ground, estate.products, estate.policy, before=before, now=now)
    costs = share_costs(
        documents.values(),
        graph,
        estate.costs,
        domains={
            (domain.cluster, one.topic): domain.name for domain in domains.domains for one in domain.topics
        },
        products=placed.product_of,
    )
    of_products = {row.name: row for row in costs.rows_of("product")}
    products = make_products(ground, placed, estate.policy, of_products, before=before)
    products = replace(products, settings=settings_digest(estate))
    return EstateProducts(products=products, costs=costs, documents=latest.read, notes=tuple(notes))


def _lineage(
    estate: Estate, store: InventoryStore, latest: LatestDocuments, notes: list[str]
) -> LineageGraph:
    kept = lineage_results(store).get()
    if kept is not None and kept.documents == latest.read:
        return kept.result
    if latest.documents:
        notes.append(FROM_DOCUMENTS_ALONE)
    return estate_graph(
        ClusterFacts(document=document, bootstrap_servers=addresses(estate.clusters[name]))
        for name, document in latest.documents.items()
    )


def _belonging(
    estate: Estate, store: InventoryStore, latest: LatestDocuments
) -> tuple[Relationships, Domains]:
    kept, together = relationship_results(store).get(), domain_results(store).get()
    relationships = (
        kept.result
        if kept is not None and kept.documents == latest.read
        else read_estate_relationships(estate, store).relationships
    )
    if together is not None and together.documents == latest.read:
        return relationships, together.result
    return relationships, find_domains(latest.documents.values(), relationships, domain_rules(estate))


def _findings(
    estate: Estate, store: InventoryStore, latest: LatestDocuments
) -> dict[TopicPlace, list[Finding]]:
    """Those about topics, without muted ones."""
    kept = findings_results(store).get()
    known = {} if kept is None else {one.cluster: one.findings for one in kept.result.clusters}
    read = {} if kept is None else {one.cluster: one for one in kept.documents}
    now = {one.cluster: one for one in latest.read}
    samples = read_samples(store)
    found: dict[TopicPlace, list[Finding]] = {}
    for name, document in latest.documents.items():
        current = name in known and read.get(name) == now[name]
        findings = (
            known[name]
            if current
            else judge(read_case(document, store=store, estate=estate, samples=samples))
        )
        for one in findings:
            if one.resource_type == "topic" and one.muted is None:
                found.setdefault(TopicPlace(cluster=name, topic=one.resource), []).append(one)
    return found


def _profiles(
    store: InventoryStore, documents: Mapping[str, Document], notes: list[str]
) -> dict[TopicPlace, TopicProfile]:
    try:
        kept = profile_results(store).get()
    except DamagedError as error:  # the next run of the job `profiling` replaces it
        notes.append(f"profiles are not taken into account: {error}")
        return {}
    profiles = () if kept is None else of_present_topics(kept.result, documents).profiles
    return {TopicPlace(cluster=one.cluster, topic=one.topic): one for one in profiles}


def _gaps(
    store: InventoryStore, documents: Mapping[str, Document], notes: list[str]
) -> dict[TopicPlace, float]:
    if not store.objects.list("analysis/usual_gaps.json"):
        return {}
    with importing:  # they import a Kafka client, which reading products does not need
        from mesh_assets.readings.reading import resource_of
        from mesh_assets.readings.usual_gaps import EstateGaps

    try:
        kept = ResultStore(store, "usual_gaps", EstateGaps).get()
    except DamagedError as error:  # the next run replaces it
        notes.append(f"how long topics usually wait is not taken into account: {error}")
        return {}
    if kept is None:
        return {}
    clusters = kept.result.clusters
    return {
        TopicPlace(cluster=name, topic=resource_of(series)): gap.longest_seconds
        for name, document in documents.items()
        for series, gap in clusters.get(document.cluster.id, {}).items()
    }


def _before(store: InventoryStore, notes: list[str]) -> DataProducts | None:
    try:
        kept = product_results(store).get()
    except DamagedError as error:
        notes.append(
            f"products were identified from scratch, and accepted ones have lost the topics that nobody named: {error}"
        )
        return None
    return None if kept is None else kept.result


def _owners(documents: Iterable[Document]) -> Iterator[tuple[TopicPlace, str]]:
    """Whom the schemas of a topic's values name as owner, in the registry or, failing that, in their own text."""
    for document in documents:
        schemas = {one.subject: one for one in document.schemas}
        for topic in document.topics:
            for subject in (*topic.schema.value_subjects, *topic.schema.record_subjects):
                schema = schemas.get(subject)
                if schema is None:
                    continue
                said = schema_properties(schema.schema_type, schema.definition)
                if schema.contract is not None:
                    hidden = schema.contract.sensitive
                    said |= {
                        key: text for key, text in schema.contract.properties.items() if key not in hidden
                    }
                owner = next((text for key, text in said.items() if key.casefold() == "owner" and text), None)
                if owner is not None:
                    yield TopicPlace(cluster=document.cluster.name, topic=topic.name), owner.strip()
                    break
