"""Questions about single groups by name, whatever the list of groups says."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.inventory.groups import GroupMember
from mesh_assets.platforms import Presence
from mesh_assets.platforms.kafka.errors import AUTHORIZATION, Endpoint
from mesh_assets.platforms.kafka.values import (
    ConsumerGroup,
)
from mesh_assets.platforms.kafka.wire.commits import (
    MANY_GROUPS_FROM,
    describe_share_offsets,
    fetch_offsets,
)
from mesh_assets.platforms.kafka.wire.coordinators import CoordinatedGroup, Coordinators
from mesh_assets.platforms.kafka.wire.forms import Connections
from mesh_assets.platforms.kafka.wire.group_kinds import describe_share_groups
from mesh_assets.platforms.kafka.wire.group_requests import (
    UNKNOWN,
    Failure,
    ListedGroup,
)
from mesh_assets.platforms.kafka.wire.groups import (
    RIGHT,
    SHARE_RIGHT,
    find_kinds,
    group_of,
    is_gone,
    read,
)
from mesh_assets.platforms.kafka.wire.partition_columns import Committed

_BY_NAME = "asking for consumer groups by name"
_SHARE_GROUP = "reading a share group"


class SharePartition(NamedTuple):
    """`start`: no record before it is delivered any more; None before the group's first record. `lag_records`:
    records from there on that it has not finished; None with brokers that do not count them (before 4.3)."""

    start: int | None
    lag_records: int | None


class ShareGroup(NamedTuple):
    """The members that read the topic, and the topic's partitions that the group has begun."""

    members: tuple[GroupMember, ...]
    partitions: Mapping[int, SharePartition]


async def read_group(
    connections: Connections,
    group_id: str,
    *,
    likely: str = "classic",
    endpoint: Endpoint,
    timeout_seconds: float,
) -> ConsumerGroup | None:
    """One group by name, so that nothing hides it; None when it does not exist and so has committed nothing.
    `likely`: its kind, if it was seen before, which saves asking for the others.

    Parts that could not be read are None, with the error, as in `read_groups`. Creates `__consumer_offsets`
    if there is none yet. Raises PlatformError when the coordinator does not describe the group, BrokerError
    when no broker could be asked.
    """
    coordinators = Coordinators(connections, endpoint, timeout_seconds)
    doing = f"reading consumer group {group_id or '(empty name)'}"
    broker = (await coordinators.find([group_id]))[group_id]
    if isinstance(broker, Failure):
        raise coordinators.failed(broker, doing=doing, right=RIGHT)
    [(kind, described)] = (await find_kinds(coordinators, {group_id: broker}, likely=likely)).values()
    if kind == UNKNOWN and not is_gone(described):
        assert isinstance(described, Failure)
        raise coordinators.failed(described, doing=doing, right=RIGHT)
    protocol_type = "" if isinstance(described, Failure) else described.protocol_type
    listed = ListedGroup(kind, UNKNOWN, protocol_type)
    answers = await read(
        coordinators, {group_id: CoordinatedGroup(listed, broker)}, described={group_id: described}
    )
    committed = answers.committed.get(group_id)
    none = committed is None or (isinstance(committed, Committed) and not committed.topics)
    if is_gone(committed) or (is_gone(described) and none):
        return None
    if is_gone(described) and isinstance(committed, Failure):
        raise coordinators.failed(committed, doing=doing, right=RIGHT)
    return group_of(group_id, listed, answers)


async def read_share_group(
    connections: Connections, group: str, topic: str, *, endpoint: Endpoint, timeout_seconds: float
) -> ShareGroup:
    """The group on one topic; without members and partitions when there is none.

    Raises RefusedError for a refused right, UnreachableError when its coordinator does not answer,
    UnexpectedAnswerError for anything else, such as brokers without share groups; BrokerError when no broker could
    be asked.
    """
    coordinators = Coordinators(connections, endpoint, timeout_seconds)
    broker = (await coordinators.find([group]))[group]
    if isinstance(broker, Failure):
        raise coordinators.failed(broker, doing=_SHARE_GROUP, right=SHARE_RIGHT)
    described, shared = await asyncio.gather(
        coordinators.ask({group: broker}, describe_share_groups),
        coordinators.ask({group: broker}, describe_share_offsets),
    )
    members, offsets = described[group], shared[group]
    for failure in (members, offsets):
        if isinstance(failure, Failure) and not is_gone(failure):
            raise coordinators.failed(failure, doing=_SHARE_GROUP, right=SHARE_RIGHT)
    partitions: dict[int, SharePartition] = {}
    for one in () if isinstance(offsets, Failure) else offsets:
        if one.topic != topic:
            continue
        if one.error is not None:
            raise UnexpectedAnswerError(
                f"Kafka at {endpoint.servers} failed {_SHARE_GROUP}: {group} on {topic}[{one.partition}]: "
                f"{endpoint.redact(one.error)}"
            )
        partitions[one.partition] = SharePartition(one.start, one.lag_records)
    return ShareGroup(
        () if isinstance(members, Failure) else tuple(m for m in members.members if topic in m.assignment),
        partitions,
    )


async def group_presence(
    connections: Connections, names: Sequence[str], *, endpoint: Endpoint, timeout_seconds: float
) -> dict[str, Presence]:
    """Whether each of these groups, which existed once, still does, whatever the list says.

    Only for groups that existed, because asking about one creates `__consumer_offsets` if there is none yet.
    Raises PlatformError when a coordinator gives no clear answer, BrokerError when no broker could be asked.
    """
    if not names:
        return {}
    coordinators = Coordinators(connections, endpoint, timeout_seconds)
    brokers = await coordinators.find(names)
    places = {name: broker for name, broker in brokers.items() if not isinstance(broker, Failure)}
    failures = {name: broker for name, broker in brokers.items() if isinstance(broker, Failure)}
    kinds = await find_kinds(coordinators, places)
    failures |= {
        name: described
        for name, (kind, described) in kinds.items()
        if kind == UNKNOWN and isinstance(described, Failure)
    }
    # For the empty name, coordinators only report what was committed under it.
    nameless = [name for name in places if not name and kinds[name][0] != UNKNOWN]
    commits = await coordinators.ask(
        {name: places[name] for name in nameless}, fetch_offsets, several_from=MANY_GROUPS_FROM
    )
    found: dict[str, Presence] = {}
    for name in names:
        if name in commits:
            told = commits[name]
            found[name] = "unaskable" if isinstance(told, Failure) else "here" if told.topics else "gone"
        elif name not in failures:
            found[name] = "here"
        elif failures[name].code in AUTHORIZATION:
            found[name] = "refused"
        elif is_gone(failures[name]):
            found[name] = "gone"
        elif failures[name].code == KafkaError.INVALID_GROUP_ID:
            found[name] = "unaskable"
        else:
            raise coordinators.failed(failures[name], doing=_BY_NAME, right="DESCRIBE on the groups")
    return found
