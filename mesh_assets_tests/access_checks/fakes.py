"""Brokers with rights, at the seam of confluent-kafka: they answer as Kafka 4.3.1 was measured to (see
platforms/kafka/access.py)."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from confluent_kafka import ConsumerGroupState, ConsumerGroupType, KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]

from mesh_assets.platforms.kafka.rights import EVERY_CLUSTER_OPERATION, EVERY_TOPIC_OPERATION
from mesh_assets.platforms.kafka.session import Session

EVERY_GROUP_OPERATION = frozenset({"READ", "DELETE", "DESCRIBE"})


@dataclass(kw_only=True)
class Rights:
    """What a user is granted: on the cluster, on topics and groups by name (`*`: any)."""

    cluster: Iterable[str] = ()
    topics: Mapping[str, Iterable[str]] = field(default_factory=dict)
    groups: Mapping[str, Iterable[str]] = field(default_factory=dict)

    def on_topic(self, name: str) -> frozenset[str]:
        return frozenset((*self.topics.get("*", ()), *self.topics.get(name, ())))

    def on_group(self, name: str) -> frozenset[str]:
        return frozenset((*self.groups.get("*", ()), *self.groups.get(name, ())))


EVERYTHING = Rights(
    cluster=EVERY_CLUSTER_OPERATION, topics={"*": EVERY_TOPIC_OPERATION}, groups={"*": EVERY_GROUP_OPERATION}
)
"""A super user's, and everyone's where there is no authorizer."""

DISCOVERY = Rights(
    cluster=["DESCRIBE"], topics={"*": ["DESCRIBE", "DESCRIBE_CONFIGS"]}, groups={"*": ["DESCRIBE"]}
)
"""All that reading takes, and no more."""


@dataclass(kw_only=True)
class FakeBrokers:
    """`topics`: name → cleanup policy. `connect_groups`: groups of Connect's workers, which only the older
    listing has. `other_ids`: of clusters at other bootstrap servers.

    `tells_rights` False: as brokers before 2.3. `failure`: what every call fails with.
    """

    rights: Rights = field(default_factory=lambda: EVERYTHING)
    topics: dict[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    connect_groups: tuple[str, ...] = ()
    cluster_id: str | None = "the-cluster"
    other_ids: Mapping[str, str] = field(default_factory=dict)
    tells_rights: bool = True
    failure: KafkaError | None = None
    asked: list[tuple[str, Any]] = field(default_factory=list)
    configurations: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, configuration: dict[str, Any]) -> "FakeBrokers":
        """As the AdminClient's constructor."""
        self.configurations.append(configuration)
        cluster_id = self.other_ids.get(configuration["bootstrap.servers"])
        return self if cluster_id is None else replace(self, cluster_id=cluster_id)

    def __enter__(self) -> "FakeBrokers":
        return self

    def __exit__(self, *_: object) -> None:
        """As the AdminClient is closed."""

    def session(self) -> Session:
        return Session({"bootstrap.servers": "broker.test:9092"}, 5.0, admin_factory=self)

    def calls(self, kind: str) -> list[Any]:
        return [asked for name, asked in self.asked if name == kind]

    def poll(self, _timeout: float) -> int:
        return 0

    def describe_cluster(
        self, *, request_timeout: float, include_authorized_operations: bool = False
    ) -> "Future[Any]":
        reported = self._reported(frozenset(self.rights.cluster)) if include_authorized_operations else None
        reported = reported if "DESCRIBE" in self.rights.cluster else None
        return self._answer(
            "describe_cluster",
            request_timeout,
            SimpleNamespace(**self._cluster(), authorized_operations=reported),
        )

    def list_topics(self, *, timeout: float) -> Any:
        self.asked.append(("list_topics", timeout))
        visible = {name: object() for name in self.topics if "DESCRIBE" in self.rights.on_topic(name)}
        return SimpleNamespace(cluster_id=self.cluster_id, topics=visible)

    def describe_topics(self, names: TopicCollection, **_options: Any) -> dict[str, "Future[Any]"]:
        return {
            name: self._answer("describe_topics", name, self._topic(name))
            for name in self._chunk("topics", names.topic_names)
        }

    def describe_configs(self, resources: Iterable[Any], **_options: Any) -> dict[Any, "Future[Any]"]:
        return {
            resource: self._answer("describe_configs", resource.name, self._configs(resource.name))
            for resource in resources
        }

    def create_topics(
        self, topics: list[Any], *, validate_only: bool, request_timeout: float
    ) -> dict[str, "Future[Any]"]:
        assert validate_only, "a check creates nothing"
        return {
            topic.topic: self._answer("create_topics", request_timeout, self._creation(topic))
            for topic in topics
        }

    def list_consumer_groups(self, **_options: Any) -> "Future[Any]":
        listings = [
            SimpleNamespace(
                group_id=name,
                is_simple_consumer_group=False,
                state=ConsumerGroupState.STABLE,
                type=ConsumerGroupType.CLASSIC,
            )
            for name in self.groups
            if self._lists(name)
        ]
        return self._answer("list_consumer_groups", None, SimpleNamespace(valid=listings, errors=[]))

    def list_groups(self, **_options: Any) -> Any:
        self.asked.append(("list_groups", None))
        return [
            SimpleNamespace(
                id=name,
                error=None
                if "DESCRIBE" in self.rights.on_group(name)
                else KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED),
                state="Stable",
                protocol_type="connect" if name in self.connect_groups else "consumer",
            )
            for name in (*self.groups, *self.connect_groups)
            if self._lists(name)
        ]

    def describe_consumer_groups(self, names: list[str], **_options: Any) -> dict[str, "Future[Any]"]:
        return {
            name: self._answer("describe_consumer_groups", name, self._group(name))
            for name in self._chunk("groups", names)
        }

    def _cluster(self) -> dict[str, Any]:
        return {"cluster_id": self.cluster_id, "nodes": [SimpleNamespace(id=1)], "controller": None}

    def _chunk(self, kind: str, names: Iterable[str]) -> list[str]:
        chunk = list(names)
        self.asked.append((f"chunk of {kind}", len(chunk)))
        return chunk

    def _lists(self, group: str) -> bool:
        return "DESCRIBE" in self.rights.cluster or "DESCRIBE" in self.rights.on_group(group)

    def _topic(self, name: str) -> object:
        granted = self.rights.on_topic(name)
        if "DESCRIBE" not in granted:
            return KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
        if name not in self.topics:
            return KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
        return SimpleNamespace(authorized_operations=self._reported(granted))

    def _creation(self, topic: Any) -> KafkaError | None:
        """As Kafka 4.3.1 answers: the right to create can come from the cluster or from the topic's name."""
        if "CREATE" not in {*self.rights.cluster, *self.rights.on_topic(topic.topic)}:
            return KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
        if topic.replication_factor > 1:
            said = f"Unable to replicate the partition {topic.replication_factor} time(s): only 1 broker(s) are registered."
            return KafkaError(KafkaError.INVALID_REPLICATION_FACTOR, said)
        return None

    def _group(self, name: str) -> object:
        granted = self.rights.on_group(name)
        if "DESCRIBE" not in granted:
            return KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
        return SimpleNamespace(authorized_operations=self._reported(granted), state=ConsumerGroupState.STABLE)

    def _configs(self, name: str) -> object:
        if "DESCRIBE_CONFIGS" not in self.rights.on_topic(name):
            return KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
        policy = SimpleNamespace(name="cleanup.policy", value=self.topics[name], is_sensitive=False, source=1)
        return {"cleanup.policy": policy}

    def _reported(self, operations: frozenset[str]) -> list[AclOperation] | None:
        return (
            [AclOperation[name] for name in sorted(operations)] if self.tells_rights and operations else None
        )

    def _answer(self, kind: str, asked: object, answer: object) -> "Future[Any]":
        self.asked.append((kind, asked))
        future: Future[Any] = Future()
        said = self.failure or answer
        if isinstance(said, KafkaError):
            future.set_exception(KafkaException(said))
        else:
            future.set_result(said)
        return future
