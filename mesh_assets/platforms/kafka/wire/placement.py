"""Where partitions are moving to, and who may lead them: ListPartitionReassignments, which reports only those
that move, and DescribeTopicPartitions, which answers in pages."""

from collections.abc import Collection, Sequence
from functools import partial
from sys import intern
from typing import NamedTuple

from confluent_kafka import KafkaError

from mesh_assets.inventory.storage_records import EligibleLeaders, Reassignment
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    Writer,
)
from mesh_assets.platforms.kafka.wire.topics import list_topics

RIGHT = "DESCRIBE on the cluster"
# The most that Kafka itself allows in a page (`max.request.partition.size.limit`).
PARTITIONS_A_PAGE = 2_000
# How long the controller may take; it answers from memory.
_CONTROLLER_MS = 10_000
_ATTEMPTS = 3

# --- partitions under reassignment


class _Listed(NamedTuple):
    code: int
    said: str
    topics: dict[str, tuple[Reassignment, ...]]


def _write_listing(w: Writer, _version: int) -> None:
    w.int32(_CONTROLLER_MS)
    w.count(None)  # all topics
    w.tags()


def _read_listing(r: Reader, _version: int) -> _Listed:
    def moving() -> Reassignment:
        number = r.int32()
        r.int32s()  # the replicas of both sides, which Metadata reports
        one = Reassignment(partition=number, adding=r.int32s(), removing=r.int32s())
        r.tags()
        return one

    r.throttle()
    code, said = r.int16(), r.nullable_text()
    topics: dict[str, tuple[Reassignment, ...]] = {}
    for _ in range(r.length()):
        name = intern(r.text())
        if name in topics:
            raise MalformedError("an answer to ListPartitionReassignments with a topic twice")
        moves = [moving() for _ in range(r.length())]
        topics[name] = tuple(sorted(moves, key=lambda one: one.partition))
        r.tags()
    r.tags()
    return _Listed(code, said or "", topics)


LIST_REASSIGNMENTS: Request[_Listed] = Request(
    "ListPartitionReassignments", 46, 0, 0, 0, _write_listing, _read_listing
)


async def read_reassignments(connections: Connections) -> dict[str, tuple[Reassignment, ...]]:
    """The partitions being moved, by topic; empty when there are none. Any KRaft broker asks the controller;
    with ZooKeeper, only the controller answers. Raises BrokerError."""
    listed = await connections.ask(LIST_REASSIGNMENTS)
    for _ in range(_ATTEMPTS):
        if listed.code != KafkaError.NOT_CONTROLLER:
            break
        controller = (await list_topics(connections, ())).controller
        listed = await connections.ask(LIST_REASSIGNMENTS, broker=controller)
    if listed.code:
        raise BrokerError(listed.code, listed.said)
    return listed.topics


# --- who may lead

_Cursor = tuple[str, int]


class _Page(NamedTuple):
    """`topics`: None if the user may not describe it, or it is gone. `next`: where the next page begins."""

    topics: dict[str, list[EligibleLeaders] | None]
    next: _Cursor | None


def describe_topic_partitions(names: Sequence[str], start: _Cursor | None = None) -> Request[_Page]:
    """For these topics, sorted, from `start` on."""
    return Request(
        "DescribeTopicPartitions", 75, 0, 0, 0, partial(_write_page, names, start), partial(_read_page, names)
    )


def _write_page(names: Sequence[str], start: _Cursor | None, w: Writer, _version: int) -> None:
    w.count(len(names))
    for name in names:
        w.text(name)
        w.tags()
    w.int32(PARTITIONS_A_PAGE)
    w.int8(-1 if start is None else 1)
    if start is not None:
        w.text(start[0])
        w.int32(start[1])
        w.tags()
    w.tags()


def _read_page(names: Sequence[str], r: Reader, _version: int) -> _Page:
    asked = set(names)
    topics: dict[str, list[EligibleLeaders] | None] = {}

    def leaders() -> EligibleLeaders:
        r.int16()
        number = r.int32()
        r.int32()  # the leader
        r.int32()  # its epoch
        r.int32s()  # replicas
        r.int32s()  # ISR
        one = EligibleLeaders(partition=number, eligible=r.int32s(), last_known=r.int32s())
        r.int32s()  # those that are offline
        r.tags()
        return one

    r.throttle()
    for _ in range(r.length()):
        code, name = r.int16(), intern(r.text())
        r.uuid()
        r.boolean()
        found = [leaders() for _ in range(r.length())]
        r.operations()
        r.tags()
        if name not in asked or name in topics:
            raise MalformedError(
                "an answer to DescribeTopicPartitions about another topic, or about one twice"
            )
        topics[name] = None if code else found
    start = None
    if r.int8() >= 0:
        start = (r.text(), r.int32())
        r.tags()
    r.tags()
    return _Page(topics, start)


async def read_eligible_leaders(
    connections: Connections, names: Collection[str]
) -> dict[str, tuple[EligibleLeaders, ...] | None]:
    """The partitions of these topics with eligible or last known leaders outside the ISR; None if the topic
    could not be described. Brokers report none while the feature `eligible.leader.replicas.version` is off.
    Raises BrokerError, UnsupportedError with brokers before Kafka 3.8."""
    asked = sorted(set(names))
    found: dict[str, list[EligibleLeaders] | None] = {}
    start: _Cursor | None = None
    while asked:
        page = await connections.ask(describe_topic_partitions(asked, start))
        for name, partitions in page.topics.items():
            known = found.get(name)
            found[name] = partitions if known is None or partitions is None else known + partitions
        if page.next is None:
            break
        if start is not None and page.next <= start:
            raise MalformedError("a page of DescribeTopicPartitions that leads back")
        start = page.next
        # The topics of the previous pages are done.
        asked = [name for name in asked if name >= start[0]]
    return {name: _with_any(found.get(name)) for name in sorted(set(names))}


def _with_any(partitions: list[EligibleLeaders] | None) -> tuple[EligibleLeaders, ...] | None:
    if partitions is None:
        return None
    return tuple(
        sorted((one for one in partitions if one.eligible or one.last_known), key=lambda one: one.partition)
    )
