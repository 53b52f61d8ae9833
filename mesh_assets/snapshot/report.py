"""What a run published, and what a discovery reports at its end: every figure that the terminal, `--json` and
the UI show."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from mesh_assets.collecting.phases import COLLECTING
from mesh_assets.estate.model import Cluster
from mesh_assets.events.model import PublishedEvent, leading_trigger
from mesh_assets.inventory.changes import Change, Trigger, change_line, headline_changes
from mesh_assets.inventory.document import Document, Summary
from mesh_assets.inventory.key_figures import KeyFigures, key_figures
from mesh_assets.inventory.lag import is_lag_unknown
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    MetricsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionState,
)
from mesh_assets.joining.hidden import hidden_connectors, hidden_connectors_note
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import Pointer, WriteAhead

OUTSIDE = "discover-"
"""The prefix of the ids of discoveries that no Dagster run made."""

_CHANGES_SHOWN = 12


class Published(Record, frozen=True, kw_only=True):
    """What a run published. `baseline`: there was no earlier document to compare with. The first trigger is
    the leading one.

    `superseded`: the store's pointer until then. `previous`: the document that this one was compared with,
    which differs if the topic was ahead of the store.

    `repeated`: what an earlier run left behind and this run published first; this also deals with its
    triggers. `approximate_tokens`: the document's JSON bytes divided by four, a rule of thumb for language
    models. `notes`: sentences for the user.
    """

    pointer: Pointer
    document: Document
    changes: tuple[Change, ...]
    baseline: bool
    triggers: tuple[Trigger, ...]
    event: PublishedEvent
    approximate_tokens: int
    repeated: WriteAhead | None
    notes: tuple[str, ...]
    superseded: Pointer | None = None
    previous: Document | None = None


class EventReport(Record, frozen=True, kw_only=True):
    """Where the event went. `compressed_bytes`: the batch that carried it, as sent and stored; None if
    unknown.

    `approximate_tokens`: JSON bytes of the document divided by four, a rule of thumb for language models.
    """

    topic: str
    partition: int
    offset: int
    bytes: int
    compressed_bytes: int | None
    approximate_tokens: int
    claim_check: bool


class DiscoveryReport(Record, frozen=True, kw_only=True):
    """`total_changes`: as a person counts (a new schema version is one change, whatever comes with it); None:
    there was no earlier document to compare with. `first_changes`: the sentences of the first ones.

    `seconds`: from the first read to the moved pointer, without the time between the steps. `level_requests`:
    how many of the HTTP requests asked for levels and modes of subjects. `notes`: what the user should know
    although it stopped nothing.
    """

    cluster: str
    cluster_id: str
    environment: str | None
    run_id: str
    sequence: int
    trigger: Trigger
    discovery_timestamp: datetime
    seconds: float
    phases: dict[str, float]
    kafka_requests: int
    http_requests: int
    level_requests: int
    summary: Summary
    schemas_by_type: dict[str, int]
    inactive_connectors: tuple[str, ...]
    groups_behind: int
    sections: dict[SectionName, SectionState]
    total_changes: int | None
    first_changes: tuple[str, ...]
    event: EventReport
    inventory_location: str
    notes: tuple[str, ...]
    metrics: KeyFigures = KeyFigures()
    groups_of_unknown_lag: int = 0
    controller: int | None = None


def report_of(
    cluster: Cluster,
    collected: Mapping[SectionName, Section],
    published: Published,
    *,
    publishing: float,
    http_requests: int,
    store: InventoryStore,
) -> DiscoveryReport:
    """`publishing`: seconds from the sections to the moved pointer. `http_requests`: those made for
    publishing."""
    document, event = published.document, published.event
    headlines = headline_changes(published.changes)
    costs = [section.cost for section in collected.values()]
    phases = {phase: seconds for cost in costs for phase, seconds in cost.phases.items()}
    return DiscoveryReport(
        cluster=cluster.name,
        cluster_id=document.cluster.id,
        environment=document.environment.name or document.environment.id,
        run_id=document.run_id,
        sequence=document.sequence,
        trigger=leading_trigger(published.triggers),
        discovery_timestamp=document.discovery_timestamp,
        seconds=round(phases.get(COLLECTING, 0.0) + publishing, 3),
        phases={**phases, "publish": round(publishing, 3)},
        kafka_requests=sum(cost.kafka_requests for cost in costs),
        http_requests=http_requests + sum(cost.http_requests for cost in costs),
        level_requests=sum(cost.level_requests for cost in costs),
        summary=document.summary,
        schemas_by_type=dict(
            sorted(
                Counter(schema.schema_type for schema in document.schemas).items(),
                key=lambda item: (-item[1], item[0]),
            )
        ),
        inactive_connectors=tuple(
            connector.name for connector in document.connectors if not connector.active
        ),
        groups_behind=sum(1 for group in document.consumer_groups if group.total_lag_records),
        groups_of_unknown_lag=sum(map(is_lag_unknown, document.consumer_groups)),
        sections=document.sections,
        total_changes=None if published.baseline else len(headlines),
        first_changes=tuple(change_line(change) for change in headlines[:_CHANGES_SHOWN]),
        event=EventReport(
            topic=event.position.topic,
            partition=event.position.partition,
            offset=event.position.offset,
            bytes=event.bytes,
            compressed_bytes=event.compressed_bytes,
            approximate_tokens=published.approximate_tokens,
            claim_check=event.claim_check,
        ),
        inventory_location=store.objects.location(published.pointer.document.key),
        notes=(
            *stand_in_notes(collected),
            *hidden_notes(document),
            *metrics_notes(document),
            *scope_notes(document),
            *_notes(published),
        ),
        metrics=key_figures(document.metrics),
        controller=None if document.brokers is None else document.brokers.controller,
    )


def stand_in_notes(sections: Mapping[SectionName, Section]) -> Iterator[str]:
    """One sentence for each stand-in, with the sections that come from it."""
    by_text: dict[str, list[str]] = {}
    for name, section in sections.items():
        if (
            isinstance(section, ConnectorsSection | SchemasSection | MetricsSection)
            and section.stand_in is not None
        ):
            by_text.setdefault(section.stand_in, []).append(name)
    return (f"{', '.join(names)} come from a stand-in: {text}" for text, names in by_text.items())


def metrics_notes(document: Document) -> Iterator[str]:
    """One sentence for each source of metrics that is missing while the others keep the section fresh."""
    if document.metrics is not None and document.sections["metrics"].status == "fresh":
        yield from (f"metrics are incomplete: {error}" for error in document.metrics.errors)


def scope_notes(document: Document) -> Iterator[str]:
    """What left and entered the scope of a section with this document."""
    for name, state in document.sections.items():
        if state.scope_note is not None:
            yield f"{name.replace('_', ' ')}: {state.scope_note}"


def hidden_notes(document: Document) -> Iterator[str]:
    """Connectors that the consumer groups reveal but the list of connectors lacks."""
    if document.sections["connectors"].status == document.sections["consumer_groups"].status == "fresh":
        hidden = hidden_connectors(document.connectors, document.consumer_groups)
        if hidden:
            yield hidden_connectors_note(hidden)


def _notes(published: Published) -> tuple[str, ...]:
    left = published.repeated
    if left is None:
        return published.notes
    return (
        *published.notes,
        f"run {left.run_id} ended before snapshot {left.sequence} was complete; this run published that first",
    )
