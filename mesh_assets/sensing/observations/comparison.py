"""An observed section compared with the latest document by the discovery's own rules, and the causes that follow."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from mesh_assets.diff import diff_documents, headline_changes
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.join import CONFIRMED_AFTER, settle_section
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    ConsumerGroupsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionState,
    TopicsSection,
)
from mesh_assets.inventory.triggers import Trigger, TriggerType
from mesh_assets.sensing.observations.observation import Cause

# From changes to triggers: one for each resource and type, with a cause that is the same whenever the same
# event is seen again.

# So many triggers of one type are told apart; more of them at once (a new cluster, a mass deployment) are one
# trigger with their number.
TOLD_APART = 20
_NAMED = 5
# Stands in a run's tag, which the UI shows on one line.
_DETAILS_CHARACTERS = 500

# A topic's replicas move whenever brokers are balanced: no reason for a discovery of its own.
_TOPIC_FIELDS = ("partitions", "replication_factor")


class _Identity(msgspec.Struct, frozen=True):
    """What tells a resource from an earlier one of the same name; most have only the name."""

    id: str | int | None = None
    version: int | None = None


_identity = msgspec.json.Decoder(_Identity)


def trigger_type(change: Change) -> TriggerType | None:
    """The trigger that a change is a reason for; None: it can wait for the next discovery. Connectors'
    states: see connectors.py.

    A subject that comes is `schema_updated` and one that goes `schema_deleted`, whoever sees it: two sensors
    that see the same event make one trigger.
    """
    match change.resource_type:
        case "schema" | "schema_registry":
            return "schema_deleted" if change.kind == "deleted" else "schema_updated"
        case _ if change.kind == "created":
            return "resource_created"
        case _ if change.kind == "deleted":
            return "resource_deleted"
        case "topic" if change.field in _TOPIC_FIELDS or (change.field or "").startswith("config."):
            return "topic_changed"
        case _:
            return None


def causes_of(changes: Iterable[Change]) -> tuple[Cause, ...]:
    by_event: defaultdict[tuple[TriggerType, str, str], list[Change]] = defaultdict(list)
    for change in changes:
        type_ = trigger_type(change)
        if type_ is not None:
            by_event[type_, change.resource_type, change.resource].append(change)
    by_type: defaultdict[TriggerType, list[Cause]] = defaultdict(list)
    for (type_, _, _), of_resource in by_event.items():
        by_type[type_].append(cause_of(type_, of_resource))
    return tuple(told for type_, found in by_type.items() for told in _told_apart(type_, found))


def cause_of(type_: TriggerType, changes: Sequence[Change]) -> Cause:
    """The trigger for these changes of one resource."""
    first = changes[0]
    sentences = [change.sentence for change in headline_changes(changes)]
    return Cause(
        trigger=Trigger(type=type_, resource=first.resource, details=shortened("; ".join(sentences))),
        cause=f"{first.resource_type} {first.resource}: {', '.join(sorted(_event(change) for change in changes))}",
    )


def shortened(text: str) -> str:
    return text if len(text) <= _DETAILS_CHARACTERS else f"{text[: _DETAILS_CHARACTERS - 1]}…"


def _event(change: Change) -> str:
    if change.kind == "updated":
        return f"{change.field}={change.after}"
    # The record itself has offsets and times: only what says which one it is.
    identity = _identity.decode(change.after or change.before or "{}")
    return f"{change.kind} {identity.id} {identity.version}"


def _told_apart(type_: TriggerType, found: list[Cause]) -> list[Cause]:
    if len(found) <= TOLD_APART:
        return found
    names = [str(one.trigger.resource) for one in found]
    details = f"{len(found)} at once: {', '.join(names[:_NAMED])} and {len(found) - _NAMED} more"
    return [
        Cause(
            trigger=Trigger(type=type_, resource=None, details=shortened(details)),
            cause="\n".join(sorted(f.cause for f in found)),
        )
    ]


# Comparing an observed section with the latest document, by the rules of the discovery itself: its join and
# its diff.
#
# What the discovery would not call a change is none here, and what it would hold back is held back: a
# sensor
# never launches a run that then finds nothing.

_WORDS: dict[SectionName, str] = {
    "topics": "Topics",
    "connectors": "Connectors",
    "schemas": "Schemas",
    "consumer_groups": "Consumer groups",
    "metrics": "Metrics",
}


class Compared(Record, frozen=True, kw_only=True):
    """`changes`: what a discovery would publish now. `findings`: what concerns the section as a whole (a mass
    disappearance)."""

    changes: tuple[Change, ...] = ()
    findings: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()


def seen_now(now: datetime) -> SectionState:
    return SectionState(status="fresh", collected_at=now)


def compare_section(name: SectionName, observed: Section, document: Document, *, now: datetime) -> Compared:
    """`observed` is the whole section: what was not looked at stands in it as the document knows it."""
    settled = settle_section(name, observed, cluster_id=document.cluster.id, previous=document, now=now)
    held_since = document.sections[name].held_since
    if settled.state.status != "fresh":
        if held_since is None:
            # One run, which makes the document say so; the run that confirms it comes when the time of the
            # hold is over.
            vanished = settled.state.error or "more than half is gone"
            return Compared(
                findings=(
                    _whole(
                        name,
                        f"{_WORDS[name]}: {vanished}",
                        cause=f"{name} vanished after {document.sequence}",
                    ),
                )
            )
        return Compared(
            notes=(f"{name} held back until {(held_since + CONFIRMED_AFTER).strftime('%H:%M:%S')} UTC",)
        )
    changes = diff_documents(document, _with(document, name, observed))
    if held_since is None:
        return Compared(changes=changes)
    sentence = f"{_WORDS[name]} held back since {held_since.strftime('%H:%M:%S')} UTC can be read again"
    return Compared(
        changes=tuple(change for change in changes if change.kind != "deleted"),
        findings=(_whole(name, sentence, cause=f"{name} held since {held_since.isoformat()}"),),
    )


def _whole(name: SectionName, details: str, *, cause: str) -> Cause:
    return Cause(
        trigger=Trigger(
            type="schema_deleted" if name == "schemas" else "resource_deleted", resource=name, details=details
        ),
        cause=cause,
    )


def _with(document: Document, name: SectionName, observed: Section) -> Document:
    sections = {**document.sections, name: observed.state}
    match observed:
        case TopicsSection():
            return replace(document, sections=sections, topics=observed.records)
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
