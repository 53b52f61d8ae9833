"""Comparing an observed section with the latest document, by the rules of the discovery itself: its join and
its diff.

What the discovery would not call a change is none here, and what it would hold back is held back: a sensor
never launches a run that then finds nothing.
"""

from datetime import datetime

from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.join import CONFIRMED_AFTER, settle_section
from mesh_assets.inventory.observing.observation import Finding
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
from mesh_assets.inventory.triggers import Trigger

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
    findings: tuple[Finding, ...] = ()
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


def _whole(name: SectionName, details: str, *, cause: str) -> Finding:
    return Finding(
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
