"""Clusters of one broker each, in memory, many in one process, each on its own port: they answer what a
discovery and the sensors ask.

    python -m bench.fleet.brokers CLUSTERS TOPICS

prints their ports, and then takes orders on its standard input, one a line: `hang N`, `refuse N`, `wrong N`, `heal N`, and
`create N TOPIC`. The messages are kafka-python's, so nothing here shares code with the reader.
"""

# ruff: noqa: T201  (it prints its ports)
import asyncio
import contextlib
import io
import json
import struct
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from mesh_assets_tests.platforms.kafka.wire.messages import _struct, encoded

PARTITIONS = 3
_LONGEST_REQUEST = 1 << 20
# The versions spoken, by number, of the requests that a cluster of one small broker gets.
_SPOKEN = {
    "ListOffsets": (2, 1, 7),
    "Metadata": (3, 1, 12),
    "OffsetFetch": (9, 8, 8),
    "FindCoordinator": (10, 4, 4),
    "DescribeGroups": (15, 5, 5),
    "ListGroups": (16, 4, 4),
    "ApiVersions": (18, 0, 3),
    "DescribeConfigs": (32, 1, 4),
    "DescribeLogDirs": (35, 1, 4),
}
_NAMES = {api: name for name, (api, _, _) in _SPOKEN.items()}
_FLEXIBLE = {
    "ListOffsets": 6,
    "Metadata": 9,
    "OffsetFetch": 6,
    "FindCoordinator": 3,
    "DescribeGroups": 5,
    "ListGroups": 3,
    "ApiVersions": 3,
    "DescribeConfigs": 4,
    "DescribeLogDirs": 2,
}
_CONFIGS = {"cleanup.policy": "delete", "min.insync.replicas": "1", "retention.ms": "604800000"} | {
    f"config.number.{number:02}": f"value-{number}" for number in range(27)
}
_GROUPS = ("billing", "reports")

Values = dict[str, Any]


