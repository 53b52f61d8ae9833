"""A real broker with an authorizer (KRaft's), SASL/PLAIN users and ACLs. Started for one test session, on free ports."""

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from mesh_assets.sandbox import process
from mesh_assets.sandbox.java import LOG4J, java_runtime
from mesh_assets.sandbox.kafka_admin import quiet_settings
from mesh_assets.sandbox.kinds.kafka_broker import format_storage
from mesh_assets.sandbox.progress import silent
from mesh_assets.sandbox.state import LOOPBACK, choose_free, new_state

_START_SECONDS = 120.0
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=CLIENTS://{broker},CONTROLLER://{controller}
advertised.listeners=CLIENTS://{broker}
listener.security.protocol.map=CLIENTS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{controller}
log.dirs={data}
sasl.enabled.mechanisms=PLAIN,OAUTHBEARER
# Takes tokens that nobody signed, and believes the name in them.
listener.name.clients.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username="admin" password="admin-password" {users};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
# The controller's listener is plain text: the broker is ANONYMOUS there.
super.users=User:admin;User:ANONYMOUS
auto.create.topics.enable=true
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
log.cleaner.dedupe.buffer.size=8388608
log.index.size.max.bytes=1048576
"""
_CLUSTER = (ResourceType.BROKER, "kafka-cluster")


class Tokens:
    """`oauth_cb`: unsecured JWTs for the user `discovery`, each good for that many seconds; counts how many it gave."""

    def __init__(self, life_seconds: float) -> None:
        self._life_seconds = life_seconds
        self.asked = 0

    def __call__(self, _config: str) -> tuple[str, float]:
        self.asked += 1
        now = time.time()
        claims = {"sub": "discovery", "iat": now - 1, "exp": now + self._life_seconds}
        parts = (
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in ({"alg": "none"}, claims)
        )
        return ".".join(parts) + ".", now + self._life_seconds


class BrokerWithAcls:
    """A running broker. The password of a user is `<user>-password`."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._admin = AdminClient(
            {**quiet_settings(bootstrap_servers), **_login("admin"), "reconnect.backoff.max.ms": 200}
        )

    def close(self) -> None:
        """Explicitly, and while the broker runs: the garbage collector once blocked forever on this client."""
        self._admin.__exit__(None, None, None)

    def wait(self) -> None:
        _until(self._answers, "an answer")

    def _answers(self) -> bool:
        try:
            self._admin.list_topics(timeout=5)
        except KafkaException:
            return False
        return True

    def create_topics(self, **policies: str) -> None:
        topics = [
            NewTopic(name.replace("_", "-"), 1, 1, config={"cleanup.policy": policy.replace("_", ",")})
            for name, policy in policies.items()
        ]
        for future in self._admin.create_topics(topics).values():
            future.result(30)

    def create_groups(self, *names: str, topic: str) -> None:
        """A commit creates a group. It fails with a partition error until the broker knows the new topic."""
        for name in names:
            offsets = ConsumerGroupTopicPartitions(name, [TopicPartition(topic, 0, 0)])
            _until(partial(self._commits, offsets), f"the group {name}")

    def _commits(self, offsets: ConsumerGroupTopicPartitions) -> bool:
        (future,) = self._admin.alter_consumer_group_offsets([offsets], request_timeout=5).values()
        try:
            # The very first group waits for a coordinator, and librdkafka may ask for it at a bad moment.
            return all(place.error is None for place in future.result(10).topic_partitions)
        except (KafkaException, TimeoutError):
            return False

    def grant(
        self,
        user: str,
        *,
        cluster: str = "",
        topics: dict[str, str] | None = None,
        groups: dict[str, str] | None = None,
    ) -> None:
        """Operations by resource name, separated by spaces; `*` matches any."""
        resources = [(*_CLUSTER, cluster)] if cluster else []
        resources += [(ResourceType.TOPIC, name, operations) for name, operations in (topics or {}).items()]
        resources += [(ResourceType.GROUP, name, operations) for name, operations in (groups or {}).items()]
        acls = [
            _acl(user, kind, name, operation)
            for kind, name, operations in resources
            for operation in operations.split()
        ]
        for future in self._admin.create_acls(acls).values():
            future.result(30)
        # The controller has them now; ask the broker until it has them, too.
        whatever: Any = None
        everything = AclBindingFilter(
            ResourceType.ANY,
            whatever,
            ResourcePatternType.ANY,
            f"User:{user}",
            whatever,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        _until(
            lambda: len(self._admin.describe_acls(everything).result(30)) == len(acls), f"the ACLs of {user}"
        )

    def topics(self) -> list[str]:
        return sorted(self._admin.list_topics(timeout=10).topics)


@contextmanager
def broker_with_acls(folder: Path, users: Iterable[str]) -> Iterator[BrokerWithAcls]:
    """Runs a broker in `folder` until the end of the block; it takes 2 s to start on a quiet machine."""
    java = java_runtime(silent())
    broker, controller = f"{LOOPBACK}:{choose_free(())}", f"{LOOPBACK}:{choose_free(())}"
    entries = " ".join(f'user_{user}="{user}-password"' for user in ("admin", *users))
    properties, log4j = folder / "broker.properties", folder / "log4j2.properties"
    properties.write_text(
        _PROPERTIES.format(broker=broker, controller=controller, data=folder / "data", users=entries)
    )
    log4j.write_text(LOG4J.format(target="SYSTEM_OUT", level="warn"))
    format_storage(
        folder / "data",
        new_state().kafka_cluster_id,
        name="the broker with ACLs",
        properties=properties,
        log4j=log4j,
        java=java,
        progress=silent(),
    )
    program, *rest = java.kafka_command("kafka.Kafka", str(properties), log4j=log4j, heap_megabytes=256)
    archive = java.archive_of("broker")
    started = process.spawn(
        [program, *(archive.use() if archive else ()), *rest],
        log=folder / "broker.log",
        record=folder / "broker.json",
        fingerprint="",
        cwd=folder,
    )
    try:
        with closing(BrokerWithAcls(broker)) as running:
            running.wait()
            yield running
    finally:
        process.end(started, grace_seconds=20)


def _until(holds: Callable[[], bool], what: str) -> None:
    """Polls without sleeping: each attempt is a request that takes a while anyway."""
    deadline = time.monotonic() + _START_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the broker did not come to {what} within {_START_SECONDS:.0f} s")


def _login(user: str) -> dict[str, str]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": f"{user}-password",
    }


def _acl(user: str, kind: ResourceType, name: str, operation: str) -> AclBinding:
    return AclBinding(
        kind,
        name,
        ResourcePatternType.LITERAL,
        f"User:{user}",
        "*",
        AclOperation[operation],
        AclPermissionType.ALLOW,
    )
