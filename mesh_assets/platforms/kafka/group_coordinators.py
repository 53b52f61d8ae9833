"""Whether every coordinator of groups is there and knows its groups: without that, a list of groups has holes
that nothing tells of.

Groups live in the partitions of __consumer_offsets; the leader of a partition coordinates its groups. Two
holes, both seen with Kafka 4.3:

- A listing only asks the brokers that are there. The groups of a partition without a leader are in nobody's list.
- A broker that has just started leads its partitions, and lists no groups and no error until it begins to load them: for 7 s with
  16,000 partitions. So each coordinator is asked to describe a group that does not exist: one that is ready answers "dead", one that is
  not answers an error.
"""

import time
from functools import lru_cache

from confluent_kafka import KafkaError, TopicCollection

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.kafka.errors import AUTHORIZATION, NO_ANSWER
from mesh_assets.platforms.kafka.session import Deadline, Session, outcome

NOT_READY = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
# How long coordinators are waited for. 300 groups are loaded within 0.5 s, but a broker with 16,000
# partitions only begins after 7 s.
READY_SECONDS = 10.0

GROUPS_TOPIC = "__consumer_offsets"

_DOING = "asking the coordinators of the consumer groups"
_RIGHT = "DESCRIBE on the group"


def wait_for_coordinators(session: Session, deadline: Deadline) -> None:
    """Returns when every coordinator knows its groups, or when that cannot be known: to a user who may not
    see __consumer_offsets (Confluent Cloud hides it), or not describe groups of any name.

    Raises UnexpectedAnswerError when a coordinator is missing or not ready within `READY_SECONDS`,
    UnreachableError when none answers.
    """
    partitions = _partitions(session, deadline)
    if partitions == 0:
        return
    names = list(absent_groups(partitions))
    started = time.monotonic()
    while names:
        names, error = _not_ready(session, names, deadline)
        if (
            error is not None
            and error.code() not in NOT_READY
            and error.code() in NO_ANSWER
            and len(names) == partitions
        ):
            raise session.failed(error, doing=_DOING, right=_RIGHT)
        if names and time.monotonic() - started >= min(READY_SECONDS, session.timeout_seconds):
            said = f" ({error.name()})" if error is not None else ""
            raise UnexpectedAnswerError(
                f"the list of consumer groups of Kafka at {session.endpoint.servers} would be incomplete: {len(names)} of the {partitions} "
                f"coordinators do not know their groups yet{said}; a broker that has just started needs some time"
            )
        if names:
            session.pause()


def _partitions(session: Session, deadline: Deadline) -> int:
    """How many partitions __consumer_offsets has; 0 when it does not exist (then there are no groups) or is
    not shown."""
    answers = session.start(
        "describe_topics",
        session.admin.describe_topics,
        TopicCollection([GROUPS_TOPIC]),
        request_timeout=deadline.call_seconds,
    )
    for _ in session.run([(None, lambda: answers)], window=1, deadline=deadline, doing=_DOING):
        pass
    answer = outcome(answers[GROUPS_TOPIC])
    if isinstance(answer, KafkaError):
        if answer.code() in NO_ANSWER:
            raise session.failed(answer, doing=_DOING, right="DESCRIBE on the topic")
        return 0
    without = [
        str(partition.id)
        for partition in answer.partitions
        if partition.leader is None or partition.leader.id < 0
    ]
    if without:
        raise UnexpectedAnswerError(
            f"the list of consumer groups of Kafka at {session.endpoint.servers} is incomplete: the groups in partitions "
            f"{', '.join(without)} of {GROUPS_TOPIC} have no coordinator, because those partitions have no leader"
        )
    return len(answer.partitions)


def _not_ready(session: Session, names: list[str], deadline: Deadline) -> tuple[list[str], KafkaError | None]:
    """Those of the groups whose coordinator is not ready, and what one of these said."""
    # Descriptions, and not offsets: those of a coordinator that is not ready crash librdkafka (see
    # consumer_groups.py).
    answers = session.start(
        "describe_consumer_groups",
        session.admin.describe_consumer_groups,
        names,
        request_timeout=deadline.call_seconds,
    )
    for _ in session.run([(None, lambda: answers)], window=1, deadline=deadline, doing=_DOING):
        pass
    errors = {
        name: answer for name, future in answers.items() if isinstance(answer := outcome(future), KafkaError)
    }
    refused = any(error.code() in AUTHORIZATION for error in errors.values())
    waiting = (
        [] if refused else [name for name, error in errors.items() if error.code() in NOT_READY | NO_ANSWER]
    )
    return waiting, errors[waiting[0]] if waiting else None


@lru_cache(maxsize=4)
def absent_groups(partitions: int) -> tuple[str, ...]:
    """Names of groups that nobody has, one in each of the partitions."""
    names: dict[int, str] = {}
    number = 0
    while len(names) < partitions:
        name = f"mesh-assets-nobody-{number}"
        names.setdefault(partition_of(name, partitions), name)
        number += 1
    return tuple(names[partition] for partition in range(partitions))


def partition_of(group: str, partitions: int) -> int:
    """Where Kafka puts a group: `Utils.abs(groupId.hashCode()) % partitions`, by Java's String.hashCode; abs
    of Integer.MIN_VALUE is 0."""
    value = 0
    encoded = group.encode("utf-16-be")
    for high, low in zip(encoded[::2], encoded[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    magnitude = min(value, 0x1_0000_0000 - value)
    return magnitude % partitions if magnitude != 0x8000_0000 else 0
