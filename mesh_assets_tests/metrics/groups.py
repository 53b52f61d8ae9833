"""Consumer groups by what they have committed."""

from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup


def a_group(*committed: tuple[str, int, int | None, int | None], group_id: str = "g") -> ConsumerGroup:
    """`committed`: topic, partition, committed and end offset."""
    offsets = tuple(
        CommittedOffset(
            topic=topic,
            partition=partition,
            committed=offset,
            end=end,
            lag_records=None if offset is None or end is None else end - offset,
        )
        for topic, partition, offset, end in committed
    )
    return ConsumerGroup(
        group_id=group_id,
        type="classic",
        protocol_type="consumer",
        state="Stable",
        coordinator=1,
        members=(),
        offsets=offsets,
        topics=("orders",),
        total_lag_records=0,
    )
