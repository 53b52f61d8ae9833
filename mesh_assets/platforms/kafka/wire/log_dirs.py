"""What topics take on the brokers' disks: DescribeLogDirs, one request a broker.

A broker tells every replica that it holds: 108,000 rows for 36,000 partitions of three replicas. They are added up as
each answer comes, and only the sizes of the leaders' replicas are kept one by one.
"""

import struct
from collections.abc import Sequence
from sys import intern
from typing import NamedTuple

from confluent_kafka import KafkaError

from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, item_error
from mesh_assets.platforms.kafka.storage import StorageReading, TopicSize
from mesh_assets.platforms.kafka.values import ClusterMetadata, PartitionMetadata
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    Writer,
    together,
)

RIGHT = "DESCRIBE on the cluster"

# Since Kafka 3.2 (KIP-784) a refused user is told so. Before, the list of directories is empty, which it never is.
_TELLS_REFUSALS = 3
# Since Kafka 3.3 (KIP-827).
_TELLS_VOLUMES = 4
_TELLS_CORDONS = 5

Row = tuple[int, int, int, bool]
"""Partition, bytes, offsets behind, whether it is a future replica; and a byte more in flexible versions."""
_ROW, _FLEXIBLE_ROW = struct.Struct(">iqq?"), struct.Struct(">iqq?B")


class DescribedDirectory(NamedTuple):
    """One of a broker's log directories, as it tells it. `total`, `usable`: bytes of the volume; None: not told."""

    code: int
    path: str
    topics: dict[str, list[Row]]
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
    topics: dict[str, list[Row]] = {}
    for _ in range(r.length()):
        name = intern(r.text())
        if name in topics:
            raise MalformedError("an answer to DescribeLogDirs with a topic twice in a directory")
        topics[name] = _rows(r)
        r.tags()
    total, usable = (r.int64(), r.int64()) if version >= _TELLS_VOLUMES else (-1, -1)
    if version >= _TELLS_CORDONS:
        r.boolean()
    r.tags()
    return DescribedDirectory(
        code, path, topics, total if total >= 0 else None, usable if usable >= 0 else None
    )


def _rows(r: Reader) -> list[Row]:
    form = _FLEXIBLE_ROW if r.flexible else _ROW
    count = r.length()
    block = r.data[r.at : r.at + count * form.size]
    rows: list[Row] = []
    if len(block) == count * form.size and not (r.flexible and any(block[form.size - 1 :: form.size])):
        r.at += len(block)
        rows = list(form.iter_unpack(block))  # nowhere are tagged fields, as it nearly always is
    else:
        for _ in range(count):
            rows.append(form.unpack(r.take(form.size)))
            if r.flexible:
                r.at -= 1  # the last byte is no field, but begins the tagged ones
                r.tags()
    return rows


DESCRIBE_LOG_DIRS: Request[list[DescribedDirectory]] = Request("DescribeLogDirs", 35, 1, 5, 2, _write, _read)


async def read_log_dirs(connections: Connections, metadata: ClusterMetadata) -> StorageReading:
    """The log directories of all live brokers, and the sizes of the topics in `metadata`. Raises BrokerError when no
    broker told its directories."""
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
    replicas = whole = future_replicas = future = 0
    for rows in one.topics.values():
        for _, size, _, is_future, *_ in rows:
            if is_future:
                future_replicas += 1
                future += size
            else:
                replicas += 1
                whole += size
    return LogDirectory(
        broker=broker,
        path=one.path,
        replicas=replicas,
        bytes=whole,
        future_replicas=future_replicas,
        future_bytes=future,
        total_bytes=one.total,
        usable_bytes=one.usable,
    )


class _Size:
    """Of one topic, while answers come."""

    __slots__ = ("bytes", "future", "leaders", "partitions", "replicas")

    def __init__(self, partitions: Sequence[PartitionMetadata]) -> None:
        self.partitions = partitions
        self.leaders: list[int | None] = [None] * len(partitions)
        self.replicas = 0
        self.bytes = 0
        self.future = 0

    def add(self, rows: Sequence[Row], broker: int) -> None:
        partitions, count = self.partitions, len(self.partitions)
        for number, size, _, is_future, *_ in rows:
            if is_future:
                self.future += size
                continue
            self.replicas += 1
            self.bytes += size
            # Partitions are sorted, and nearly always all of them are there.
            at = (
                number
                if 0 <= number < count and partitions[number].partition == number
                else self._place(number)
            )
            if at >= 0 and partitions[at].leader == broker:
                self.leaders[at] = size

    def _place(self, number: int) -> int:
        return next((at for at, one in enumerate(self.partitions) if one.partition == number), -1)

    def size(self) -> TopicSize:
        known = [size for size in self.leaders if size is not None]
        every = self.replicas == sum(len(one.replicas) for one in self.partitions)
        return TopicSize(
            partitions=tuple(self.leaders),
            leader_bytes=sum(known) if len(known) == len(self.leaders) else None,
            replica_bytes=self.bytes if every else None,
            future_bytes=self.future,
        )


class _Sizes:
    def __init__(self, metadata: ClusterMetadata) -> None:
        self._topics = {
            topic.name: _Size(topic.partitions) for topic in metadata.topics if topic.error is None
        }

    def add(self, directory: DescribedDirectory, broker: int) -> None:
        """What belongs to topics that came or went since the metadata was read is left out."""
        for name, rows in directory.topics.items():
            if (size := self._topics.get(name)) is not None:
                size.add(rows, broker)

    def topics(self) -> dict[str, TopicSize]:
        return {name: size.size() for name, size in self._topics.items()}