class MemoryCluster:
    """`state`: "well", or how it misbehaves: "hang" takes requests and never answers, "refuse" closes each connection,
    "wrong" answers with bytes that Kafka never sends."""

    def __init__(self, number: int, topics: int) -> None:
        self.name = cluster_name(number)
        self.cluster_id = f"fleet-{number:04}"
        self.topics = [f"topic-{one:03}" for one in range(topics)]
        self.state = "well"
        self.port = 0
        self._known: dict[bytes, bytes] = {}
        self._until = 0.0

    def create(self, topic: str) -> None:
        self.topics.append(topic)
        self._known.clear()

    def answer(self, api: int, version: int, body: bytes) -> bytes:
        """Without its header; the same question within a minute gets the same bytes."""
        now = time.time()
        if now > self._until:
            self._known.clear()
            self._until = now + 60
        key = struct.pack(">hh", api, version) + body
        if key not in self._known:
            name = _NAMES[api]
            struct_ = _struct(f"{name}Request")
            flexible = version >= _FLEXIBLE[name]
            asked = struct_.decode(io.BytesIO(body), version=version, compact=flexible, tagged=flexible)
            answers: Mapping[str, Callable[[Any], Values]] = {
                "Metadata": self._metadata,
                "DescribeConfigs": self._configs,
                "ListOffsets": self._offsets,
                "ListGroups": self._listed_groups,
                "FindCoordinator": self._coordinators,
                "DescribeGroups": self._groups,
                "OffsetFetch": self._commits,
                "DescribeLogDirs": self._log_dirs,
            }
            self._known[key] = encoded(f"{name}Response", version, answers[name](asked))
        return self._known[key]

    def _metadata(self, asked: Any) -> Values:
        wanted = None if asked["topics"] is None else {one["name"] for one in asked["topics"]}
        names = self.topics if wanted is None else sorted(wanted)
        return {
            "brokers": [{"node_id": 1, "host": "127.0.0.1", "port": self.port}],
            "cluster_id": self.cluster_id,
            "controller_id": 1,
            "topics": [self._topic(name) for name in names],
        }

    def _topic(self, name: str) -> Values:
        if name not in self.topics:
            return {"error_code": 3, "name": name}
        return {
            "name": name,
            "topic_id": uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{self.cluster_id}"),
            "partitions": [
                {
                    "partition_index": number,
                    "leader_id": 1,
                    "leader_epoch": 1,
                    "replica_nodes": [1],
                    "isr_nodes": [1],
                    "offline_replicas": [],
                }
                for number in range(PARTITIONS)
            ],
        }

    def _configs(self, asked: Any) -> Values:
        return {
            "results": [
                {
                    "resource_type": one["resource_type"],
                    "resource_name": one["resource_name"],
                    "configs": [
                        {"name": name, "value": value, "config_source": 5, "config_type": 2, "synonyms": []}
                        for name, value in _CONFIGS.items()
                    ],
                }
                for one in asked["resources"]
            ]
        }

    def _offsets(self, asked: Any) -> Values:
        # Records come at a steady rate, a step a minute.
        end = int(time.time() // 60) * 600
        return {
            "topics": [
                {
                    "name": topic["name"],
                    "partitions": [
                        {
                            "partition_index": one["partition_index"],
                            "timestamp": -1,
                            "offset": {-2: 0, -1: end}.get(one["timestamp"], -1),
                            "leader_epoch": 1,
                        }
                        for one in topic["partitions"]
                    ],
                }
                for topic in asked["topics"]
            ]
        }

    def _listed_groups(self, _asked: Any) -> Values:
        return {
            "groups": [
                {"group_id": name, "protocol_type": "consumer", "group_state": "Empty"} for name in _GROUPS
            ]
        }

    def _coordinators(self, asked: Any) -> Values:
        return {
            "coordinators": [
                {"key": key, "node_id": 1, "host": "127.0.0.1", "port": self.port}
                for key in asked["coordinator_keys"]
            ]
        }

    def _groups(self, asked: Any) -> Values:
        return {
            "groups": [
                {"group_id": name, "group_state": "Empty", "protocol_type": "consumer"}
                if name in _GROUPS
                else {"group_id": name, "group_state": "Dead"}
                for name in asked["groups"]
            ]
        }

    def _commits(self, asked: Any) -> Values:
        commits = [
            {
                "name": topic,
                "partitions": [
                    {"partition_index": number, "committed_offset": 1, "committed_leader_epoch": 1}
                    for number in range(PARTITIONS)
                ],
            }
            for topic in self.topics[:2]
        ]
        return {"groups": [{"group_id": one["group_id"], "topics": commits} for one in asked["groups"]]}

    def _log_dirs(self, _asked: Any) -> Values:
        return {
            "results": [
                {
                    "log_dir": "/logs",
                    "total_bytes": 1 << 40,
                    "usable_bytes": 1 << 39,
                    "topics": [
                        {
                            "name": topic,
                            "partitions": [
                                {"partition_index": number, "partition_size": 1 << 20}
                                for number in range(PARTITIONS)
                            ],
                        }
                        for topic in self.topics
                    ],
                }
            ]
        }


def cluster_name(number: int) -> str:
    return f"cluster-{number:03}"


async def serve(cluster: MemoryCluster, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while cluster.state != "refuse":
            (length,) = struct.unpack(">i", await reader.readexactly(4))
            if not 10 <= length <= _LONGEST_REQUEST:
                return
            content = await reader.readexactly(length)
            api, version, correlation, named = struct.unpack_from(">hhih", content)
            body = content[10 + max(0, named) :]
            # One half says nothing, the other greets first: clients then wait longer.
            if cluster.state == "hang" and (api != _SPOKEN["ApiVersions"][0] or cluster.port % 2):
                await asyncio.sleep(600)
                return
            if cluster.state == "wrong":
                answer = struct.pack(">i", correlation) + b"\x7f" * 40
            else:
                answer = struct.pack(">i", correlation) + _answered(cluster, api, version, body)
            writer.write(struct.pack(">i", len(answer)) + answer)
            await writer.drain()
    except (EOFError, OSError):
        pass  # the client went away
    finally:
        writer.transport.abort()


def _answered(cluster: MemoryCluster, api: int, version: int, body: bytes) -> bytes:
    if api == _SPOKEN["ApiVersions"][0]:
        newest = min(version, 3) if version <= 3 else 0
        keys = [
            {"api_key": number, "min_version": oldest, "max_version": last}
            for number, oldest, last in _SPOKEN.values()
        ]
        return encoded(
            "ApiVersionsResponse", newest, {"error_code": 0 if version <= 3 else 35, "api_keys": keys}
        )
    flexible = version >= _FLEXIBLE[_NAMES[api]]
    return (b"\0" if flexible else b"") + cluster.answer(api, version, body[1:] if flexible else body)


async def main(count: int, topics: int) -> None:
    clusters = [MemoryCluster(number, topics) for number in range(count)]
    for cluster in clusters:

        async def connected(
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            cluster: MemoryCluster = cluster,
        ) -> None:
            await serve(cluster, reader, writer)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        cluster.port = server.sockets[0].getsockname()[1]
    print(json.dumps({one.name: one.port for one in clusters}), flush=True)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    while line := await orders.readline():
        what, number, *rest = line.decode().split()
        cluster = clusters[int(number)]
        if what == "create":
            cluster.create(rest[0])
        else:
            cluster.state = "well" if what == "heal" else what


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
