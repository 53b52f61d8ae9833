"""A message's body as a reading: SNS's envelope taken off where there is one, then the first form that fits."""

from collections.abc import Mapping
from typing import Any

import msgspec

from mesh_assets.inventory.queue_messages.alarms import read_alarm_notification
from mesh_assets.inventory.queue_messages.confluent import read_confluent_notification
from mesh_assets.inventory.queue_messages.events import read_event
from mesh_assets.inventory.queue_messages.own_form import read_own_form
from mesh_assets.inventory.queue_messages.readings import Ignored, NotUnderstood, Reading

# SQS's own limit is 1 MiB; the largest of the forms read here is an event of 256 KiB.
_MOST_CHARACTERS = 1024 * 1024


def read_message(body: str, *, message_id: str) -> Reading:
    """The reading of `body`. `message_id` is SQS's; an SNS envelope's own id goes before it, since each of
    its deliveries has another."""
    content = _json_object(body)
    if isinstance(content, NotUnderstood):
        return content
    match content:
        case {"Type": "Notification", "MessageId": str(sns_id), "Message": str(text)}:
            inner = _json_object(text)
            return inner if isinstance(inner, NotUnderstood) else _read(inner, sns_id)
        case {"Type": "SubscriptionConfirmation" | "UnsubscribeConfirmation", "TopicArn": str()}:
            return Ignored(reason="a confirmation of an SNS subscription")
    return _read(content, message_id)


def _read(content: Mapping[str, Any], message_id: str) -> Reading:
    if "trigger" in content:
        return read_own_form(content, message_id=message_id)
    if "AlarmName" in content and "NewStateValue" in content:
        return read_alarm_notification(content, message_id=message_id)
    if "detail-type" in content and "source" in content:
        return read_event(content, message_id=message_id)
    if "id" in content and ("title" in content or "message" in content):
        return read_confluent_notification(content)
    if content.get("Event") == "s3:TestEvent":
        return Ignored(reason="a test message of S3")
    return NotUnderstood(
        reason="no form fits: expected {trigger: …}, a CloudWatch alarm, an EventBridge event or a Confluent Cloud notification"
    )


def _json_object(text: str) -> dict[str, Any] | NotUnderstood:
    if len(text) > _MOST_CHARACTERS:
        return NotUnderstood(reason=f"longer than {_MOST_CHARACTERS} characters")
    try:
        content = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        # Its message holds a position, never the text.
        return NotUnderstood(reason=f"not JSON ({type(error).__name__})")
    if not isinstance(content, dict):
        return NotUnderstood(reason=f"expected a JSON object, found {type(content).__name__}")
    return content
