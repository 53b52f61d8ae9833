"""CloudWatch alarms: the notification that an alarm's action sends to SNS. EventBridge's form is in
events.py.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from mesh_assets.inventory.changes import Trigger
from mesh_assets.sensing.trigger_queue.message import (
    Ignored,
    Meaning,
    NotUnderstood,
    Understood,
    details_text,
    resource_text,
)

_CLUSTER_DIMENSIONS = frozenset(
    {"cluster name", "clustername", "cluster", "cluster_id", "kafka_id", "kafka.id"}
)


def read_alarm_notification(content: Mapping[str, Any], *, message_id: str) -> Meaning:
    match content:
        case {"AlarmName": str(name), "NewStateValue": str(state)}:
            arn, told = content.get("AlarmArn"), content.get("Trigger")
            return alarm(
                name=name,
                identity=arn
                if isinstance(arn, str)
                else f"{content.get('Region')} {content.get('AWSAccountId')} {name}",
                state=state,
                reason=content.get("NewStateReason"),
                changed_at=content.get("StateChangeTime"),
                dimensions=_dimensions(told) if isinstance(told, dict) else (),
                message_id=message_id,
            )
    return NotUnderstood(
        reason="a CloudWatch alarm notification whose AlarmName or NewStateValue is not text"
    )


def alarm(
    *,
    name: str,
    identity: str,
    state: str,
    reason: object,
    changed_at: object,
    dimensions: tuple[str, ...],
    message_id: str,
) -> Meaning:
    """What an alarm's state means: only ALARM asks for a discovery.

    The cause is the alarm's state change, no matter how, or how often, it is reported.
    """
    if state != "ALARM":
        return Ignored(reason=f"alarm {resource_text(name)} is {resource_text(state)}")
    try:
        moment = _moment(changed_at)
    except OverflowError:
        return NotUnderstood(reason="an alarm whose time of change is outside the calendar")
    return Understood(
        trigger=Trigger(type="cloudwatch_alarm", resource=resource_text(name), details=details_text(reason)),
        cause_id=f"message {message_id}" if moment is None else f"alarm {identity} {moment}",
        hints=dimensions,
    )


def _dimensions(told: Mapping[str, Any]) -> tuple[str, ...]:
    """The clusters that the alarm's metrics are about. AWS writes `name` here, `Name` elsewhere."""
    metrics = told.get("Metrics")
    parts = (
        [told, *(metric["MetricStat"].get("Metric") for metric in metrics if _has_stat(metric))]
        if isinstance(metrics, list)
        else [told]
    )
    return tuple(
        dict.fromkeys(
            value
            for part in parts
            if isinstance(part, dict)
            for value in _cluster_values(part.get("Dimensions"))
        )
    )


def _has_stat(metric: object) -> bool:
    return isinstance(metric, dict) and isinstance(metric.get("MetricStat"), dict)


def _cluster_values(dimensions: object) -> Iterator[str]:
    for dimension in dimensions if isinstance(dimensions, list) else ():
        if isinstance(dimension, dict):
            fields = {str(key).lower(): value for key, value in dimension.items()}
            if str(fields.get("name")).lower() in _CLUSTER_DIMENSIONS and isinstance(
                fields.get("value"), str
            ):
                yield fields["value"]


def cluster_dimensions(dimensions: object) -> tuple[str, ...]:
    """The clusters in dimensions in EventBridge's form: an object of names and values."""
    if not isinstance(dimensions, dict):
        return ()
    return tuple(
        value
        for name, value in dimensions.items()
        if name.lower() in _CLUSTER_DIMENSIONS and isinstance(value, str)
    )


def _moment(text: object) -> str | None:
    """The time, normalised: SNS and EventBridge both write `2026-11-23T16:40:02.123+0000`, stand-ins write
    `…Z`. None for anything that is not a time. Raises OverflowError on the calendar's first or last day, if
    the zone moves the time beyond it.
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
