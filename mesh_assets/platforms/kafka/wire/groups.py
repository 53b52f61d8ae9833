"""Groups of every kind: their state, their members, and what they have committed or finished."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from confluent_kafka import KafkaError
from msgspec import structs

from mesh_assets.inventory.groups import GroupMember
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, NO_ANSWER, Endpoint
from mesh_assets.platforms.kafka.values import (
    ClusterMetadata,
    CommittedPartition,
    ConsumerGroup,
    GroupsReading,
    ShareOffset,
)
from mesh_assets.platforms.kafka.wire.commits import (
    MANY_GROUPS_FROM,
    committed_partitions,
    describe_share_offsets,
    fetch_offsets,
)
from mesh_assets.platforms.kafka.wire.coordinators import (
    GONE,
    NOT_READY,
    CoordinatedGroup,
    Coordinators,
    answered,
)
from mesh_assets.platforms.kafka.wire.forms import Connections, together
from mesh_assets.platforms.kafka.wire.group_kinds import (
    describe_consumer_groups,
    describe_share_groups,
)
from mesh_assets.platforms.kafka.wire.group_requests import (
    DEAD,
    UNKNOWN,
    Describe,
    Described,
    Failure,
    ListedGroup,
    describe_classic_groups,
)
from mesh_assets.platforms.kafka.wire.partition_columns import Committed
from mesh_assets.platforms.kafka.wire.streams_groups import describe_streams_groups
from mesh_assets.platforms.kafka.wire.topics import list_topics
from mesh_assets.platforms.kafka.wire.visibility import visible_groups

_DOING = "reading the consumer groups"
RIGHT = "DESCRIBE on the group"
_TOPICS_RIGHT = "DESCRIBE on the topics that the group reads"
SHARE_RIGHT = "DESCRIBE on the group and on its topics"
_OF_A_NEW_KIND = "the group is of an unknown kind and cannot be described: what it reads is not known"

DESCRIPTIONS: Mapping[str, Describe] = {
    "classic": describe_classic_groups,
    "consumer": describe_consumer_groups,
    "share": describe_share_groups,
    "streams": describe_streams_groups,
}


class Answers(NamedTuple):
    """What the coordinators said about groups, by id, and which brokers those turned out to be."""

    coordinators: dict[str, int]
    described: dict[str, Described | Failure]
    committed: dict[str, Committed | Failure]
    shared: dict[str, tuple[ShareOffset, ...] | Failure]

    def with_those_of(self, other: "Answers") -> "Answers":
        return Answers(
            self.coordinators | other.coordinators,
            self.described | other.described,
            self.committed | other.committed,
            self.shared | other.shared,
        )


async def read_groups(
    connections: Connections,
    selects: Callable[[str], bool],
    *,
    seen: ClusterMetadata | None = None,
    endpoint: Endpoint,
    timeout_seconds: float,
) -> GroupsReading:
    """Every selected group of any kind, with its members and committed offsets. `seen`: as read before, which
    saves asking who the coordinators are.

    A group that was deleted meanwhile is absent; one that could not be read has an error, and None for
    unknown parts; those without a coordinator are unlisted. Raises UnexpectedAnswerError when the list of
    groups has other holes, UnreachableError or RefusedError when nothing could be read, or the user sees no group and may
    not see others; BrokerError when no broker could be asked.
    """
    coordinators = Coordinators(connections, endpoint, timeout_seconds)
    listing = await visible_groups(coordinators, seen)
    groups = {name: group.listed for name, group in listing.groups.items() if selects(name)}
    excluded = len(listing.groups) - len(groups)
    read_at = datetime.now(UTC)
    answers = await read(coordinators, {name: listing.groups[name] for name in groups})
    if gone := [name for name in groups if is_gone(answers.described[name])]:
        # Deleted since, or of another kind now: the next list shows which.
        listed = await coordinators.listed()
        still = {name: listed[name] for name in gone if name in listed and listed[name].listed.state != DEAD}
        kinds = await find_kinds(coordinators, {name: group.coordinator for name, group in still.items()})
        for name, (kind, _) in kinds.items():
            if kind != UNKNOWN:
                still[name] = still[name]._replace(listed=still[name].listed._replace(type=kind))
        described = {name: description for name, (_, description) in kinds.items()}
        answers = answers.with_those_of(await read(coordinators, still, described=described))
        groups = {name: group for name, group in groups.items() if name not in gone}
        groups |= {name: group.listed for name, group in still.items()}
    not_all_silent(coordinators, answers.described.values())
    not_all_silent(coordinators, answers.committed.values())
    found = [
        group_of(name, listed, answers)
        for name, listed in sorted(groups.items())
        if not is_gone(answers.committed.get(name))
    ]
    return GroupsReading(read_at=read_at, groups=tuple(found), excluded=excluded, unlisted=listing.unlisted)


# --- the questions


async def read(
    coordinators: Coordinators,
    groups: Mapping[str, CoordinatedGroup],
    *,
    described: Mapping[str, Described | Failure] | None = None,
) -> Answers:
    """Everything there is to know about these groups, asked all at once, except for `described`, where that
    is known."""
    names_by_kind: dict[str, list[str]] = {}
    for name, group in groups.items():
        names_by_kind.setdefault(group.listed.type, []).append(name)

    def places(names: Iterable[str]) -> dict[str, int]:
        return {name: groups[name].coordinator for name in names}

    sharing = places(names_by_kind.get("share", ()))
    committing = places(groups.keys() - sharing.keys())
    describing = {kind: places(names) for kind, names in names_by_kind.items()}

    async def descriptions() -> dict[str, Described | Failure]:
        if described is not None:
            return {name: described[name] for name in groups}
        found: dict[str, Described | Failure] = {}
        for part in await together(
            # Brokers that name no kinds only have classic groups. An unknown kind is not found.
            coordinators.ask(names, DESCRIPTIONS.get(kind, describe_classic_groups))
            for kind, names in describing.items()
        ):
            found |= part
        return await _clipped(coordinators, {name: existing(answer) for name, answer in found.items()})

    answers = await asyncio.gather(
        descriptions(),
        coordinators.ask(committing, fetch_offsets, several_from=MANY_GROUPS_FROM),
        coordinators.ask(sharing, describe_share_offsets),
    )
    where = {name: broker for names in (*describing.values(), committing) for name, broker in names.items()}
    return Answers(where, *answers)


async def find_kinds(
    coordinators: Coordinators, places: Mapping[str, int], *, likely: str = "classic"
) -> dict[str, tuple[str, Described | Failure]]:
    """The kind of each group, and its description, or why there is none. The kind is `unknown` without a
    description, also for a group that is not found as any kind. `likely`: the kind to ask for first; the
    others only if it is not that."""
    first = likely if likely in DESCRIPTIONS else "classic"
    asked = await coordinators.ask(dict(places), DESCRIPTIONS[first])
    found: dict[str, tuple[str, Described | Failure]] = {}
    others: dict[str, int] = {}
    for name, answer in asked.items():
        if isinstance(known := existing(answer), Described):
            found[name] = (first, known)
        else:
            others[name] = places[name]
    later = [kind for kind in DESCRIPTIONS if kind != first]
    answers = await together(coordinators.ask(dict(others), DESCRIPTIONS[kind]) for kind in later)
    for name in others:
        told = {first: asked[name]} | {
            kind: answer[name] for kind, answer in zip(later, answers, strict=True)
        }
        by_kind = {kind: existing(told[kind]) for kind in DESCRIPTIONS}
        found[name] = next(
            (
                (kind, answer)
                for kind, answer in by_kind.items()
                if isinstance(answer, Described) or answer.code == KafkaError.TOPIC_AUTHORIZATION_FAILED
            ),
            (UNKNOWN, _reason(by_kind)),
        )
        if not name and _is_nameless(name, by_kind["classic"]):
            found[name] = ("classic", by_kind["classic"])
    described = await _clipped(coordinators, {name: answer for name, (_, answer) in found.items()})
    return {name: (kind, described[name]) for name, (kind, _) in found.items()}


def _reason(by_kind: Mapping[str, Described | Failure]) -> Failure:
    """Why no kind has a description: there is no such group, unless one of them failed otherwise."""
    failures = [answer for answer in by_kind.values() if isinstance(answer, Failure)]
    others = [
        failure
        for failure in failures
        if not is_gone(failure) and failure.code != KafkaError.UNSUPPORTED_VERSION
    ]
    return others[0] if others else Failure(KafkaError.GROUP_ID_NOT_FOUND)


def existing(answer: Described | Failure) -> Described | Failure:
    """Brokers before 4.0 describe groups that do not exist as dead."""
    if isinstance(answer, Described) and answer.state == DEAD:
        return Failure(KafkaError.GROUP_ID_NOT_FOUND)
    return answer


def is_gone(answer: object) -> bool:
    return isinstance(answer, Failure) and answer.code in GONE


def _is_nameless(name: str, answer: Described | Failure) -> bool:
    """Whether it is the group with the empty name, which only commits: brokers since 4.0 do not describe it."""
    return not name and isinstance(answer, Failure) and answer.code == KafkaError.INVALID_GROUP_ID


async def _clipped(
    coordinators: Coordinators, described: dict[str, Described | Failure]
) -> dict[str, Described | Failure]:
    """The descriptions; those of streams groups without partitions that do not exist."""
    topics = {
        topic for one in described.values() if isinstance(one, Described) for topic in one.shared_topics
    }
    if not topics:
        return described
    listed = await answered(list_topics(coordinators.connections, topics))
    known = (
        {}
        if isinstance(listed, Failure)
        else {topic: len(listed.topics[topic].partitions) for topic in topics if topic not in listed.codes}
    )
    return {name: _with_partitions(one, known) for name, one in described.items()}


def _with_partitions(one: Described | Failure, known: Mapping[str, int]) -> Described | Failure:
    if isinstance(one, Failure) or not one.shared_topics:
        return one
    members = tuple(
        structs.replace(
            member,
            assignment={
                topic: numbers
                if topic not in one.shared_topics
                else tuple(number for number in numbers if number < known[topic])
                for topic, numbers in member.assignment.items()
                if topic not in one.shared_topics or topic in known
            },
        )
        for member in one.members
    )
    hidden = sorted({topic for m in one.members for topic in m.assignment} & one.shared_topics - known.keys())
    note = f"the partitions of {', '.join(hidden)} could not be read" if hidden else None
    return one._replace(members=members, note="; ".join(filter(None, (one.note, note))) or None)


def not_all_silent(coordinators: Coordinators, answers: Collection[object]) -> None:
    """Raises PlatformError when there was no answer about any group, because then the groups are not the
    problem."""
    failures = [
        answer
        for answer in answers
        if isinstance(answer, Failure) and answer.code in NO_ANSWER | AUTHENTICATION
    ]
    if failures and len(failures) == len(answers):
        raise coordinators.failed(failures[0], doing=_DOING, right=RIGHT)


# --- the answers as values


def group_of(name: str, listed: ListedGroup, answers: Answers) -> ConsumerGroup:
    kind, state, protocol_type = listed
    described, committed, shared = (
        answers.described[name],
        answers.committed.get(name),
        answers.shared.get(name),
    )
    errors: list[str] = []
    members: tuple[GroupMember, ...] | None = None
    if isinstance(described, Described):
        kind = "classic" if kind == UNKNOWN else kind
        state, members = described.state, described.members
        errors += [described.note] if described.note else []
    elif _is_nameless(name, described):
        kind = "classic" if kind == UNKNOWN else kind
        members = ()  # Kafka lets nobody join it
    elif kind == UNKNOWN and is_gone(described):
        errors.append(_OF_A_NEW_KIND)
    else:
        topics = described.code == KafkaError.TOPIC_AUTHORIZATION_FAILED
        errors.append(described.text(_TOPICS_RIGHT if topics else RIGHT))
    offsets = None
    if kind == "share":
        errors += [shared.text(SHARE_RIGHT)] if isinstance(shared, Failure) else []
    elif isinstance(committed, Failure):
        errors.append(committed.text(RIGHT))
    elif committed is not None and (committed.topics or members is not None or not is_gone(described)):
        offsets = _offsets(committed, members or ())
    silent = isinstance(described, Failure) and described.code in NO_ANSWER | NOT_READY
    return ConsumerGroup(
        group_id=name,
        type=kind,
        protocol_type=protocol_type or (None if kind == UNKNOWN else protocol_type),
        state=state,
        coordinator=None if silent else answers.coordinators[name],
        members=members,
        offsets=offsets,
        error="; ".join(dict.fromkeys(errors)) or None,
        share=None if isinstance(shared, Failure) else shared,
        **_since_kip_848(described),
    )


def _since_kip_848(described: Described | Failure) -> dict[str, Any]:
    if isinstance(described, Failure):
        return {}
    names = ("epoch", "assignment_epoch", "assignor", "topology")
    return {name: getattr(described, name) for name in names}


def _offsets(committed: Committed, members: Iterable[GroupMember]) -> tuple[CommittedPartition, ...]:
    """The group's committed offsets, and the partitions of its members without any."""
    offsets = committed_partitions(committed)
    assigned: dict[str, set[int]] = {}
    for member in members:
        for topic, numbers in member.assignment.items():
            assigned.setdefault(topic, set()).update(numbers)
    for topic, places in assigned.items():
        found = offsets.setdefault(topic, [])
        never = places - {one.partition for one in found}
        found += [CommittedPartition(topic=topic, partition=number, committed=None) for number in never]
    return tuple([one for _, ones in sorted(offsets.items()) for one in sorted(ones, key=_PARTITION)])


_PARTITION = attrgetter("partition")
