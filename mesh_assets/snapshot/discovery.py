"""The second half of a discovery: from collected sections to the next snapshot, its changes and the report."""

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from mesh_assets.collecting.live import environment_of
from mesh_assets.errors import ConflictError, MeshError
from mesh_assets.estate.model import Estate
from mesh_assets.importing import importing
from mesh_assets.inventory.changes import Change, Trigger
from mesh_assets.inventory.document import ClusterIdentity, Document
from mesh_assets.inventory.sections import ConnectorsSection, SecretFingerprints, Section, SectionName
from mesh_assets.joining.join import join_sections
from mesh_assets.sensing.handover import inboxes_of, noted_before, take_triggers
from mesh_assets.snapshot.ahead import PublisherAhead
from mesh_assets.snapshot.commit import publish_snapshot
from mesh_assets.snapshot.report import DiscoveryReport, Published, report_of
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.known_state import keep_digest
from mesh_assets.store.pointers import StoredDocument

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
    ahead: PublisherAhead | None = None,
) -> tuple[DiscoveryReport, tuple[Change, ...], StoredDocument | None]:
    """Joins, compares and publishes what was collected from the cluster `name`, then derives the tables.

    `trigger` is the run's own. The snapshot names it along with every trigger that was waiting in the inbox
    when collection began; exactly these are removed once it is published. `from_inbox`: the run's own trigger
    is a copy of one of them. `ahead`: a publisher that has begun to get ready.

    Raises ConflictError when another run holds the cluster, or another name or estate publishes it, PublishError when an
    event cannot be published (the next run does it), StoreError, and EstateError when a secret cannot be resolved.
    Also returns the document that is no longer the latest, to be packed (`pack_superseded`).
    """
    cluster = estate.clusters[name]
    cluster_id = _common_cluster_id(name, collected)
    start = time.monotonic()
    former = refuse_returning_id(name, cluster_id, store)
    inbox = Inbox(store.objects)
    inboxes = {one: inbox.waiting(one) for one in inboxes_of(store, name, cluster_id)}
    waiting = [one for found in inboxes.values() for one in found]
    taken = take_triggers(waiting, trigger, from_inbox=from_inbox, noted=noted_before(collected))

    def assemble(previous: Document | None, sequence: int) -> Document:
        if previous is not None:
            _refuse_second_name(estate, name, previous.cluster, store)
        return join_sections(
            collected,
            previous=previous,
            environment=environment_of(cluster),
            cluster=ClusterIdentity(id=cluster_id, name=name),
            now=datetime.now(UTC),
            sequence=sequence,
            run_id=run_id,
        )

    def fingerprints(document: Document) -> SecretFingerprints | None:
        """The fingerprints collected, unless the document holds the connectors of another reading."""
        section = collected.get("connectors")
        if not isinstance(section, ConnectorsSection) or section.state.collected_at is None:
            return None
        settled = document.sections["connectors"]
        is_read = settled.status == "fresh" and settled.collected_at == section.state.collected_at
        return section.fingerprints if is_read else None

    with (ahead or PublisherAhead(estate, name, store=store)).opened() as publisher:
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
            fingerprints=fingerprints,
        )
        publishing = time.monotonic() - start
    if former is not None:
        note = (
            f"{name} was cluster {former} until now; if that is gone, write its tombstone: mesh-assets snapshot retire --cluster {name} "
            f"--cluster-id {former}; if another estate publishes it into this store, give each estate a MESH_STORE of its own"
        )
        published = replace(published, notes=(note, *published.notes))
    done = {*taken.ids, *(() if published.repeated is None else published.repeated.taken)}
    for one, found in inboxes.items():
        inbox.remove(one, [waited.id for waited in found if waited.id in done])
    logger.info("%s: snapshot %d published, %.2f s", name, published.document.sequence, publishing)
    deriving = time.monotonic()
    keep_digest(store, published.document, published.pointer.document)
    with importing:
        from mesh_assets.tables.written import (
            write_tables,
        )  # with pyarrow, which `PublisherAhead` has begun to import

    write_tables(
        store.objects,
        published.document,
        published.changes,
        stored=published.pointer.document.sha256,
        previous=_known_before(published),
    )
    logger.info("%s: tables written, %.2f s", name, time.monotonic() - deriving)
    report = report_of(
        cluster,
        collected,
        published,
        publishing=publishing,
        http_requests=publisher.http_requests,
        store=store,
    )
    superseded = published.superseded
    return report, published.changes, None if superseded is None else superseded.document


def pack_superseded(store: InventoryStore, name: str, superseded: StoredDocument | None) -> None:
    """The last step, since it holds two documents as JSON. Raises StoreError."""
    if superseded is not None:
        start = time.monotonic()
        store.pack_document(superseded)
        logger.info("%s: packed the previous snapshot, %.2f s", name, time.monotonic() - start)


def _known_before(published: Published) -> tuple[str, Document] | None:
    """The document that the store's tables were made from, if all went well, and its SHA-256."""
    pointer, previous = published.superseded, published.previous
    if pointer is None or previous is None:
        return None
    is_it = (previous.run_id, previous.sequence) == (pointer.run_id, pointer.sequence)
    return (pointer.document.sha256, previous) if is_it else None


def refuse_returning_id(name: str, cluster_id: str, store: InventoryStore) -> str | None:
    """The id that the cluster had until now, if it differs. A rebuilt cluster has a new id; an old id that
    comes back is a sign of two estates taking turns, each moving the name's pointer to its own."""
    known = store.known_cluster(name)
    if known is None or known.cluster_id == cluster_id:
        return None
    if cluster_id in known.former:
        raise ConflictError(
            f"{name}: its brokers are cluster {cluster_id}, but this store has known it as {known.cluster_id} since: two estates seem to "
            f"share the store; give each a MESH_STORE of its own, or the cluster another name; if it is {cluster_id} again for good, "
            f"retire the other one: mesh-assets snapshot retire --cluster {name} --cluster-id {known.cluster_id}"
        )
    return known.cluster_id


def _refuse_second_name(estate: Estate, name: str, latest: ClusterIdentity, store: InventoryStore) -> None:
    """With two names for one cluster, each would take the other's things for gone. A renamed cluster is not a
    second one: its old name is no longer in the estate, and the new one has never published it."""
    other = latest.name
    if other == name:
        return
    known = store.cluster_id(other)
    named = estate.clusters.get(other)
    if named is not None and named.cluster_id in (None, latest.id) and known in (None, latest.id):
        raise ConflictError(
            f"{name} and {other} are the same cluster, {latest.id}, and each would take the other's things for gone; name it once in the "
            f"estate, with the patterns of both; if {other} is now a different cluster, discover it first: "
            f"mesh-assets discover --cluster {other}"
        )
    if named is None and known == latest.id and store.cluster_id(name) == latest.id:
        raise ConflictError(
            f"{name}: the same cluster, {latest.id}, is also published into this store as {other}: two estates seem to share the store; "
            f"give each a MESH_STORE of its own, or the cluster one name in both; if it is {name} again for good: "
            f"mesh-assets snapshot adopt --cluster {name}"
        )


def _common_cluster_id(name: str, collected: Mapping[SectionName, Section]) -> str:
    ids = {section.cluster_id for section in collected.values()}
    if len(ids) != 1:
        raise MeshError(
            f"{name}: the sections come from different clusters ({', '.join(sorted(ids))}); run the discovery again"
        )
    return ids.pop()
