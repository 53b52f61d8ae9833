"""The second half of a discovery: from collected sections to the next snapshot, its changes and the report."""

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from mesh_assets.collecting.live import environment_of
from mesh_assets.errors import MeshError
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.changes import Change, Trigger
from mesh_assets.inventory.document import ClusterIdentity, Document
from mesh_assets.inventory.join import join_sections
from mesh_assets.inventory.sections import (
    Section,
    SectionName,
)
from mesh_assets.sensing.handover import inboxes_of, noted_before, take_triggers
from mesh_assets.snapshot.commit import publish_snapshot
from mesh_assets.snapshot.publisher import open_publisher
from mesh_assets.snapshot.report import DiscoveryReport, report_of
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.tables import write_tables

logger = logging.getLogger(__name__)


def publish_discovery(
    estate: Estate,
    name: str,
    collected: Mapping[SectionName, Section],
    *,
    store: InventoryStore,
    run_id: str,
    trigger: Trigger,
    from_inbox: bool = False,
) -> tuple[DiscoveryReport, tuple[Change, ...]]:
    """Joins, compares and publishes what was collected of the cluster `name`, then derives the tables; the
    report, and the changes.

    `trigger` is the run's own. The snapshot names it together with every trigger that waited in the inbox
    when the collection began; exactly these are removed once the snapshot is published. `from_inbox`: the run's own
    trigger is a copy of one of them.

    Raises ConflictError when another run holds the cluster, PublishError when an event cannot be published
    (the next run publishes it again), StoreError when the store fails, EstateError when a secret cannot be
    resolved.
    """
    cluster = estate.clusters[name]
    cluster_id = _common_cluster_id(name, collected)
    start = time.monotonic()
    inbox = Inbox(store.objects)
    inboxes = {one: inbox.waiting(one) for one in inboxes_of(store, name, cluster_id)}
    waiting = [one for found in inboxes.values() for one in found]
    taken = take_triggers(waiting, trigger, from_inbox=from_inbox, noted=noted_before(collected))

    def assemble(previous: Document | None, sequence: int) -> Document:
        return join_sections(
            collected,
            previous=previous,
            environment=environment_of(cluster),
            cluster=ClusterIdentity(id=cluster_id, name=name),
            now=datetime.now(UTC),
            sequence=sequence,
            run_id=run_id,
        )

    with open_publisher(estate, name) as publisher:
        published = publish_snapshot(
            store=store,
            cluster=name,
            cluster_id=cluster_id,
            run_id=run_id,
            assemble=assemble,
            triggers=taken.triggers,
            taken=taken.ids,
            publisher=publisher,
            progress=logger.info,
        )
    done = {*taken.ids, *(() if published.repeated is None else published.repeated.taken)}
    for one, found in inboxes.items():
        inbox.remove(one, [waited.id for waited in found if waited.id in done])
    publishing = time.monotonic() - start
    logger.info("%s: snapshot %d published, %.2f s", name, published.document.sequence, publishing)
    write_tables(store.objects, published.document, published.changes)
    logger.info("%s: tables written, %.2f s", name, time.monotonic() - start - publishing)
    report = report_of(
        cluster,
        collected,
        published,
        publishing=publishing,
        http_requests=publisher.http_requests,
        store=store,
    )
    return report, published.changes


def _common_cluster_id(name: str, collected: Mapping[SectionName, Section]) -> str:
    ids = {section.cluster_id for section in collected.values()}
    if len(ids) != 1:
        raise MeshError(
            f"{name}: the sections come from different clusters ({', '.join(sorted(ids))}); run the discovery again"
        )
    return ids.pop()
