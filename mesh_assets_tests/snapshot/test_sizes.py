"""Large events on real brokers: compressed, refused, or claimed where others can read their document."""

import pytest

from mesh_assets.events.model import RefusedEventError
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.publisher import KafkaPublisher
from mesh_assets.snapshot.reader import newest_snapshot
from mesh_assets.snapshot.topics import EventTopics
from mesh_assets_tests.snapshot.on_brokers import COMPACT, IDS, MakeTopic, incompressible, publish, records
from mesh_assets_tests.snapshot.world import CLUSTER_ID, MemoryObjects

pytestmark = pytest.mark.sandbox


def test_sizes_are_those_before_and_after_compression(
    publisher: KafkaPublisher, endpoints: Endpoints, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    published = publish(objects, publisher, *(f"topic-{number}" for number in range(500)))
    ((_, value),) = records(endpoints, event_topics.events)
    assert value is not None
    assert published.event.bytes == len(value)
    assert published.event.compressed_bytes is not None
    assert 500 < published.event.compressed_bytes < len(value) / 5


def test_an_event_that_fits_only_compressed_is_published_as_it_is(
    publisher: KafkaPublisher, event_topics: EventTopics, make_topic: MakeTopic, objects: MemoryObjects
) -> None:
    make_topic(event_topics.events, {**COMPACT, "max.message.bytes": "100000"})
    published = publish(objects, publisher, *(f"topic-{number}" for number in range(2000)))
    assert published.event.bytes > 900_000
    assert not published.event.claim_check


def test_an_event_too_large_after_compression_is_refused_for_a_local_folder_with_what_to_do(
    publisher: KafkaPublisher,
    endpoints: Endpoints,
    event_topics: EventTopics,
    make_topic: MakeTopic,
    objects: MemoryObjects,
) -> None:
    make_topic(event_topics.events, {**COMPACT, "max.message.bytes": "2000"})
    with pytest.raises(RefusedEventError) as caught:
        publish(objects, publisher, *incompressible())
    sentence = str(caught.value)
    assert "is larger than" in sentence
    assert "(max.message.bytes 2,000), and nobody else could read a document in a local folder" in sentence
    assert (
        f"raise max.message.bytes of {event_topics.events} on warehouse, or set MESH_STORE to a bucket, such as s3://bucket/prefix"
        in sentence
    )
    assert list(records(endpoints, event_topics.events)) == []
    assert objects.data.keys() == {"store.json"}
    assert publish(objects, publisher, "orders").document.sequence == 1


def test_an_event_too_large_after_compression_claims_its_document_in_a_shared_store(
    publisher: KafkaPublisher, connection: EventsConnection, event_topics: EventTopics, make_topic: MakeTopic
) -> None:
    make_topic(event_topics.events, {**COMPACT, "max.message.bytes": "2000"})
    objects = MemoryObjects(shared=True)
    published = publish(objects, publisher, *incompressible())
    read = newest_snapshot(connection, None, cluster_id=CLUSTER_ID, known_ids=IDS, topic=event_topics.events)
    assert read is not None
    assert read.event.document is not None
    assert (read.event.document.uri, read.event.cluster_state.topics) == (
        f"memory:///{published.pointer.document.key}",
        None,
    )
    assert read.event.summary == published.document.summary
    assert published.event.claim_check
