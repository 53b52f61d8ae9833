"""The two steps of a discovery, and both as one call."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.discovering.under_way import under_way
from mesh_assets.discovering.unreported import Unreported, keep_unreported, unreported_of
from mesh_assets.errors import MeshError, StoreError
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.changes import Change, Trigger
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SECTION_NAMES, Beginning, Section, SectionName
from mesh_assets.masking.unexpected import sentence, unexpected
from mesh_assets.readings.ends import KeptEnds
from mesh_assets.sensing.handover import begin_collection
from mesh_assets.snapshot.ahead import PublisherAhead
from mesh_assets.snapshot.discovery import pack_superseded, publish_discovery, refuse_returning_id
from mesh_assets.snapshot.lock import host_clock
from mesh_assets.snapshot.notifications import notify
from mesh_assets.snapshot.reader import newest_sequence
from mesh_assets.snapshot.report import OUTSIDE, DiscoveryReport
from mesh_assets.store.fingerprints import fingerprint_key
from mesh_assets.store.inventories import InventoryStore

logger = logging.getLogger(__name__)


def collect_cluster(
    estate: Estate,
    name: str,
    wanted: Sequence[SectionName],
    *,
    store: InventoryStore,
    ahead: PublisherAhead | None = None,
) -> dict[SectionName, Section]:
    """The `wanted` sections of the cluster `name`, read at the same time; where a source fails, the last good section.

    `ahead`: begins to get ready once the brokers have said which cluster they are, and which topics they have.

    Raises MeshError when the estate has no such cluster, and as `collect_sections` does: PlatformError when Kafka itself
    cannot be read, EstateError, StoreError; with `ahead`, also ConflictError where publishing would be refused.
    """
    if name not in estate.clusters:
        raise MeshError(
            f"the estate has no cluster {name!r} (it has: {', '.join(estate.clusters)}); after changing the estate file, "
            "reload Dagster's definitions"
        )

    reading: Future[Document | None]

    def begin(cluster_id: str) -> Beginning:
        nonlocal reading
        beginning = begin_collection(
            store,
            name,
            cluster_id,
            newest_in_topic=lambda: newest_sequence(estate, name, cluster_id=cluster_id),
            clock=host_clock(),
        )
        reading = beside.submit(store.latest_document, cluster_id, again=True)
        return beginning

    def previous(cluster_id: str) -> Document | None:
        if ahead is not None:
            refuse_returning_id(name, cluster_id, store)
            ahead.begin(cluster_id)
        return reading.result()

    # Beside the first request, which large clusters take a while to answer.
    with ThreadPoolExecutor(1, thread_name_prefix=f"previous-{name}") as beside:
        return collect_sections(
            estate.clusters[name],
            wanted,
            previous=previous,
            history=lambda cluster_id: KeptEnds(store.objects, cluster_id),
            begin=begin,
            fingerprint_key=lambda: fingerprint_key(store.objects),
        )


def publish_cluster(
    estate: Estate,
    name: str,
    collected: Mapping[SectionName, Section],
    *,
    store: InventoryStore,
    run_id: str,
    trigger: Trigger,
    from_inbox: bool = False,
) -> tuple[DiscoveryReport, tuple[Change, ...]]:
    """Publishes what was collected as the next snapshot, writes the tables and sends notifications of severe changes. Raises
    as `publish_discovery` does."""
    report, changes, superseded = publish_discovery(
        estate,
        name,
        collected,
        store=store,
        run_id=run_id,
        trigger=trigger,
        from_inbox=from_inbox,
    )
    notify(estate, report, changes)
    pack_superseded(store, name, superseded)
    return report, changes


def discover_cluster(
    estate: Estate, name: str, *, store: InventoryStore, trigger: Trigger
) -> DiscoveryReport:
    """Reads the cluster and publishes it without a Dagster run: its own id replaces the run's, and what Dagster's UI is to
    show is kept for it, even of a failure.

    Raises as `collect_cluster` and `publish_cluster` do; then nothing was published, or the next discovery completes it, or
    only the previous document could not be packed.
    """
    run_id = f"{OUTSIDE}{uuid.uuid4()}"
    try:
        with (
            under_way(store.objects, name, run_id),
            PublisherAhead(estate, name, store=store) as ahead,
        ):
            collected = collect_cluster(estate, name, SECTION_NAMES, store=store, ahead=ahead)
            report, changes, superseded = publish_discovery(
                estate, name, collected, store=store, run_id=run_id, trigger=trigger, ahead=ahead
            )
            notify(estate, report, changes)
            _tell(report, tuple(collected.values()), changes, store=store)
            del collected, changes  # or they would be in memory beside two documents as JSON
            pack_superseded(store, name, superseded)
    except Exception as error:  # at the edge, as where Dagster calls: one cluster must not end the rest
        failure = error if isinstance(error, MeshError) else unexpected(error)
    else:
        return report
    failed = Unreported(
        cluster=name,
        run_id=run_id,
        moment=datetime.now(UTC),
        trigger=str(trigger),
        failure=sentence(failure),
    )
    with suppress(StoreError):  # the failure itself matters more, and may be the store's
        keep_unreported(store.objects, failed)
    raise failure


def _tell(
    report: DiscoveryReport,
    sections: Sequence[Section],
    changes: Sequence[Change],
    *,
    store: InventoryStore,
) -> None:
    """Keeps for Dagster what was published. It stays published even if that fails."""
    try:
        keep_unreported(store.objects, unreported_of(report, sections, changes))
    except StoreError as error:
        logger.warning(
            "%s: snapshot %d is published, but Dagster will not show it: %s",
            report.cluster,
            report.sequence,
            sentence(error),
        )
