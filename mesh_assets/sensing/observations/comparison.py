"""An observed section compared with the latest document by the discovery's own rules, and the causes that
follow.

A cause never leads to a run that then finds nothing: anything the discovery would not call a change is not
one here, and anything it would hold back is also held back here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import field
from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.changes import (
    Change,
    ChangeKind,
    ResourceType,
    Trigger,
    TriggerType,
    headline_changes,
)
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    ConsumerGroupsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionScope,
    SectionState,
    TopicsSection,
)
from mesh_assets.inventory.wording import shortened
from mesh_assets.joining.join import CONFIRMED_AFTER, settle_section
from mesh_assets.sensing.observations.observation import Cause

# Up to this many triggers of one type stay separate; more at once (a new cluster, a mass deployment) become
# one trigger with their number.
KEPT_SEPARATE = 20
_NAMED = 5
# The details become a tag of the run, which the UI shows on one line.
_DETAILS_CHARACTERS = 500

# A topic's replicas move whenever brokers are balanced: that alone does not merit a discovery.
_TOPIC_FIELDS = ("partitions", "replication_factor")

_SECTION_TITLES: dict[SectionName, str] = {
    "topics": "Topics",
    "connectors": "Connectors",
    "schemas": "Schemas",
    "consumer_groups": "Consumer groups",
    "metrics": "Metrics",
    "brokers": "Brokers",
    "access": "Access",
    "transactions": "Transactions",
    "cluster_links": "Cluster links",
}


class Identity(NamedTuple):
    """What distinguishes a resource from an earlier one of the same name; groups have only the name."""

    id: str | int | None = None
    version: int | None = None


Identities = Mapping[tuple[ChangeKind, ResourceType, str], Identity]
"""The identities of resources that were created or deleted."""


class Compared(Record, frozen=True, kw_only=True):
    """The differences. `changes`: what a discovery would publish now. `identities`: of what these created or
    deleted. `causes`: those about the section as a whole (a mass disappearance).
    """

    changes: tuple[Change, ...] = ()
    identities: Identities = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()


def observed_now(now: datetime, scope: SectionScope) -> SectionState:
    return SectionState(status="fresh", collected_at=now, scope=scope)


def compare_section(name: SectionName, observed: Section, document: Document, *, now: datetime) -> Compared:
    """Compares `observed`, the whole section; parts that were not read are as in the document."""
    settled = settle_section(name, observed, cluster_id=document.cluster.id, previous=document, now=now)
    held_since = document.sections[name].held_since
    known = document.held.get(name, {})
    title = _SECTION_TITLES[name]
    if settled.held.keys() - known.keys():
        # One run, which puts this into the document; the run that confirms it comes when the hold is over.
        vanished = settled.state.error or "more than half is gone"
        cause = _whole(name, f"{title}: {vanished}", cause_id=f"{name} vanished after {document.sequence}")
        return Compared(causes=(cause,))
    notes: tuple[str, ...] = ()
    if settled.held:
        until = (max(settled.held.values()) + CONFIRMED_AFTER).strftime("%H:%M:%S")
        notes = (f"{name} held back until {until} UTC",)
    if settled.state.status != "fresh":
        return Compared(notes=notes)
    now_observed = _with(document, name, settled)
    changes = diff_documents(document, now_observed)
    identities = identities_of(changes, name, document, now_observed)
    if held_since is None or settled.held.keys() == known.keys():
        return Compared(changes=changes, identities=identities, notes=notes)
    sentence = f"{title} held back since {held_since.strftime('%H:%M:%S')} UTC can be read again"
    return Compared(
        changes=tuple(change for change in changes if change.kind != "deleted"),
        identities=identities,
        causes=(_whole(name, sentence, cause_id=f"{name} held since {held_since.isoformat()}"),),
        notes=notes,
    )


def _whole(name: SectionName, details: str, *, cause_id: str) -> Cause:
    type_: TriggerType = "schema_deleted" if name == "schemas" else "resource_deleted"
    return Cause(trigger=Trigger(type=type_, resource=name, details=details), cause_id=cause_id)


def _with(document: Document, name: SectionName, observed: Section) -> Document:
    sections = {**document.sections, name: observed.state}
    match observed:
        case TopicsSection():
            return replace(
                document,
                sections=sections,
                topics=observed.records,
                topic_defaults=observed.topic_defaults,
                log_directories=observed.log_directories,
            )
        case ConnectorsSection():
            return replace(document, sections=sections, connectors=observed.records)
        case SchemasSection():
            return replace(
                document, sections=sections, schemas=observed.records, schema_registry=observed.registry
            )
        case ConsumerGroupsSection():
            return replace(document, sections=sections, consumer_groups=observed.records)
        case _:
            raise AssertionError("metrics are not compared")


def identities_of(
    changes: Sequence[Change], name: SectionName, document: Document, observed: Document
) -> Identities:
    """The identities of what `changes` create or delete in the section `name`, from the records of both
    sides."""
    kinds = {change.kind for change in changes}
    found: dict[tuple[ChangeKind, ResourceType, str], Identity] = {}
    sides: tuple[tuple[ChangeKind, Document], ...] = (("created", observed), ("deleted", document))
    for kind, side in sides:
        if kind not in kinds:
            continue
        match name:
            case "topics":
                found |= {(kind, "topic", topic.name): Identity(topic.id) for topic in side.topics}
            case "schemas":
                found |= {
                    (kind, "schema", schema.subject): Identity(schema.id, schema.version)
                    for schema in side.schemas
                }
            case "connectors":
                for connector in side.connectors:
                    # A change also gives the endpoint if the name alone is ambiguous.
                    found[kind, "connector", f"{connector.connect}/{connector.name}"] = Identity(connector.id)
                    if "/" not in connector.name:
                        found[kind, "connector", connector.name] = Identity(connector.id)
    return found


# --- from changes to causes: one for each resource and type


def trigger_type(change: Change) -> TriggerType | None:
    """The trigger that a change calls for; None when it can wait for the next discovery.

    Connectors' states are judged in connectors.py. A subject that appears is `schema_updated` and one that
    goes is `schema_deleted`, no matter which sensor sees it: two sensors that see the same event make one
    trigger.
    """
    match change.resource_type:
        case "schema" | "schema_registry":
            return "schema_deleted" if change.kind == "deleted" else "schema_updated"
        case "topic_defaults":
            return "topic_changed"
        case _ if change.kind == "created":
            return "resource_created"
        case _ if change.kind == "deleted":
            return "resource_deleted"
        case "topic" if change.field in _TOPIC_FIELDS or (change.field or "").startswith("config."):
            return "topic_changed"
        case _:
            return None


def causes_of(changes: Iterable[Change], identities: Identities) -> tuple[Cause, ...]:
    """The causes that follow from `changes`; many of one type at once become one."""
    by_event: defaultdict[tuple[TriggerType, str, str], list[Change]] = defaultdict(list)
    for change in changes:
        type_ = trigger_type(change)
        if type_ is not None:
            by_event[type_, change.resource_type, change.resource].append(change)
    by_type: defaultdict[TriggerType, list[Cause]] = defaultdict(list)
    for (type_, _, _), of_resource in by_event.items():
        by_type[type_].append(cause_of(type_, of_resource, identities))
    return tuple(cause for type_, causes in by_type.items() for cause in at_most(type_, causes))


def cause_of(type_: TriggerType, changes: Sequence[Change], identities: Identities) -> Cause:
    """The cause that these changes of one resource add up to."""
    first = changes[0]
    sentences = [change.sentence for change in headline_changes(changes)]
    events = ", ".join(sorted(_event(change, identities) for change in changes))
    return Cause(
        trigger=Trigger(type=type_, resource=first.resource, details=details_text("; ".join(sentences))),
        cause_id=f"{first.resource_type} {first.resource}: {events}",
    )


def details_text(text: str) -> str:
    return shortened(text, _DETAILS_CHARACTERS)


def _event(change: Change, identities: Identities) -> str:
    if change.kind == "updated":
        return f"{change.field}={change.after}"
    identity = identities.get((change.kind, change.resource_type, change.resource), Identity())
    return f"{change.kind} {identity.id} {identity.version}"


def at_most(type_: TriggerType, causes: list[Cause]) -> list[Cause]:
    """The causes, or a single one that says how many there are."""
    if len(causes) <= KEPT_SEPARATE:
        return causes
    names = [str(cause.trigger.resource) for cause in causes]
    details = f"{len(causes)} at once: {', '.join(names[:_NAMED])} and {len(causes) - _NAMED} more"
    trigger = Trigger(type=type_, resource=None, details=details_text(details))
    return [Cause(trigger=trigger, cause_id="\n".join(sorted(cause.cause_id for cause in causes)))]
