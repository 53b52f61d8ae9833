"""Our own form: `{"trigger": {"type", "resource", "details", "cluster", "id"}}`, every field but `trigger`
optional."""

from collections.abc import Mapping
from typing import Any

from mesh_assets.inventory.queue_messages.readings import NotUnderstood, Reading, Understood
from mesh_assets.inventory.queue_messages.text import details_text, resource_text
from mesh_assets.inventory.triggers import TRIGGER_TYPES, Trigger

_TEXTS = ("resource", "details", "cluster", "id")


def read_own_form(content: Mapping[str, Any], *, message_id: str) -> Reading:
    """`type`: one of ours, default `external`. `id`: the sender's own, for what it may send twice.

    A field of another type or an unknown trigger type is a mistake somebody wants to hear of, so it is not
    read as something else.
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
        cause=f"message {message_id}" if sender_id is None else f"trigger {sender_id}",
        cluster=trigger.get("cluster") or None,
    )
