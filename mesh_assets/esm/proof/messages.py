"""Test messages: the plan before any is written, where each one went, and how far a group has come since."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import Struct

from mesh_assets.errors import EstateError, RefusedError, UnexpectedAnswerError
from mesh_assets.esm.errors import PlanOutdatedError
from mesh_assets.esm.proof.content import MOST_BYTES, Content, json_content
from mesh_assets.esm.proof.evidence import Position, partitions_of
from mesh_assets.platforms.kafka.errors import Endpoint, from_kafka_error
from mesh_assets.platforms.kafka.settings import ClientProperties
from mesh_assets.platforms.kafka.values import ConsumerGroup
from mesh_assets.platforms.kafka.wire.groups import read_groups
from mesh_assets.platforms.kafka.wire.running import RunningCluster

MOST_MESSAGES = 10_000
# For all messages of one plan, with their keys. Proving that a mapping works takes kilobytes; more is a load test,
# which every group of the topic would pay for.
MOST_BYTES_IN_ALL = 16 * 1024 * 1024
DELIVERY_SECONDS = 30.0

_ANY_PARTITION = -1
"""Kafka's own partitioner decides, by the key."""

_DOING = "writing test messages"
_RIGHT = "WRITE on the topic"


class ProducePlan(Struct, frozen=True, kw_only=True):
    """What would be written where, and who else reads it. `id` is the hash of the rest.

    `key` None: the messages go to the partitions in turn. `format`: of their values, for people; `unwritable`:
    why none can be made that the mapping reads. `bytes_each`: of the first one. `other_groups` None: unknown, for the reason in
    `other_groups_error`. `possible_groups`: those of which it is not known what they read.
    """

    id: str
    endpoint: str
    topic: str
    partitions: tuple[int, ...]
    messages: int
    bytes_each: int
    key: str | None
    group: str | None
    other_groups: tuple[str, ...] | None
    other_groups_error: str | None = None
    possible_groups: tuple[str, ...] = ()
    format: str = "JSON"
    unwritable: str | None = None


class Written(Struct, frozen=True, kw_only=True):
    """One partition: the offsets of its first and last test message, and how many there are."""

    partition: int
    first: int
    last: int
    messages: int


class Produced(Struct, frozen=True, kw_only=True):
    """`test_id` is in every message. `partitions`: where the messages went, sorted."""

    test_id: str
    topic: str
    messages: int
    started_at: datetime
    seconds: float
    partitions: tuple[Written, ...]


def plan_test_messages(
    properties: ClientProperties,
    *,
    topic: str,
    messages: int,
    bytes_each: int,
    key: str | None,
    group: str | None,
    content: Content | None = None,
    timeout_seconds: float = 15,
) -> ProducePlan:
    """Plans test messages; only reads. `group` is the mapping's own, which is not listed among the others;
    `content` None: JSON of `bytes_each` bytes.

    Raises EstateError for an absurd number or size, or too many bytes in all, RefusedError for a topic that does not exist or may not
    be read, UnreachableError when the brokers do not answer.
    """
    if not 1 <= messages <= MOST_MESSAGES:
        raise EstateError(f"{messages} test messages requested; expected 1 to {MOST_MESSAGES:,}")
    content = content or json_content(bytes_each)
    if content.unwritable is None:
        bytes_each = len(content.encode(uuid4().hex, 0, messages))
    in_all = messages * (bytes_each + len((key or "").encode()))
    if in_all > MOST_BYTES_IN_ALL:
        raise EstateError(
            f"{messages:,} test messages of {bytes_each:,} bytes are {in_all:,} bytes in all with their keys; "
            f"expected at most {MOST_BYTES_IN_ALL:,}: ask for fewer or smaller ones"
        )
    with closing(RunningCluster(properties, timeout_seconds)) as cluster:
        partitions = partitions_of(cluster, topic)
        try:
            others: tuple[str, ...] | None
            others, possible = _other_groups(cluster, topic, group)
            error = None
        except (RefusedError, UnexpectedAnswerError) as failure:
            others, possible, error = None, (), str(failure)
    plan = ProducePlan(
        id="",
        endpoint=str(properties["bootstrap.servers"]),
        topic=topic,
        partitions=partitions,
        messages=messages,
        bytes_each=bytes_each,
        key=key,
        group=group,
        other_groups=others,
        other_groups_error=error,
        possible_groups=possible,
        format=content.format,
        unwritable=content.unwritable,
    )
    return msgspec.structs.replace(plan, id=sha256(msgspec.json.encode(plan)).hexdigest()[:12])


def check_plan(plan: ProducePlan, plan_id: str) -> None:
    """Raises PlanOutdatedError unless the plan has this id."""
    if plan.id != plan_id:
        raise PlanOutdatedError(
            f"plan {plan_id} is outdated (it is now {plan.id}): the topic, its readers or the request have changed; "
            "check the new plan first"
        )


