"""Questions about single groups by name, whatever the list of groups says; and what the user may do with groups."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from sys import intern
from typing import NamedTuple
from uuid import uuid4

from confluent_kafka import KafkaError

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms import Presence
from mesh_assets.platforms.kafka.errors import AUTHORIZATION, Endpoint
from mesh_assets.platforms.kafka.rights import GroupsRights, Operations, ResourceRights
from mesh_assets.platforms.kafka.values import ConsumerGroup, GroupMember
from mesh_assets.platforms.kafka.wire.commits import (
    MANY_GROUPS_FROM,
    describe_share_offsets,
    fetch_offsets,
)
from mesh_assets.platforms.kafka.wire.coordinators import CoordinatedGroup, Coordinators
from mesh_assets.platforms.kafka.wire.forms import Connections, together
from mesh_assets.platforms.kafka.wire.group_kinds import describe_share_groups
from mesh_assets.platforms.kafka.wire.group_requests import (
    UNKNOWN,
    Described,
    Failure,
    ListedGroup,
    describe_classic_groups,
)
from mesh_assets.platforms.kafka.wire.groups import (
    DESCRIPTIONS,
    RIGHT,
    SHARE_RIGHT,
    existing,
    find_kinds,
    group_of,
    is_gone,
    read,
)

_BY_NAME = "asking for consumer groups by name"
_RIGHTS = "asking for the rights on the consumer groups"
_SHARE_GROUP = "reading a share group"


class SharePartition(NamedTuple):
    """`start`: no record before it is delivered any more; None before the group's first record. `lag_records`:
    records from there on that it is not done with; None with brokers that do not count them (before 4.3)."""

    start: int | None
    lag_records: int | None


class ShareGroup(NamedTuple):
    """The members that read the topic, and the topic's partitions that the group has begun."""

    members: tuple[GroupMember, ...]
    partitions: Mapping[int, SharePartition]


async def read_group(
    connections: Connections, group_id: str, *, endpoint: Endpoint, timeout_seconds: float
) -> ConsumerGroup | None:
    """One group by name, so that nothing hides it; None when it does not exist and so has committed nothing.

    What could not be read is None, with the error, as in `read_groups`. Creates `__consumer_offsets` if there
    is none yet. Raises PlatformError when the coordinator does not describe the group, BrokerError when no broker
    could be asked.
    """
    coordinators = Coordinators(connections, endpoint, timeout_seconds)
    doing = f"reading consumer group {group_id or '(empty name)'}"
    broker = (await coordinators.find([group_id]))[group_id]
    if isinstance(broker, Failure):
        raise coordinators.failed(broker, doing=doing, right=RIGHT)
    [(kind, described)] = (await find_kinds(coordinators, {group_id: broker})).values()
    if kind == UNKNOWN and not is_gone(described):
        assert isinstance(described, Failure)
        raise coordinators.failed(described, doing=doing, right=RIGHT)
    protocol_type = "" if isinstance(described, Failure) else described.protocol_type
    listed = ListedGroup(kind, UNKNOWN, protocol_type)
    answers = await read(
        coordinators, {group_id: CoordinatedGroup(listed, broker)}, described={group_id: described}
    )
    committed = answers.committed.get(group_id)
    if is_gone(committed) or (is_gone(described) and not committed):
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

    Only for groups that existed, because asking about one creates `__consumer_offsets` if there is none yet. Raises
    PlatformError when a coordinator says neither, BrokerError when no broker could be asked.
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
    # Of the empty name, coordinators only tell what was committed under it.
    nameless = [name for name in places if not name and kinds[name][0] != UNKNOWN]
    commits = await coordinators.ask(
        {name: places[name] for name in nameless}, fetch_offsets, several_from=MANY_GROUPS_FROM
    )
    found: dict[str, Presence] = {}
    for name in names:
        if name in commits:
            found[name] = (
                "unaskable" if isinstance(commits[name], Failure) else "here" if commits[name] else "gone"
            )
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


# --- rights

# The bits of Kafka's answer are numbered as its AclOperation is.
_OPERATIONS = {
    3: "READ",
    4: "WRITE",
    5: "CREATE",
    6: "DELETE",
    7: "ALTER",
    8: "DESCRIBE",
    9: "CLUSTER_ACTION",
    10: "DESCRIBE_CONFIGS",
    11: "ALTER_CONFIGS",
    12: "IDEMPOTENT_WRITE",
}


async def read_groups_rights(
    connections: Connections,
    selects: Callable[[str], bool],
    *,
    list_is_complete: bool | None,
    endpoint: Endpoint,
    timeout_seconds: float,
) -> GroupsRights:
    """The user's rights on each selected group of any kind. `list_is_complete`: True with DESCRIBE on the cluster.

    Raises PlatformError when the groups could not be listed, also when some of them could not; BrokerError when no
    broker could be asked.
    """
    coordinators = Coordinators(connections, endpoint, timeout_seconds)
    listing = await coordinators.list_groups()
    if listing.unlisted is not None:
        raise UnexpectedAnswerError(listing.unlisted.reason)
    selected = {name: group for name, group in listing.groups.items() if selects(name)}
    by_kind: dict[str, dict[str, int]] = {}
    for name, group in selected.items():
        by_kind.setdefault(group.listed.type, {})[name] = group.coordinator
    answers: dict[str, Described | Failure] = {}
    for part in await together(
        coordinators.ask(names, partial(DESCRIPTIONS.get(kind, describe_classic_groups), rights=True))
        for kind, names in by_kind.items()
    ):
        answers |= part
    groups: dict[str, ResourceRights] = {}
    for name, answer in sorted((name, existing(one)) for name, one in answers.items()):
        if isinstance(answer, Described):
            groups[name] = ResourceRights(state="here", operations=named_operations(answer.rights))
        elif answer.code in AUTHORIZATION:
            groups[name] = ResourceRights(state="refused")
        elif answer.code in (KafkaError.UNSUPPORTED_VERSION, KafkaError.INVALID_GROUP_ID):
            groups[name] = ResourceRights(state="here")  # listed, but nothing describes it
        elif not is_gone(answer):
            raise coordinators.failed(answer, doing=_RIGHTS, right="DESCRIBE on the groups")
    visible = list_is_complete
    if not visible and listing.groups:
        # A made-up name is refused unless the user may describe any group.
        made_up = uuid4().hex
        visible = (
            await group_presence(connections, [made_up], endpoint=endpoint, timeout_seconds=timeout_seconds)
        )[made_up] != "refused"
    return GroupsRights(
        groups=groups, excluded=len(listing.groups) - len(selected), every_group_is_visible=visible
    )


def named_operations(rights: int | None) -> Operations | None:
    if rights is None:
        return None
    return frozenset(intern(name) for bit, name in _OPERATIONS.items() if rights >> bit & 1)
