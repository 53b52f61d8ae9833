"""Compares botocore's model of mappings, the stand-in for Lambda and the fields of our requests.

For every field, the stand-in refuses what the model forbids and accepts what it allows, except where AWS' documentation is
narrower for Kafka. A newer botocore fails here, by the name of what it adds.
"""

from collections.abc import Iterator
from typing import Any

import botocore
import pytest

from mesh_assets.esm.request import MappingSettings
from mesh_assets.esm.request_fields import SchemaRegistry, fields_of
from mesh_assets.esm.validation import polling, records, source_access
from mesh_assets.sandbox.kafka_mappings.refusals import FaultBoard, RefusedRequest
from mesh_assets_tests.esm.botocore_model import answer_problems, operation, request_problems
from mesh_assets_tests.sandbox.kafka_mappings.bodies import ACCOUNT, CLUSTER, MSK, OWN, a_service, refusal

SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:s-AbCdEf"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
POLLERS = {"ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 2}}
FILTER = {"Filters": [{"Pattern": '{"value": {"a": [1]}}'}]}

KINDS = ("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig")
REGISTRY = {
    "SchemaRegistryConfig.SchemaRegistryURI": "schema_registry.uri",
    "SchemaRegistryConfig.EventRecordFormat": "schema_registry.event_record_format",
    "SchemaRegistryConfig.AccessConfigs[].Type": "schema_registry.access_configurations.type",
    "SchemaRegistryConfig.AccessConfigs[].URI": "schema_registry.access_configurations.uri",
    "SchemaRegistryConfig.SchemaValidationConfigs[].Attribute": "schema_registry.validate_attributes",
}

OURS: dict[str, str] = {
    "FunctionName": "target",
    "EventSourceArn": "event_source_arn",
    "SelfManagedEventSource.Endpoints{}[]": "kafka_bootstrap_servers",
    "Topics[]": "kafka_topic",
    "StartingPosition": "starting_position",
    "StartingPositionTimestamp": "starting_position_timestamp",
    "Enabled": "enabled",
    "BatchSize": "batch_size",
    "MaximumBatchingWindowInSeconds": "max_batching_window",
    "MaximumRetryAttempts": "retry_attempts",
    "MaximumRecordAgeInSeconds": "max_record_age",
    "BisectBatchOnFunctionError": "bisect_batch_on_error",
    "FunctionResponseTypes[]": "report_batch_item_failures",
    "DestinationConfig.OnFailure.Destination": "on_failure_destination",
    "DestinationConfig.OnSuccess.Destination": "on_success_destination",
    "FilterCriteria.Filters[].Pattern": "filter_patterns",
    "KMSKeyArn": "filter_kms_key_arn",
    "MetricsConfig.Metrics[]": "metrics",
    "LoggingConfig.SystemLogLevel": "log_level",
    "ProvisionedPollerConfig.MinimumPollers": "min_pollers",
    "ProvisionedPollerConfig.MaximumPollers": "max_pollers",
    "ProvisionedPollerConfig.PollerGroupName": "poller_group",
    "SourceAccessConfigurations[].Type": "source_access_configurations.type",
    "SourceAccessConfigurations[].URI": "source_access_configurations.uri",
    "ScalingConfig.MaximumConcurrency": "maximum_concurrency",
    "ParallelizationFactor": "parallelization_factor",
    "TumblingWindowInSeconds": "tumbling_window",
    "Tags{}": "tags",
    **{f"{kind}.ConsumerGroupId": "kafka_consumer_group_id" for kind in KINDS},
    **{f"{kind}.{path}": field for kind in KINDS for path, field in REGISTRY.items()},
    "SelfManagedKafkaEventSourceConfig.ConsumptionMode": "consumption_mode",
}
"""The API's fields and ours, where we have one."""

NOT_KAFKA = {
    "Queues[]",
    "DocumentDBEventSourceConfig.DatabaseName",
    "DocumentDBEventSourceConfig.CollectionName",
    "DocumentDBEventSourceConfig.FullDocument",
}
"""For other sources; not a field of ours."""

REFUSED_FOR_KAFKA = NOT_KAFKA | {
    "ScalingConfig.MaximumConcurrency",
    "ParallelizationFactor",
    "TumblingWindowInSeconds",
    "DestinationConfig.OnSuccess.Destination",
}
NOT_UPDATED = {
    "EventSourceArn",
    "SelfManagedEventSource.Endpoints{}[]",
    "Topics[]",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Tags{}",
    "Queues[]",
}
CHOICES: dict[str, set[str]] = {
    "StartingPosition": set(polling.STARTING_POSITIONS),
    "MetricsConfig.Metrics[]": set(polling.METRICS),
    "LoggingConfig.SystemLogLevel": set(polling.LOG_LEVELS),
    "FunctionResponseTypes[]": {"ReportBatchItemFailures"},
    "SourceAccessConfigurations[].Type": {
        *source_access.SELF_MANAGED_TYPES,
        *source_access.MSK_TYPES,
        "VIRTUAL_HOST",  # RabbitMQ's
    },
    "SelfManagedKafkaEventSourceConfig.ConsumptionMode": set(polling.CONSUMPTION_MODES),
    **{
        f"{kind}.SchemaRegistryConfig.{path}": set(choices)
        for kind in KINDS
        for path, choices in (
            ("EventRecordFormat", records.EVENT_FORMATS),
            ("AccessConfigs[].Type", records.ACCESS_TYPES),
            ("SchemaValidationConfigs[].Attribute", records.ATTRIBUTES),
        )
    },
    "DocumentDBEventSourceConfig.FullDocument": {"UpdateLookup", "Default"},
}


def leaves(shape: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field that holds a value, with its shape: `A.B`, `A[]` for a list, `A{}` for a map."""
    match shape.type_name:
        case "structure":
            for name, member in shape.members.items():
                yield from leaves(member, f"{path}.{name}".lstrip("."))
        case "list":
            yield from leaves(shape.member, f"{path}[]")
        case "map":
            yield from leaves(shape.value, f"{path}{{}}")
        case _:
            yield path, shape


def fields(name: str) -> dict[str, Any]:
    return dict(leaves(operation("lambda", name).input_shape))


CREATE = fields("CreateEventSourceMapping")
UPDATE = fields("UpdateEventSourceMapping")
TOLD = dict(leaves(operation("lambda", "GetEventSourceMapping").output_shape))
BOTOCORE = f"botocore {botocore.__version__}"


def test_every_field_that_botocore_knows_is_ours_or_refused_with_a_reason() -> None:
    assert set(CREATE) == set(OURS) | NOT_KAFKA, f"{BOTOCORE} knows other fields to create: decide on them"
    assert set(UPDATE) == set(CREATE) - NOT_UPDATED | {"UUID"}, f"{BOTOCORE} updates other fields"


def test_every_field_of_ours_is_one_of_the_api() -> None:
    mine = {field.name for field in fields_of(MappingSettings)} - {"provisioned_mode"}
    named = {field.split(".")[0] for field in OURS.values()}

    assert mine - named == set()
    assert {f"schema_registry.{field.name}" for field in fields_of(SchemaRegistry)} <= {
        ".".join(field.split(".")[:2]) for field in OURS.values()
    }


def test_every_choice_that_botocore_offers_is_ours() -> None:
    offered = {path: set(shape.enum) for path, shape in CREATE.items() if getattr(shape, "enum", None)}

    assert offered == CHOICES, f"{BOTOCORE} offers other choices"


# Fields of a mapping that a request cannot set.
ANSWER_ONLY = {
    "UUID",
    "FunctionArn",
    "EventSourceMappingArn",
    "LastModified",
    "LastProcessingResult",
    "State",
    "StateTransitionReason",
    "FilterCriteriaError.ErrorCode",
    "FilterCriteriaError.Message",
}


def test_every_field_of_the_answer_is_read_or_requested() -> None:
    asked = set(CREATE) - {"FunctionName", "Enabled", "Tags{}"}

    assert set(TOLD) == asked | ANSWER_ONLY, f"{BOTOCORE} answers other fields"


# --- each field at its limits: the model and the stand-in

WITH: dict[str, dict[str, Any]] = {
    "StartingPositionTimestamp": {"StartingPosition": "AT_TIMESTAMP"},
    "KMSKeyArn": {"FilterCriteria": FILTER},
    "LoggingConfig.SystemLogLevel": POLLERS,
    "DestinationConfig.OnFailure.Destination": POLLERS,
    "ProvisionedPollerConfig.MinimumPollers": {"ProvisionedPollerConfig": {"MaximumPollers": 2000}},
    "ProvisionedPollerConfig.PollerGroupName": POLLERS,
}
"""What a field requires besides itself."""

REGISTRY_OF = {
    "SchemaRegistryURI": "https://registry.example",
    "EventRecordFormat": "JSON",
    "AccessConfigs": [{"Type": "BASIC_AUTH", "URI": SECRET}],
    "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
}
RIGHT_TEXT: dict[str, str] = {
    "FunctionName": "consume",
    "EventSourceArn": CLUSTER,
    "SelfManagedEventSource.Endpoints{}[]": "broker-1.example:9092",
    "Topics[]": "orders",
    "Queues[]": "q",
    "DestinationConfig.OnFailure.Destination": "arn:aws:s3:::dead",
    "DestinationConfig.OnSuccess.Destination": "arn:aws:s3:::done",
    "FilterCriteria.Filters[].Pattern": FILTER["Filters"][0]["Pattern"],
    "KMSKeyArn": KEY,
    "ProvisionedPollerConfig.PollerGroupName": "team-a",
    "SourceAccessConfigurations[].URI": SECRET,
    "Tags{}": "orders",
    "DocumentDBEventSourceConfig.DatabaseName": "d",
    "DocumentDBEventSourceConfig.CollectionName": "c",
    **{f"{kind}.ConsumerGroupId": "group" for kind in KINDS},
    **{f"{kind}.SchemaRegistryConfig.SchemaRegistryURI": "https://registry.example" for kind in KINDS},
    **{f"{kind}.SchemaRegistryConfig.AccessConfigs[].URI": SECRET for kind in KINDS},
}

NARROWER: dict[str, str] = {
    **dict.fromkeys(REFUSED_FOR_KAFKA, "of other sources only"),
    "ProvisionedPollerConfig.MaximumPollers": "2,000 for Kafka; the model's 10,000 are SQS's",
    "MaximumRecordAgeInSeconds": "-1 or 60 and more",
    "EventSourceArn": "a cluster that exists",
    "KMSKeyArn": "with filters",
    "FilterCriteria.Filters[].Pattern": "a JSON object",
    "DestinationConfig.OnFailure.Destination": "a queue, SNS topic, bucket, or a topic that is not the source",
    "SourceAccessConfigurations[].Type": "of this kind of source, in combinations that make sense",
    "SourceAccessConfigurations[].URI": "of the form of its type",
    "SelfManagedKafkaEventSourceConfig.ConsumptionMode": "Queue has no starting position",
    "StartingPosition": "AT_TIMESTAMP with a time only",
    "Tags{}": "letters, digits and a few signs",
    **{
        f"{kind}.SchemaRegistryConfig.{path}": "a Glue registry's ARN or https, and a secret"
        for kind in KINDS
        for path in ("SchemaRegistryURI", "AccessConfigs[].URI")
    },
}
"""Where AWS' documentation allows less for Kafka than the model, which is for all sources."""


def values(path: str, shape: Any) -> Iterator[Any]:
    """Values of a field: valid ones, at its limits, and just beyond."""
    limits = shape.metadata
    match shape.type_name:
        case "boolean":
            yield from (True, False)
        case "timestamp":
            yield 1_700_000_000.0
        case "integer":
            for bound, step in (("min", -1), ("max", 1)):
                if bound in limits:
                    yield from (limits[bound], limits[bound] + step)
        case _ if shape.enum:
            yield from (*shape.enum, "NONE_OF_THEM")
        case _:
            right = RIGHT_TEXT[path]
            yield from (right, "\x00", "")
            if "max" in limits:
                filler = "x" if right.isidentifier() or "-" in right else "0"
                yield right + filler * (limits["max"] - len(right))
                yield right + filler * (limits["max"] - len(right) + 1)


def body_with(path: str, value: Any) -> dict[str, Any]:
    """A whole request in which this field has this value."""
    body = dict(OWN if path.startswith(("SelfManaged", "SourceAccess")) else MSK) | WITH.get(path, {})
    if "SchemaRegistryConfig" in path:
        kind = path.split(".")[0]
        body |= {**POLLERS, kind: {"SchemaRegistryConfig": dict(REGISTRY_OF)}}
    if path.startswith("SourceAccessConfigurations"):
        entry = {"Type": "BASIC_AUTH", "URI": SECRET}
        name = path.rpartition(".")[2]
        return body | {"SourceAccessConfigurations": [entry | {name: value}]}
    if path == "SelfManagedEventSource.Endpoints{}[]":
        return body | {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [value]}}}
    return _put(body, path.split("."), value)


