"""How topics are stored, as a discovery and as Kafka's AdminClient read it, in the shape of `java/Storage.java`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from mesh_assets.errors import UnsupportedError
from mesh_assets.platforms.kafka.reader import WireReader, leading_partitions
from mesh_assets.platforms.kafka.values import ClusterMetadata
from mesh_assets.platforms.kafka.wire import offset_messages
from mesh_assets.platforms.kafka.wire.forms import Connections
from mesh_assets.platforms.kafka.wire.log_dirs import DESCRIBE_LOG_DIRS
from mesh_assets.platforms.kafka.wire.offsets import Leaders, Reading
from mesh_assets.platforms.kafka.wire.partition_columns import Partitions
from mesh_assets.platforms.kafka.wire.running import RunningCluster

UNSUPPORTED = "unsupported"
_TIMESTAMPS = {
    "first": 0,
    "newest": offset_messages.OF_THE_NEWEST_TIMESTAMP,
    "earliest_local": offset_messages.EARLIEST_LOCAL,
    "latest_tiered": offset_messages.LATEST_TIERED,
}


def storage_by_wire(
    properties: Mapping[str, str], reader: WireReader, metadata: ClusterMetadata
) -> dict[str, Any]:
    running = RunningCluster(properties, 30)
    try:
        told: dict[str, Any] = {
            "log_dirs": {
                str(broker.id): running.run(_raw_log_dirs(broker.id), doing="reading raw log dirs", right="")
                for broker in metadata.brokers
            },
            **{
                name: _supported(
                    partial(running.run, _rows(metadata, at), doing="reading raw offsets", right="")
                )
                for name, at in _TIMESTAMPS.items()
            },
        }
    finally:
        running.close()
    names = [topic.name for topic in metadata.topics]
    told["eligible"] = _supported(
        lambda: {
            f"{topic}-{one.partition}": {"eligible": list(one.eligible), "last_known": list(one.last_known)}
            for topic, ones in reader.eligible_leaders(names).items()
            for one in ones or ()
        }
    )
    told["reassignments"] = _supported(
        lambda: {
            f"{topic}-{one.partition}": {"adding": list(one.adding), "removing": list(one.removing)}
            for topic, ones in reader.reassignments().items()
            for one in ones
        }
    )
    return told | {"sums": _sums(reader, metadata)}


def with_sums(told: dict[str, Any], topics: dict[str, Any]) -> dict[str, Any]:
    """Java's output, with the sums that a reading computes."""
    directories: dict[str, Any] = {}
    leaders: dict[str, dict[str, int]] = {topic: {} for topic in topics}
    copies = dict.fromkeys(topics, 0)
    for broker, ones in told["log_dirs"].items():
        for path, one in ones.items():
            sizes = {place: row["bytes"] for place, row in one["replicas"].items() if not row["future"]}
            directories[f"{broker} {path}"] = {"replicas": len(sizes), "bytes": sum(sizes.values())}
            for place, size in sizes.items():
                topic, _, number = place.rpartition("-")
                copies[topic] += size
                if topics[topic]["partitions"][number]["leader"] == int(broker):
                    leaders[topic][number] = size
    return told | {
        "sums": {
            "directories": directories,
            "leader_bytes": {topic: sum(sizes.values()) for topic, sizes in leaders.items()},
            "replica_bytes": copies,
            "oldest": _edge(told["first"], min),
            "newest": _edge(told["newest"], max),
        }
    }


def _edge(rows: dict[str, Any] | str, pick: Callable[[list[int]], int]) -> dict[str, int] | str:
    if isinstance(rows, str):
        return rows
    times: dict[str, list[int]] = {}
    for place, row in rows.items():
        if row["timestamp"] >= 0:
            times.setdefault(place.rpartition("-")[0], []).append(row["timestamp"])
    return {topic: pick(found) for topic, found in times.items()}


def _sums(reader: WireReader, metadata: ClusterMetadata) -> dict[str, Any]:
    storage = reader.log_dirs(metadata)
    assert storage.errors == {}
    times = reader.record_times(leading_partitions(metadata), tiered=())
    assert {one.oldest_error for one in times.values()} <= {None}
    newest_is_told = {one.newest_error for one in times.values()} <= {None}
    return {
        "directories": {
            f"{one.broker} {one.path}": {"replicas": one.replicas, "bytes": one.bytes}
            for one in storage.directories
        },
        "leader_bytes": {topic: size.leader_bytes for topic, size in storage.topics.items()},
        "replica_bytes": {topic: size.replica_bytes for topic, size in storage.topics.items()},
        "oldest": {topic: one.oldest_ms for topic, one in times.items() if one.oldest_ms is not None},
        "newest": {topic: one.newest_ms for topic, one in times.items() if one.newest_ms is not None}
        if newest_is_told
        else UNSUPPORTED,
    }


def _supported(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except UnsupportedError:
        return UNSUPPORTED


def _raw_log_dirs(broker: int) -> Any:
    async def read(kafka: Connections) -> dict[str, Any]:
        return {
            one.path: {
                "error": one.code != 0,
                "total": one.total,
                "replicas": {
                    f"{topic}-{number}": {"bytes": size, "lag": lag, "future": future != 0}
                    for topic, number, size, lag, future in zip(
                        np.repeat(one.topics, one.counts).tolist(),
                        *(column.tolist() for column in (one.partitions, one.bytes, one.behind, one.future)),
                        strict=True,
                    )
                },
            }
            for one in await kafka.ask(DESCRIBE_LOG_DIRS, broker=broker)
        }

    return read


def _rows(metadata: ClusterMetadata, timestamp: int) -> Any:
    async def read(kafka: Connections) -> dict[str, Any]:
        wanted = Partitions(leading_partitions(metadata))
        reading = await Reading(Leaders(kafka, metadata), wanted, timestamp).read(float("inf"))
        assert reading.errors == {}
        rows = zip(wanted.numbers, reading.known_offsets(), reading.timestamps.tolist(), strict=True)
        return {
            f"{topic}-{number}": {"offset": offset, "timestamp": moment}
            for topic, ones in wanted.by_topic(list(rows))
            for number, offset, moment in ones
        }

    return read
