"""In-memory brokers: another implementation of the protocol reads what we write and writes what we read."""

import asyncio
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.values import BrokerNode, ClusterMetadata, PartitionMetadata, TopicMetadata
from mesh_assets.platforms.kafka.wire.forms import (
    Answer,
    BrokerError,
    Connections,
    Reader,
    Request,
    UnsupportedError,
    Writer,
)
from mesh_assets.platforms.kafka.wire.running import RunningCluster

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of how it reads its own files, with Python 3.11
    from kafka.protocol.admin import DescribeConfigsRequest, DescribeConfigsResponse
    from kafka.protocol.consumer import ListOffsetsRequest, ListOffsetsResponse
    from kafka.protocol.metadata import MetadataRequest, MetadataResponse

__all__ = [
    "EARLIEST",
    "LATEST",
    "Brokers",
    "Cluster",
    "DescribeConfigsRequest",
    "DescribeConfigsResponse",
    "ListOffsetsRequest",
    "ListOffsetsResponse",
    "MetadataRequest",
    "MetadataResponse",
    "decode",
    "node",
    "running_on",
]

Handler = Callable[[Any, int | None], Any]
"""Answers a request decoded by kafka-python: with kafka-python's response, or by raising."""


def node(number: int) -> BrokerNode:
    return BrokerNode(id=number, host=f"broker-{number}", port=9092)


def decode(request: Request[Answer], version: int, data: bytes) -> Answer:
    """Like a connection with an answer."""
    reader = Reader(data, flexible=version >= request.flexible_from)
    answer = request.read(reader, version)
    reader.finish()
    return answer


class Brokers:
    """`Connections` to the brokers with these numbers. `handlers`: by the names of requests, with the class that reads
    them. `newest`: the newest version that the brokers support, if not the newest of all."""

    def __init__(
        self,
        *numbers: int,
        handlers: Mapping[str, tuple[Any, Handler]],
        newest: Mapping[str, int] | None = None,
    ) -> None:
        self.nodes = [node(number) for number in numbers]
        self.newest = dict(newest or {})
        self.asked: list[tuple[str, int | None, Any]] = []
        self.refreshes = 0
        self.handlers = dict(handlers)

    def requests(self, name: str) -> list[Any]:
        return [request for asked, _, request in self.asked if asked == name]

    async def brokers(self) -> Sequence[BrokerNode]:
        return self.nodes

    async def refreshed(self) -> Sequence[BrokerNode]:
        self.refreshes += 1
        return self.nodes

    async def close(self) -> None:
        """Nothing to close."""

    async def version(self, request: Request[Any], *, broker: int | None = None) -> int | None:  # noqa: ARG002
        version = min(request.newest, self.newest.get(request.name, request.newest))
        return version if version >= request.oldest else None

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        version = await self.version(request)
        if version is None:
            raise UnsupportedError(request.name)
        message, handler = self.handlers[request.name]
        assert (request.api, request.flexible_from) == (message.API_KEY, message._flexible_versions[0])
        out = Writer(flexible=version >= request.flexible_from)
        request.write(out, version)
        read_from = message._struct.compiled_decode_from(
            version, compact=out.flexible, tagged=out.flexible, data_class=message
        )
        read, end = read_from(memoryview(out.data), 0)
        assert end == len(out.data)
        self.asked.append((request.name, broker, read))
        await asyncio.sleep(0)  # others write their requests meanwhile
        return decode(request, version, bytes(handler(read, broker).encode(version=version)))


def running_on(
    brokers: Connections,
    properties: Mapping[str, Any],
    timeout_seconds: float,
    *,
    on_confluent_cloud: bool = False,
) -> RunningCluster:
    """Like a `RunningCluster`, but to in-memory brokers."""
    running = RunningCluster(properties, timeout_seconds, on_confluent_cloud=on_confluent_cloud)
    in_memory: Any = brokers
    running._cluster = in_memory
    return running


LATEST, EARLIEST = -1, -2
_Offsets = ListOffsetsResponse.ListOffsetsTopicResponse
_Listed = MetadataResponse.MetadataResponseTopic


