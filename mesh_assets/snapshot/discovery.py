"""The second half of a discovery: collected sections become the next snapshot of their cluster, its changes,
and a report."""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from mesh_assets.collecting.sections import COLLECTING
from mesh_assets.collecting.vanished import hidden_connectors, hidden_connectors_note
from mesh_assets.diff import change_line, headline_changes
from mesh_assets.errors import MeshError
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.join import join_sections
from mesh_assets.inventory.key_figures import key_figures
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    MetricsSection,
    SchemasSection,
    Section,
    SectionName,
)
from mesh_assets.inventory.triggers import Trigger
from mesh_assets.sensing.handover import began_reading, dealt_with, take_triggers
from mesh_assets.snapshot.commit import Published, publish_snapshot
from mesh_assets.snapshot.events import leading_trigger
from mesh_assets.snapshot.publisher import open_publisher
from mesh_assets.snapshot.report import DiscoveryReport, EventReport
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.tables import write_tables

logger = logging.getLogger(__name__)

_CHANGES_SHOWN = 12


def publish_discovery(
    estate: Estate,
    name: str,
    collected: Mapping[SectionName, Section],
    *,
    store: InventoryStore,
    run_id: str,
    trigger: Trigger,
    from_inbox: bool = False,
) -> tuple[DiscoveryReport, tuple[Change, ...]]:
    """Joins, compares and publishes what was collected of the cluster `name`, then derives the tables.

    `trigger` is the run's own; with it the snapshot names all that waited in the inbox when the reading
    began, and exactly these are removed once it is published. `from_inbox`: the own one is a copy of one of
    them.

    Raises ConflictError when another run holds the cluster, PublishError when an event cannot be published
    (the next run repeats it).
    """
    cluster = estate.clusters[name]
    cluster_id = _cluster_id(name, collected)
    start = time.monotonic()
    inbox = Inbox(store.objects)
    waiting = inbox.waiting(cluster_id)
    taken = take_triggers(waiting, trigger, from_inbox=from_inbox, began=began_reading(collected))

    def assemble(previous: Document | None, sequence: int) -> Document:
        return join_sections(
            collected,
            previous=previous,
            environment=_environment(cluster),
            cluster=ClusterIdentity(id=cluster_id, name=name),
            now=datetime.now(UTC),
            sequence=sequence,
            run_id=run_id,
        )

    with open_publisher(estate, name) as publisher:
        published = publish_snapshot(
            store=store,
            cluster=name,
            cluster_id=cluster_id,
            run_id=run_id,
            assemble=assemble,
            triggers=taken.triggers,
            publisher=publisher,
            progress=logger.info,
        )
    left = published.repeated
    inbox.remove(
        cluster_id,
        {*taken.ids, *(dealt_with(waiting, left.triggers, before=left.discovery_timestamp) if left else ())},
    )
    publishing = time.monotonic() - start
    logger.info("%s: snapshot %d published, %.2f s", name, published.document.sequence, publishing)
    write_tables(store.objects, published.document, published.changes)
    logger.info("%s: tables written, %.2f s", name, time.monotonic() - start - publishing)
    report = _report(
        cluster,
        collected,
        published,
        publishing=publishing,
        http_requests=publisher.http_requests,
        store=store,
    )
    return report, published.changes


def _cluster_id(name: str, collected: Mapping[SectionName, Section]) -> str:
    ids = {section.cluster_id for section in collected.values()}
    if len(ids) != 1:
        raise MeshError(
            f"{name}: the sections come from different clusters ({', '.join(sorted(ids))}); run the discovery again"
        )
    return ids.pop()


def _environment(cluster: Cluster) -> EnvironmentIdentity:
    if cluster.environment is None:
        return EnvironmentIdentity(id=None, name=None)
    return EnvironmentIdentity(id=cluster.environment.id, name=cluster.environment.name)


def _report(
    cluster: Cluster,
    collected: Mapping[SectionName, Section],
    published: Published,
    *,
    publishing: float,
    http_requests: int,
    store: InventoryStore,
) -> DiscoveryReport:
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
        kafka_calls=sum(cost.kafka_calls for cost in costs),
        http_requests=http_requests + sum(cost.http_requests for cost in costs),
        level_requests=sum(cost.level_requests for cost in costs),
        summary=document.summary,
        schemas_by_type=dict(
            sorted(
                Counter(s.schema_type for s in document.schemas).items(),
                key=lambda counted: (-counted[1], counted[0]),
            )
        ),
        inactive_connectors=tuple(
            connector.name for connector in document.connectors if not connector.active
        ),
        groups_behind=sum(1 for group in document.consumer_groups if group.total_lag_records),
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
            *_notes(published),
        ),
        metrics=key_figures(document.metrics),
    )


def stand_in_notes(sections: Mapping[SectionName, Section]) -> Iterator[str]:
    """That what was read is not the real thing, once for each stand-in."""
    by_text: dict[str, list[str]] = {}
    for name, section in sections.items():
        if (
            isinstance(section, ConnectorsSection | SchemasSection | MetricsSection)
            and section.stand_in is not None
        ):
            by_text.setdefault(section.stand_in, []).append(name)
    return (f"{', '.join(names)} come from a stand-in: {text}" for text, names in by_text.items())


def metrics_notes(document: Document) -> Iterator[str]:
    """That a source of metrics is missing, while the section is fresh by the others."""
    if document.metrics is not None and document.sections["metrics"].status == "fresh":
        yield from (f"metrics are incomplete: {error}" for error in document.metrics.errors)


def hidden_notes(document: Document) -> Iterator[str]:
    """What other sections show to be missing from one that was read without an error."""
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
        f"run {left.run_id} had ended before snapshot {left.sequence} was complete; this run published that first",
    )
