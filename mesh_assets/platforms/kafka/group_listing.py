"""Which groups there are, of every kind, without holes that nothing shows.

librdkafka's listing of consumer groups (`list_consumer_groups`) drops, in the client, every group whose
protocol type is neither `consumer` nor empty: Connect's workers, registries, share and streams groups. Its
older listing (`list_groups`) has them all, but knows no types, and describes what DescribeGroups cannot
(consumer groups of KIP-848, share, streams) as dead. Together they are complete:

- in the newer listing: a consumer group, or one that only commits;
- only in the older one, and alive there: another user of the classic protocol, such as Connect;
- only in the older one, as dead: a kind that this client cannot describe.

Groups live in the partitions of __consumer_offsets, and the leader of a partition coordinates its groups. Two
kinds of holes follow, both seen with Kafka 4.3, and a group's name says whether it would be in one:

- A listing only asks the brokers that are up. Nobody lists the groups of a partition without a leader.
- A broker that has just started leads its partitions but lists no groups and no error until it begins to load
  them: 7 s with 16,000 partitions. So each coordinator is asked to describe a group that does not exist: one
  that is ready answers "dead", any other answers an error.
"""

import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar

from confluent_kafka import ConsumerGroupState, ConsumerGroupType, KafkaError, KafkaException, TopicCollection

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.kafka.admin_api import GroupMetadata, ListConsumerGroupsResult
from mesh_assets.platforms.kafka.errors import AUTHORIZATION, NO_ANSWER
from mesh_assets.platforms.kafka.session import Deadline, Session, outcome
from mesh_assets.platforms.kafka.values import UnlistedGroups, partition_of

NOT_READY = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
# How long to wait for coordinators. 300 groups load within 0.5 s, but a broker with 16,000 partitions only
# begins after 7 s.
READY_SECONDS = 10.0

GROUPS_TOPIC = "__consumer_offsets"

_ASKING_COORDINATORS = "asking the coordinators of the consumer groups"
_DESCRIBE_GROUP = "DESCRIBE on the group"


def wait_for_coordinators(session: Session, deadline: Deadline) -> UnlistedGroups | None:
    """Returns when every coordinator knows its groups, or when that cannot be known: by a user who may not
    see __consumer_offsets (Confluent Cloud hides it), or not describe groups of any name. The groups of
    coordinators that are missing or not ready within `READY_SECONDS` are those of which no list will tell.

    Raises UnexpectedAnswerError when that is all of them, UnreachableError when none answers.
    """
    partitions, leaderless = _partitions(session, deadline)
    absent = absent_groups(partitions)
    names = [name for number, name in enumerate(absent) if number not in leaderless]
    reasons = []
    if leaderless:
        reasons.append(
            f"the groups in partitions {', '.join(map(str, sorted(leaderless)))} of {GROUPS_TOPIC} have no coordinator, because those "
            "partitions have no leader"
        )
    started = time.monotonic()
    while names:
        names, error = _not_ready(session, names, deadline)
        if (
            error is not None
            and error.code() not in NOT_READY
            and error.code() in NO_ANSWER
            and len(names) == partitions - len(leaderless)
        ):
            raise session.failed(error, doing=_ASKING_COORDINATORS, right=_DESCRIBE_GROUP)
        if names and time.monotonic() - started >= min(READY_SECONDS, session.timeout_seconds):
            said = f" ({error.name()})" if error is not None else ""
            reasons.append(
                f"{len(names)} of the {partitions} coordinators do not know their groups yet{said}; a broker that has just started "
                "needs some time"
            )
            break
        if names:
            session.pause()
    if not reasons:
        return None
    reason = f"the list of consumer groups of Kafka at {session.endpoint.servers} is incomplete: {'; '.join(reasons)}"
    unlisted = leaderless | {partition_of(name, partitions) for name in names}
    if len(unlisted) == partitions:
        raise UnexpectedAnswerError(reason)
    return UnlistedGroups(partitions=unlisted, of=partitions, reason=reason)


