"""EventBridge events: alarms, MSK, and Glue's schema registry, which is visible through CloudTrail only.

https://docs.aws.amazon.com/eventbridge/latest/ref/overview-event-structure.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mesh_assets.inventory.changes import Trigger, TriggerType
from mesh_assets.sensing.trigger_queue.alarms import alarm, cluster_dimensions
from mesh_assets.sensing.trigger_queue.message import (
    Ignored,
    Meaning,
    NotUnderstood,
    Understood,
    details_text,
    resource_text,
)

_THROUGH_CLOUDTRAIL = "AWS API Call via CloudTrail"

_GLUE_CALLS: dict[str, TriggerType] = {
    "CreateSchema": "schema_updated",
    "RegisterSchemaVersion": "schema_updated",
    "UpdateSchema": "schema_updated",
    "DeleteSchema": "schema_deleted",
    "DeleteSchemaVersions": "schema_deleted",
    "CreateRegistry": "external",
    "DeleteRegistry": "external",
}

_READS = ("Get", "List", "Describe", "Query", "Check", "BatchGet")


def read_event(content: Mapping[str, Any], *, message_id: str) -> Meaning:
    source, kind, detail = content["source"], content["detail-type"], content.get("detail")
    if not isinstance(source, str) or not isinstance(kind, str) or not isinstance(detail, dict):
        return NotUnderstood(
            reason="an EventBridge event whose source, detail-type or detail is missing or of the wrong type"
        )
    event_id = content.get("id")
    cause = f"event {event_id}" if isinstance(event_id, str) else f"message {message_id}"
    if source == "aws.cloudwatch" and kind == "CloudWatch Alarm State Change":
        return _alarm(content, detail, cause)
    if kind == _THROUGH_CLOUDTRAIL:
        ignored = _ignored_call(detail)
        if ignored is not None:
            return ignored
    if source == "aws.kafka" or (source == "aws.health" and detail.get("service") in ("KAFKA", "MSK")):
        return _msk(content, kind, detail, cause)
    if source == "aws.glue":
        return _glue(kind, detail, cause)
    return NotUnderstood(
        reason="an EventBridge event that is not from CloudWatch alarms, MSK or the Glue schema registry"
    )


def _alarm(content: Mapping[str, Any], detail: Mapping[str, Any], cause: str) -> Meaning:
    match detail:
        case {"alarmName": str(name), "state": {"value": str(value), **state}}:
            arns = content.get("resources")
            arn = (
                next((arn for arn in arns if isinstance(arn, str)), None) if isinstance(arns, list) else None
            )
            return alarm(
                name=name,
                identity=arn or f"{content.get('region')} {content.get('account')} {name}",
                state=value,
                reason=state.get("reason"),
                changed_at=state.get("timestamp"),
                dimensions=tuple(dict.fromkeys(_alarm_clusters(detail))),
                message_id=cause,
            )
    return NotUnderstood(reason="a CloudWatch alarm event without alarmName and state.value")


def _alarm_clusters(detail: Mapping[str, Any]) -> Iterator[str]:
    match detail.get("configuration"):
        case {"metrics": [*metrics]}:
            for metric in metrics:
                match metric:
                    case {"metricStat": {"metric": {"dimensions": dimensions}}}:
                        yield from cluster_dimensions(dimensions)


def _ignored_call(detail: Mapping[str, Any]) -> Ignored | None:
    """Why the call can be ignored, if it changed nothing: a read, or one that was refused."""
    name = detail.get("eventName")
    if isinstance(name, str) and name.startswith(_READS):
        return Ignored(reason=f"{resource_text(name)} is a read")
    return Ignored(reason=f"{resource_text(name)} was refused") if detail.get("errorCode") else None


def _msk(content: Mapping[str, Any], kind: str, detail: Mapping[str, Any], cause: str) -> Meaning:
    """The cluster is named by an ARN (`arn:aws:kafka:region:account:cluster/NAME/UUID`) in `resources` or the
    call's parameters.
    """
    arns = [
        arn
        for arn in (*_texts(content.get("resources")), *_parameters(detail, "clusterArn"))
        if ":cluster/" in arn
    ]
    names = [arn.partition(":cluster/")[2].split("/")[0] for arn in arns]
    names += _parameters(detail, "clusterName")
    call = detail.get("eventName") if kind == _THROUGH_CLOUDTRAIL else detail.get("eventTypeCode")
    said = resource_text(call)
    return Understood(
        trigger=Trigger(
            type="external",
            resource=resource_text(names[0]) if names else None,
            details=details_text(f"MSK: {kind}" if said is None else f"MSK: {said} ({kind})"),
        ),
        cause_id=cause,
        hints=tuple(dict.fromkeys((*arns, *names))),
    )


def _glue(kind: str, detail: Mapping[str, Any], cause: str) -> Meaning:
    call = detail.get("eventName")
    if kind != _THROUGH_CLOUDTRAIL or not isinstance(call, str):
        return Ignored(reason=f"{resource_text(kind)} is not about the schema registry")
    trigger_type = _GLUE_CALLS.get(call)
    if trigger_type is None:
        return Ignored(reason=f"{resource_text(call)} changes no schema")
    schema = (*_schema_parameters(detail, "schemaName"), *_schema_parameters(detail, "registryName"))
    return Understood(
        trigger=Trigger(
            type=trigger_type,
            resource=resource_text(schema[0]) if schema else None,
            details=details_text(f"Glue schema registry: {call}"),
        ),
        cause_id=cause,
    )


def _schema_parameters(detail: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """`schemaId.schemaName`, or `schemaName` where the call creates it."""
    parameters = detail.get("requestParameters")
    nested = parameters.get("schemaId") if isinstance(parameters, dict) else None
    return (*_parameters({"requestParameters": nested}, name), *_parameters(detail, name))


def _parameters(detail: Mapping[str, Any], name: str) -> tuple[str, ...]:
    parameters = detail.get("requestParameters")
    return _texts([parameters.get(name)]) if isinstance(parameters, dict) else ()


def _texts(values: object) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()
