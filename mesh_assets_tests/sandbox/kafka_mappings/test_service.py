"""The mappings' API without its servers: states, conflicts, pages and refusals, each answer checked against botocore's
model."""

import itertools
import time
from typing import Any

import pytest

from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping
from mesh_assets.sandbox.kafka_mappings.refusals import FaultBoard, RefusedRequest
from mesh_assets.sandbox.kafka_mappings.service import MappingService
from mesh_assets_tests.esm.botocore_model import answer_problems
from mesh_assets_tests.sandbox.kafka_mappings.bodies import (
    ACCOUNT,
    CLUSTER,
    FULL,
    MSK,
    NETWORK,
    OWN,
    a_service,
)


@pytest.fixture
def faults() -> FaultBoard:
    board = FaultBoard()
    board.set({"state_delay_seconds": 0.0})
    return board


@pytest.fixture
def seen() -> list[tuple[str, bool]]:
    return []


@pytest.fixture
def service(faults: FaultBoard, seen: list[tuple[str, bool]]) -> MappingService:
    def watch(mapping: KafkaMapping, lives: bool) -> None:
        seen.append((mapping.state, lives))

    return a_service(faults, watch)


@pytest.mark.parametrize(
    "body", [MSK, OWN, MSK | FULL, OWN | FULL], ids=["msk", "own", "msk full", "own full"]
)
def test_every_answer_is_one_that_botocore_knows(service: MappingService, body: dict[str, Any]) -> None:
    made = service.create(ACCOUNT, body)
    assert answer_problems("lambda", "CreateEventSourceMapping", made) == []
    assert made["State"] == "Creating"
    service.settle()
    got = service.get(ACCOUNT, made["UUID"])
    assert answer_problems("lambda", "GetEventSourceMapping", got) == []
    assert got["State"] == "Enabled"
    assert answer_problems("lambda", "ListEventSourceMappings", service.list(ACCOUNT, {})) == []
    changed = service.update(ACCOUNT, made["UUID"], {"BatchSize": 7, "Enabled": False})
    assert answer_problems("lambda", "UpdateEventSourceMapping", changed) == []
    assert (changed["State"], changed["BatchSize"]) == ("Disabling", 7)
    service.settle()
    gone = service.delete(ACCOUNT, made["UUID"])
    assert answer_problems("lambda", "DeleteEventSourceMapping", gone) == []
    assert gone["State"] == "Deleting"
    service.settle()
    with pytest.raises(RefusedRequest, match="does not exist"):
        service.get(ACCOUNT, made["UUID"])


SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:registry-AbCdEf"


