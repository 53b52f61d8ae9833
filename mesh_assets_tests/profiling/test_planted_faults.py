"""Everything that the sandbox plants is found, and nothing is invented: every fault and shared key in the planter's own
list."""

import json

import pytest
from msgspec.structs import replace

from mesh_assets.inventory.records import TopicSchema
from mesh_assets.platforms.kafka.slices import SampledRecord
from mesh_assets.platforms.schema_registry.records import SchemaText
from mesh_assets.profiling.cluster import Before, ClusterProfiles
from mesh_assets.sandbox.estate.quality import (
    FAULTY_TOPICS,
    PARTITIONS,
    SEEMING_KEYS,
    SHARED_KEYS,
    planted_faults,
    planted_records,
)
from mesh_assets.sandbox.planting import encoded, partition_of
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.profiling.logs import NOW, InMemory, Log, numbered, profile
from mesh_assets_tests.relationships.estates import a_registered


@pytest.fixture(scope="module")
def found() -> ClusterProfiles:
    logs, schemas, topics, registered = {}, {}, [], []
    for number, topic in enumerate(FAULTY_TOPICS):
        ids = [100 * number + version for version in range(1, len(topic.schemas) + 1)]
        for schema_id, schema in zip(ids, topic.schemas, strict=True):
            schemas[schema_id] = SchemaText(
                id=schema_id, schema_type=topic.schema_type or "", definition=json.dumps(schema)
            )
        records = [
            SampledRecord(
                partition_of(one),
                0,
                int(one.at.timestamp() * 1_000),
                one.key.encode(),
                encoded(topic, one, ids),
            )
            for one in planted_records(topic, now=NOW)
        ]
        logs[topic.name] = Log(numbered(records), partitions=PARTITIONS)
        subject = f"{topic.name}-value"
        topics.append(a_topic(topic.name, schema=TopicSchema(value_subjects=(subject,) if ids else ())))
        if ids:
            latest = a_registered(
                subject, topic.schema_type or "", json.dumps(topic.schemas[-1]), version=len(ids)
            )
            registered.append(replace(latest, id=ids[-1]))
    document = a_document(topics=tuple(topics), schemas=tuple(registered))
    return profile(InMemory(logs, schemas), before=Before(document=document))


def test_every_planted_fault_is_found_and_no_other(found: ClusterProfiles) -> None:
    faults = {(one.topic, fault.kind, fault.path) for one in found.profiles for fault in one.faults}
    assert faults == planted_faults()


def test_shared_keys_are_distinguished_from_mere_namesakes(found: ClusterProfiles) -> None:
    shares = {
        frozenset({(one.topic, one.path), (one.other_topic, one.other_path)}): one.contained
        for one in found.overlaps
    }
    assert {pair for pair, share in shares.items() if share >= 0.3} == SHARED_KEYS
    assert {pair for pair, share in shares.items() if share == 0} == SEEMING_KEYS


def test_shares_are_as_planted(found: ClusterProfiles) -> None:
    by_topic = {one.topic: one for one in found.profiles}
    orders, payments = by_topic["quality-orders"], by_topic["quality-payments"]
    amount = orders.field("amount")
    assert amount is not None
    assert (amount.completeness, amount.records) == (0.95, 1_900)
    assert payments.decoded_share == 0.99
    assert by_topic["quality-customers"].latest_schema_share == 0.8
    assert by_topic["quality-shipments"].duplicate_key_share == 0.02
