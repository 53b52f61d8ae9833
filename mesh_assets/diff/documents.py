"""The diff of two documents: which sections can be compared, and what changed in each."""

from collections.abc import Iterator

from mesh_assets.diff.connectors import diff_connectors
from mesh_assets.diff.consumer_groups import EPHEMERAL_GROUPS, diff_consumer_groups
from mesh_assets.diff.schemas import diff_registry, diff_schemas
from mesh_assets.diff.topics import diff_topics
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SECTION_NAMES, SectionName

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
