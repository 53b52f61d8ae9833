"""Consumer groups: their kind and state, their members, and their committed offsets."""

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from sys import intern

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, TopicPartition

from mesh_assets.platforms.kafka.admin_api import ConsumerGroupDescription, GroupMetadata, MemberDescription
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, NO_ANSWER, item_error
from mesh_assets.platforms.kafka.group_listing import (
    DEAD,
    UNKNOWN,
    ListedConsumer,
    list_described,
    list_groups,
    state_name,
    type_name,
)
from mesh_assets.platforms.kafka.session import Deadline, Session, in_chunks, outcome
from mesh_assets.platforms.kafka.values import CommittedPartition, ConsumerGroup, GroupMember, GroupsReading

# This many groups are described in one call; then their offsets are read, one group per call (librdkafka
# offers no more), all in flight at once. The first step makes the second one safe (see `_may_be_asked`), so
# little time may pass between them: 0.1 s for this many (measured).
GROUPS_AT_ONCE = 300

_DOING = "reading the consumer groups"
_RIGHT = "DESCRIBE on the group"
_GONE = frozenset({KafkaError.GROUP_ID_NOT_FOUND})
_NOT_DESCRIBABLE = (
    "the group is neither a classic nor a consumer group (a share group, or a streams group that has committed nothing): this client "
    "cannot describe it, so what it reads is not known"
)
_MEMBERS_UNKNOWN = "a streams group: this client cannot describe its state and members"

# Some clients commit under the empty name, and brokers before 4.0 describe it, but confluent-kafka refuses to
# ask for its offsets.
_NAMELESS = KafkaError(
    KafkaError.INVALID_GROUP_ID, "the offsets of a group with an empty name cannot be asked for"
)

Committed = list[TopicPartition]
Description = ConsumerGroupDescription | KafkaError


def read_groups(session: Session, selects: Callable[[str], bool]) -> GroupsReading:
    """Every selected group of any kind, with its members and committed offsets.

    A group that was deleted meanwhile is absent; one that could not be read has an error, and None for what
    is unknown; those without a coordinator are unlisted. Raises UnexpectedAnswerError when the list of groups has
    other holes, UnreachableError or RefusedError when nothing could be read.
    """
    session.connect()
    deadline = Deadline(session.timeout_seconds)
    listing = list_groups(session, deadline)
    consumers = {name: group for name, group in listing.consumers.items() if selects(name)}
    others = {name: group for name, group in listing.others.items() if selects(name)}
    read_at = datetime.now(UTC)
    names = sorted([*consumers, *(name for name, group in others.items() if group.error is None)])
    descriptions: dict[str, Description] = {}
    commits: dict[str, Committed | KafkaError] = {}
    for chunk in in_chunks(names, GROUPS_AT_ONCE):
        described = _describe(session, chunk, deadline)
        descriptions |= described
        commits |= {name: answer for name, answer in described.items() if isinstance(answer, KafkaError)}
        asked = [
            name
            for name, answer in described.items()
            if _may_be_asked(answer) or _undescribable(others.get(name), answer)
        ]
        commits |= {name: _NAMELESS for name in asked if not name}
        commits |= _committed(session, [name for name in asked if name], deadline)
    _not_all_silent(session, descriptions.values())
    _not_all_silent(session, commits.values())
    groups = [
        _consumer_group(name, consumers[name], descriptions[name], commits[name])
        for name in consumers
        if not _gone(descriptions[name]) and not _gone(commits[name])
    ]
    groups += [
        _other_group(name, group, commits.get(name))
        for name, group in others.items()
        if group.state == DEAD or not _gone(descriptions.get(name))
    ]
    return GroupsReading(
        read_at=read_at,
        groups=tuple(sorted(groups, key=lambda group: group.group_id)),
        excluded=len(listing.consumers) + len(listing.others) - len(consumers) - len(others),
        unlisted=listing.unlisted,
    )


