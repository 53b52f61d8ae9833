"""A group's position on a topic.

An offset that cannot be read is an error, never zero; nothing committed yet is not.
"""

from collections.abc import Mapping

from confluent_kafka import KafkaError, TopicCollection
from msgspec import Struct

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.platforms.kafka.consumer_groups import read_group
from mesh_assets.platforms.kafka.offsets import read_offsets
from mesh_assets.platforms.kafka.session import Session


class Member(Struct, frozen=True, kw_only=True):
    """A member of the group. `partitions`: the topic's partitions assigned to it."""

    client_id: str
    host: str
    partitions: tuple[int, ...]


class Position(Struct, frozen=True, kw_only=True):
    """A group on a topic at one moment, by partition. `committed` None: nothing committed there yet.

    `start`: the offset of the first record; `end`: the offset that the next one gets.
    """

    group: str
    topic: str
    committed: Mapping[int, int | None]
    start: Mapping[int, int]
    end: Mapping[int, int]
    members: tuple[Member, ...]

    @property
    def has_commits(self) -> bool:
        return any(offset is not None for offset in self.committed.values())

    @property
    def lag_records(self) -> int | None:
        """The lag on the partitions with a commit; None without any."""
        known = [
            self.end[partition] - offset for partition, offset in self.committed.items() if offset is not None
        ]
        return sum(max(0, lag) for lag in known) if known else None


def partitions_of(session: Session, topic: str) -> tuple[int, ...]:
    """The topic's partitions.

    Raises RefusedError when it does not exist or may not be seen, UnreachableError without an answer.
    """
    session.connect()
    try:
        described = session.one(
            lambda: session.start(
                "describe_topics",
                session.admin.describe_topics,
                TopicCollection([topic]),
                request_timeout=session.timeout_seconds,
            )[topic],
            doing=f"reading topic {topic}",
            right=f"DESCRIBE on topic {topic}",
        )
    except UnexpectedAnswerError as error:
        if KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART).name() in str(error):
            raise RefusedError(
                f"{session.endpoint.servers} has no topic {topic}; check its name and the cluster"
            ) from error
        raise
    return tuple(sorted(partition.id for partition in described.partitions))


def read_position(session: Session, group: str, topic: str) -> Position:
    """The group's position now. Raises PlatformError as soon as one offset cannot be read."""
    partitions = partitions_of(session, topic)
    offsets = read_offsets(session, {topic: partitions}).topics[topic]
    start: dict[int, int] = {}
    end: dict[int, int] = {}
    for one in offsets:
        if one.latest is None or one.earliest is None:
            raise UnexpectedAnswerError(
                f"the offsets of {topic}[{one.partition}] could not be read ({one.error}); nothing can be proven without it"
            )
        start[one.partition], end[one.partition] = one.earliest, one.latest
    found = read_group(session, group)
    committed: dict[int, int | None] = dict.fromkeys(partitions)
    if found is None:
        return Position(group=group, topic=topic, committed=committed, start=start, end=end, members=())
    if found.members is None or found.offsets is None:
        raise UnexpectedAnswerError(
            f"consumer group {group} could not be read ({found.error}); nothing can be proven without its offsets"
        )
    for place in found.offsets:
        if place.topic == topic:
            if place.error is not None:
                raise UnexpectedAnswerError(
                    f"what {group} committed on {topic}[{place.partition}] could not be read ({place.error})"
                )
            committed[place.partition] = place.committed
    members = tuple(
        Member(
            client_id=member.client_id,
            host=member.host.removeprefix("/"),
            partitions=member.assignment.get(topic, ()),
        )
        for member in found.members
    )
    return Position(group=group, topic=topic, committed=committed, start=start, end=end, members=members)


get_initial_offset = read_position
"""The position before anything is produced: the name under which agents know `read_position`."""
