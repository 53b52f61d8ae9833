"""How far a group has come since test messages were written."""

from msgspec import Struct

from mesh_assets.esm.proof.messages import Produced, Written
from mesh_assets.esm.proof.positions import Position


class PartitionProgress(Struct, frozen=True, kw_only=True):
    """`passed`: the group has committed beyond the last test message there. `ahead`: how many records it has
    to go to the first one.

    `moved`: how many records it has committed since before. `ahead` None: it has committed nothing there yet.
    """

    partition: int
    passed: bool
    committed_before: int | None
    committed: int | None
    last: int
    ahead: int | None
    moved: int


def check_offset_after_production(
    before: Position, now: Position, produced: Produced
) -> tuple[PartitionProgress, ...]:
    """Of each partition that has a test message. A group that commits nothing where nothing was to be read is
    no failure."""
    return tuple(_progress(before, now, written) for written in produced.partitions)


def _progress(before: Position, now: Position, written: Written) -> PartitionProgress:
    partition = written.partition
    was, committed = before.committed.get(partition), now.committed.get(partition)
    # Where nothing was committed it began, at the earliest, with the first record there was.
    began = before.start.get(partition, 0) if was is None else was
    return PartitionProgress(
        partition=partition,
        # A committed offset is that of the next record to be read.
        passed=committed is not None and committed > written.last,
        committed_before=was,
        committed=committed,
        last=written.last,
        ahead=None if committed is None else max(0, written.first - committed),
        moved=0 if committed is None else max(0, committed - began),
    )
