"""The space that topics use on the brokers' disks: DescribeLogDirs, one request per broker.

A broker reports every replica that it holds: 108,000 rows for 36,000 partitions of three replicas. They are
read into columns and added up as each answer comes, and only the sizes of the leaders' replicas are kept one
by one.
"""

from collections.abc import Sequence
from itertools import pairwise
from sys import intern
from typing import NamedTuple

import numpy as np
from confluent_kafka import KafkaError

from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, item_error
from mesh_assets.platforms.kafka.storage import StorageReading, TopicSize
from mesh_assets.platforms.kafka.values import ClusterMetadata, PartitionMetadata, for_alike
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    Writer,
    together,
)
from mesh_assets.platforms.kafka.wire.partition_columns import Numbers

RIGHT = "DESCRIBE on the cluster"

# Since Kafka 3.2 (KIP-784), a refused user gets an error. Before, the list of directories is empty, which it
# otherwise never is.
_TELLS_REFUSALS = 3
# Since Kafka 3.3 (KIP-827).
_TELLS_VOLUMES = 4
_TELLS_CORDONS = 5

# A replica in an answer; only flexible versions have the last field.
_REPLICA = np.dtype(
    [("partition", ">i4"), ("bytes", ">i8"), ("behind", ">i8"), ("future", "u1"), ("tags", "u1")]
)
_BEFORE_TAGS = 21


class DescribedDirectory(NamedTuple):
    """One of a broker's log directories, as reported. `topics`: their names; `counts`: how many replicas of
    each follow one another in the columns. `total`, `usable`: bytes of the volume; None: not reported."""

    code: int
    path: str
    topics: list[str]
    counts: list[int]
    partitions: Numbers
    bytes: Numbers
    behind: Numbers
    future: Numbers
    total: int | None
    usable: int | None


def _write(w: Writer, _version: int) -> None:
    w.count(None)  # all topics
    w.tags()


def _read(r: Reader, version: int) -> list[DescribedDirectory]:
    """Raises BrokerError for an answer that is one error."""
    r.throttle()
    code = r.int16() if version >= _TELLS_REFUSALS else 0
    found = [_directory(r, version) for _ in range(r.length())]
    r.tags()
    if version < _TELLS_REFUSALS and not found:
        code = KafkaError.CLUSTER_AUTHORIZATION_FAILED
    if code:
        r.finish()
        raise BrokerError(code)
    return found


def _directory(r: Reader, version: int) -> DescribedDirectory:
    code, path = r.int16(), r.text()
    begin = r.at
    found = _plain(r) if r.flexible else None
    if found is None:
        r.at = begin
        found = _field_by_field(r)
    topics, counts, rows = found
    if len(set(topics)) < len(topics):
        raise MalformedError("an answer to DescribeLogDirs with a topic twice in a directory")
    total, usable = (r.int64(), r.int64()) if version >= _TELLS_VOLUMES else (-1, -1)
    if version >= _TELLS_CORDONS:
        r.boolean()
    r.tags()
    columns = np.frombuffer(rows, _REPLICA)
    return DescribedDirectory(
        code=code,
        path=path,
        topics=topics,
        counts=counts,
        partitions=columns["partition"].astype(np.int64),
        bytes=columns["bytes"].astype(np.int64),
        behind=columns["behind"].astype(np.int64),
        future=columns["future"].astype(np.int64),
        total=total if total >= 0 else None,
        usable=usable if usable >= 0 else None,
    )


Replicas = tuple[list[str], list[int], bytes]
"""Topics, how many replicas of each, and the replicas."""


def _plain(r: Reader) -> Replicas | None:
    """Reads a flexible version in its nearly universal form: the lengths of names and arrays take a byte
    each, and there are no tagged fields. No call for each of these. None: one is not of that form."""
    count, data, size = r.length(), r.data, _REPLICA.itemsize
    at = r.at
    topics: list[str] = []
    counts: list[int] = []
    blocks: list[bytes] = []
    try:
        for _ in range(count):
            begin = at + data[at] + 1
            rows = data[begin - 1] - 1
            end = begin + rows * size
            if not 0 < data[at] <= 0x7F or not 0 <= rows < 0x7F or data[end]:
                return None
            topics.append(intern(data[at + 1 : begin - 1].decode()))
            counts.append(rows)
            blocks.append(data[begin:end])
            at = end + 1
    except (IndexError, UnicodeDecodeError):
        return None
    joined = b"".join(blocks)
    if any(joined[size - 1 :: size]):
        return None
    r.at = at
    return topics, counts, joined


def _field_by_field(r: Reader) -> Replicas:
    topics: list[str] = []
    counts: list[int] = []
    blocks: list[bytes] = []
    for _ in range(r.length()):
        topics.append(intern(r.text()))
        counts.append(r.length())
        for _ in range(counts[-1]):
            blocks += (r.take(_BEFORE_TAGS), b"\0")
            r.tags()
        r.tags()
    return topics, counts, b"".join(blocks)


DESCRIBE_LOG_DIRS: Request[list[DescribedDirectory]] = Request("DescribeLogDirs", 35, 1, 5, 2, _write, _read)


