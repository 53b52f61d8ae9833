"""Notifications of Confluent Cloud, as its generic webhook sends them: `id`, `title`, `message`,
`created_at`.

https://docs.confluent.io/cloud/current/monitoring/configure-notifications.html A webhook posts to HTTPS, not
to SNS: API Gateway or a function URL of the user's passes the body on, see docs/triggers.md.
"""

import re
from collections.abc import Mapping
from typing import Any

from mesh_assets.inventory.queue_messages.readings import NotUnderstood, Reading, Understood
from mesh_assets.inventory.queue_messages.text import details_text
from mesh_assets.inventory.triggers import Trigger

_CLUSTER_ID = re.compile(r"\blkc-[a-z0-9]{4,20}\b")
_READ_CHARACTERS = 4_000


def read_confluent_notification(content: Mapping[str, Any]) -> Reading:
    """Always `external`: what happened stands in prose only, and a type is not guessed from prose. A
    cluster's id in it is a hint."""
    notification_id = content.get("id")
    said = [text for name in ("title", "message") if isinstance(text := content.get(name), str)]
    if not isinstance(notification_id, str) or not notification_id or not said:
        return NotUnderstood(reason="a notification whose id, title or message is no text")
    clusters = tuple(dict.fromkeys(_CLUSTER_ID.findall(" ".join(text[:_READ_CHARACTERS] for text in said))))
    return Understood(
        trigger=Trigger(
            type="external",
            resource=clusters[0] if len(clusters) == 1 else None,
            details=details_text(": ".join(("Confluent Cloud", *said))),
        ),
        cause=f"confluent {notification_id}",
        hints=clusters,
    )