def registry(*access: dict[str, str]) -> dict[str, Any]:
    return {
        "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 2},
        "AmazonManagedKafkaEventSourceConfig": {
            "ConsumerGroupId": "g",
            "SchemaRegistryConfig": {
                "SchemaRegistryURI": "https://registry.example",
                "EventRecordFormat": "JSON",
                "AccessConfigs": list(access),
            },
        },
    }


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("batch size too large", MSK | {"BatchSize": 100_000}, "less than or equal to 10000"),
    ("window too long", MSK | {"MaximumBatchingWindowInSeconds": 301}, "less than or equal to 300"),
    ("two topics", MSK | {"Topics": ["a", "b"]}, "length less than or equal to 1"),
    ("no topic", {k: v for k, v in MSK.items() if k != "Topics"}, "Topics must be provided"),
    ("a position that is none", MSK | {"StartingPosition": "FOO"}, "enum value set"),
    (
        "no position",
        {k: v for k, v in MSK.items() if k != "StartingPosition"},
        "StartingPosition is required",
    ),
    ("a time without its position", MSK | {"StartingPositionTimestamp": 1.0}, "if and only if"),
    ("the position without a time", MSK | {"StartingPosition": "AT_TIMESTAMP"}, "if and only if"),
    ("both sources", MSK | OWN, "Exactly one"),
    ("no source", {k: v for k, v in MSK.items() if k != "EventSourceArn"}, "Exactly one"),
    (
        "another service",
        MSK | {"EventSourceArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"},
        "Unrecognized event source",
    ),
    (
        "a cluster that is not there",
        MSK | {"EventSourceArn": CLUSTER.replace("orders", "other")},
        "Cannot access cluster",
    ),
    ("streams only", MSK | {"TumblingWindowInSeconds": 30}, "not supported for Kafka"),
    ("streams only, too", MSK | {"ParallelizationFactor": 2}, "not supported for Kafka"),
    ("SQS only", MSK | {"ScalingConfig": {"MaximumConcurrency": 5}}, "only supported for SQS"),
    ("a young age", MSK | {"MaximumRecordAgeInSeconds": 5}, "between 60 and 604800"),
    ("on success", MSK | {"DestinationConfig": {"OnSuccess": {"Destination": "kafka://x"}}}, "OnSuccess"),
    (
        "its own topic",
        MSK | {"DestinationConfig": {"OnFailure": {"Destination": "kafka://orders"}}},
        "source topic",
    ),
    (
        "the wrong config",
        MSK | {"SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g"}},
        "not supported for this event source",
    ),
    (
        "the wrong config, too",
        OWN | {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g"}},
        "not supported for this",
    ),
    ("pollers of SQS", MSK | {"ProvisionedPollerConfig": {"MaximumPollers": 2001}}, "at most 2000"),
    (
        "more at least than at most",
        MSK | {"ProvisionedPollerConfig": {"MinimumPollers": 3, "MaximumPollers": 2}},
        "must not be greater",
    ),
    (
        "logs without provisioned mode",
        MSK | {"LoggingConfig": {"SystemLogLevel": "INFO"}},
        "requires ProvisionedPollerConfig",
    ),
    (
        "a key without filters",
        MSK | {"KMSKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"},
        "requires FilterCriteria",
    ),
    (
        "a filter that is none",
        MSK | {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}},
        "Invalid filter pattern",
    ),
    (
        "a network for MSK",
        MSK | {"SourceAccessConfigurations": NETWORK},
        "is not supported for this event source",
    ),
    (
        "a topic for failures without provisioned mode",
        MSK | {"DestinationConfig": {"OnFailure": {"Destination": "kafka://failed"}}},
        "only available for event source mappings with provisioned mode",
    ),
    (
        "three ways into a registry",
        MSK
        | registry(
            {"Type": "BASIC_AUTH", "URI": SECRET},
            {"Type": "CLIENT_CERTIFICATE_TLS_AUTH", "URI": SECRET},
            {"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": SECRET},
        ),
        "at most 2 entries",
    ),
    (
        "a way into a registry twice",
        MSK | registry(*[{"Type": "BASIC_AUTH", "URI": SECRET}] * 2),
        "given twice",
    ),
    ("a queue of another service", MSK | {"Queues": ["q"]}, "not supported for Kafka"),
    (
        "a database",
        MSK | {"DocumentDBEventSourceConfig": {"DatabaseName": "d"}},
        "not supported for Kafka",
    ),
    ("half a network", OWN | {"SourceAccessConfigurations": NETWORK[:1]}, "given together"),
    (
        "a type twice",
        OWN | {"SourceAccessConfigurations": [*NETWORK, *[{"Type": "BASIC_AUTH", "URI": "arn:x"}] * 2]},
        "given twice",
    ),
    ("no way in", OWN | {"SourceAccessConfigurations": []}, "is required"),
    (
        "a queue on MSK",
        OWN | {"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}},
        "not supported with ConsumptionMode Queue",
    ),
    (
        "an endpoint that is none",
        OWN | {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["x"]}}},
        "regular expression",
    ),
    ("a name nobody knows", MSK | {"BisectBatchOnError": True}, "Unknown parameter"),
]


