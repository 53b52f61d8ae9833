"""Five sections joined into the document: absence is never guessed, and time never goes backwards."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity, summarize
from mesh_assets.inventory.links import link_connectors, link_schemas, link_topics
from mesh_assets.inventory.sections import (
    SECTION_NAMES,
    ConnectorsSection,
    ConsumerGroupsSection,
    MetricsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionState,
    StaleSource,
    TopicsSection,
)

HELD_AT_LEAST = 10
CONFIRMED_AFTER = timedelta(minutes=10)


def empty_section(name: SectionName, cluster_id: str, state: SectionState) -> Section:
    match name:
        case "topics":
            return TopicsSection(cluster_id=cluster_id, state=state, records=())
        case "connectors":
            return ConnectorsSection(cluster_id=cluster_id, state=state, records=())
        case "schemas":
            return SchemasSection(cluster_id=cluster_id, state=state, records=())
        case "consumer_groups":
            return ConsumerGroupsSection(cluster_id=cluster_id, state=state, records=())
        case "metrics":
            return MetricsSection(cluster_id=cluster_id, state=state, records=None)


def stale_section(name: SectionName, cluster_id: str, previous: Document | None, error: str) -> Section:
    """The last good data of the section, or none, marked `stale` with `error`."""
    if previous is None:
        state = SectionState(
            status="stale", collected_at=None, error=f"{error}; never read before, so nothing is known"
        )
        return empty_section(name, cluster_id, state)
    old = previous.section(name)
    return replace(old, state=replace(old.state, status="stale", error=error))


def with_stale_sources(
    section: ConnectorsSection, failed: Mapping[str, str], old: ConnectorsSection | None
) -> ConnectorsSection:
    """`section` with what `old` has from the sources that could not be read, `failed` with their errors.

    A source of which `old` has nothing counts as never read: what it has when it answers is no news.
    """
    if not failed:
        return section
    known = () if old is None else tuple(record for record in old.records if record.connect in failed)
    read_at = {record.connect: None if old is None else old.state.collected_at for record in known}
    if old is not None:
        read_at |= {source.source: source.collected_at for source in old.state.stale_sources}
    stale = tuple(
        StaleSource(source=source, collected_at=read_at.get(source), error=error)
        for source, error in sorted(failed.items())
    )
    error = "; ".join(
        f"those of {one.source} are {'the last known' if one.collected_at else 'unknown'}: {one.error}"
        for one in stale
    )
    return replace(
        section,
        records=(*(record for record in section.records if record.connect not in failed), *known),
        state=replace(section.state, stale_sources=stale, error=error),
    )


def settle_section(
    name: SectionName, collected: Section | None, *, cluster_id: str, previous: Document | None, now: datetime
) -> Section:
    """What the document holds as the section: its newest good reading.

    `collected` None: the section was not part of this run. `previous` is the latest document, read while the
    cluster's lock is held, so a run that collected earlier and publishes later cannot overwrite what is
    newer.
    """
    if collected is None:
        return stale_section(name, cluster_id, previous, "not part of this run")
    if collected.state.status == "not_configured":
        return collected
    if collected.state.status == "stale":
        return stale_section(name, cluster_id, previous, collected.state.error or "could not be read")
    if previous is None:
        return collected
    old = previous.section(name)
    if _later(old.state.collected_at, collected.state.collected_at):
        return old
    if isinstance(collected, ConnectorsSection) and isinstance(old, ConnectorsSection):
        failed = {source.source: source.error for source in collected.state.stale_sources}
        collected = with_stale_sources(collected, failed, old)
    return _hold_mass_disappearance(name, collected, old, now=now)


def _later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one > other


def _hold_mass_disappearance(
    name: SectionName, collected: Section, old: Section, *, now: datetime
) -> Section:
    """When more than half of a section (at least 10) is gone at once, the reading is more often wrong than
    right: wait for a second one."""
    vanished = _identities(old) - _identities(collected)
    if len(vanished) < HELD_AT_LEAST or len(vanished) * 2 <= len(_identities(old)):
        return collected
    since = old.state.held_since or now
    if now - since >= CONFIRMED_AFTER:
        return collected
    error = (
        f"{len(vanished)} of {len(_identities(old))} {name.replace('_', ' ')} were gone at once; held back until a reading "
        f"after {(since + CONFIRMED_AFTER).strftime('%H:%M:%S')} UTC agrees"
    )
    return replace(
        old,
        state=replace(old.state, status="stale", error=error, held_since=since),
    )


def _identities(section: Section) -> set[object]:
    match section:
        case TopicsSection():
            return {topic.name for topic in section.records}
        case ConnectorsSection():
            return {(connector.connect, connector.name) for connector in section.records}
        case SchemasSection():
            return {schema.subject for schema in section.records}
        case ConsumerGroupsSection():
            return {group.group_id for group in section.records}
        case MetricsSection():
            return set()


def join_sections(
    collected: Mapping[SectionName, Section],
    *,
    previous: Document | None,
    environment: EnvironmentIdentity,
    cluster: ClusterIdentity,
    now: datetime,
    sequence: int,
    run_id: str,
) -> Document:
    """The document of this run: each section settled against the latest document, sorted, linked and counted."""
    settled = {
        name: settle_section(name, collected.get(name), cluster_id=cluster.id, previous=previous, now=now)
        for name in SECTION_NAMES
    }
    topics, connectors, schemas, groups, metrics = (settled[name] for name in SECTION_NAMES)
    assert isinstance(topics, TopicsSection)
    assert isinstance(connectors, ConnectorsSection)
    assert isinstance(schemas, SchemasSection)
    assert isinstance(groups, ConsumerGroupsSection)
    assert isinstance(metrics, MetricsSection)
    linked_schemas = link_schemas(sorted(schemas.records, key=lambda schema: schema.subject), topics.records)
    linked_connectors = link_connectors(
        sorted(connectors.records, key=lambda c: (c.name, c.connect)), topics.records
    )
    linked_topics = link_topics(
        sorted(topics.records, key=lambda topic: topic.name), linked_schemas, linked_connectors
    )
    sorted_groups = tuple(sorted(groups.records, key=lambda group: group.group_id))
    return Document(
        environment=environment,
        cluster=cluster,
        discovery_timestamp=now,
        sequence=sequence,
        run_id=run_id,
        sections={name: section.state for name, section in settled.items()},
        summary=summarize(linked_topics, linked_connectors, linked_schemas, sorted_groups),
        topics=linked_topics,
        connectors=linked_connectors,
        schemas=linked_schemas,
        consumer_groups=sorted_groups,
        metrics=metrics.records,
        schema_registry=schemas.registry,
        excluded_topics=topics.excluded,
        excluded_consumer_groups=groups.excluded,
    )
