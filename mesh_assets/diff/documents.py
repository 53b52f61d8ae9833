"""The diff of two documents: which sections can be compared, what changed in each, and which changes a person
counts."""

from collections.abc import Iterable, Iterator

from mesh_assets.diff.connectors import diff_connectors
from mesh_assets.diff.consumer_groups import EPHEMERAL_GROUPS, diff_consumer_groups
from mesh_assets.diff.schemas import diff_registry, diff_schemas
from mesh_assets.diff.topics import diff_topics
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SECTION_NAMES, SectionName
from mesh_assets.inventory.wording import one_line

# What comes with what, by resource type: a new version has an id and a definition, new partitions have
# replicas, new tasks have a state.
_COMES_WITH: dict[str, dict[str, tuple[str, ...]]] = {
    "schema": {"id": ("version",), "definition": ("version",), "references": ("version",)},
    "topic": {"replicas": ("partitions", "replication_factor")},
}


def change_line(change: Change) -> str:
    """The sentence, preceded by the subject if the sentence does not name it: `users-value: Schema version 1
    → 2`."""
    if change.resource_type == "schema" and change.kind == "updated":
        return f"{one_line(change.resource)}: {change.sentence}"
    return change.sentence


def headline_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes as a person counts them: a new schema version is one, not three (version, id and
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
    return _COMES_WITH.get(change.resource_type, {}).get(change.field, ())


# A topic that was deleted and created again appears as both, under one name. Whoever applies the changes in
# order must delete first.
_KIND_ORDER = {"deleted": 0, "created": 1, "updated": 2}


def diff_documents(
    before: Document | None, after: Document, *, ephemeral_groups: tuple[str, ...] = EPHEMERAL_GROUPS
) -> tuple[Change, ...]:
    """What changed from `before` to `after`, two documents of the same cluster, sorted by resource type,
    resource and field.

    The first document of a cluster is a baseline without changes (`before` None), and so is the first reading
    of a section. A value that is unknown in either document gives no change. The exceptions are the states of
    connectors, tasks and groups that become known: a consumer must end up with them. state.py says how a
    consumer applies the changes.
    """
    if before is None:
        return ()
    return tuple(sorted(_changes(before, after, ephemeral_groups), key=_position))


def compared_sections(before: Document, after: Document) -> tuple[SectionName, ...]:
    """The sections that can have changes: read anew in `after`, and read at some time in `before` (the last
    good data counts)."""
    return tuple(
        name
        for name in SECTION_NAMES
        if name != "metrics" and _read_anew(after, name) and _read_ever(before, name)
    )


def _read_anew(document: Document, name: SectionName) -> bool:
    state = document.sections.get(name)
    return state is not None and state.status == "fresh"


def _read_ever(document: Document, name: SectionName) -> bool:
    state = document.sections.get(name)
    return state is not None and state.status != "not_configured" and state.collected_at is not None


def _changes(before: Document, after: Document, ephemeral_groups: tuple[str, ...]) -> Iterator[Change]:
    sections = compared_sections(before, after)
    if "topics" in sections:
        yield from diff_topics(before.topics, after.topics)
    if "connectors" in sections:
        yield from diff_connectors(before.connectors, after.connectors)
    if "schemas" in sections:
        yield from diff_schemas(before.schemas, after.schemas)
        yield from diff_registry(before.schema_registry, after.schema_registry)
    if "consumer_groups" in sections:
        yield from diff_consumer_groups(
            before.consumer_groups, after.consumer_groups, ephemeral=ephemeral_groups
        )


def _position(change: Change) -> tuple[str, str, str, int]:
    return change.resource_type, change.resource, change.field or "", _KIND_ORDER[change.kind]
