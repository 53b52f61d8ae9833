"""What brokers answer about storage and placement, as kafka-python writes it."""

from typing import Any

import pytest

from mesh_assets.platforms.kafka.wire.forms import Request
from mesh_assets.platforms.kafka.wire.log_dirs import DESCRIBE_LOG_DIRS
from mesh_assets.platforms.kafka.wire.placement import LIST_REASSIGNMENTS, describe_topic_partitions
from mesh_assets_tests.platforms.kafka.wire.messages import encoded, versions


def row(number: int, size: int, *, future: bool = False) -> dict[str, Any]:
    return {"partition_index": number, "partition_size": size, "offset_lag": 7, "is_future_key": future}


def directory(
    path: str, *, code: int = 0, total: int = -1, usable: int = -1, **topics: list[dict[str, Any]]
) -> dict[str, Any]:
    told = [{"name": name, "partitions": rows} for name, rows in topics.items()]
    return {"error_code": code, "log_dir": path, "topics": told, "total_bytes": total, "usable_bytes": usable}


def moving(number: int, adding: list[int], removing: list[int]) -> dict[str, Any]:
    return {
        "partition_index": number,
        "replicas": [1, *adding],
        "adding_replicas": adding,
        "removing_replicas": removing,
    }


def led(
    number: int, eligible: list[int] | None = None, last_known: list[int] | None = None
) -> dict[str, Any]:
    return {
        "partition_index": number,
        "leader_id": 1,
        "replica_nodes": [1, 2, 3],
        "isr_nodes": [1],
        "eligible_leader_replicas": eligible,
        "last_known_elr": last_known,
    }


def described(name: str, *partitions: dict[str, Any], code: int = 0) -> dict[str, Any]:
    return {"error_code": code, "name": name, "partitions": list(partitions)}


_VALUES: list[tuple[Request[Any], dict[str, Any]]] = [
    (
        DESCRIBE_LOG_DIRS,
        {"results": [directory("/a", t=[row(0, 1), row(1, 2)], u=[row(0, 3)]), directory("/b")]},
    ),
    (LIST_REASSIGNMENTS, {"topics": [{"name": "a", "partitions": [moving(0, [4], [2]), moving(1, [], [])]}]}),
    (
        describe_topic_partitions(["a"]),
        {
            "topics": [described("a", led(0, [2], [3]))],
            "next_cursor": {"topic_name": "a", "partition_index": 1},
        },
    ),
]
CASES = [
    pytest.param(
        request, version, encoded(f"{request.name}Response", version, values), id=f"{request.name}-{version}"
    )
    for request, values in _VALUES
    for version in versions(request)
]
