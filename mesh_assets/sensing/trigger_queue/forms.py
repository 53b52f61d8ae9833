"""A message's body, read by the first form that fits: our own, a CloudWatch alarm, an EventBridge event,
Confluent Cloud's.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from mesh_assets.inventory.changes import TRIGGER_TYPES, Trigger
from mesh_assets.inventory.records import UNDECODABLE
from mesh_assets.sensing.trigger_queue.alarms import read_alarm_notification
from mesh_assets.sensing.trigger_queue.events import read_event
from mesh_assets.sensing.trigger_queue.message import (
    Ignored,
    Meaning,
    NotUnderstood,
    Understood,
    details_text,
    resource_text,
)

# --- our own form: `{"trigger": {"type", "resource", "details", "cluster", "id"}}`; only `trigger` itself is
# required

_TEXTS = ("resource", "details", "cluster", "id")


def read_own_form(content: Mapping[str, Any], *, message_id: str) -> Meaning:
    """Reads our own form. `type`: one of ours, default `external`. `id`: the sender's own, for messages that
    it may send twice.

    A field of the wrong type or an unknown trigger type is a mistake that the sender wants to know about, so
    we do not read it as something else.
    """
    trigger = content["trigger"]
    if not isinstance(trigger, dict):
        return NotUnderstood(reason="trigger: expected an object with type, resource, details and cluster")
    named = trigger.get("type", "external")
    known = next((type_ for type_ in TRIGGER_TYPES if type_ == named), None)
    if known is None:
        return NotUnderstood(reason=f"trigger.type: expected one of {', '.join(TRIGGER_TYPES)}")
    wrong = [name for name in _TEXTS if not isinstance(trigger.get(name), str | None)]
    if wrong:
        return NotUnderstood(reason=f"trigger.{wrong[0]}: expected text")
    sender_id = trigger.get("id") or None
    return Understood(
        trigger=Trigger(
            type=known,
            resource=resource_text(trigger.get("resource")),
            details=details_text(trigger.get("details")),
        ),
        cause_id=f"message {message_id}" if sender_id is None else f"trigger {sender_id}",
        cluster=trigger.get("cluster") or None,
    )


# --- notifications of Confluent Cloud, as its generic webhook sends them: `id`, `title`, `message`,
# `created_at`
#
# https://docs.confluent.io/cloud/current/monitoring/configure-notifications.html
#
# A webhook posts to HTTPS, not to SNS: the user's API Gateway or function URL passes the body on, see
# docs/triggers.md.

_CLUSTER_ID = re.compile(r"\blkc-[a-z0-9]{4,20}\b")
_READ_CHARACTERS = 4_000


def read_confluent_notification(content: Mapping[str, Any]) -> Meaning:
    """Reads a notification as `external`: it says what happened only in prose, and we do not guess a type
    from prose. A cluster's id in the text is a hint.
    """
    notification_id = content.get("id")
    said = [text for name in ("title", "message") if isinstance(text := content.get(name), str)]
    if not isinstance(notification_id, str) or not notification_id or not said:
        return NotUnderstood(reason="a notification whose id, title or message is not text")
    clusters = tuple(dict.fromkeys(_CLUSTER_ID.findall(" ".join(text[:_READ_CHARACTERS] for text in said))))
    return Understood(
        trigger=Trigger(
            type="external",
            resource=clusters[0] if len(clusters) == 1 else None,
            details=details_text(": ".join(("Confluent Cloud", *said))),
        ),
        cause_id=f"confluent {notification_id}",
        hints=clusters,
    )


# --- any message: taken out of its SNS envelope if it has one, then read by the first form that fits

# SQS's own limit is 1 MiB; the largest form read here is an event of 256 KiB.
_MOST_CHARACTERS = 1024 * 1024


def read_message(body: str, *, message_id: str) -> Meaning:
    """What `body` means. `message_id` is SQS's; an SNS envelope's own id takes precedence, since SQS gives
    each delivery a new one.
    """
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


def _read(content: Mapping[str, Any], message_id: str) -> Meaning:
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
    except UNDECODABLE as error:
        # The error's message has a position, never the text.
        return NotUnderstood(reason=f"not JSON ({type(error).__name__})")
    if not isinstance(content, dict):
        return NotUnderstood(reason=f"expected a JSON object, found {type(content).__name__}")
    return content
