"""How people read changes: a line that says what it is about, and the changes that matter without those that
merely come with them."""

from collections.abc import Iterable

from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.diff.fields import in_one_line

# What comes with what, by resource type: a new version has an id and a definition, new partitions have replicas, new tasks a state.
_COMES_WITH: dict[str, dict[str, tuple[str, ...]]] = {
    "schema": {"id": ("version",), "definition": ("version",), "references": ("version",)},
    "topic": {"replicas": ("partitions", "replication_factor")},
}


def change_line(change: Change) -> str:
    """The sentence, with the subject in front where the sentence does not name it: `users-value: Schema
    version 1 → 2`."""
    if change.resource_type == "schema" and change.kind == "updated":
        return f"{in_one_line(change.resource)}: {change.sentence}"
    return change.sentence


def headline_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes a person counts: one for a new schema version, not one each for its version, its id and its
    definition."""
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
    return _COMES_WITH.get(change.resource_type, {}).get(change.field, ())