def _partitions(session: Session, deadline: Deadline) -> tuple[int, frozenset[int]]:
    """The number of partitions of __consumer_offsets, 0 when it is hidden or does not exist (then there are
    no groups); and those without a leader."""
    answers = session.start(
        "describe_topics",
        session.admin.describe_topics,
        TopicCollection([GROUPS_TOPIC]),
        request_timeout=deadline.call_seconds,
    )
    for _ in session.run([(None, lambda: answers)], window=1, deadline=deadline, doing=_ASKING_COORDINATORS):
        pass
    answer = outcome(answers[GROUPS_TOPIC])
    if isinstance(answer, KafkaError):
        if answer.code() in NO_ANSWER:
            raise session.failed(answer, doing=_ASKING_COORDINATORS, right="DESCRIBE on the topic")
        return 0, frozenset()
    return len(answer.partitions), frozenset(
        partition.id for partition in answer.partitions if partition.leader is None or partition.leader.id < 0
    )


def _not_ready(session: Session, names: list[str], deadline: Deadline) -> tuple[list[str], KafkaError | None]:
    """The groups whose coordinator is not ready, and the error of one of them."""
    # Descriptions rather than offsets, which crash librdkafka when a coordinator is not ready
    # (consumer_groups.py).
    answers = session.start(
        "describe_consumer_groups",
        session.admin.describe_consumer_groups,
        names,
        request_timeout=deadline.call_seconds,
    )
    for _ in session.run([(None, lambda: answers)], window=1, deadline=deadline, doing=_ASKING_COORDINATORS):
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
    """Names of groups that nobody has, one in each partition."""
    names: dict[int, str] = {}
    number = 0
    while len(names) < partitions:
        name = f"mesh-assets-nobody-{number}"
        names.setdefault(partition_of(name, partitions), name)
        number += 1
    return tuple(names[partition] for partition in range(partitions))


_LISTING = "listing the consumer groups"
_DESCRIBE_CLUSTER = "DESCRIBE on the cluster"

Result = TypeVar("Result")

UNKNOWN = "unknown"
DEAD = "Dead"

# Kafka's words. librdkafka 2.16 does not know the KIP-848 states Assigning and Reconciling, which come as
# UNKNOWN.
_STATES = {
    ConsumerGroupState.STABLE: "Stable",
    ConsumerGroupState.EMPTY: "Empty",
    ConsumerGroupState.DEAD: DEAD,
    ConsumerGroupState.PREPARING_REBALANCING: "PreparingRebalance",
    ConsumerGroupState.COMPLETING_REBALANCING: "CompletingRebalance",
}
_TYPES = {ConsumerGroupType.CLASSIC: "classic", ConsumerGroupType.CONSUMER: "consumer"}


class ListedConsumer(NamedTuple):
    """A consumer group in the list. `protocol_type`: `consumer` or empty.

    `type` is `unknown` with brokers before 4.0, `state` with brokers before 2.6.
    """

    type: str
    state: str
    protocol_type: str


class Listing(NamedTuple):
    """Consumer groups, and other groups as the older call describes them; both by group id. `unlisted`: which
    groups neither shows."""

    consumers: dict[str, ListedConsumer]
    others: dict[str, GroupMetadata]
    unlisted: UnlistedGroups | None = None


def state_name(state: object) -> str:
    return _STATES.get(state, UNKNOWN) if isinstance(state, ConsumerGroupState) else UNKNOWN


def type_name(group_type: object) -> str:
    return _TYPES.get(group_type, UNKNOWN) if isinstance(group_type, ConsumerGroupType) else UNKNOWN