async def read_log_dirs(connections: Connections, metadata: ClusterMetadata) -> StorageReading:
    """The log directories of all live brokers, and the sizes of the topics in `metadata`. Raises BrokerError
    when no broker reported its directories."""
    sizes = _Sizes(metadata)
    directories: list[LogDirectory] = []
    errors: dict[int, BrokerError] = {}

    async def ask(broker: int) -> None:
        try:
            described = await connections.ask(DESCRIBE_LOG_DIRS, broker=broker)
        except BrokerError as error:
            if error.code in AUTHENTICATION:
                raise
            errors[broker] = error
            return
        for one in described:
            directories.append(_taken(one, broker))
            sizes.add(one, broker)

    brokers = [broker.id for broker in await connections.brokers()]
    await together(ask(broker) for broker in brokers)
    if errors and len(errors) == len(brokers):
        raise errors[min(errors)]
    return StorageReading(
        directories=tuple(sorted(directories, key=lambda one: (one.broker, one.path))),
        topics=sizes.topics(),
        errors={
            broker: item_error(KafkaError(error.code, error.said or None), RIGHT)
            for broker, error in sorted(errors.items())
        },
    )


def _taken(one: DescribedDirectory, broker: int) -> LogDirectory:
    if one.code:
        return LogDirectory(broker=broker, path=one.path, error=item_error(KafkaError(one.code), RIGHT))
    future = one.future != 0
    future_replicas = int(future.sum())
    return LogDirectory(
        broker=broker,
        path=one.path,
        replicas=len(future) - future_replicas,
        bytes=int(one.bytes[~future].sum()),
        future_replicas=future_replicas,
        future_bytes=int(one.bytes[future].sum()),
        total_bytes=one.total,
        usable_bytes=one.usable,
    )


def _copies(partitions: Sequence[PartitionMetadata]) -> int:
    return sum(len(one.replicas) for one in partitions)


class _Sizes:
    """For the topics in `metadata`, a row for each of their partitions, while answers come in."""

    def __init__(self, metadata: ClusterMetadata) -> None:
        topics = [topic for topic in metadata.topics if topic.error is None]
        every = [one for topic in topics for one in topic.partitions]
        self._topics = {topic.name: at for at, topic in enumerate(topics)}
        self._ends = np.cumsum([0, *(len(topic.partitions) for topic in topics)])
        self._leaders = np.array([-1 if one.leader is None else one.leader for one in every], np.int64)
        copies = for_alike(_copies)
        self._copies = [copies(topic.partitions) for topic in topics]
        # Partitions are sorted, and nearly always complete.
        self._elsewhere = {
            (at, one.partition): row
            for at, topic in enumerate(topics)
            if topic.partitions and topic.partitions[-1].partition >= len(topic.partitions)
            for row, one in enumerate(topic.partitions, int(self._ends[at]))
        }
        self._gaps = {topic for topic, _ in self._elsewhere}
        self._known = np.zeros(len(every), np.bool_)
        self._leading = np.zeros(len(every), np.int64)
        self._replicas, self._bytes, self._future = np.zeros((3, len(topics)), np.int64)

    def add(self, directory: DescribedDirectory, broker: int) -> None:
        """Leaves out topics that came or went after the metadata was read."""
        numbers = [self._topics.get(name, -1) for name in directory.topics]
        topics = np.repeat(np.array(numbers, np.intp), directory.counts)
        future = (directory.future != 0) & (topics >= 0)
        now = (directory.future == 0) & (topics >= 0)
        np.add.at(self._future, topics[future], directory.bytes[future])
        np.add.at(self._replicas, topics[now], 1)
        np.add.at(self._bytes, topics[now], directory.bytes[now])
        topics, partitions, sizes = topics[now], directory.partitions[now], directory.bytes[now]
        rows = self._ends[topics] + partitions
        there = (partitions >= 0) & (rows < self._ends[topics + 1])
        if self._elsewhere:
            for at, place in enumerate(zip(topics.tolist(), partitions.tolist(), strict=True)):
                if place[0] in self._gaps:
                    rows[at], there[at] = self._elsewhere.get(place, 0), place in self._elsewhere
        rows, sizes = rows[there], sizes[there]
        led = self._leaders[rows] == broker
        self._leading[rows[led]] = sizes[led]
        self._known[rows[led]] = True

    def topics(self) -> dict[str, TopicSize]:
        sizes: list[int | None] = [*self._leading.tolist()]
        for row in np.flatnonzero(~self._known).tolist():
            sizes[row] = None
        columns = (self._copies, self._replicas.tolist(), self._bytes.tolist(), self._future.tolist())
        found: dict[str, TopicSize] = {}
        for name, (begin, end), copies, replicas, whole, future in zip(
            self._topics, pairwise(self._ends.tolist()), *columns, strict=True
        ):
            of_leaders = sizes[begin:end]
            known = [size for size in of_leaders if size is not None]
            found[name] = TopicSize(
                partitions=tuple(of_leaders),
                leader_bytes=sum(known) if len(known) == len(of_leaders) else None,
                replica_bytes=whole if replicas == copies else None,
                future_bytes=future,
            )
        return found
