"""What must hold for store and topics whatever happened to the runs."""

from mesh_assets.diff import apply_changes, stable_state
from mesh_assets.events.model import ChangeEvent, DiscoveryEvent, document_of
from mesh_assets.inventory.changes import Change
from mesh_assets_tests.snapshot.world import CLUSTER_ID, World


def check_always(world: World) -> None:
    """After anything, including a kill at any point."""
    sequences = [entry.sequence for entry in world.log.entries]
    assert sequences == sorted(sequences), "the log never goes back"
    snapshots = world.log.snapshots
    assert sorted({event.sequence for event in snapshots}) == list(
        range(1, len({event.sequence for event in snapshots}) + 1)
    ), "no gaps"
    assert {entry.sequence for entry in world.log.changes} <= {event.sequence for event in snapshots}, (
        "no change without its snapshot"
    )
    by_id: dict[object, DiscoveryEvent | ChangeEvent] = {}
    for entry in world.log.entries:
        identity = entry.id if isinstance(entry, ChangeEvent) else entry.sequence
        assert by_id.setdefault(identity, entry) == entry, "the same sequence or id is the same event"
    latest = world.store.latest_document(
        CLUSTER_ID
    )  # raises where the pointer's document is missing or another
    if latest is not None:
        assert latest in [document_of(event) for event in snapshots if event.document is None], (
            "latest.json is published"
        )


def check_at_rest(world: World) -> None:
    """After a run that finished."""
    check_always(world)
    latest = world.store.latest(CLUSTER_ID)
    document = world.store.latest_document(CLUSTER_ID)
    assert latest is not None
    assert document is not None
    assert world.store.pending(CLUSTER_ID) is None
    assert world.store.cluster_id("warehouse") == CLUSTER_ID
    assert document_of(world.log.snapshots[-1]) == document, "the compacted topic keeps the latest document"
    assert latest[0].sequence == document.sequence == max(event.sequence for event in world.log.snapshots)
    assert len(world.store.list_documents(CLUSTER_ID)) == latest[0].sequence, (
        "every document is published, none is left over"
    )
    for position, event in enumerate(world.log.entries):
        if isinstance(event, DiscoveryEvent):
            later = [
                _change(entry)
                for entry in world.log.entries[position:]
                if _is_change_after(entry, event.sequence)
            ]
            assert apply_changes(stable_state(document_of(event)), later) == stable_state(document), (
                "snapshot and later changes"
            )
    for sequence in range(2, latest[0].sequence + 1):
        snapshot = next(event for event in world.log.snapshots if event.sequence == sequence)
        assert (
            len({event.id for event in world.log.changes if event.sequence == sequence})
            == snapshot.change_count
        )


def _is_change_after(entry: DiscoveryEvent | ChangeEvent, sequence: int) -> bool:
    return isinstance(entry, ChangeEvent) and entry.sequence > sequence


def _change(entry: DiscoveryEvent | ChangeEvent) -> Change:
    assert isinstance(entry, ChangeEvent)
    return Change(
        kind=entry.kind,  # type: ignore[arg-type]
        resource_type=entry.resource_type,  # type: ignore[arg-type]
        resource=entry.resource,
        field=entry.field,
        before=entry.before,
        after=entry.after,
        severity=entry.severity,  # type: ignore[arg-type]
        sentence=entry.sentence,
    )
