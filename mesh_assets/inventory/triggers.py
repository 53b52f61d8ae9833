"""Why a discovery runs."""

from typing import Literal, get_args

from mesh_assets.inventory.records import Record

TriggerType = Literal[
    "manual",
    "schedule",
    "schema_updated",
    "schema_deleted",
    "connector_failed",
    "connector_recovered",
    "resource_created",
    "resource_deleted",
    "topic_changed",
    "metrics_anomaly",
    "cloudwatch_alarm",
    "external",
]
TRIGGER_TYPES: tuple[TriggerType, ...] = get_args(TriggerType)


class Trigger(Record, frozen=True, kw_only=True):
    """`resource`: what it is about (`users-value`, `orders-sink`). `details`: one sentence."""

    type: TriggerType
    resource: str | None = None
    details: str | None = None

    def __str__(self) -> str:
        return self.type if self.resource is None else f"{self.type} {self.resource}"
