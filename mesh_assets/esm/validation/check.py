"""All rules over one request, ours first and then botocore's own model: limits, choices and patterns that its client does not check."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from mesh_assets.esm.api_request import create_arguments, update_arguments
from mesh_assets.esm.errors import Finding, InvalidRequestError, fault
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.request import CreateRequest, UpdateRequest
from mesh_assets.esm.validation.identity import place_findings, tag_findings, unchangeable_findings
from mesh_assets.esm.validation.polling import (
    batch_findings,
    observing_findings,
    poller_findings,
    refused_findings,
    start_findings,
)
from mesh_assets.esm.validation.records import failure_findings, filter_findings, registry_findings
from mesh_assets.esm.validation.source_access import source_access_findings
from mesh_assets.esm.validation.subject import Subject, source_of

# The request held against botocore's own model: limits, choices and patterns that its client does not
# check.

# How the API's names are called here, for messages.
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


def model_findings(operation: str, arguments: Mapping[str, Any]) -> Iterator[Finding]:
    """What in the arguments the model of the operation (`CreateEventSourceMapping` …) does not allow."""
    yield from _structure(_input_shape(operation), arguments, None)


@cache
def _input_shape(operation: str) -> Any:
    from botocore.session import Session  # heavy, and 0.1 s of reading

    return Session().get_service_model("lambda").operation_model(operation).input_shape


def _structure(shape: Any, value: Mapping[str, Any], field: str | None) -> Iterator[Finding]:
    for name, member in value.items():
        own = _NESTED_FIELDS.get(name) or field or _FIELDS.get(name) or name
        if name not in shape.members:
            yield fault(
                own, None, f"Lambda's API of this botocore has no {name}", "upgrade boto3, or leave it out"
            )
            continue
        yield from _value(shape.members[name], member, own)


def _value(shape: Any, value: Any, field: str) -> Iterator[Finding]:
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
                yield fault(field, value, f"is none of {', '.join(shape.enum)}", "choose one of them")
            yield from _size(field, len(value), limits, "characters")
            pattern = _compiled(limits.get("pattern", ""))
            if pattern is not None and not pattern.fullmatch(value):
                # What is written where an ARN belongs may be a secret: the value is not shown.
                yield fault(
                    field,
                    None,
                    f"does not have the form that Lambda asks for: {pattern.pattern}",
                    "correct it",
                )


def _size(field: str, size: int, limits: Mapping[str, Any], unit: str) -> Iterator[Finding]:
    least, most = limits.get("min"), limits.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        bounds = f"{'' if least is None else least}-{'' if most is None else most} {unit}".rstrip()
        yield fault(field, size, f"Lambda's API takes {bounds}", "correct it")


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for no pattern, and for one that Python's `re` cannot read (Unicode classes, of tags: those have a
    rule of their own)."""
    if not pattern or r"\p{" in pattern:
        return None
    return re.compile(pattern)


# All rules over one request.

_RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    place_findings,
    unchangeable_findings,
    source_access_findings,
    start_findings,
    batch_findings,
    poller_findings,
    failure_findings,
    filter_findings,
    registry_findings,
    observing_findings,
    tag_findings,
    refused_findings,
)


def create_findings(request: CreateRequest) -> tuple[Finding, ...]:
    """Every rule a mapping to be made breaks, and every warning. Nothing is called."""
    subject = Subject(request=request, source=source_of(request))
    found = [finding for rule in _RULES for finding in rule(subject)]
    return _with_the_model(found, "CreateEventSourceMapping", create_arguments(request))


def update_findings(request: UpdateRequest, existing: EventSourceMapping) -> tuple[Finding, ...]:
    """Every rule a change of the mapping breaks, and every warning. Nothing is called."""
    subject = Subject(
        request=request, source="msk" if existing.event_source_arn else "self_managed", existing=existing
    )
    found = [finding for rule in _RULES for finding in rule(subject)]
    return _with_the_model(found, "UpdateEventSourceMapping", update_arguments(request, existing))


def require_no_fault(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The warnings among the findings. Raises InvalidRequestError with all faults when there is one."""
    faults = [finding for finding in findings if finding.severity == "fault"]
    if faults:
        raise InvalidRequestError(faults)
    return tuple(findings)


def _with_the_model(
    found: list[Finding], operation: str, arguments: dict[str, object]
) -> tuple[Finding, ...]:
    """The model has the last word, for a limit that is newer than our rules; what we said of a field better
    is not said again."""
    said = {finding.field.split(".")[0].split("[")[0] for finding in found if finding.severity == "fault"}
    return (
        *found,
        *(finding for finding in model_findings(operation, arguments) if finding.field not in said),
    )
