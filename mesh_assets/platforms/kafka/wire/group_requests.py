"""What brokers are asked about groups, and how they answer: which exist, who coordinates them, and who is in
them. (What they have committed: `commits.py`.)

A group that a broker could not answer for is a `Failure`. An answer that leaves out a group, or includes one
that was not asked for, is malformed.
"""

from collections.abc import Callable, Mapping, Sequence
from sys import intern
from typing import NamedTuple, Protocol, TypeVar

from confluent_kafka import KafkaError

from mesh_assets.inventory.groups import GroupMember, StreamsMember, StreamsTopology
from mesh_assets.platforms.kafka.errors import item_error
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError, Reader, Request, Writer

Item = TypeVar("Item")
Answer = TypeVar("Answer")

UNKNOWN = "unknown"
DEAD = "Dead"
KINDS = frozenset({"classic", "consumer", "share", "streams"})
_REMEMBERED = 16
"""Kinds, states and protocol types in a list: comparing with more takes longer than reading."""


class Failure(NamedTuple):
    """Why nothing is known about a group: Kafka's error code, or librdkafka's if no answer came."""

    code: int
    said: str = ""

    def error(self) -> KafkaError:
        # As one printable line, as librdkafka requires: its errors do not accept NUL.
        return KafkaError(self.code, BrokerError(self.code, self.said).said or None)

    def text(self, right: str) -> str:
        return item_error(self.error(), right)


class ListedGroup(NamedTuple):
    """A group in a broker's list. `type` is `unknown` with brokers before 3.8, `state` with brokers before 2.6.

    `protocol_type`: `consumer`, `connect`, `sr`, `share`, `streams`, …; empty for a group that only commits.
    """

    type: str
    state: str
    protocol_type: str


class BrokersGroups(NamedTuple):
    """The groups that a broker coordinates, by id. With a `code` (it is loading), these may not be all."""

    code: int
    groups: dict[str, ListedGroup]


class Described(NamedTuple):
    """A group as its coordinator describes it. `state`: Kafka's word; `Dead`: there is no such group of this kind.

    `shared_topics`: topics of a streams group that are read together with others in one subtopology. It has
    as many tasks as the longest of them has partitions, so an assignment may name partitions that such a
    topic does not have. `note`: which part of the assignment could not be read. `rights`: a bit for each
    operation that the user may do; None when they were not asked for, or the broker does not report them.
    `epoch` and what follows it as in the inventory's record.
    """

    state: str
    protocol_type: str
    members: tuple[GroupMember, ...]
    note: str | None = None
    shared_topics: frozenset[str] = frozenset()
    rights: int | None = None
    epoch: int | None = None
    assignment_epoch: int | None = None
    assignor: str | None = None
    topology: StreamsTopology | None = None


def every(answer: Reader, item: Callable[[], Item]) -> list[Item]:
    """The items of an array that may not be null."""
    return [item() for _ in range(answer.length())]


def exactly(names: Sequence[str], found: Sequence[tuple[str, Answer]]) -> dict[str, Answer]:
    """The answers by group; there must be one for each that was asked for."""
    answers = dict(found)
    if len(answers) != len(found) or answers.keys() != set(names):
        raise MalformedError("an answer about groups that were not asked for")
    return answers


# --- which groups there are


def _write_list(request: Writer, version: int) -> None:
    if version >= 4:
        request.count(0)  # of every state
    if version >= 5:
        request.count(0)  # of every type
    request.tags()


def _read_list(answer: Reader, version: int) -> BrokersGroups:
    if version >= 1:
        answer.throttle()
    code = answer.int16()

    # Thousands of groups are equal but for their ids: the same bytes mean the same again.
    known: dict[bytes, ListedGroup] = {}

    def group() -> tuple[str, ListedGroup]:
        group_id, begin = answer.text(), answer.at
        for seen, listed in known.items():
            if answer.data.startswith(seen, begin):
                answer.at = begin + len(seen)
                return group_id, listed
        protocol_type = intern(answer.text())
        state = intern(answer.text()) if version >= 4 else ""
        kind = intern(answer.text().lower()) if version >= 5 else ""
        answer.tags()
        listed = ListedGroup(kind if kind in KINDS else UNKNOWN, state or UNKNOWN, protocol_type)
        if len(known) < _REMEMBERED:
            known[answer.data[begin : answer.at]] = listed
        return group_id, listed

    groups = every(answer, group)
    answer.tags()
    return BrokersGroups(code, dict(groups))


LIST_GROUPS: Request[BrokersGroups] = Request(
    name="ListGroups", api=16, oldest=0, newest=5, flexible_from=3, write=_write_list, read=_read_list
)


# --- who coordinates them

MANY_COORDINATORS_FROM = 4


