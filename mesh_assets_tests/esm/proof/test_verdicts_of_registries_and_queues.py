"""Verdicts on mappings with a schema registry and in queue mode, from real causes."""

from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import ShareConsumer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType  # type: ignore[attr-defined]

from mesh_assets.platforms.kafka.wire.named_groups import ShareGroup, read_share_group
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets_tests.an_aws_account import FAILS, OK, AwsAccount
from mesh_assets_tests.esm.proof.traffic import COUNTED, Validate, polled

pytestmark = pytest.mark.sandbox


# --- a schema registry


def with_registry(url: str, **settings: Any) -> dict[str, Any]:
    config = {
        "SchemaRegistryURI": url,
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
    }
    return {
        "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 2},
        "SelfManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": config},
        **settings,
    }


def test_with_a_registry_the_messages_follow_its_latest_schema(
    account: AwsAccount, validate: Validate, https_registry: Any
) -> None:
    account.function(OK)
    topic = account.topic(1)
    fields = [{"name": "id", "type": "string"}, {"name": "amount", "type": "double"}]
    https_registry.add(f"{topic}-value", {"type": "record", "name": "Order", "fields": fields})
    found = validate(account.mapping(topic=topic, **with_registry(https_registry.url), **COUNTED))
    assert found.verdict.name == "processed", found.verdict


@pytest.mark.parametrize("kind", ["JSON", "PROTOBUF"])
def test_json_schemas_with_references_and_protobuf_are_written_too(
    account: AwsAccount, validate: Validate, https_registry: Any, kind: str
) -> None:
    account.function(OK)
    topic = account.topic(1)
    schema: Any = {"type": "object", "properties": {"price": {"$ref": "price"}}, "required": ["price"]}
    other: Any = {"type": "number", "minimum": 1}
    if kind == "PROTOBUF":
        schema = 'syntax = "proto3"; import "price"; message Order { Price price = 1; }'
        other = 'syntax = "proto3"; message Price { double amount = 1; }'
    https_registry.add("price", other, schemaType=kind)
    references = [{"name": "price", "subject": "price", "version": 1}]
    https_registry.add(f"{topic}-value", schema, schemaType=kind, references=references)
    found = validate(account.mapping(topic=topic, **with_registry(https_registry.url), **COUNTED))
    assert found.verdict.name == "processed", found.verdict


def test_messages_that_a_registry_cannot_deserialize_would_be_given_up_so_none_are_written(
    account: AwsAccount, validate: Validate, https_registry: Any
) -> None:
    account.function(OK)
    topic = account.topic(1)
    queue, arn = account.queue("failed")
    destination: dict[str, Any] = {"DestinationConfig": {"OnFailure": {"Destination": arn}}}
    made = account.mapping(topic=topic, **with_registry(https_registry.url), **destination)

    found = validate(made)

    assert (found.verdict.name, found.produced) == ("unproven", None)
    assert f"has no subject {topic}-value" in found.verdict.sentence
    account.produce(topic, "no schema")
    [told] = account.until(lambda: account.messages(queue))
    assert told["requestContext"]["condition"] == "DESERIALIZATION_ERROR"


# --- queue mode: a real share group


def a_queue(account: AwsAccount, topic: str, group: str, **settings: Any) -> dict[str, Any]:
    """A mapping in queue mode whose group begins with the topic's first record."""
    earliest = ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.GROUP, group, incremental_configs=[earliest])
    [future] = account.kafka.incremental_alter_configs([resource]).values()
    future.result(timeout=30)
    config = {"ConsumerGroupId": group, "ConsumptionMode": "Queue"}
    return account.mapping(topic=topic, SelfManagedKafkaEventSourceConfig=config, **settings)


def test_queue_mode_is_processed_by_the_share_groups_own_offsets(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(OK)
    topic = account.topic(2)
    made = a_queue(account, topic, f"share-{topic}", **COUNTED)

    found = validate(made)

    assert found.verdict.name == "processed", found.verdict
    assert [one.passed for one in found.progress] == [True, True]
    assert [member.client_id for member in found.members] == [f"lambda-{made['UUID']}"]
    assert found.counts is not None
    assert (found.counts.polled, found.counts.invoked, found.counts.committed) == (4, 4, None)


def test_queue_mode_without_counts_is_unproven_with_the_reason(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(OK)
    topic = account.topic(1)
    # Without counts, there is nothing to wait for.
    found = validate(a_queue(account, topic, f"share-{topic}"), metrics_seconds=0.3)
    assert found.verdict.name == "unproven", found.verdict
    assert "a retry limit" in found.verdict.sentence


def test_records_that_queue_mode_gives_up_are_committed_not_processed(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(FAILS)
    topic = account.topic(1)
    found = validate(a_queue(account, topic, f"share-{topic}", **COUNTED))
    assert found.verdict.name == "committed, not processed", found.verdict
    assert "dropped 4" in found.verdict.sentence


def test_a_foreign_member_of_the_share_group_leaves_it_unproven(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(OK)
    topic = account.topic(1)
    made = a_queue(account, topic, f"share-{topic}", **COUNTED)
    ends = {"bootstrap.servers": account.ends.bootstrap_servers}
    foreign = ShareConsumer({**ends, "group.id": f"share-{topic}", "client.id": "somebody-else"})

    def known() -> ShareGroup:
        with closing(RunningCluster(ends, 15)) as cluster:
            return cluster.run(
                lambda kafka: read_share_group(
                    kafka, f"share-{topic}", topic, endpoint=cluster.endpoint, timeout_seconds=15
                ),
                doing="reading the share group",
                right="DESCRIBE",
            )

    def holds_it() -> bool:
        return ("somebody-else", {topic: (0,)}) in [
            (one.client_id, one.assignment) for one in known().members
        ]

    foreign.subscribe([topic])
    with polled(foreign, until=holds_it):
        found = validate(made, until=lambda: known().partitions[0].lag_records == 0)
    assert found.verdict.name == "unproven", found.verdict
    assert "somebody-else" in found.verdict.sentence