@pytest.mark.parametrize(("body", "why"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_requests_that_aws_refuses_are_refused(
    service: MappingService, body: dict[str, Any], why: str
) -> None:
    with pytest.raises(RefusedRequest, match=why) as caught:
        service.create(ACCOUNT, body)
    assert caught.value.status == 400
    assert service.list(ACCOUNT, {}) == {"EventSourceMappings": []}


def test_an_equal_mapping_is_a_conflict_that_names_the_existing_one(service: MappingService) -> None:
    made = service.create(ACCOUNT, MSK)
    with pytest.raises(RefusedRequest, match=made["UUID"]) as caught:
        service.create(ACCOUNT, MSK | {"BatchSize": 7})
    assert (caught.value.status, caught.value.code) == (409, "ResourceConflictException")


def test_a_mapping_under_change_cannot_be_changed(service: MappingService, faults: FaultBoard) -> None:
    faults.set({"state_delay_seconds": 60.0})
    made = service.create(ACCOUNT, MSK)
    service.settle()
    with pytest.raises(
        RefusedRequest, match="Cannot update the event source mapping because it is in use"
    ) as caught:
        service.update(ACCOUNT, made["UUID"], {"BatchSize": 7})
    assert (caught.value.status, caught.value.code) == (400, "ResourceInUseException")
    with pytest.raises(RefusedRequest, match="Cannot delete the event source mapping because it is in use"):
        service.delete(ACCOUNT, made["UUID"])


@pytest.mark.parametrize(
    "change",
    [
        {"Topics": ["x"]},
        {"StartingPosition": "LATEST"},
        {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "other"}},
    ],
)
def test_fixed_settings_cannot_be_changed(service: MappingService, change: dict[str, Any]) -> None:
    made = service.create(ACCOUNT, MSK | {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g"}})
    service.settle()
    with pytest.raises(RefusedRequest):
        service.update(ACCOUNT, made["UUID"], change)


def test_a_group_belongs_to_one_mapping(service: MappingService) -> None:
    service.create(ACCOUNT, MSK | {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g"}})
    again = {"SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g"}, "Topics": ["payments"]}

    with pytest.raises(RefusedRequest, match="must be unique among all your Kafka event sources"):
        service.create(ACCOUNT, OWN | again | {"FunctionName": "other"})


def test_a_registry_is_removed_before_provisioned_mode_and_the_group_stays(service: MappingService) -> None:
    made = service.create(ACCOUNT, MSK | registry())["UUID"]
    service.settle()
    with pytest.raises(RefusedRequest, match="unless you remove your schema registry configuration first"):
        service.update(
            ACCOUNT,
            made,
            {
                "ProvisionedPollerConfig": {},
                "AmazonManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": {}},
            },
        )

    service.update(ACCOUNT, made, {"AmazonManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": {}}})
    service.settle()
    told = service.update(ACCOUNT, made, {"ProvisionedPollerConfig": {}})

    assert told["AmazonManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": "g"}
    assert "ProvisionedPollerConfig" not in told


def test_a_log_level_is_removed_by_an_empty_config(service: MappingService) -> None:
    made = service.create(ACCOUNT, MSK | FULL)["UUID"]
    service.settle()

    assert "LoggingConfig" not in service.update(ACCOUNT, made, {"LoggingConfig": {}})


def test_an_alias_is_its_own_function(service: MappingService) -> None:
    bare = service.create(ACCOUNT, MSK)
    alias = service.create(ACCOUNT, MSK | {"FunctionName": "consume:live"})
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:consume"

    assert (bare["FunctionArn"], alias["FunctionArn"]) == (arn, f"{arn}:live")
    for name in (arn, f"{ACCOUNT}:function:consume"):
        assert listed(service, name) == [bare["UUID"]]
    for name in ("consume:live", f"{arn}:live", f"{ACCOUNT}:function:consume:live"):
        assert listed(service, name) == [alias["UUID"]]
    service.settle()
    with pytest.raises(RefusedRequest, match=bare["UUID"]) as caught:
        service.update(ACCOUNT, alias["UUID"], {"FunctionName": "consume"})
    assert caught.value.code == "ResourceConflictException"


def listed(service: MappingService, function: str) -> list[str]:
    return [one["UUID"] for one in service.list(ACCOUNT, {"FunctionName": function})["EventSourceMappings"]]


def test_encrypted_filters_are_not_in_the_list(service: MappingService) -> None:
    filters = {"Filters": [{"Pattern": '{"value": {"a": [1]}}'}]}
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"
    made = service.create(ACCOUNT, MSK | {"FilterCriteria": filters, "KMSKeyArn": key})

    [seen] = service.list(ACCOUNT, {})["EventSourceMappings"]

    assert "FilterCriteria" not in seen
    assert seen["KMSKeyArn"] == key
    assert service.get(ACCOUNT, made["UUID"])["FilterCriteria"] == filters


def test_filters_are_encrypted_and_shown_with_the_callers_rights(
    service: MappingService, faults: FaultBoard
) -> None:
    encrypted = {
        "FilterCriteria": {"Filters": [{"Pattern": '{"value": {"a": [1]}}'}]},
        "KMSKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k",
    }
    denied = {"state_delay_seconds": 0.0, "deny": ["kms:GenerateDataKey", "kms:Decrypt"]}
    made = service.create(ACCOUNT, MSK | encrypted)["UUID"]
    service.settle()
    faults.set(denied)

    with pytest.raises(RefusedRequest, match="kms:GenerateDataKey") as caught:
        service.create(ACCOUNT, MSK | encrypted | {"Topics": ["other"]})
    with pytest.raises(RefusedRequest, match="kms:GenerateDataKey"):
        service.update(ACCOUNT, made, {"FilterCriteria": encrypted["FilterCriteria"]})
    changed = service.update(ACCOUNT, made, {"BatchSize": 7})
    service.settle()
    answers = [service.get(ACCOUNT, made), changed, service.delete(ACCOUNT, made)]

    assert (caught.value.status, caught.value.code) == (403, "AccessDeniedException")
    assert [one["FilterCriteriaError"]["ErrorCode"] for one in answers] == ["KMSAccessDeniedException"] * 3
    assert [one for one in answers if "FilterCriteria" in one] == []


def test_reads_can_lag_behind_a_change(service: MappingService, faults: FaultBoard) -> None:
    lag = {"state_delay_seconds": 0.0, "lag_seconds": 60.0}
    faults.set(lag)
    made = service.create(ACCOUNT, MSK)["UUID"]
    with pytest.raises(RefusedRequest, match="does not exist"):
        service.get(ACCOUNT, made)
    assert service.list(ACCOUNT, {}) == {"EventSourceMappings": []}

    service.settle()
    service.update(ACCOUNT, made, {"Enabled": False})

    seen = service.get(ACCOUNT, made)
    faults.set({"state_delay_seconds": 0.0})
    now = service.get(ACCOUNT, made)
    assert (seen["State"], now["State"]) == ("Enabled", "Disabling")
    assert seen["LastModified"] < now["LastModified"]


def test_pages_hold_a_hundred_whatever_is_requested(service: MappingService) -> None:
    for number in range(230):
        service.create(ACCOUNT, MSK | {"Topics": [f"topic-{number}"]})

    sizes, seen, query = [], set(), {"MaxItems": "1000"}
    for _ in itertools.count():
        page = service.list(ACCOUNT, query)
        sizes.append(len(page["EventSourceMappings"]))
        seen |= {mapping["UUID"] for mapping in page["EventSourceMappings"]}
        if "NextMarker" not in page:
            break
        query = {**query, "Marker": page["NextMarker"]}

    assert (sizes, len(seen)) == ([100, 100, 30], 230)
    assert service.list("999999999999", {}) == {"EventSourceMappings": []}


def test_a_delay_is_kept_and_the_watcher_learns_of_the_end(
    service: MappingService, faults: FaultBoard, seen: list[tuple[str, bool]]
) -> None:
    faults.set({"state_delay_seconds": 0.05})
    made = service.create(ACCOUNT, MSK | {"Enabled": False})
    deadline = time.monotonic() + 10
    while service.get(ACCOUNT, made["UUID"])["State"] != "Disabled":
        service.settle()
        assert time.monotonic() < deadline
    service.delete(ACCOUNT, made["UUID"])
    while ("Deleting", False) not in seen:
        service.settle()
        assert time.monotonic() < deadline
    assert seen[0] == ("Creating", True)


def test_an_unknown_fault_is_named(faults: FaultBoard) -> None:
    with pytest.raises(ValueError, match="no such fault: stick; there are: age_factor"):
        faults.set({"stick": True})