def read_group(session: Session, group_id: str) -> ConsumerGroup | None:
    """One group by name, so that nothing hides it; None when it does not exist and so has committed nothing.

    What could not be read is None, with the error, as in `read_groups`. Creates `__consumer_offsets` if there
    is none yet. Raises UnreachableError or RefusedError when the brokers could not be asked.
    """
    session.connect()
    deadline = Deadline(session.timeout_seconds)
    description = _describe(session, [group_id], deadline)[group_id]
    if _gone(description):
        # A living share or streams group looks dead as well; the older listing has it all the same.
        other = list_described(session, deadline).get(group_id)
        if other is None:
            return None
        commits = (
            _committed(session, [group_id], deadline)[group_id]
            if _undescribable(other, description)
            else None
        )
        return _other_group(group_id, other, commits)
    if not _may_be_asked(description):
        assert isinstance(description, KafkaError)
        raise session.failed(
            description, doing=f"reading consumer group {group_id or '(empty name)'}", right=_RIGHT
        )
    commits = _committed(session, [group_id], deadline)[group_id]
    listed = ListedConsumer(type=UNKNOWN, protocol_type="consumer", state=UNKNOWN)
    return None if _gone(commits) else _consumer_group(group_id, listed, description, commits)


def _gone(answer: object) -> bool:
    """Whether the group does not exist, which DescribeGroups calls dead."""
    if isinstance(answer, ConsumerGroupDescription):
        return state_name(answer.state) == DEAD
    return isinstance(answer, KafkaError) and answer.code() in _GONE


def _undescribable(listed: GroupMetadata | None, answer: Description) -> bool:
    """Whether it is a group of a kind that descriptions call dead (share, streams), and its coordinator, which
    answered, can be asked for offsets."""
    return listed is not None and listed.state == DEAD and isinstance(answer, ConsumerGroupDescription)


def _may_be_asked(answer: Description) -> bool:
    """Whether the group can be asked for its offsets: its coordinator is known to be the right one, and
    ready.

    When it is not, it answers NOT_COORDINATOR, and on that answer to an admin client librdkafka follows a
    null pointer, which ends the whole process (librdkafka issue 5040, seen with 2.16 after a broker's
    restart). Descriptions have no such trouble.
    """
    if isinstance(answer, KafkaError):
        return (
            answer.code() == KafkaError._INVALID_ARG
        )  # librdkafka's code for a group that was described but is not a consumer group
    return not _gone(answer)


def _describe(session: Session, names: list[str], deadline: Deadline) -> dict[str, Description]:
    def call() -> Mapping[str, Future[ConsumerGroupDescription]]:
        return session.start(
            "describe_consumer_groups",
            session.admin.describe_consumer_groups,
            names,
            request_timeout=deadline.call_seconds,
        )

    descriptions: dict[str, Description] = {}
    for _, answers in session.run([(None, call)], window=1, deadline=deadline, doing=_DOING):
        for name, future in answers.items():
            answer = outcome(future)
            descriptions[name] = answer
    return descriptions


def _committed(session: Session, names: list[str], deadline: Deadline) -> dict[str, Committed | KafkaError]:
    def call(name: str) -> Callable[[], Mapping[str, Future[ConsumerGroupTopicPartitions]]]:
        return lambda: session.start(
            "list_consumer_group_offsets",
            session.admin.list_consumer_group_offsets,
            [ConsumerGroupTopicPartitions(name)],
            request_timeout=deadline.call_seconds,
        )

    commits: dict[str, Committed | KafkaError] = {}
    for name, answers in session.run(
        ((name, call(name)) for name in names), window=GROUPS_AT_ONCE, deadline=deadline, doing=_DOING
    ):
        answer = outcome(answers[name])
        commits[name] = answer if isinstance(answer, KafkaError) else answer.topic_partitions or []
    return commits


def _not_all_silent(session: Session, answers: Collection[object]) -> None:
    """Raises PlatformError when no group was answered for, because then the groups are not the problem."""
    errors = [
        answer
        for answer in answers
        if isinstance(answer, KafkaError) and answer.code() in NO_ANSWER | AUTHENTICATION
    ]
    if errors and len(errors) == len(answers):
        raise session.failed(errors[0], doing=_DOING, right=_RIGHT)


