"""What groups have committed, for those who need nothing else of them."""

from collections.abc import Callable, Mapping

from mesh_assets.platforms.kafka.errors import Endpoint
from mesh_assets.platforms.kafka.values import ClusterMetadata
from mesh_assets.platforms.kafka.wire.commits import MANY_GROUPS_FROM, committed_offsets, fetch_offsets
from mesh_assets.platforms.kafka.wire.coordinators import Coordinators
from mesh_assets.platforms.kafka.wire.forms import Connections
from mesh_assets.platforms.kafka.wire.group_requests import DEAD, Failure, ListedGroup
from mesh_assets.platforms.kafka.wire.groups import is_gone, not_all_silent
from mesh_assets.platforms.kafka.wire.partition_columns import CommitsReading
from mesh_assets.platforms.kafka.wire.visibility import visible_groups


async def read_commits(
    connections: Connections, coordinators: Mapping[str, int], *, endpoint: Endpoint, timeout_seconds: float
) -> dict[str, dict[str, dict[int, int]]]:
    """What these groups have committed, by group, topic and partition; only for those that their coordinators
    report."""
    told = await Coordinators(connections, endpoint, timeout_seconds).ask(
        dict(coordinators), fetch_offsets, several_from=MANY_GROUPS_FROM
    )
    return {
        group: committed_offsets(committed)
        for group, committed in told.items()
        if not isinstance(committed, Failure)
    }


async def read_committed(
    connections: Connections,
    selects: Callable[[str], bool],
    *,
    seen: ClusterMetadata | None = None,
    endpoint: Endpoint,
    timeout_seconds: float,
) -> CommitsReading:
    """Which groups there are, and what they have committed, in half the requests of `read_groups`, which it is otherwise
    like: members are not asked for."""
    coordinators = Coordinators(connections, endpoint, timeout_seconds)
    listing = await visible_groups(coordinators, seen)
    groups = {
        name: group for name, group in listing.groups.items() if selects(name) and group.listed.state != DEAD
    }
    told = await coordinators.ask(
        {name: group.coordinator for name, group in groups.items() if not _shares(group.listed)},
        fetch_offsets,
        several_from=MANY_GROUPS_FROM,
    )
    not_all_silent(coordinators, told.values())
    return CommitsReading(
        groups=frozenset(name for name in groups if not is_gone(told.get(name))),
        committed={name: one for name, one in told.items() if not isinstance(one, Failure)},
        unlisted=listing.unlisted,
    )


def _shares(group: ListedGroup) -> bool:
    """Such a group commits nothing."""
    return "share" in (group.type, group.protocol_type)