def list_groups(session: Session, deadline: Deadline) -> Listing:
    """All groups that the user may see, but for those that have no coordinator.

    Raises UnexpectedAnswerError when the list has other holes, because a broker did not list its groups.
    """
    unlisted = wait_for_coordinators(session, deadline)
    # In this order, so that a group created in between is listed with its own kind.
    described = list_described(session, deadline)
    consumers = _list_consumers(session, deadline)
    dead = {name for name, group in described.items() if group.state == DEAD and name not in consumers}
    missing = consumers.keys() - described.keys()
    if dead or missing:
        # Groups come and go between two listings; what the next listing repeats is not a coincidence.
        again = list_described(session, deadline)
        described = {name: group for name, group in again.items() if group.state != DEAD or name in dead}
        if missing - again.keys():
            # librdkafka forgets the error of a broker in the older listing when another one answers after it.
            holes = (missing - again.keys()) & _list_consumers(session, deadline).keys()
            if holes:
                raise UnexpectedAnswerError(
                    f"the list of groups of Kafka at {session.endpoint.servers} is incomplete: "
                    f"{len(holes)} of {len(consumers)} consumer groups are missing from it, so groups of other kinds may be as well"
                )
    others: dict[str, GroupMetadata] = {}
    for name, group in described.items():
        if name in consumers:
            continue
        if group.error is None and group.state != DEAD and group.protocol_type in ("consumer", ""):
            # Just deleted or just created: its description will show which.
            consumers[name] = ListedConsumer(UNKNOWN, str(group.state), str(group.protocol_type))
        else:
            others[name] = group
    return Listing(consumers, others, unlisted)


def _list_consumers(session: Session, deadline: Deadline) -> dict[str, ListedConsumer]:
    def ask() -> ListConsumerGroupsResult:
        listing: ListConsumerGroupsResult = session.one(
            lambda: session.start(
                "list_consumer_groups",
                session.admin.list_consumer_groups,
                request_timeout=deadline.call_seconds,
            ),
            doing=_LISTING,
            right=_DESCRIBE_CLUSTER,
        )
        return listing

    listing = _when_loaded(
        session,
        ask,
        lambda listing: any(_kafka_error(error).code() in NOT_READY for error in listing.errors or ()),
    )
    if listing.errors:
        errors = [_kafka_error(error) for error in listing.errors]
        first = errors[0]
        if not listing.valid and first.code() in NO_ANSWER:
            raise session.failed(first, doing=_LISTING, right=_DESCRIBE_CLUSTER)
        raise UnexpectedAnswerError(
            f"the list of consumer groups of Kafka at {session.endpoint.servers} is incomplete, because a broker did not tell its groups: "
            + "; ".join(session.endpoint.redact(error.str()) for error in errors)
        )
    return {
        group.group_id: ListedConsumer(
            type=type_name(getattr(group, "type", None)),
            state=state_name(getattr(group, "state", None)),
            protocol_type="" if group.is_simple_consumer_group else "consumer",
        )
        for group in listing.valid or ()
    }


def _kafka_error(error: object) -> KafkaError:
    """The KafkaError: confluent-kafka declares exceptions and returns their errors."""
    said = error.args[0] if isinstance(error, KafkaException) else error
    return said if isinstance(said, KafkaError) else KafkaError(KafkaError.UNKNOWN, str(said))


def list_described(session: Session, deadline: Deadline) -> dict[str, GroupMetadata]:
    """Every group as the older listing describes it: those of kinds that it does not know as dead."""
    # confluent-kafka deprecates this listing and has no other that shows these groups. A filter for this one
    # message rather than catch_warnings, which is not safe with threads.
    warnings.filterwarnings("ignore", message=r"list_groups\(\) is deprecated", category=DeprecationWarning)

    def ask() -> list[GroupMetadata] | KafkaError:
        return session.answer(
            lambda: session.start_blocking(
                "list_groups", session.admin.list_groups, timeout=deadline.call_seconds
            ),
            doing=_LISTING,
        )

    groups = _when_loaded(
        session, ask, lambda answer: isinstance(answer, KafkaError) and answer.code() in NOT_READY
    )
    if isinstance(groups, KafkaError):
        raise session.failed(groups, doing=_LISTING, right=_DESCRIBE_CLUSTER)
    return {str(group.id): group for group in groups}


def _when_loaded(session: Session, ask: Callable[[], Result], loading: Callable[[Result], bool]) -> Result:
    """The answer, after asking again for as long as a broker is still loading its groups, as it does after a
    start."""
    started = time.monotonic()
    while loading(answer := ask()) and time.monotonic() - started < min(
        READY_SECONDS, session.timeout_seconds
    ):
        session.pause()
    return answer
