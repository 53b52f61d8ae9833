"""Every rule of a change: what is fixed, and what depends on the mapping as it is."""

from typing import Any

import pytest

from mesh_assets.esm.api_request import update_arguments
from mesh_assets.esm.errors import Violation
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.validation import update_violations
from mesh_assets_tests.esm.botocore_model import request_problems
from mesh_assets_tests.esm.fake_aws import FakeAws
from mesh_assets_tests.esm.requests import VPC, update

UUID = "7d3c1b52-5f0e-4a53-9c62-6b8f5b8b9a10"
GLUE = "arn:aws:glue:eu-central-1:123456789012:registry/main"
OWN = {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b1.example.com:9092"]}}}
GROUP = {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "orders-handler"}}
REGISTRY = {
    "AmazonManagedKafkaEventSourceConfig": {
        "ConsumerGroupId": "orders-handler",
        "SchemaRegistryConfig": {"SchemaRegistryURI": GLUE, "EventRecordFormat": "JSON"},
    }
}
TO_A_TOPIC = {"DestinationConfig": {"OnFailure": {"Destination": "kafka://dead"}}}
POLLERS = {"ProvisionedPollerConfig": {"MinimumPollers": 3, "MaximumPollers": 6, "PollerGroupName": "team-a"}}


def an_existing(**answer: Any) -> EventSourceMapping:
    aws = FakeAws()
    return get_mapping(aws.account(), aws.add_mapping(UUID=UUID, **answer))


def faults(existing: EventSourceMapping, **changes: Any) -> list[Violation]:
    return [
        violation
        for violation in update_violations(update(uuid=UUID, **changes), existing)
        if violation.severity == "fault"
    ]