def _put(whole: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    name, *rest = path
    key = name.rstrip("[]{}")
    inner = _put(dict((whole.get(key) or [{}])[0]), rest, value) if rest and name.endswith("[]") else None
    if inner is not None:
        return whole | {key: [inner]}
    if rest:
        return whole | {key: _put(dict(whole.get(key) or {}), rest, value)}
    return whole | {key: [value] if name.endswith("[]") else {"k": value} if name.endswith("{}") else value}


@pytest.mark.parametrize("path", sorted(CREATE))
def test_the_stand_in_refuses_what_the_model_forbids_and_accepts_what_it_allows(path: str) -> None:
    taken: list[Any] = []
    for value in values(path, CREATE[path]):
        body = body_with(path, value)
        forbidden = request_problems("lambda", "CreateEventSourceMapping", body)
        refused = refusal(body)
        if forbidden:
            assert refused is not None, f"the stand-in takes {path} = {value!r:.80}: {forbidden}"
        elif path not in NARROWER:
            assert refused is None, f"the stand-in refuses {path} = {value!r:.80}: {refused}"
        taken += [value] if refused is None else []
    # An explicit empty value is not a setting.
    assert ([value for value in taken if value not in ("", 0)] == []) == (path in REFUSED_FOR_KAFKA)


FIXED_FOR_LIFE = {
    *(f"{kind}.ConsumerGroupId" for kind in KINDS),
    "SelfManagedKafkaEventSourceConfig.ConsumptionMode",
}


@pytest.mark.parametrize("path", sorted(set(UPDATE) - {"UUID"}))
def test_an_update_is_accepted_or_refused_as_in_the_model(path: str) -> None:
    for value in values(path, UPDATE[path]):
        asked = body_with(path, value)
        before = {**(OWN if "SelfManagedEventSource" in asked else MSK), **POLLERS}
        change = {name: part for name, part in asked.items() if before.get(name) != part}
        forbidden = request_problems("lambda", "UpdateEventSourceMapping", {**change, "UUID": "u" * 36})
        faults = FaultBoard()
        faults.set({"state_delay_seconds": 0.0})
        service = a_service(faults)
        made = service.create(ACCOUNT, before)["UUID"]
        service.settle()
        refused = None
        try:
            told = service.update(ACCOUNT, made, change)
        except RefusedRequest as error:
            refused = error.message
        else:
            assert answer_problems("lambda", "UpdateEventSourceMapping", told) == []
        if forbidden:
            assert refused is not None, f"the stand-in updates {path} = {value!r:.80}: {forbidden}"
        elif path not in NARROWER and path not in FIXED_FOR_LIFE:
            assert refused is None, f"the stand-in refuses {path} = {value!r:.80}: {refused}"


@pytest.mark.parametrize("path", sorted(set(CREATE) - REFUSED_FOR_KAFKA - {"Enabled", "Tags{}"}))
def test_the_stand_in_returns_what_it_accepted_as_in_the_model(path: str) -> None:
    for value in values(path, CREATE[path]):
        body = body_with(path, value)
        if refusal(body) is not None:
            continue
        service = a_service(FaultBoard())
        told = service.get(ACCOUNT, service.create(ACCOUNT, body)["UUID"])
        assert answer_problems("lambda", "GetEventSourceMapping", told) == []
        if path == "FunctionName":
            assert told["FunctionArn"].endswith(f":function:{value}")
        elif value != "":
            name = path.split(".")[0].rstrip("[]{}")
            assert _contains(told[name], body[name]), f"{name}: {told[name]} is not {body[name]}"


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return all(_contains(whole.get(name), inner) for name, inner in part.items())
    return bool(whole == part)