def find_coordinators(names: Sequence[str]) -> Request[dict[str, int | Failure]]:
    """The ids of the brokers that coordinate these groups; of one group before version 4. Kafka creates
    `__consumer_offsets` for it if there is none yet."""

    def write(request: Writer, version: int) -> None:
        if version < MANY_COORDINATORS_FROM:
            [name] = names
            request.text(name)
        if version >= 1:
            request.int8(0)  # keys are group ids
        if version >= MANY_COORDINATORS_FROM:
            request.array(names, request.text)
        request.tags()

    def read(answer: Reader, version: int) -> dict[str, int | Failure]:
        def found(code: int, said: str | None, node: int) -> int | Failure:
            return Failure(code, said or "") if code else node

        def coordinator() -> tuple[str, int | Failure]:
            name, node = answer.text(), answer.int32()
            answer.text()
            answer.int32()
            code, said = answer.int16(), answer.nullable_text()
            answer.tags()
            return name, found(code, said, node)

        if version >= 1:
            answer.throttle()
        if version >= MANY_COORDINATORS_FROM:
            coordinators = exactly(names, every(answer, coordinator))
        else:
            code = answer.int16()
            said = answer.nullable_text() if version >= 1 else None
            node = answer.int32()
            answer.text()
            answer.int32()
            coordinators = {names[0]: found(code, said, node)}
        answer.tags()
        return coordinators

    return Request(
        name="FindCoordinator", api=10, oldest=0, newest=4, flexible_from=3, write=write, read=read
    )


# --- who is in them

Descriptions = Mapping[str, "Described | Failure"]


class Describe(Protocol):
    """Makes the request that describes these groups; `rights`: include what the user may do with them."""

    def __call__(self, names: Sequence[str], *, rights: bool = False) -> Request[Descriptions]: ...


def describe_classic_groups(names: Sequence[str], *, rights: bool = False) -> Request[Descriptions]:
    """Groups of the classic protocol. To it, groups of another kind are Dead or, from version 6 on, not
    found."""

    def write(request: Writer, version: int) -> None:
        request.array(names, request.text)
        if version >= 3:
            request.boolean(rights)
        request.tags()

    def read(answer: Reader, version: int) -> Descriptions:
        undecoded: list[str] = []

        def member(protocol_type: str) -> GroupMember:
            member_id = answer.text()
            instance = answer.nullable_text() if version >= 4 else None
            client_id, host = answer.text(), answer.text()
            answer.nullable_blob()
            assigned = answer.nullable_blob()
            answer.tags()
            assignment: dict[str, list[int]] = {}
            # Connect's workers and others have their own formats.
            if protocol_type == "consumer" and assigned:
                try:
                    assignment = consumer_assignment(assigned)
                except MalformedError:
                    undecoded.append(member_id)
            return new_member(member_id, client_id, instance, host, assignment)

        def group() -> tuple[str, Described | Failure]:
            code = answer.int16()
            said = answer.nullable_text() if version >= 6 else None
            name, state, protocol_type = answer.text(), intern(answer.text()), intern(answer.text())
            answer.text()
            undecoded.clear()
            members = every(answer, lambda: member(protocol_type))
            may = answer.operations() if version >= 3 else None
            answer.tags()
            if code:
                return name, Failure(code, said or "")
            return name, Described(
                state or UNKNOWN, protocol_type, in_order(members), undecoded_note(undecoded), rights=may
            )

        if version >= 1:
            answer.throttle()
        found = exactly(names, every(answer, group))
        answer.tags()
        return found

    return Request(name="DescribeGroups", api=15, oldest=0, newest=6, flexible_from=5, write=write, read=read)


def consumer_assignment(data: bytes) -> dict[str, list[int]]:
    """What the leader of a classic group assigned to a member: ConsumerProtocolAssignment, whose later versions only
    append. Raises MalformedError."""
    assigned = Reader(data, flexible=False)
    if assigned.int16() < 0:
        raise MalformedError("a version below 0")
    assignment: dict[str, list[int]] = {}
    for topic, numbers in every(assigned, lambda: (intern(assigned.text()), assigned.int32s())):
        if numbers and min(numbers) < 0:
            raise MalformedError("a partition below 0")
        assignment.setdefault(topic, []).extend(numbers)
    return assignment


def undecoded_note(members: Sequence[str]) -> str | None:
    if not members:
        return None
    return (
        f"what {', '.join(members[:3])}{' and others' if len(members) > 3 else ''} reads could not be decoded"
    )


def new_member(
    member_id: str,
    client_id: str,
    instance: str | None,
    host: str,
    assignment: Mapping[str, Sequence[int]],
    *,
    epoch: int | None = None,
    rack: str | None = None,
    subscribed: Sequence[str] = (),
    regex: str | None = None,
    target: Mapping[str, Sequence[int]] | None = None,
    is_classic: bool | None = None,
    streams: StreamsMember | None = None,
) -> GroupMember:
    return GroupMember(
        member_id=member_id,
        client_id=client_id,
        group_instance_id=instance or None,
        host=host.removeprefix("/"),  # Kafka prints a Java InetAddress: `/127.0.0.1`
        assignment=_sorted(assignment),
        epoch=epoch,
        rack=rack or None,
        subscribed_topics=tuple(sorted(subscribed)),
        subscribed_regex=regex or None,
        target_assignment=None if target is None else _sorted(target),
        is_classic=is_classic,
        streams=streams,
    )


def _sorted(assignment: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    return {topic: tuple(sorted(set(numbers))) for topic, numbers in sorted(assignment.items())}


def in_order(members: Sequence[GroupMember]) -> tuple[GroupMember, ...]:
    return tuple(sorted(members, key=lambda member: member.member_id))
