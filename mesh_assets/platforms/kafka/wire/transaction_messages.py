"""ListTransactions, DescribeTransactions and DescribeProducers (KIP-664): requests and answers. Brokers have
had the last since 2.8, the others since 3.0.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from sys import intern
from typing import NamedTuple

from mesh_assets.platforms.kafka.storage import moment
from mesh_assets.platforms.kafka.wire.forms import MalformedError, Reader, Request, Writer
from mesh_assets.platforms.kafka.wire.group_requests import Failure, every, exactly
from mesh_assets.platforms.kafka.wire.partition_columns import PartitionsAsked


class ListedTransaction(NamedTuple):
    producer_id: int
    state: str


class ListedTransactions(NamedTuple):
    """The transactional ids that a broker coordinates and the user may describe. With a `code`, these may not
    be all."""

    code: int
    transactions: dict[str, ListedTransaction]


class DescribedTransaction(NamedTuple):
    """`started_at` None: none is open."""

    state: str
    timeout_ms: int
    started_at: datetime | None
    producer_id: int
    producer_epoch: int
    topics: dict[str, tuple[int, ...]]


class OpenOnPartition(NamedTuple):
    """A producer's open transaction on a partition."""

    producer_id: int
    producer_epoch: int
    start_offset: int
    last_written_at: datetime | None


class PartitionProducers(NamedTuple):
    """`producers`: how many the leader keeps state for. `transactional`: whether any of them has begun or
    ended a transaction here. With a `code`, nothing is known."""

    code: int
    said: str
    producers: int
    transactional: bool
    last_written_at: datetime | None
    open: tuple[OpenOnPartition, ...]


# --- which transactional ids there are


def _write_list(request: Writer, version: int) -> None:
    request.count(0)  # of every state
    request.count(0)  # of every producer
    if version >= 1:
        request.int64(-1)  # however long they last
    if version >= 2:
        request.text(None)  # whatever their ids
    request.tags()


def _read_list(answer: Reader, _version: int) -> ListedTransactions:
    answer.throttle()
    code = answer.int16()
    every(answer, answer.text)  # states unknown to it

    def transaction() -> tuple[str, ListedTransaction]:
        name, producer, state = answer.text(), answer.int64(), intern(answer.text())
        answer.tags()
        return name, ListedTransaction(producer, state)

    transactions = every(answer, transaction)
    answer.tags()
    return ListedTransactions(code, dict(transactions))


LIST_TRANSACTIONS: Request[ListedTransactions] = Request(
    name="ListTransactions", api=66, oldest=0, newest=2, flexible_from=0, write=_write_list, read=_read_list
)


# --- what a coordinator knows of them


def describe_transactions(names: Sequence[str]) -> Request[Mapping[str, DescribedTransaction | Failure]]:
    def write(request: Writer, _version: int) -> None:
        request.array(names, request.text)
        request.tags()

    def read(answer: Reader, _version: int) -> Mapping[str, DescribedTransaction | Failure]:
        def topic() -> tuple[str, tuple[int, ...]]:
            name, numbers = intern(answer.text()), answer.int32s()
            answer.tags()
            return name, tuple(sorted(numbers))

        def one() -> tuple[str, DescribedTransaction | Failure]:
            code, name, state = answer.int16(), answer.text(), intern(answer.text())
            timeout_ms, started = answer.int32(), answer.int64()
            producer, epoch = answer.int64(), answer.int16()
            topics = dict(sorted(every(answer, topic)))
            answer.tags()
            if code:
                return name, Failure(code)
            return name, DescribedTransaction(state, timeout_ms, moment(started), producer, epoch, topics)

        answer.throttle()
        found = exactly(names, every(answer, one))
        answer.tags()
        return found

    return Request(
        name="DescribeTransactions", api=65, oldest=0, newest=0, flexible_from=0, write=write, read=read
    )


# --- who produces to partitions


NO_PRODUCERS = PartitionProducers(0, "", 0, False, None, ())


_OTHERS = "an answer to DescribeProducers about partitions that were not asked for"


def describe_producers(asked: PartitionsAsked) -> Request[dict[str, dict[int, PartitionProducers]]]:
    """The answer leaves out partitions without producers, which are the majority."""

    def write(request: Writer, _version: int) -> None:
        request.count(len(asked.topics))
        request.raw(asked.written(_partitions, flexible=True))
        request.tags()

    def read(answer: Reader, _version: int) -> dict[str, dict[int, PartitionProducers]]:
        answer.throttle()
        found: dict[str, dict[int, PartitionProducers]] = {}
        told: set[int] = set()
        for _ in range(answer.length()):
            place = _without_producers(answer, asked)
            if place is None:
                name, partitions = _topic(answer)
                place = asked.by_name.get(name.encode(), -1)
                if place < 0 or partitions.keys() != set(asked.numbers[place]):
                    raise MalformedError(_OTHERS)
                if some := {number: one for number, one in partitions.items() if one != NO_PRODUCERS}:
                    found[name] = some
            told.add(place)
        answer.tags()
        if len(told) != len(asked.topics):
            raise MalformedError(_OTHERS)
        return found

    return Request(
        name="DescribeProducers", api=61, oldest=0, newest=0, flexible_from=0, write=write, read=read
    )


@cache
def _partitions(numbers: tuple[int, ...]) -> bytes:
    w = Writer(flexible=True)
    w.array(numbers, w.int32)
    w.tags()
    return bytes(w.data)


@cache
def _nobody(numbers: tuple[int, ...]) -> bytes:
    """What a leader says about partitions that nobody produces to."""
    w = Writer(flexible=True)
    w.count(len(numbers))
    for number in numbers:
        w.int32(number)
        w.int16(0)
        w.text(None)
        w.count(0)
        w.tags()
    w.tags()
    return bytes(w.data)


def _without_producers(answer: Reader, asked: PartitionsAsked) -> int | None:
    """The place, among those asked for, of a topic of the usual form: with a name of less than 127 bytes, in
    the requested order and without producers. None: it is not of that form; nothing was read."""
    data, at = answer.data, answer.at
    begin = at + data[at] if at < answer.end else at
    place = asked.by_name.get(data[at + 1 : begin])
    if place is None or data[at] > 0x7F:
        return None
    expected = _nobody(asked.numbers[place])
    if not data.startswith(expected, begin):
        return None
    answer.at = begin + len(expected)
    return place


def _topic(answer: Reader) -> tuple[str, dict[int, PartitionProducers]]:
    name = intern(answer.text())
    partitions = dict(every(answer, lambda: _partition(answer)))
    answer.tags()
    return name, partitions


def _partition(answer: Reader) -> tuple[int, PartitionProducers]:
    number, code, said = answer.int32(), answer.int16(), answer.nullable_text()
    count = answer.length()
    transactional, newest, opened = False, -1, []
    for _ in range(count):
        producer, epoch, _ = answer.int64(), answer.int32(), answer.int32()
        written, coordinator_epoch, start = answer.int64(), answer.int32(), answer.int64()
        answer.tags()
        # The coordinator's epoch is that of its last marker; -1 before the first.
        transactional = transactional or coordinator_epoch >= 0 or start >= 0
        newest = max(newest, written)
        if start >= 0:
            opened.append(OpenOnPartition(producer, epoch, start, moment(written)))
    answer.tags()
    opened.sort(key=lambda one: (one.start_offset, one.producer_id))
    return number, PartitionProducers(code, said or "", count, transactional, moment(newest), tuple(opened))