class Cluster:
    """Brokers with partitions. Later answers show what a test changes meanwhile.

    `leaders`: by topic and partition; -1: none. `ends`: earliest and latest. `codes`: by topic, partition and
    timestamp, the errors instead of an offset, answer by answer. `silent`: how many times a broker gives no answer. `refused`:
    topics that the user may not see. `times`: offset and timestamp at a timestamp that is not an edge.
    """

    def __init__(self, leaders: Mapping[str, Mapping[int, int]], *, newest: int = 11) -> None:
        self.leaders = {topic: dict(of_topic) for topic, of_topic in leaders.items()}
        self.ends: dict[tuple[str, int], tuple[int, int]] = {}
        self.codes: dict[tuple[str, int, int], list[int]] = {}
        self.silent: dict[int, int] = {}
        self.refused: set[str] = set()
        self.times: dict[tuple[str, int, int], tuple[int, int]] = {}
        self.brokers = Brokers(
            1,
            2,
            handlers={
                "Metadata": (MetadataRequest, self._metadata),
                "ListOffsets": (ListOffsetsRequest, self._offsets),
            },
            newest={"ListOffsets": newest},
        )

    def metadata(self) -> ClusterMetadata:
        """As it is now."""
        return ClusterMetadata(
            cluster_id=None,
            brokers=(),
            topics=tuple(
                TopicMetadata(
                    name=topic,
                    id=None,
                    internal=False,
                    partitions=tuple(
                        PartitionMetadata(
                            partition=number, leader=None if leader < 0 else leader, replicas=(), isr=()
                        )
                        for number, leader in of_topic.items()
                    ),
                )
                for topic, of_topic in self.leaders.items()
            ),
        )

    def asked(self) -> list[tuple[int | None, int, dict[str, list[int]]]]:
        """Broker, timestamp, partitions of each request for offsets."""
        found = []
        for name, broker, request in self.brokers.asked:
            if name == "ListOffsets":
                assert (request.replica_id, request.isolation_level) == (-1, 0)
                places = {one.name: [p.partition_index for p in one.partitions] for one in request.topics}
                (timestamp,) = {p.timestamp for one in request.topics for p in one.partitions}
                assert {p.current_leader_epoch for one in request.topics for p in one.partitions} == {-1}
                found.append((broker, timestamp, places))
        return found

    def _metadata(self, request: Any, _: int | None) -> Any:
        return MetadataResponse(
            brokers=[
                MetadataResponse.MetadataResponseBroker(
                    node_id=one.id, host=one.host, port=one.port, rack=None
                )
                for one in self.brokers.nodes
            ],
            cluster_id=None,
            topics=[
                self._listed(name)
                for name in (self.leaders if request.topics is None else [one.name for one in request.topics])
            ],
            error_code=0,
        )

    def _listed(self, topic: str) -> Any:
        unknown = KafkaError.UNKNOWN_TOPIC_OR_PART if topic not in self.leaders else 0
        code = KafkaError.TOPIC_AUTHORIZATION_FAILED if topic in self.refused else unknown
        return _Listed(
            error_code=code,
            name=topic,
            is_internal=False,
            partitions=[
                _Listed.MetadataResponsePartition(
                    error_code=KafkaError.LEADER_NOT_AVAILABLE if leader < 0 else 0,
                    partition_index=number,
                    leader_id=leader,
                    leader_epoch=1,
                    replica_nodes=[],
                    isr_nodes=[],
                    offline_replicas=[],
                )
                for number, leader in (self.leaders[topic] if not code else {}).items()
            ],
        )

    def _offsets(self, request: Any, broker: int | None) -> Any:
        assert broker is not None
        if self.silent.get(broker, 0):
            self.silent[broker] -= 1
            raise BrokerError(KafkaError._TRANSPORT, "it closed the connection")
        return ListOffsetsResponse(
            throttle_time_ms=0,
            topics=[
                _Offsets(
                    name=one.name,
                    partitions=[
                        self._row(broker, one.name, p.partition_index, p.timestamp) for p in one.partitions
                    ],
                )
                for one in request.topics
            ],
        )

    def _row(self, broker: int, topic: str, number: int, timestamp: int) -> Any:
        place = (topic, number)
        at, offset = -1, -1
        if codes := self.codes.get((topic, number, timestamp)):
            code = codes.pop(0)
        elif topic not in self.leaders:
            code = KafkaError.UNKNOWN_TOPIC_OR_PART
        elif self.leaders[topic].get(number) != broker:
            code = KafkaError.NOT_LEADER_FOR_PARTITION
        else:
            code = 0
            edges = self.ends.get(place, (0, 0))
            if timestamp in (LATEST, EARLIEST):
                offset = edges[timestamp == LATEST]
            else:
                offset, at = self.times.get((*place, timestamp), (-1, -1))
        return _Offsets.ListOffsetsPartitionResponse(
            partition_index=number, error_code=code, timestamp=at, offset=offset, leader_epoch=3
        )
