"""The two topics of the events: checks their settings, and creates them if they are missing."""

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType  # type: ignore[attr-defined]

from mesh_assets.errors import PublishError
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.inventory.records import Record
from mesh_assets.snapshot.connection import EventsConnection

_R = TypeVar("_R")

# The newest segment of a compacted topic is never compacted, so segments must end: after 4 h, or with the
# compaction lag of 6 h, whichever is sooner. Managed clusters allow both.
EVENTS_CONFIG = {
    "cleanup.policy": "compact",
    "segment.ms": "14400000",
    "max.compaction.lag.ms": "21600000",
    "min.cleanable.dirty.ratio": "0.01",
    "max.message.bytes": "8388608",
}
CHANGES_CONFIG = {"cleanup.policy": "delete", "retention.ms": "2592000000", "max.message.bytes": "8388608"}
# What remains of a config if a managed cluster does not let users set the rest.
_ESSENTIAL = ("cleanup.policy", "retention.ms")
_CONFIG_REFUSED = frozenset({KafkaError.INVALID_CONFIG, KafkaError.POLICY_VIOLATION})
_UNAUTHORIZED = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED})
_GRACE_SECONDS = 2.0
_PAUSE_SECONDS = 0.1


class EventTopics(Record, frozen=True, kw_only=True):
    events: str = EVENTS_TOPIC
    changes: str = CHANGES_TOPIC


class TopicFacts(Record, frozen=True, kw_only=True):
    """`max_message_bytes`: of the snapshots' topic; None if its configs may not be read. `notes`: sentences
    for the user."""

    max_message_bytes: int | None
    notes: tuple[str, ...]


def ensure_topics(
    connection: EventsConnection, topics: EventTopics, *, create: bool, replication_factor: int | None
) -> TopicFacts:
    """Creates topics that are missing, if `create`, and checks those that exist.

    `replication_factor` None: the broker's default. Raises PublishError if a topic is missing and may not be
    created, or if it would lose events: snapshots if it is not compacted, changes if it is.
    """
    notes: list[str] = []
    found: dict[str, Mapping[str, str] | None] = {}
    wanted = {topics.events: EVENTS_CONFIG, topics.changes: CHANGES_CONFIG}

    def ensure(topic: str) -> tuple[Mapping[str, str] | int, list[str]]:
        answer, config = _read_config(admin, connection, topic), wanted[topic]
        if answer != KafkaError.UNKNOWN_TOPIC_OR_PART:
            return answer, []
        if not create:
            raise PublishError(
                f"the topic {topic} is missing on {connection.cluster} and events.create_topics is false; {_recipe(topic, config)}"
            )
        made = _create(admin, connection, topic, config, replication_factor)
        return (config, made) if made is not None else (_read_known_config(admin, connection, topic), [])

    with connection.admin() as admin, ThreadPoolExecutor(len(wanted)) as pool:
        for topic, (answer, said) in zip(wanted, pool.map(ensure, wanted), strict=True):
            notes += said
            if isinstance(answer, int):
                notes.append(
                    f"the configs of {topic} on {connection.cluster} may not be read (needs DESCRIBE_CONFIGS): not checked"
                )
            found[topic] = None if isinstance(answer, int) else answer
    _check_policies(connection, topics, found, notes)
    config_of_events = found[topics.events]
    limit = None if config_of_events is None else config_of_events.get("max.message.bytes")
    return TopicFacts(max_message_bytes=None if limit is None else int(limit), notes=tuple(notes))


