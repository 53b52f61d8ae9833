"""In-memory brokers with rights, at the seam of `Connections`: they answer as Kafka 4.3.1 was observed to (see
platforms/kafka/rights.py). kafka-python decodes the requests and encodes the answers."""

import warnings
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.rights import EVERY_CLUSTER_OPERATION, EVERY_TOPIC_OPERATION
from mesh_assets.platforms.kafka.wire.forms import Answer, BrokerError, Request
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets_tests.platforms.kafka.wire.messages import encoded
from mesh_assets_tests.platforms.kafka.wire.oracle import (
    Brokers,
    DescribeConfigsRequest,
    MetadataRequest,
    running_on,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of how it reads its own files, with Python 3.11
    from kafka.protocol.admin import (
        CreateTopicsRequest,
        DescribeClusterRequest,
        DescribeGroupsRequest,
        DescribeTransactionsRequest,
        ListGroupsRequest,
    )
    from kafka.protocol.metadata import FindCoordinatorRequest

EVERY_GROUP_OPERATION = frozenset({"READ", "DELETE", "DESCRIBE"})

SINCE_2_8 = {
    "DescribeTransactions": -1,
    "DescribeCluster": -1,
    "Metadata": 9,
    "CreateTopics": 5,
    "DescribeGroups": 5,
}
"""What brokers before Kafka 2.8 lack: the newest versions they support."""
SINCE_2_3 = SINCE_2_8 | {"Metadata": 7, "CreateTopics": 3, "DescribeGroups": 2}
_CLASSIC_ALONE = {"ConsumerGroupDescribe": -1, "ShareGroupDescribe": -1, "StreamsGroupDescribe": -1}
_NOT_TOLD = -(2**31)
# Kafka's numbers of its operations, by which its bits are counted.
_NUMBERS = {
    name: number
    for number, name in enumerate(
        [
            "READ",
            "WRITE",
            "CREATE",
            "DELETE",
            "ALTER",
            "DESCRIBE",
            "CLUSTER_ACTION",
            "DESCRIBE_CONFIGS",
            "ALTER_CONFIGS",
            "IDEMPOTENT_WRITE",
        ],
        start=3,
    )
}


@dataclass(kw_only=True)
class Rights:
    """What a user is granted: on the cluster, on topics and groups by name (`*`: any), on all transactional ids."""

    cluster: Iterable[str] = ()
    topics: Mapping[str, Iterable[str]] = field(default_factory=dict)
    groups: Mapping[str, Iterable[str]] = field(default_factory=dict)
    transactional_ids: Iterable[str] = ()

    def on_topic(self, name: str) -> frozenset[str]:
        return frozenset((*self.topics.get("*", ()), *self.topics.get(name, ())))

    def on_group(self, name: str) -> frozenset[str]:
        return frozenset((*self.groups.get("*", ()), *self.groups.get(name, ())))


EVERYTHING = Rights(
    cluster=EVERY_CLUSTER_OPERATION,
    topics={"*": EVERY_TOPIC_OPERATION},
    groups={"*": EVERY_GROUP_OPERATION},
    transactional_ids=["DESCRIBE", "WRITE"],
)
"""The rights of a super user, and of everyone where there is no authorizer."""

DISCOVERY = Rights(
    cluster=["DESCRIBE", "DESCRIBE_CONFIGS"],
    topics={"*": ["DESCRIBE", "DESCRIBE_CONFIGS"]},
    groups={"*": ["DESCRIBE"]},
)
"""Everything that reading needs, except for producers and transactions."""


class _Reply(NamedTuple):
    message: str
    values: dict[str, Any]

    def encode(self, version: int) -> bytes:
        return encoded(f"{self.message}Response", version, self.values)


class FakeBrokers(Brokers):
    """Brokers with these `numbers`. `topics`: name → cleanup policy. `groups`: of consumers.
    `other_ids`: of clusters at other bootstrap servers. `controllers`: the broker that each Metadata answer calls the
    controller, the last one forever; only that one creates topics. `codes`: Kafka's errors about topics, by name.

    `newest`: of older brokers (`SINCE_2_8`: what these lack). `failure`: the error of every request.
    """

    def __init__(
        self,
        *,
        rights: Rights = EVERYTHING,
        topics: Mapping[str, str] | None = None,
        groups: tuple[str, ...] = (),
        cluster_id: str | None = "the-cluster",
        other_ids: Mapping[str, str] | None = None,
        controllers: Iterable[int] = (1,),
        codes: Mapping[str, int] | None = None,
        newest: Mapping[str, int] | None = None,
        failure: int | None = None,
        numbers: tuple[int, ...] = (1,),
    ) -> None:
        super().__init__(*numbers, handlers={}, newest=_CLASSIC_ALONE | dict(newest or {}))
        self.rights = rights
        self.topics = dict(topics or {})
        self.groups = groups
        self.cluster_id = cluster_id
        self.other_ids = dict(other_ids or {})
        self.controllers = list(controllers)
        self.codes = dict(codes or {})
        self.failure = failure
        self.configurations: list[Mapping[str, Any]] = []
        self._takes_part()

    def _takes_part(self) -> None:
        self.handlers = {
            "Metadata": (MetadataRequest, self._metadata),
            "DescribeCluster": (DescribeClusterRequest, self._described_cluster),
            "DescribeConfigs": (DescribeConfigsRequest, self._configs),
            "CreateTopics": (CreateTopicsRequest, self._created),
            "ListGroups": (ListGroupsRequest, self._listed_groups),
            "FindCoordinator": (FindCoordinatorRequest, self._coordinators),
            "DescribeGroups": (DescribeGroupsRequest, self._described_groups),
            "DescribeTransactions": (DescribeTransactionsRequest, self._described_transactions),
        }

    def __call__(
        self, properties: Mapping[str, Any], timeout_seconds: float, *, on_confluent_cloud: bool = False
    ) -> RunningCluster:
        """As the constructor of `RunningCluster`."""
        self.configurations.append(properties)
        brokers = self
        if (other := self.other_ids.get(properties["bootstrap.servers"])) is not None:
            brokers = copy(self)
            brokers.cluster_id = other
            brokers._takes_part()
        return running_on(brokers, properties, timeout_seconds, on_confluent_cloud=on_confluent_cloud)

    def cluster(self) -> RunningCluster:
        return self({"bootstrap.servers": "broker.test:9092"}, 5.0)

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        if self.failure is not None:
            raise BrokerError(self.failure)
        return await super().ask(request, broker=broker)

    # --- the cluster and its topics

    def _bits(self, granted: Iterable[str]) -> int:
        return sum(1 << _NUMBERS[name] for name in granted)

    def _on_the_cluster(self) -> int:
        return self._bits(self.rights.cluster) if "DESCRIBE" in self.rights.cluster else 0

    def _nodes(self, number: str) -> list[dict[str, Any]]:
        return [{number: one.id, "host": one.host, "port": one.port} for one in self.nodes]

    def _controller(self) -> int:
        return self.controllers.pop(0) if len(self.controllers) > 1 else self.controllers[0]

    def _metadata(self, request: Any, _: int | None) -> _Reply:
        assert not request.allow_auto_topic_creation, "a check creates nothing"
        if request.topics is None:
            asked = [name for name in self.topics if "DESCRIBE" in self.rights.on_topic(name)]
        else:
            asked = [one.name for one in request.topics]
        return _Reply(
            "Metadata",
            {
                "brokers": self._nodes("node_id"),
                "cluster_id": self.cluster_id,
                "controller_id": self._controller(),
                "topics": [self._topic(name, request.include_topic_authorized_operations) for name in asked],
                "cluster_authorized_operations": self._on_the_cluster()
                if request.include_cluster_authorized_operations
                else _NOT_TOLD,
            },
        )

    def _topic(self, name: str, rights: bool) -> dict[str, Any]:
        granted = self.rights.on_topic(name)
        if "DESCRIBE" not in granted:
            code = KafkaError.TOPIC_AUTHORIZATION_FAILED
        else:
            code = self.codes.get(name, 0 if name in self.topics else KafkaError.UNKNOWN_TOPIC_OR_PART)
        operations = self._bits(granted) if rights and not code else _NOT_TOLD
        return {"name": name, "error_code": code, "topic_authorized_operations": operations}

    def _described_cluster(self, request: Any, _: int | None) -> _Reply:
        assert request.include_cluster_authorized_operations
        values = {"cluster_id": self.cluster_id or "", "brokers": self._nodes("broker_id")}
        return _Reply("DescribeCluster", values | {"cluster_authorized_operations": self._on_the_cluster()})

    def _configs(self, request: Any, _: int | None) -> _Reply:
        results = []
        for name in (one.resource_name for one in request.resources):
            allowed = "DESCRIBE_CONFIGS" in self.rights.on_topic(name)
            policy = {"name": "cleanup.policy", "value": self.topics[name], "config_source": 1}
            results.append(
                {
                    "error_code": 0 if allowed else KafkaError.TOPIC_AUTHORIZATION_FAILED,
                    "resource_type": 2,
                    "resource_name": name,
                    "configs": [policy] if allowed else [],
                }
            )
        return _Reply("DescribeConfigs", {"results": results})

    def _created(self, request: Any, broker: int | None) -> _Reply:
        assert request.validate_only, "a check creates nothing"
        return _Reply("CreateTopics", {"topics": [self._creation(one, broker) for one in request.topics]})

    def _creation(self, topic: Any, broker: int | None) -> dict[str, Any]:
        """As Kafka 4.3.1 answers: the right to create can come from the cluster or from the topic's name."""
        code, said = 0, None
        if broker != self.controllers[0]:
            code = KafkaError.NOT_CONTROLLER
        elif name_code := self.codes.get(topic.name):
            code = name_code
        elif "CREATE" not in {*self.rights.cluster, *self.rights.on_topic(topic.name)}:
            code = KafkaError.TOPIC_AUTHORIZATION_FAILED
        elif topic.replication_factor > len(self.nodes):
            code = KafkaError.INVALID_REPLICATION_FACTOR
            said = (
                f"Unable to replicate the partition {topic.replication_factor} time(s): only {len(self.nodes)} broker(s) are "
                "registered."
            )
        configs = None if code else [{"name": one.name, "value": one.value} for one in topic.configs]
        return {"name": topic.name, "error_code": code, "error_message": said, "configs": configs}

    def _described_transactions(self, request: Any, _: int | None) -> _Reply:
        allowed = "DESCRIBE" in self.rights.transactional_ids
        code = (
            105 if allowed else KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        )  # TRANSACTIONAL_ID_NOT_FOUND
        states = [{"transactional_id": name, "error_code": code} for name in request.transactional_ids]
        return _Reply("DescribeTransactions", {"transaction_states": states})

    # --- groups, all of which broker 1 coordinates

    def _listed_groups(self, _request: Any, broker: int | None) -> _Reply:
        listed = [
            {
                "group_id": name,
                "protocol_type": "consumer",
                "group_state": "Stable",
                "group_type": "Classic",
            }
            for name in self.groups
            if broker == 1 and ("DESCRIBE" in self.rights.cluster or "DESCRIBE" in self.rights.on_group(name))
        ]
        return _Reply("ListGroups", {"groups": listed})

    def _coordinators(self, request: Any, _: int | None) -> _Reply:
        return _Reply(
            "FindCoordinator",
            {
                "coordinators": [
                    {"key": name, "node_id": 1, "error_code": self._group_code(name)}
                    for name in request.coordinator_keys
                ]
            },
        )

    def _group_code(self, name: str) -> int:
        return 0 if "DESCRIBE" in self.rights.on_group(name) else KafkaError.GROUP_AUTHORIZATION_FAILED

    def _described_groups(self, request: Any, broker: int | None) -> _Reply:
        assert broker == 1
        described = []
        for name in request.groups:
            code = self._group_code(name) or (0 if name in self.groups else KafkaError.GROUP_ID_NOT_FOUND)
            told = request.include_authorized_operations and not code
            described.append(
                {
                    "group_id": name,
                    "error_code": code,
                    "group_state": "" if code else "Stable",
                    "protocol_type": "" if code else "consumer",
                    "authorized_operations": self._bits(self.rights.on_group(name)) if told else _NOT_TOLD,
                }
            )
        return _Reply("DescribeGroups", {"groups": described})


CONNECTOR = {
    "info": {
        "config": {"connector.class": "X", "database.password": "hunter2"},
        "tasks": [],
        "type": "source",
    },
    "status": {"connector": {"state": "RUNNING"}, "tasks": [], "type": "source"},
}


def worker(
    request: httpx.Request, *, cluster_id: str | None = "the-cluster", connectors: int = 2
) -> httpx.Response:
    if request.url.path == "/":
        about = {"version": "4.3.1", "commit": "abc"}
        return httpx.Response(
            200, json=about if cluster_id is None else {**about, "kafka_cluster_id": cluster_id}
        )
    return httpx.Response(200, json={f"c{number}": CONNECTOR for number in range(connectors)})
