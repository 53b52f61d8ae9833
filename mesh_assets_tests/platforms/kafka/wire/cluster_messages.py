"""What a cluster of two KRaft brokers answers about itself and about access, as kafka-python encodes it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire import access, configs, quorum
from mesh_assets.platforms.kafka.wire.broker_configs import _read as read_broker_configs
from mesh_assets.platforms.kafka.wire.described_cluster import DESCRIBED_CLUSTER
from mesh_assets.platforms.kafka.wire.features import _FEATURES
from mesh_assets.platforms.kafka.wire.forms import Answer, Request, UnsupportedError
from mesh_assets_tests.platforms.kafka.wire.messages import answer_of, encoded, versions

VOTER = {
    "replica_id": 100,
    "log_end_offset": 50,
    "last_fetch_timestamp": -1,
    "last_caught_up_timestamp": 1_700_000_000_000,
}
OBSERVER = {"replica_id": 2, "log_end_offset": 47, "last_fetch_timestamp": 1_700_000_000_500}
PARTITION = {
    "partition_index": 0,
    "leader_id": 100,
    "leader_epoch": 7,
    "high_watermark": 49,
    "current_voters": [VOTER],
    "observers": [OBSERVER],
}
QUORUM = {"topics": [{"topic_name": "__cluster_metadata", "partitions": [PARTITION]}]}
QUORUM_WITH_NODES = {
    **QUORUM,
    "nodes": [{"node_id": 100, "listeners": [{"name": "CONTROLLER", "host": "c", "port": 60000}]}],
}
TWO_BROKERS: list[dict[str, Any]] = [
    {"broker_id": 2, "host": "two", "port": 9092, "rack": None},
    {"broker_id": 1, "host": "one", "port": 9092, "rack": "a"},
]
CLUSTER: dict[str, Any] = {"cluster_id": "abc", "controller_id": 2, "brokers": TWO_BROKERS}
ACLS = {
    "resources": [
        {
            "resource_type": 2,
            "resource_name": "orders",
            "pattern_type": 4,
            "acls": [
                {"principal": "User:b", "host": "*", "operation": 3, "permission_type": 3},
                {"principal": "User:a", "host": "10.0.0.1", "operation": 2, "permission_type": 2},
            ],
        },
        {
            "resource_type": 9,
            "resource_name": "x",
            "pattern_type": 3,
            "acls": [{"principal": "User:a", "host": "*", "operation": 99, "permission_type": 3}],
        },
    ]
}
QUOTAS = {
    "entries": [
        {
            "entity": [
                {"entity_type": "user", "entity_name": "alice"},
                {"entity_type": "client-id", "entity_name": None},
            ],
            "values": [{"key": "producer_byte_rate", "value": 1024.5}],
        }
    ]
}
SCRAM_USERS = {
    "results": [
        {"user": "bob", "credential_infos": [{"mechanism": 2, "iterations": 8192}]},
        {
            "user": "alice",
            "credential_infos": [
                {"mechanism": 2, "iterations": 4096},
                {"mechanism": 1, "iterations": 4096},
            ],
        },
    ]
}


def config(name: str, value: str | None, source: int, **fields: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "config_source": source, **fields}


def broker_configs(broker: int, *, cluster_wide: bool) -> dict[str, Any]:
    own = [
        config("log.retention.ms", "1000", 3),
        config("node.id", str(broker), 4),
        config("num.io.threads", "8", 5),
        config("ssl.key.password", "never shown", 4, is_sensitive=True),
    ]
    results = [{"resource_type": 4, "resource_name": str(broker), "configs": own}]
    if cluster_wide:
        results.append(
            {
                "resource_type": 4,
                "resource_name": "",
                "configs": [config("log.retention.ms", "1000", 3)],
            }
        )
    return {"results": results}


# The tagged fields of ApiVersions with the features are written by hand: kafka-python 3.0.12 does not write them.


def features(version: int) -> bytes:
    """`metadata.version` at level 25 of 7 to 29, and `kraft.version`, without an agreed level, of 0 to 1."""
    supported = _ranges(("metadata.version", 7, 29), ("kraft.version", 0, 1))
    finalized = _ranges(("metadata.version", 25, 25))
    tags = bytes([3]) + _tag(0, supported) + _tag(1, (9).to_bytes(8, "big")) + _tag(2, finalized)
    body = encoded(
        "ApiVersionsResponse", 3, {"api_keys": [{"api_key": 18, "min_version": 0, "max_version": version}]}
    )
    assert body.endswith(b"\0"), "no tagged fields of its own"
    return body[:-1] + tags


def _ranges(*features: tuple[str, int, int]) -> bytes:
    rows = [
        bytes([len(name) + 1]) + name.encode() + one.to_bytes(2, "big") + other.to_bytes(2, "big") + b"\0"
        for name, one, other in features
    ]
    return bytes([len(rows) + 1]) + b"".join(rows)


def _tag(number: int, data: bytes) -> bytes:
    return bytes([number, len(data)]) + data


class Told:
    """`Connections` to brokers that answer each request with these values, raise those that are errors, and lack other
    requests."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.asked: Counter[str] = Counter()

    async def brokers(self) -> Sequence[BrokerNode]:
        return ()

    async def refreshed(self) -> Sequence[BrokerNode]:
        return ()

    async def version(self, request: Request[Any], *, broker: int | None = None) -> int | None:  # noqa: ARG002
        return request.newest if request.name in self.answers else None

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        if request.name not in self.answers:
            raise UnsupportedError(f"the broker at one:9092 has no {request.name}")
        self.asked[request.name] += 1
        values = self.answers[request.name]
        if callable(values):
            values = values(broker)
        if isinstance(values, Exception):
            raise values
        return answer_of(request, request.newest, values)


CONFIGS: Request[Any] = Request(
    "DescribeConfigs", 32, 1, 4, 4, partial(configs.write_names, 4, ["1"]), read_broker_configs
)
SIMPLE: dict[Request[Any], dict[str, Any]] = {
    DESCRIBED_CLUSTER: CLUSTER,
    access._ACLS: ACLS,
    access._QUOTAS: QUOTAS,
    access._SCRAM_USERS: SCRAM_USERS,
    CONFIGS: broker_configs(1, cluster_wide=True),
}


def answers() -> Iterator[tuple[str, Request[Any], int, bytes]]:
    """An answer of every message in every version."""
    for request, values in SIMPLE.items():
        for version in versions(request):
            yield request.name, request, version, encoded(f"{request.name}Response", version, values)
    for version in versions(quorum._QUORUM):
        values = QUORUM_WITH_NODES if version >= 2 else QUORUM
        yield "DescribeQuorum", quorum._QUORUM, version, encoded("DescribeQuorumResponse", version, values)
    for version in versions(_FEATURES):
        yield "ApiVersions", _FEATURES, version, features(version)