@pytest.mark.parametrize(
    ("answer", "changes", "field", "words"),
    [
        ({}, {}, "the request", "nothing to change"),
        ({}, {"batch_size": 10_001}, "batch_size", "1-10000"),
        ({}, {"kafka_topic": "other"}, "kafka_topic", "cannot change; the mapping has orders"),
        (
            {},
            {"event_source_arn": "arn:aws:kafka:eu-central-1:123456789012:cluster/b/c-1"},
            "event_source_arn",
            "cannot change",
        ),
        ({}, {"kafka_bootstrap_servers": ["b1:9092"]}, "kafka_bootstrap_servers", "cannot change"),
        (
            GROUP,
            {"kafka_consumer_group_id": "other"},
            "kafka_consumer_group_id",
            "cannot change; the mapping has orders-handler",
        ),
        (
            {},
            {"starting_position": "TRIM_HORIZON"},
            "starting_position",
            "cannot change; the mapping has LATEST",
        ),
        (
            {},
            {"starting_position_timestamp": "2026-01-01T00:00:00Z"},
            "starting_position_timestamp",
            "cannot change",
        ),
        (OWN, {"consumption_mode": "Queue"}, "consumption_mode", "cannot change; the mapping has Stream"),
        ({}, {"tags": {"a": "b"}}, "tags", "does not change tags"),
        ({}, {"log_level": "INFO"}, "log_level", "only in provisioned mode"),
        ({}, {"schema_registry": {"uri": GLUE}}, "schema_registry", "only in provisioned mode"),
        (
            POLLERS,
            {"schema_registry": {"uri": GLUE}, "provisioned_mode": False},
            "schema_registry",
            "only in provisioned mode",
        ),
        (
            {**POLLERS, **REGISTRY},
            {"provisioned_mode": False},
            "schema_registry",
            "only after it is gone",
        ),
        (
            {**POLLERS, **REGISTRY},
            {"provisioned_mode": False, "schema_registry": {}},
            "schema_registry",
            "only after it is gone",
        ),
        (
            {**POLLERS, "LoggingConfig": {"SystemLogLevel": "INFO"}},
            {"provisioned_mode": False},
            "log_level",
            "only in provisioned mode",
        ),
        (
            {},
            {"on_failure_destination": "kafka://dead"},
            "on_failure_destination",
            "only in provisioned mode",
        ),
        (
            {**POLLERS, **TO_A_TOPIC},
            {"provisioned_mode": False},
            "on_failure_destination",
            "only in provisioned mode",
        ),
        (POLLERS, {"max_pollers": 2}, "min_pollers", "more than max_pollers"),
        (POLLERS, {"min_pollers": 7}, "min_pollers", "more than max_pollers"),
        ({}, {"poller_group": "team-b"}, "poller_group", "provisioned mode"),
        (
            {},
            {"filter_kms_key_arn": "arn:aws:kms:eu-central-1:1:key/1"},
            "filter_kms_key_arn",
            "there are none",
        ),
        (
            {},
            {"on_failure_destination": "kafka://orders"},
            "on_failure_destination",
            "the topic that the mapping reads",
        ),
        (
            {},
            {"source_access_configurations": VPC},
            "source_access_configurations[0].type",
            "from the cluster",
        ),
        (OWN, {"source_access_configurations": []}, "source_access_configurations", "must authenticate"),
        ({}, {"tumbling_window": 1}, "tumbling_window", "Kinesis and DynamoDB streams only"),
        (
            {},
            {"on_success_destination": "arn:aws:sqs:eu-central-1:123456789012:q"},
            "on_success_destination",
            "no on-success destination",
        ),
        (
            {**OWN, "SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}},
            {"retry_attempts": -1},
            "retry_attempts",
            "endlessly",
        ),
    ],
)
def test_a_broken_rule_is_a_fault(
    answer: dict[str, Any], changes: dict[str, Any], field: str, words: str
) -> None:
    found = faults(an_existing(**answer), **changes)

    assert any(violation.field == field and words in violation.rule for violation in found), [
        str(violation) for violation in found
    ]


@pytest.mark.parametrize(
    ("answer", "changes", "sent"),
    [
        ({}, {"batch_size": 5}, {"BatchSize": 5}),
        ({}, {"enabled": False}, {"Enabled": False}),
        ({}, {"target": "other:live"}, {"FunctionName": "other:live"}),
        ({}, {"kafka_topic": "orders", "batch_size": 5}, {"BatchSize": 5}),
        ({}, {"filter_patterns": []}, {"FilterCriteria": {}}),
        ({}, {"on_failure_destination": ""}, {"DestinationConfig": {"OnFailure": {"Destination": ""}}}),
        ({}, {"metrics": []}, {"MetricsConfig": {"Metrics": []}}),
        ({}, {"report_batch_item_failures": False}, {"FunctionResponseTypes": []}),
        ({}, {"source_access_configurations": []}, {"SourceAccessConfigurations": []}),
        ({}, {"min_pollers": 2}, {"ProvisionedPollerConfig": {"MinimumPollers": 2, "MaximumPollers": 2}}),
        (
            POLLERS,
            {"max_pollers": 9},
            {
                "ProvisionedPollerConfig": {
                    "MinimumPollers": 3,
                    "MaximumPollers": 9,
                    "PollerGroupName": "team-a",
                }
            },
        ),
        ({**POLLERS, "LoggingConfig": {"SystemLogLevel": "INFO"}}, {"log_level": ""}, {"LoggingConfig": {}}),
        (
            {**POLLERS, "LoggingConfig": {"SystemLogLevel": "INFO"}},
            {"provisioned_mode": False, "log_level": ""},
            {"ProvisionedPollerConfig": {}, "LoggingConfig": {}},
        ),
        (
            {**POLLERS, **REGISTRY},
            {"schema_registry": {}},
            {
                "AmazonManagedKafkaEventSourceConfig": {
                    "ConsumerGroupId": "orders-handler",
                    "SchemaRegistryConfig": {},
                }
            },
        ),
        (
            {**POLLERS, **TO_A_TOPIC},
            {"provisioned_mode": False, "on_failure_destination": ""},
            {"ProvisionedPollerConfig": {}, "DestinationConfig": {"OnFailure": {"Destination": ""}}},
        ),
        (TO_A_TOPIC, {"enabled": False}, {"Enabled": False}),
        (
            POLLERS,
            {"poller_group": ""},
            {"ProvisionedPollerConfig": {"MinimumPollers": 3, "MaximumPollers": 6, "PollerGroupName": ""}},
        ),
        (POLLERS, {"provisioned_mode": False}, {"ProvisionedPollerConfig": {}}),
        (
            {**POLLERS, **GROUP},
            {"schema_registry": {"uri": GLUE}},
            {
                "AmazonManagedKafkaEventSourceConfig": {
                    "ConsumerGroupId": "orders-handler",
                    "SchemaRegistryConfig": {
                        "SchemaRegistryURI": GLUE,
                        "EventRecordFormat": "JSON",
                        "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
                    },
                }
            },
        ),
        (
            OWN,
            {"source_access_configurations": VPC},
            {"SourceAccessConfigurations": [{"Type": v["type"], "URI": v["uri"]} for v in VPC]},
        ),
    ],
)
def test_only_changes_are_sent(answer: dict[str, Any], changes: dict[str, Any], sent: dict[str, Any]) -> None:
    existing = an_existing(**answer)
    arguments = update_arguments(update(uuid=UUID, **changes), existing)

    assert arguments == {"UUID": UUID, **sent}
    assert faults(existing, **changes) == []
    assert request_problems("lambda", "UpdateEventSourceMapping", arguments) == []


def test_without_a_uuid_the_target_only_finds_the_mapping() -> None:
    existing = an_existing()
    request = update(target="orders-handler", kafka_topic="orders", batch_size=5)

    assert update_arguments(request, existing) == {"UUID": UUID, "BatchSize": 5}
