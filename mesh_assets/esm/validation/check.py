"""All rules applied to one request: ours, then botocore's model.

The model has limits, choices and patterns that botocore's client does not check.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from mesh_assets.esm.api_request import create_arguments, update_arguments
from mesh_assets.esm.errors import InvalidRequestError, Violation, fault
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.request import CreateRequest, UpdateRequest
from mesh_assets.esm.validation.filters import filter_violations
from mesh_assets.esm.validation.identity import place_violations, tag_violations, unchangeable_violations
from mesh_assets.esm.validation.polling import (
    batch_violations,
    observing_violations,
    poller_violations,
    refused_violations,
    start_violations,
)
from mesh_assets.esm.validation.records import failure_violations, registry_violations
from mesh_assets.esm.validation.source_access import source_access_violations
from mesh_assets.esm.validation.subject import Subject, not_among, source_of
from mesh_assets.importing import importing

# The API's names → the names here, for messages.
_FIELDS = {
    "FunctionName": "target",
    "Topics": "kafka_topic",
    "EventSourceArn": "event_source_arn",
    "SelfManagedEventSource": "kafka_bootstrap_servers",
    "SourceAccessConfigurations": "source_access_configurations",
    "BatchSize": "batch_size",
    "StartingPosition": "starting_position",
    "MaximumBatchingWindowInSeconds": "max_batching_window",
    "MaximumRetryAttempts": "retry_attempts",
    "MaximumRecordAgeInSeconds": "max_record_age",
    "DestinationConfig": "on_failure_destination",
    "FilterCriteria": "filter_patterns",
    "KMSKeyArn": "filter_kms_key_arn",
    "MetricsConfig": "metrics",
    "LoggingConfig": "log_level",
    "Tags": "tags",
}
_NESTED_FIELDS = {
    "MinimumPollers": "min_pollers",
    "MaximumPollers": "max_pollers",
    "PollerGroupName": "poller_group",
    "ConsumerGroupId": "kafka_consumer_group_id",
    "SchemaRegistryConfig": "schema_registry",
    "ConsumptionMode": "consumption_mode",
}


def model_violations(operation: str, arguments: Mapping[str, Any]) -> Iterator[Violation]:
    """Everything in the arguments that the model of the operation (`CreateEventSourceMapping` …) forbids."""
    yield from _structure(_input_shape(operation), arguments, None)


@cache
def _input_shape(operation: str) -> Any:
    with importing:
        from mesh_assets.platforms.aws.client import new_session  # heavy: 0.1 s of reading

    return new_session().get_service_model("lambda").operation_model(operation).input_shape


def _structure(shape: Any, value: Mapping[str, Any], field: str | None) -> Iterator[Violation]:
    for name, member in value.items():
        own = _NESTED_FIELDS.get(name) or field or _FIELDS.get(name) or name
        if name not in shape.members:
            yield fault(
                own, None, f"this botocore's Lambda API has no {name}", "upgrade boto3, or leave it out"
            )
            continue
        yield from _value(shape.members[name], member, own)


def _value(shape: Any, value: Any, field: str) -> Iterator[Violation]:
    limits = shape.metadata
    match shape.type_name:
        case "structure":
            yield from _structure(shape, value, field)
        case "list":
            yield from _size(field, len(value), limits, "items")
            for item in value:
                yield from _value(shape.member, item, field)
        case "map":
            yield from _size(field, len(value), limits, "entries")
            for key, item in value.items():
                yield from _value(shape.key, key, field)
                yield from _value(shape.value, item, field)
        case "integer" | "long":
            yield from _size(field, value, limits, "")
        case "string":
            if shape.enum and value not in shape.enum:
                yield not_among(field, value, shape.enum)
            yield from _size(field, len(value), limits, "characters")
            pattern = _compiled(limits.get("pattern", ""))
            if pattern is not None and not pattern.fullmatch(value):
                # A value written instead of an ARN may be a secret, so it is not shown.
                yield fault(
                    field,
                    None,
                    f"does not match the form that Lambda requires: {pattern.pattern}",
                    "correct it",
                )


def _size(field: str, size: int, limits: Mapping[str, Any], unit: str) -> Iterator[Violation]:
    least, most = limits.get("min"), limits.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        bounds = f"{'' if least is None else least}-{'' if most is None else most} {unit}".rstrip()
        yield fault(field, size, f"Lambda's API takes {bounds}", "correct it")


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern; None for none, or for one that Python's `re` cannot read.

    Those are the Unicode classes of tags, which have a rule of their own.
    """
    if not pattern or r"\p{" in pattern:
        return None
    return re.compile(pattern)


_RULES: tuple[Callable[[Subject], Iterator[Violation]], ...] = (
    place_violations,
    unchangeable_violations,
    source_access_violations,
    start_violations,
    batch_violations,
    poller_violations,
    failure_violations,
    filter_violations,
    registry_violations,
    observing_violations,
    tag_violations,
    refused_violations,
)


def create_violations(request: CreateRequest) -> tuple[Violation, ...]:
    """Every rule that creating the mapping would break, and every warning. Calls nothing."""
    subject = Subject(request=request, source=source_of(request))
    found = [violation for rule in _RULES for violation in rule(subject)]
    return _with_the_model(found, "CreateEventSourceMapping", create_arguments(request))


def update_violations(request: UpdateRequest, existing: EventSourceMapping) -> tuple[Violation, ...]:
    """Every rule that changing the mapping would break, and every warning. Calls nothing."""
    subject = Subject(
        request=request, source="msk" if existing.event_source_arn else "self_managed", existing=existing
    )
    found = [violation for rule in _RULES for violation in rule(subject)]
    return _with_the_model(found, "UpdateEventSourceMapping", update_arguments(request, existing))


def require_no_fault(violations: Sequence[Violation]) -> tuple[Violation, ...]:
    """The violations, all of them warnings. Raises InvalidRequestError with all faults when there is one."""
    faults = [violation for violation in violations if violation.severity == "fault"]
    if faults:
        raise InvalidRequestError(faults)
    return tuple(violations)


def _with_the_model(
    found: list[Violation], operation: str, arguments: dict[str, object]
) -> tuple[Violation, ...]:
    """Adds the model's violations, for limits newer than our rules.

    For a field that our rules already fault, only their better wording is kept.
    """
    faulted = {
        violation.field.split(".")[0].split("[")[0] for violation in found if violation.severity == "fault"
    }
    return (
        *found,
        *(
            violation
            for violation in model_violations(operation, arguments)
            if violation.field not in faulted
        ),
    )
