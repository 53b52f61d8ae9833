"""The series of one cluster, rebuilt only when its document, its readings or its findings have changed."""

import logging
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import datetime

from mesh_assets.errors import DamagedError, NewerFormatError, StoreError
from mesh_assets.importing import without_collector
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.masking.unexpected import sentence
from mesh_assets.service.cluster_series import add_cluster
from mesh_assets.service.exposition import Samples, and_labels, labels
from mesh_assets.service.kept_readings import NewestReading, RecentReadings
from mesh_assets.service.resource_series import add_resources
from mesh_assets.service.selection import LeftOut, Selection
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import StoredObject
from mesh_assets.store.pointers import Pointer
from mesh_assets.store.results import ResultStore

logger = logging.getLogger(__name__)

SEVERITIES = ("critical", "warning", "info")


class ClusterState(Record, frozen=True, kw_only=True):
    """`discovered_at`: when its newest document was made; None: there is none. `problem`: why it cannot be
    read. `version`: of the sources of `texts`. `texts`: the lines by family."""

    cluster: str
    cluster_id: str | None = None
    discovered_at: datetime | None = None
    problem: str | None = None
    version: tuple[object, ...] = ()
    texts: Mapping[str, bytes]


def read_cluster(
    store: InventoryStore,
    cluster: str,
    *,
    selection: Selection,
    before: ClusterState | None,
    now: datetime,
    reader: Executor,
) -> ClusterState:
    """The cluster as the store knows it; `before` itself if nothing changed. `reader`: a single thread that
    reads documents: one is in memory at a time, and replaces the last. Raises StoreError when the store
    cannot be asked, but not if only this cluster's data is missing or damaged."""
    pointer: Pointer | None = None
    try:
        cluster_id = store.cluster_id(cluster)
        latest = None if cluster_id is None else store.latest(cluster_id)
        pointer = None if latest is None else latest[0]
        if pointer is None or cluster_id is None:
            return _unread(cluster, "it was never discovered: run `mesh-assets discover`")
        readings = RecentReadings(store.objects, cluster_id, now=now)
        version = (pointer.document, readings.version)
        if before is not None and before.problem is None and before.version == version:
            return before
        texts = reader.submit(_texts, store, pointer, readings, cluster, selection).result()
    except (DamagedError, NewerFormatError) as error:
        return _unread(cluster, sentence(error), pointer)
    return ClusterState(
        cluster=cluster,
        cluster_id=cluster_id,
        discovered_at=pointer.discovery_timestamp,
        version=version,
        texts=texts,
    )


def _unread(cluster: str, problem: str, pointer: Pointer | None = None) -> ClusterState:
    samples = Samples()
    samples.add("mesh_snapshot_readable", labels(cluster=cluster), 0)
    return ClusterState(
        cluster=cluster,
        discovered_at=None if pointer is None else pointer.discovery_timestamp,
        problem=problem,
        texts=samples.texts(),
    )


def _texts(
    store: InventoryStore, pointer: Pointer, readings: RecentReadings, cluster: str, selection: Selection
) -> dict[str, bytes]:
    with without_collector():  # a great many records, all freed together
        document = store.read_document(pointer.document)
        samples, left = Samples(), LeftOut(selection)
        newest = _newest(readings, cluster)
        if newest is not None:
            samples.add("mesh_reading_timestamp_seconds", labels(cluster=cluster), newest.read_at)
        newer = _if_newer(newest, document)
        add_resources(samples, document, cluster=cluster, newest=newer, left=left)
        add_cluster(samples, document, cluster=cluster, newest=newer, left=left)
        del document  # 30 MB for 9,000 topics
        return samples.texts()


def _newest(readings: RecentReadings, cluster: str) -> NewestReading | None:
    try:
        return readings.newest()
    except StoreError as error:
        logger.warning("%s: no kept reading is used: %s", cluster, sentence(error))
        return None


def _if_newer(newest: NewestReading | None, document: Document) -> NewestReading | None:
    read_at = document.state("consumer_groups").collected_at
    return newest if newest is not None and (read_at is None or newest.read_at > read_at) else None


# --- findings, which the job `analysis` keeps for the whole estate


class CountedFinding(Record, frozen=True, kw_only=True):
    kind: str
    severity: str
    muted: str | None = None


class CountedCluster(Record, frozen=True, kw_only=True):
    cluster: str
    cluster_id: str
    judged_at: datetime
    findings: tuple[CountedFinding, ...]


class CountedFindings(Record, frozen=True, kw_only=True):
    """The part of `analysis/findings.json` that is counted; the rest, most of it, is skipped."""

    clusters: tuple[CountedCluster, ...]


class KnownFindings:
    """What was found in each cluster, as lines by family; read again only after it was rewritten."""

    def __init__(self) -> None:
        self._stored: StoredObject | None = None
        self._texts: dict[tuple[str, str], dict[str, bytes]] = {}

    def refresh(self, store: InventoryStore) -> None:
        """Raises StoreError when the store cannot be asked. Damaged findings count as unknown."""
        results = ResultStore(store, "findings", CountedFindings)
        stored = results.listed()
        if stored == self._stored:
            return
        try:
            kept = results.get()
        except (DamagedError, NewerFormatError) as error:
            logger.warning("findings are not known: %s", sentence(error))
            kept = None
        clusters = () if kept is None else kept.result.clusters
        self._texts = {(one.cluster, one.cluster_id): _finding_texts(one) for one in clusters}
        self._stored = stored

    def of(self, state: ClusterState) -> Mapping[str, bytes]:
        return self._texts.get((state.cluster, state.cluster_id or ""), {})


def _finding_texts(judged: CountedCluster) -> dict[str, bytes]:
    samples, own = Samples(), labels(cluster=judged.cluster)
    shown = [one for one in judged.findings if one.muted is None]
    severities = Counter(one.severity for one in shown)
    for severity in SEVERITIES:
        samples.add("mesh_findings", and_labels(own, severity=severity), severities[severity])
    for (kind, severity), count in sorted(Counter((one.kind, one.severity) for one in shown).items()):
        samples.add("mesh_findings_by_kind", and_labels(own, kind=kind, severity=severity), count)
    samples.add("mesh_findings_muted", own, len(judged.findings) - len(shown))
    samples.add("mesh_findings_judged_timestamp_seconds", own, judged.judged_at)
    return samples.texts()