def produce_test_messages(
    properties: ClientProperties,
    plan: ProducePlan,
    *,
    content: Content | None = None,
    progress: Callable[[str], None] = lambda text: None,  # noqa: ARG005
) -> Produced:
    """Writes the messages and waits until all in-sync replicas have acknowledged each one. `content` is the
    plan's.

    Raises EstateError if none can be made, PlatformError when one was not acknowledged; some may have been written
    then.
    """
    content = content or json_content(plan.bytes_each)
    if plan.unwritable is not None:
        raise EstateError(f"no test messages are written: {plan.unwritable}")
    if content.format != plan.format:
        raise PlanOutdatedError(
            f"the plan is for messages in {plan.format}, but they are now {content.format}; check the new plan first"
        )
    endpoint = Endpoint(properties)
    delivered: list[tuple[int, int]] = []
    failures: list[KafkaError] = []
    lock = threading.Lock()

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        with lock:
            if error is not None:
                failures.append(error)
            else:
                delivered.append((int(message.partition() or 0), int(message.offset() or 0)))

    test_id, started_at, begun = uuid4().hex, datetime.now(UTC), time.monotonic()
    settings: dict[str, Any] = {
        **properties,
        "acks": "all",
        "enable.idempotence": True,
        "delivery.timeout.ms": int(DELIVERY_SECONDS * 1000),
        "allow.auto.create.topics": False,
        # The largest content, its key and its header: the brokers decide whether the topic accepts that.
        "message.max.bytes": MOST_BYTES + 10_000,
        "error_cb": lambda _: None,
        "logger": _SILENT,
    }
    try:
        # Closed explicitly: one that is garbage-collected while it asks for a token blocks the process.
        with Producer(settings) as producer:
            for sequence in range(plan.messages):
                partition = (
                    _ANY_PARTITION
                    if plan.key is not None
                    else plan.partitions[sequence % len(plan.partitions)]
                )
                producer.produce(
                    plan.topic,
                    value=content.encode(test_id, sequence, plan.messages),
                    key=plan.key,
                    headers={"mesh-assets-test": test_id},
                    partition=partition,
                    on_delivery=on_delivery,
                )
                producer.poll(0)
            left = producer.flush(DELIVERY_SECONDS + 5)
    except KafkaException as error:
        failures.append(error.args[0])
    if failures:
        failure = from_kafka_error(failures[0], endpoint=endpoint, doing=_DOING, right=_RIGHT)
        raise type(failure)(
            f"{failure}; {len(delivered):,} of {plan.messages:,} test messages are known to be in {plan.topic}"
        )
    if left or len(delivered) != plan.messages:
        raise UnexpectedAnswerError(
            f"{plan.topic}: {len(delivered)} of {plan.messages} test messages were acknowledged; the others may have been written too"
        )
    progress(f"{plan.messages} messages of {plan.bytes_each} bytes are in {plan.topic}")
    by_partition: dict[int, list[int]] = {}
    for partition, offset in delivered:
        by_partition.setdefault(partition, []).append(offset)
    return Produced(
        test_id=test_id,
        topic=plan.topic,
        messages=plan.messages,
        started_at=started_at,
        seconds=time.monotonic() - begun,
        partitions=tuple(
            Written(partition=partition, first=min(offsets), last=max(offsets), messages=len(offsets))
            for partition, offsets in sorted(by_partition.items())
        ),
    )


def _other_groups(
    cluster: RunningCluster, topic: str, group: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Groups with a member that reads the topic or with offsets on it, and those for which that is unknown."""
    found = cluster.run(
        lambda kafka: read_groups(
            kafka,
            lambda name: name != group,
            endpoint=cluster.endpoint,
            timeout_seconds=cluster.timeout_seconds,
        ),
        doing="reading the consumer groups",
        right="DESCRIBE on the groups",
    ).all_groups()
    reads = {one.group_id: _reads(one, topic) for one in found}
    return (
        tuple(name for name, answer in reads.items() if answer),
        tuple(name for name, answer in reads.items() if answer is None),
    )


def _reads(group: ConsumerGroup, topic: str) -> bool | None:
    """None: not everything that it reads is known, and the known part does not include the topic."""
    places = group.share if group.type == "share" else group.offsets
    if any(place.topic == topic for place in places or ()):
        return True
    if any(topic in member.assignment for member in group.members or ()):
        return True
    return None if group.error is not None else False


class _Silent:
    """A logger that drops everything: the errors already say what librdkafka would print to stderr."""

    def log(self, *arguments: object) -> None:
        pass


_SILENT = _Silent()


class PartitionProgress(Struct, frozen=True, kw_only=True):
    """`passed`: the group has committed beyond the partition's last test message.

    `ahead`: how many records it still has to read before the first one; None when it has committed nothing
    here yet. `moved`: how many records it has committed since before.
    """

    partition: int
    passed: bool
    committed_before: int | None
    committed: int | None
    last: int
    ahead: int | None
    moved: int


def check_offset_after_production(
    before: Position, now: Position, produced: Produced
) -> tuple[PartitionProgress, ...]:
    """The progress on each partition with a test message. Elsewhere a group has nothing to commit."""
    return tuple(_progress(before, now, written) for written in produced.partitions)


def _progress(before: Position, now: Position, written: Written) -> PartitionProgress:
    partition = written.partition
    was, committed = before.committed.get(partition), now.committed.get(partition)
    # Without an earlier commit the group began with the first existing record at the earliest.
    began = before.start.get(partition, 0) if was is None else was
    return PartitionProgress(
        partition=partition,
        # A committed offset is that of the next record to read.
        passed=committed is not None and committed > written.last,
        committed_before=was,
        committed=committed,
        last=written.last,
        ahead=None if committed is None else max(0, written.first - committed),
        moved=0 if committed is None else max(0, committed - began),
    )
