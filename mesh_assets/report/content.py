"""The report's content, from the store alone: documents, lineage, findings, domains, relationships, changes,
and which of these are missing or old."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from mesh_assets.analysis.change_history import History, read_history
from mesh_assets.answering.belonging import domain_results, domain_rules, relationship_results
from mesh_assets.answering.known_products import EstateProducts
from mesh_assets.answering.mesh import Mesh, read_mesh
from mesh_assets.answering.products import kept_estate_products
from mesh_assets.errors import DamagedError
from mesh_assets.estate.model import Estate
from mesh_assets.findings.finding import SEVERITIES, Finding
from mesh_assets.findings.history import findings_results, with_since
from mesh_assets.findings.judge import judge
from mesh_assets.findings.reading import read_case
from mesh_assets.findings.samples import read_samples
from mesh_assets.importing import without_collector
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import counted, duration
from mesh_assets.profiling.records import DataQuality
from mesh_assets.profiling.results import of_present_topics, profile_results
from mesh_assets.relationships.domains import find_domains
from mesh_assets.relationships.records import Domains, Relationships
from mesh_assets.relationships.relating import find_relationships
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import DocumentRead, ResultStore, StoredResult

DAYS = 7.0
"""How far back changes go unless somebody asks otherwise."""
_OLD = timedelta(days=1)
T = TypeVar("T")


class Report(Record, frozen=True, kw_only=True):
    """Everything the page shows. `findings`: worst first, over all clusters, including muted ones. `changes`:
    by cluster, those since `since`. `notes`: what is missing or old, one sentence each. `quality` None: no
    topic was profiled."""

    made_at: datetime
    since: datetime
    mesh: Mesh
    findings: tuple[Finding, ...]
    relationships: Relationships
    domains: Domains
    products: EstateProducts | None
    changes: Mapping[str, History]
    notes: tuple[str, ...]
    quality: DataQuality | None = None


@without_collector()
def read_report(
    estate: Estate,
    store: InventoryStore,
    clusters: Sequence[str] = (),
    *,
    made_at: datetime,
    days: float = DAYS,
) -> Report:
    """The report on these clusters of the estate; none named: on all.

    What the job `analysis` kept about the newest documents is used as it is; the rest is recomputed, with a
    note where that shows less. Raises EstateError for a name that the estate does not have, and StoreError if
    a document or a result cannot be read, or none of the clusters was discovered.
    """
    mesh = read_mesh(estate, store, clusters)
    notes = list(_age_notes(mesh.documents, made_at))
    findings, without_since = _findings(estate, store, mesh.documents, notes)
    if without_since:
        notes.append(
            "how long findings have existed is not known where the job `analysis` has not seen them yet"
        )
    profiles = _kept(profile_results(store), notes, "profiles")
    relationships, domains, made_anew = _belonging(estate, store, mesh.documents, notes)
    if made_anew:
        notes.append(
            "relationships and domains leave out older versions that schemas refer to: "
            "the job `analysis` has not run on these documents yet"
        )
    products = _products(estate, store, notes, told=mesh.notes)
    # About a section that is not current, lineage and relationships repeat what the report says about the
    # section itself.
    told = {state.error for one in mesh.documents.values() for state in one.sections.values() if state.error}
    gaps = [f"{gap.cluster}: {gap.reason}" for gap in relationships.gaps if gap.subject is None]
    notes += [
        note for note in dict.fromkeys((*mesh.notes, *gaps)) if not any(error in note for error in told)
    ]
    since = made_at - timedelta(days=days)
    changes = {
        name: read_history(
            store, document.cluster.id, since=since, until=max(made_at, document.discovery_timestamp)
        )
        for name, document in mesh.documents.items()
    }
    return Report(
        made_at=made_at,
        since=since,
        mesh=mesh,
        findings=findings,
        relationships=relationships,
        domains=domains,
        products=products,
        changes=changes,
        notes=(*notes, *_history_notes(changes, since)),
        quality=None if profiles is None else of_present_topics(profiles.result, mesh.documents),
    )


def told_of(finding: Finding) -> str:
    """What is wrong, without the name, which the page shows next to it."""
    return finding.sentence.removeprefix(f"{finding.resource}: ")


def _age_notes(documents: Mapping[str, Document], made_at: datetime) -> Iterator[str]:
    for name, document in documents.items():
        age = made_at - document.discovery_timestamp
        if age >= _OLD:
            yield f"{name} was last discovered {duration(age.total_seconds())} before this page was made"
        for section, state in document.sections.items():
            if state.status == "stale":
                of = (
                    "was never read"
                    if state.collected_at is None
                    else f"is of {state.collected_at:%Y-%m-%d %H:%M} UTC"
                )
                yield f"{name}: section {section} {of}: {state.error or 'no reason is known'}"
            elif state.status == "fresh" and state.error is not None:
                yield f"{name}: section {section} is incomplete: {state.error}"


def _findings(
    estate: Estate, store: InventoryStore, documents: Mapping[str, Document], notes: list[str]
) -> tuple[tuple[Finding, ...], bool]:
    """All findings, and whether it is unknown for some how long they have existed."""
    results = findings_results(store)
    kept = _kept(results, notes, "how long findings have existed")
    known = {one.cluster_id: one for one in kept.result.clusters} if kept else {}
    read = _read(kept.documents if kept else ())
    samples = read_samples(store)
    notes += samples.unread
    newer = kept is not None and samples.judged_at is not None and samples.judged_at > kept.made_at
    found: list[Finding] = []
    for document in documents.values():
        before = known.get(document.cluster.id)
        if before is not None and not newer and (document.cluster.id, document.sequence) in read:
            found += before.findings
            continue
        since = {one.id: one.since for one in before.findings if one.since} if before else {}
        case = read_case(document, store=store, estate=estate, samples=samples)
        found += with_since(judge(case), since, otherwise=None)
    found.sort(
        key=lambda one: SEVERITIES.index(one.severity)
    )  # within each severity, in their order by kind and name
    return tuple(found), any(one.since is None for one in found)


def _belonging(
    estate: Estate, store: InventoryStore, documents: Mapping[str, Document], notes: list[str]
) -> tuple[Relationships, Domains, bool]:
    """What belongs together in these clusters, and whether it was recomputed."""
    wanted = {(document.cluster.id, document.sequence) for document in documents.values()}
    relationships = _kept(relationship_results(store), notes, "relationships")
    domains = _kept(domain_results(store), notes, "domains")
    if (
        relationships is None
        or domains is None
        or not wanted <= _read(relationships.documents) & _read(domains.documents)
    ):
        found = find_relationships(documents.values(), synonyms=estate.relationships.synonyms)
        return found, find_domains(documents.values(), found, domain_rules(estate)), True
    kept, together = relationships.result, domains.result
    return (
        Relationships(
            entities=tuple(one for one in kept.entities if one.cluster in documents),
            gaps=tuple(one for one in kept.gaps if one.cluster in documents),
            subjects=kept.subjects,
            fields=kept.fields,
        ),
        Domains(
            domains=tuple(one for one in together.domains if one.cluster in documents),
            unassigned=tuple(one for one in together.unassigned if one.cluster in documents),
        ),
        False,
    )


def _products(
    estate: Estate, store: InventoryStore, notes: list[str], *, told: Sequence[str]
) -> EstateProducts | None:
    """Those of the whole estate: shares refer to it, whichever clusters the page shows. We do not make them
    for a page, since that takes seconds and parses joins. None if none are kept, which a note says."""
    try:
        found = kept_estate_products(estate, store)
    except DamagedError as error:
        notes.append(f"data products and costs that the job `analysis` kept cannot be read: {error}")
        return None
    if found is None:
        notes.append(
            "data products and costs are not known: the job `analysis` has not run with this estate file yet; "
            "`mesh-assets export products` makes them"
        )
        return None
    notes += [note for note in (*found.notes, *found.products.notes) if note not in told]
    return found


def _kept(results: ResultStore[T], notes: list[str], what: str) -> StoredResult[T] | None:
    """A damaged result can be recomputed, so it does not prevent the report."""
    try:
        return results.get()
    except DamagedError as error:
        notes.append(f"{what} that the last run kept cannot be read: {error}")
        return None


def _read(documents: Iterable[DocumentRead]) -> set[tuple[str, int]]:
    return {
        (one.cluster_id, one.sequence)
        for one in documents
        if one.cluster_id is not None and one.sequence is not None
    }


def _history_notes(changes: Mapping[str, History], since: datetime) -> Iterator[str]:
    for name, history in changes.items():
        if history.documents < 2:
            yield f"{name}: changes are not known, since the store has only one document to compare"
        elif history.first is not None and history.first > since:
            yield f"{name}: changes before {history.first:%Y-%m-%d %H:%M} UTC are not known: the oldest document is from then"
        if history.net:
            yield (
                f"{name}: of {counted(history.documents, 'document')} only the first and the last were compared; "
                "changes that came and went are missing"
            )