def _check_policies(
    connection: EventsConnection,
    topics: EventTopics,
    found: Mapping[str, Mapping[str, str] | None],
    notes: list[str],
) -> None:
    events, changes = found[topics.events], found[topics.changes]
    if events is not None:
        policy = events.get("cleanup.policy", "")
        if "compact" not in policy:
            raise PublishError(
                f"the topic {topics.events} on {connection.cluster} has cleanup.policy={policy}, so the newest snapshot of a cluster would "
                f"eventually be deleted; set it: kafka-configs --alter --topic {topics.events} --add-config cleanup.policy=compact"
            )
        if "delete" in policy:
            notes.append(
                f"{topics.events} on {connection.cluster} has cleanup.policy={policy}: snapshots older than its retention are deleted"
            )
    if changes is not None and "compact" in changes.get("cleanup.policy", ""):
        raise PublishError(
            f"the topic {topics.changes} on {connection.cluster} is compacted, so all but the newest change of a cluster would be lost; "
            f"set it: kafka-configs --alter --topic {topics.changes} --add-config cleanup.policy=delete"
        )


def _read_config(admin: AdminClient, connection: EventsConnection, topic: str) -> Mapping[str, str] | int:
    """The topic's configs; the error's code if there is no such topic or its configs may not be read."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    try:
        future = admin.describe_configs([resource], request_timeout=connection.timeout_seconds)[resource]
        entries = _answer(future, connection)
    except KafkaException as error:
        code: int = error.args[0].code()
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART or code in _UNAUTHORIZED:
            return code
        sentence = connection.failure(
            error.args[0], doing=f"reading the configs of {topic}", right="DESCRIBE_CONFIGS on the topic"
        )
        raise PublishError(f"{connection.cluster}: {sentence}") from error
    return {name: entry.value for name, entry in entries.items() if entry.value is not None}


def _read_known_config(
    admin: AdminClient, connection: EventsConnection, topic: str
) -> Mapping[str, str] | int:
    """The configs of a topic that exists, although the broker asked may not know it yet."""
    deadline = time.monotonic() + connection.timeout_seconds
    while (answer := _read_config(admin, connection, topic)) == KafkaError.UNKNOWN_TOPIC_OR_PART:
        if time.monotonic() >= deadline:
            raise PublishError(
                f"{connection.cluster}: the controller says that the topic {topic} exists, but after "
                f"{connection.timeout_seconds:.0f} s the broker does not know it; try again"
            )
        time.sleep(_PAUSE_SECONDS)
    return answer


def _create(
    admin: AdminClient,
    connection: EventsConnection,
    topic: str,
    config: Mapping[str, str],
    replication_factor: int | None,
) -> list[str] | None:
    """Creates the topic; returns sentences that the user should know. None: somebody else has created it
    meanwhile."""
    reduced = {name: value for name, value in config.items() if name in _ESSENTIAL}
    for wanted in (config, reduced):
        new = NewTopic(
            topic, num_partitions=1, replication_factor=replication_factor or -1, config=dict(wanted)
        )
        try:
            future = admin.create_topics([new], request_timeout=connection.timeout_seconds)[topic]
            _answer(future, connection)
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.TOPIC_ALREADY_EXISTS:
                return None
            if code in _CONFIG_REFUSED and wanted is config:
                continue
            sentence = connection.failure(
                error.args[0], doing=f"creating the topic {topic}", right="CREATE on the topic"
            )
            raise PublishError(f"{connection.cluster}: {sentence}; {_recipe(topic, config)}") from error
        if wanted is config:
            return []
        left_out = ", ".join(name for name in config if name not in reduced)
        return [f"{topic} was created without {left_out}: {connection.cluster} does not allow setting them"]
    raise AssertionError("unreachable")


def _answer(future: "Future[_R]", connection: EventsConnection) -> _R:
    try:
        return future.result(timeout=connection.timeout_seconds + _GRACE_SECONDS)
    except TimeoutError as error:
        raise PublishError(
            f"{connection.cluster}: Kafka did not answer within {connection.timeout_seconds:.0f} s"
        ) from error


def _recipe(topic: str, config: Mapping[str, str]) -> str:
    options = " ".join(f"--config {name}={value}" for name, value in config.items())
    return f"create it: kafka-topics --create --topic {topic} --partitions 1 {options}"