def _consumer_group(
    name: str,
    listed: ListedConsumer,
    description: ConsumerGroupDescription | KafkaError,
    commits: Committed | KafkaError,
) -> ConsumerGroup:
    errors = [
        item_error(answer, _RIGHT) for answer in (description, commits) if isinstance(answer, KafkaError)
    ]
    members = (
        None
        if isinstance(description, KafkaError)
        else tuple(_member(member) for member in description.members)
    )
    described = None if isinstance(description, KafkaError) else description
    return ConsumerGroup(
        group_id=name,
        type=listed.type if listed.type != UNKNOWN or described is None else type_name(described.type),
        protocol_type=listed.protocol_type,
        state=listed.state if described is None else _state(described),
        coordinator=described.coordinator.id
        if described is not None and described.coordinator is not None
        else None,
        members=members,
        offsets=None if isinstance(commits, KafkaError) else _offsets(commits, members or ()),
        error="; ".join(dict.fromkeys(errors)) or None,
    )


def _state(described: ConsumerGroupDescription) -> str:
    """Kafka's word. Assigning and Reconciling are the states of a KIP-848 group that librdkafka does not know;
    the first passes within a heartbeat, so the second stands for both."""
    state = state_name(described.state)
    return "Reconciling" if state == UNKNOWN and type_name(described.type) == "consumer" else state


def _other_group(name: str, group: GroupMetadata, commits: Committed | KafkaError | None) -> ConsumerGroup:
    """A group that is not a consumer group: of another protocol type, or of an unknown kind."""
    coordinator = group.broker.id if group.broker is not None else None
    if commits is None or group.state == DEAD:
        offsets: tuple[CommittedPartition, ...] = _offsets(commits, ()) if isinstance(commits, list) else ()
        # Of the kinds that look dead, only streams groups commit: a share group answers with no offsets, which
        # does not mean that it reads nothing.
        streams = any(offset.committed is not None for offset in offsets)
        error = _MEMBERS_UNKNOWN if streams else _NOT_DESCRIBABLE
        if isinstance(commits, KafkaError) and not _gone(commits):
            error = f"{error}; {item_error(commits, _RIGHT)}"
        return ConsumerGroup(
            group_id=name,
            type="streams" if streams else UNKNOWN,
            protocol_type=None,
            state=UNKNOWN,
            coordinator=coordinator,
            members=None,
            offsets=offsets if streams else None,
            error=error if group.error is None else item_error(group.error, _RIGHT),
        )
    return ConsumerGroup(
        group_id=name,
        type="classic",  # the only group protocol that carries other protocol types
        protocol_type=group.protocol_type,
        state=str(group.state),
        coordinator=coordinator,
        members=tuple(
            GroupMember(
                member_id=str(member.id),
                client_id=str(member.client_id),
                group_instance_id=None,  # missing in the older listing's version of DescribeGroups
                host=_host(member.client_host),
                assignment={},  # in the protocol type's own format
            )
            for member in sorted(group.members, key=lambda member: str(member.id))
        ),
        offsets=None if isinstance(commits, KafkaError) else _offsets(commits, ()),
        error=item_error(commits, _RIGHT) if isinstance(commits, KafkaError) else None,
    )


def _member(member: MemberDescription) -> GroupMember:
    partitions: dict[str, list[int]] = {}
    for assigned in member.assignment.topic_partitions if member.assignment is not None else ():
        partitions.setdefault(intern(assigned.topic), []).append(assigned.partition)
    return GroupMember(
        member_id=member.member_id,
        client_id=member.client_id,
        group_instance_id=member.group_instance_id or None,
        host=_host(member.host),
        assignment={topic: tuple(sorted(numbers)) for topic, numbers in sorted(partitions.items())},
    )


def _host(text: str | None) -> str:
    """The address without the slash of a Java InetAddress: Kafka prints `/127.0.0.1`."""
    return (text or "").removeprefix("/")


def _offsets(
    commits: Iterable[TopicPartition], members: Iterable[GroupMember]
) -> tuple[CommittedPartition, ...]:
    """The group's committed offsets, and the partitions of its members without any."""
    offsets: dict[tuple[str, int], CommittedPartition] = {}
    for member in members:
        for topic, numbers in member.assignment.items():
            for number in numbers:
                offsets[topic, number] = CommittedPartition(topic=topic, partition=number, committed=None)
    for commit in commits:
        topic = intern(commit.topic)
        offsets[topic, commit.partition] = CommittedPartition(
            topic=topic,
            partition=commit.partition,
            committed=commit.offset if commit.error is None and commit.offset >= 0 else None,
            error=item_error(commit.error, "DESCRIBE on the topic") if commit.error is not None else None,
        )
    return tuple(offsets[place] for place in sorted(offsets))
