"""Which groups there are, of every kind.

librdkafka's listing of consumer groups (`list_consumer_groups`) leaves out, in the client, every group whose
protocol type is neither `consumer` nor empty: Connect's workers, registries, share and streams groups. Its
older listing (`list_groups`) has them all, but knows no types, and describes what DescribeGroups cannot
(consumer groups of KIP-848, share, streams) as dead. Together they give the truth:

- listed by the newer call: a consumer group, or one that only commits;
- listed by the older one alone, and alive there: another user of the classic protocol, such as Connect;
- listed by the older one alone, as dead: a kind that this client cannot describe.
"""

import time
import warnings
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from confluent_kafka import ConsumerGroupState, ConsumerGroupType, KafkaError, KafkaException

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.kafka.admin_api import GroupMetadata, ListConsumerGroupsResult
from mesh_assets.platforms.kafka.errors import NO_ANSWER
from mesh_assets.platforms.kafka.group_coordinators import NOT_READY, READY_SECONDS, wait_for_coordinators
from mesh_assets.platforms.kafka.session import Deadline, Session

_DOING = "listing the consumer groups"
_RIGHT = "DESCRIBE on the cluster"

Result = TypeVar("Result")

UNKNOWN = "unknown"
DEAD = "Dead"

# Kafka's words. Of a KIP-848 group's states, librdkafka 2.16 does not know Assigning and Reconciling: they
# come as UNKNOWN.
_STATES = {
    ConsumerGroupState.STABLE: "Stable",
    ConsumerGroupState.EMPTY: "Empty",
    ConsumerGroupState.DEAD: DEAD,
    ConsumerGroupState.PREPARING_REBALANCING: "PreparingRebalance",
    ConsumerGroupState.COMPLETING_REBALANCING: "CompletingRebalance",
}
_TYPES = {ConsumerGroupType.CLASSIC: "classic", ConsumerGroupType.CONSUMER: "consumer"}


class ListedConsumer(NamedTuple):
    """`type` is `unknown` with brokers before 4.0, `state` with brokers before 2.6. `protocol_type`:
    `consumer`, or empty."""

    type: str
    state: str
    protocol_type: str


class Listing(NamedTuple):
    """Consumer groups, and the others as the older call describes them; both by group id."""

    consumers: dict[str, ListedConsumer]
    others: dict[str, GroupMetadata]


def state_name(state: object) -> str:
    return _STATES.get(state, UNKNOWN) if isinstance(state, ConsumerGroupState) else UNKNOWN


def type_name(group_type: object) -> str:
    return _TYPES.get(group_type, UNKNOWN) if isinstance(group_type, ConsumerGroupType) else UNKNOWN


def list_groups(session: Session, deadline: Deadline) -> Listing:
    """All groups that the user may see. Raises UnexpectedAnswerError when a broker did not tell its groups:
    that list has holes."""
    wait_for_coordinators(session, deadline)
    # In this order, so that a group that is created in between is listed as what it is.
    described = _list_described(session, deadline)
    consumers = _list_consumers(session, deadline)
    dead = {name for name, group in described.items() if group.state == DEAD and name not in consumers}
    missing = consumers.keys() - described.keys()
    if dead or missing:
        # Groups come and go between two listings; what the next one says, too, is no coincidence.
        again = _list_described(session, deadline)
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
            # Gone since, or just new: its description will tell.
            consumers[name] = ListedConsumer(UNKNOWN, str(group.state), str(group.protocol_type))
        else:
            others[name] = group
    return Listing(consumers, others)


def _list_consumers(session: Session, deadline: Deadline) -> dict[str, ListedConsumer]:
    def ask() -> ListConsumerGroupsResult:
        listing: ListConsumerGroupsResult = session.one(
            lambda: session.start(
                "list_consumer_groups",
                session.admin.list_consumer_groups,
                request_timeout=deadline.call_seconds,
            ),
            doing=_DOING,
            right=_RIGHT,
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
            raise session.failed(first, doing=_DOING, right=_RIGHT)
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
    """confluent-kafka says exceptions and gives their errors."""
    said = error.args[0] if isinstance(error, KafkaException) else error
    return said if isinstance(said, KafkaError) else KafkaError(KafkaError.UNKNOWN, str(said))


def _list_described(session: Session, deadline: Deadline) -> dict[str, GroupMetadata]:
    # confluent-kafka calls this listing deprecated and has no other that shows these groups. A filter for
    # this one message, and not catch_warnings, which is not safe with threads.
    warnings.filterwarnings("ignore", message=r"list_groups\(\) is deprecated", category=DeprecationWarning)

    def ask() -> list[GroupMetadata] | KafkaError:
        return session.answer(
            lambda: session.start_blocking(
                "list_groups", session.admin.list_groups, timeout=deadline.call_seconds
            ),
            doing=_DOING,
        )

    groups = _when_loaded(
        session, ask, lambda answer: isinstance(answer, KafkaError) and answer.code() in NOT_READY
    )
    if isinstance(groups, KafkaError):
        raise session.failed(groups, doing=_DOING, right=_RIGHT)
    return {str(group.id): group for group in groups}


def _when_loaded(session: Session, ask: Callable[[], Result], loading: Callable[[Result], bool]) -> Result:
    """The answer, asked for again while a broker says that it is still loading its groups, as it does after a
    start."""
    started = time.monotonic()
    while loading(answer := ask()) and time.monotonic() - started < min(
        READY_SECONDS, session.timeout_seconds
    ):
        session.pause()
    return answer
