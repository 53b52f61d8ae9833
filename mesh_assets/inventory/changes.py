"""A change: one typed difference between two documents of a cluster, with a sentence for people."""

from typing import Literal

from mesh_assets.inventory.records import Record

ResourceType = Literal["topic", "connector", "schema", "consumer_group", "schema_registry"]
ChangeKind = Literal["created", "deleted", "updated"]
Severity = Literal["info", "warning", "critical"]


class Change(Record, frozen=True, kw_only=True):
    """`field` is a path below the resource (`config.retention.ms`, `version`, `tasks.0.state`), None for
    created and deleted.

    `before` and `after` are the field's values as text or JSON text, None if there is no value. A created
    resource has its whole record in `after`, a deleted one in `before`. Sensitive values are masked before
    they become records, so they are masked here, too.
    """

    kind: ChangeKind
    resource_type: ResourceType
    resource: str
    field: str | None
    before: str | None
    after: str | None
    severity: Severity
    sentence: str
