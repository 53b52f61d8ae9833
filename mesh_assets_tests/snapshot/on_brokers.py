"""A snapshot published to real brokers, as their tests do it."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from confluent_kafka import Consumer, KafkaError, TopicPartition

from mesh_assets.events.avro_form import fingerprint
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import Document
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.snapshot.commit import publish_snapshot
from mesh_assets.snapshot.publisher import KafkaPublisher
from mesh_assets.snapshot.report import Published
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.pointers import SchemaIds
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.events.a_registry import ARegistry
from mesh_assets_tests.snapshot.world import CLUSTER, CLUSTER_ID, Life, MortalObjects

MakeTopic = Callable[[str, Mapping[str, str]], None]
COMPACT = {"cleanup.policy": "compact"}
IDS = SchemaIds(
    registry=ARegistry.url,
    event_id=1,
    event_fingerprint=fingerprint("discovery_event"),
    change_id=2,
    change_fingerprint=fingerprint("change_event"),
)


def publish(
    objects: ObjectStore,
    publisher: KafkaPublisher,
    *topics: str,
    cluster_id: str = CLUSTER_ID,
    life: Life | None = None,
) -> Published:
    run_id = f"run-{time.monotonic_ns()}"

    def assemble(_previous: Document | None, sequence: int) -> Document:
        cluster = a_document().cluster
        return a_document(
            topics=tuple(a_topic(name, config={"note": name * 40}) for name in topics),
            sequence=sequence,
            run_id=run_id,
            cluster=type(cluster)(id=cluster_id, name=CLUSTER),
            discovery_timestamp=datetime.now(UTC),
        )

    return publish_snapshot(
        store=InventoryStore(MortalObjects(objects, life or Life())),
        cluster=CLUSTER,
        cluster_id=cluster_id,
        run_id=run_id,
        assemble=assemble,
        triggers=(Trigger(type="manual"),),
        publisher=publisher,
    )


def records(endpoints: Endpoints, topic: str) -> Iterator[tuple[str, bytes | None]]:
    """Key and value of all records of the topic: a plain consumer, nothing of this project."""
    consumer = Consumer(
        {
            "bootstrap.servers": endpoints.bootstrap_servers,
            "group.id": "plain",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        while True:
            message = consumer.poll(20)
            assert message is not None, f"no answer from {topic}"
            error = message.error()
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF
                return
            yield (message.key() or b"").decode(), message.value()
    finally:
        consumer.close()


def incompressible() -> list[str]:
    generator = random.Random(1)
    return [generator.randbytes(16).hex() for _ in range(200)]
