"""The event topics on real brokers: created so that snapshots stay and changes expire, or refused where they would lose
some."""

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from mesh_assets.errors import PublishError
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.publisher import KafkaPublisher
from mesh_assets.snapshot.topics import EventTopics, ensure_topics
from mesh_assets_tests.events.a_registry import ARegistry
from mesh_assets_tests.snapshot.on_brokers import COMPACT, MakeTopic, publish
from mesh_assets_tests.snapshot.world import MemoryObjects

pytestmark = pytest.mark.sandbox


def _config(admin: AdminClient, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    return {
        name: entry.value
        for name, entry in admin.describe_configs([resource])[resource].result(timeout=20).items()
    }


def test_missing_topics_are_created_so_that_snapshots_stay_and_changes_expire(
    admin: AdminClient, publisher: KafkaPublisher, event_topics: EventTopics
) -> None:
    publisher.prepare(None)
    publisher.prepare(None)
    events, changes = _config(admin, event_topics.events), _config(admin, event_topics.changes)
    assert (events["cleanup.policy"], changes["cleanup.policy"]) == ("compact", "delete")
    assert (events["segment.ms"], events["max.compaction.lag.ms"], events["max.message.bytes"]) == (
        "14400000",
        "21600000",
        "8388608",
    )
    assert changes["retention.ms"] == "2592000000"
    described = admin.list_topics(timeout=20).topics
    assert [len(described[name].partitions) for name in (event_topics.events, event_topics.changes)] == [1, 1]
    assert publisher.notes == ()


def test_a_missing_topic_that_may_not_be_created_is_a_sentence_with_the_command(
    connection: EventsConnection, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    publisher = KafkaPublisher(connection, ARegistry(), topics=event_topics, create_topics=False)
    with pytest.raises(
        PublishError,
        match=f"{event_topics.events} is missing on warehouse .*kafka-topics --create .*cleanup.policy=compact",
    ):
        publish(objects, publisher)
    assert objects.data == {}


def test_an_impossible_replication_is_a_sentence(
    connection: EventsConnection, event_topics: EventTopics
) -> None:
    with pytest.raises(PublishError, match="creating the topic"):
        ensure_topics(connection, event_topics, create=True, replication_factor=3)


def test_a_topic_that_would_lose_snapshots_is_refused(
    publisher: KafkaPublisher, event_topics: EventTopics, make_topic: MakeTopic, objects: MemoryObjects
) -> None:
    make_topic(event_topics.events, {"cleanup.policy": "delete"})
    with pytest.raises(
        PublishError, match=r"has cleanup\.policy=delete, .* --add-config cleanup\.policy=compact"
    ):
        publish(objects, publisher)
    assert objects.data == {}


def test_a_topic_that_would_lose_changes_is_refused(
    publisher: KafkaPublisher, event_topics: EventTopics, make_topic: MakeTopic, objects: MemoryObjects
) -> None:
    make_topic(event_topics.changes, COMPACT)
    with pytest.raises(PublishError, match=r"is compacted, .* --add-config cleanup\.policy=delete"):
        publish(objects, publisher)


def test_a_topic_that_compacts_and_deletes_is_accepted_with_a_note(
    publisher: KafkaPublisher, event_topics: EventTopics, make_topic: MakeTopic
) -> None:
    make_topic(event_topics.events, {"cleanup.policy": "compact,delete"})
    publisher.prepare(None)
    assert publisher.notes == (
        f"{event_topics.events} on warehouse has cleanup.policy=compact,delete: snapshots older than its retention are deleted",
    )
