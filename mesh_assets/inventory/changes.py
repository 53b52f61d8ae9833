"""Why a discovery runs, and which changes it found: triggers and changes."""

from collections.abc import Iterable
from typing import Literal, get_args

from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import one_line

# Why a discovery runs.

TriggerType = Literal[
    "manual",
    "schedule",
    "schema_updated",
    "schema_deleted",
    "connector_failed",
    "connector_recovered",
    "connector_changed",
    "resource_created",
    "resource_deleted",
    "topic_changed",
    "metrics_anomaly",
    "cloudwatch_alarm",
    "external",
    "api",
]
TRIGGER_TYPES: tuple[TriggerType, ...] = get_args(TriggerType)


class Trigger(Record, frozen=True, kw_only=True):
    """`resource`: what it is about (`users-value`, `orders-sink`). `details`: one sentence."""

    type: TriggerType
    resource: str | None = None
    details: str | None = None

    def __str__(self) -> str:
        return self.type if self.resource is None else f"{self.type} {self.resource}"


# A change: one typed difference between two documents of a cluster, with a sentence for people; and how people
# read and count changes.

ResourceType = Literal[
    "topic",
    "connector",
    "schema",
    "consumer_group",
    "schema_registry",
    "topic_defaults",
    "broker",
    "cluster",
    "acl",
    "client_quota",
    "scram_user",
    "log_directories",
    "hanging_transaction",
    "cluster_link",
    "mirror_topic",
]
ChangeKind = Literal["created", "deleted", "updated"]
Severity = Literal["info", "warning", "critical"]


class Change(Record, frozen=True, kw_only=True):
    """`field` is a path below the resource (`config.retention.ms`, `version`, `tasks.0.state`), None for created
    and deleted.

    `before` and `after` are the field's values as text or JSON text, None if there is no value. A created
    resource has its whole record in `after`, a deleted one in `before`. Sensitive values are masked before
    they become records, so they are masked here as well.
    """

    kind: ChangeKind
    resource_type: ResourceType
    resource: str
    field: str | None
    before: str | None
    after: str | None
    severity: Severity
    sentence: str


# What accompanies what, by resource type: a new version has an id and a definition, new partitions have replicas, a
# group that becomes empty or active has different members, a reassignment puts replicas on both sides, new tasks have a state.
_COMES_WITH: dict[str, dict[str, tuple[str, ...]]] = {
    "schema": {"id": ("version",), "definition": ("version",), "references": ("version",)},
    "topic": {"replicas": ("partitions", "replication_factor", "reassigning")},
    "consumer_group": {"members": ("state",)},
}


def change_line(change: Change) -> str:
    """The sentence, preceded by the subject if the sentence does not name it: `users-value: Schema version 1
    → 2`."""
    if change.resource_type == "schema" and change.kind == "updated":
        return f"{one_line(change.resource)}: {change.sentence}"
    return change.sentence


def headline_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes as people count them: a new schema version is one, not three (version, id and
    definition)."""
    changes = tuple(changes)
    fields = {(change.resource_type, change.resource, change.field) for change in changes}
    return tuple(
        change
        for change in changes
        if not any((change.resource_type, change.resource, lead) in fields for lead in _leads(change))
    )


def _leads(change: Change) -> tuple[str, ...]:
    if change.field is None or change.severity != "info":
        return ()
    if (
        change.resource_type == "connector"
        and change.field.startswith("tasks.")
        and None in (change.before, change.after)
    ):
        return ("tasks",)
    if change.resource_type == "schema" and change.field.startswith("contract."):
        return ("version",)
    return _COMES_WITH.get(change.resource_type, {}).get(change.field, ())
