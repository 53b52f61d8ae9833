"""The sections joined into the document: absence is never guessed, and no reading replaces a newer one."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from mesh_assets.errors import ConflictError
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity, summarize
from mesh_assets.inventory.links import link_connectors, link_schemas, link_topics
from mesh_assets.inventory.records import Connector, Record
from mesh_assets.inventory.sections import (
    SECTION_NAMES,
    AccessSection,
    BrokersSection,
    ClusterLinksSection,
    ConnectorsSection,
    ConsumerGroupsSection,
    MetricsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionOfParts,
    SectionState,
    Source,
    StaleSource,
    TopicsSection,
    TransactionsSection,
)
from mesh_assets.joining.parts import settle_parts
from mesh_assets.joining.scope import Key, scope_change

HELD_AT_LEAST = 10
CONFIRMED_AFTER = timedelta(minutes=10)


_SECTIONS: dict[SectionName, Callable[..., Section]] = {
    "topics": TopicsSection,
    "connectors": ConnectorsSection,
    "schemas": SchemasSection,
    "consumer_groups": ConsumerGroupsSection,
    "metrics": MetricsSection,
    "brokers": BrokersSection,
    "access": AccessSection,
    "transactions": TransactionsSection,
    "cluster_links": ClusterLinksSection,
}
_LISTS = frozenset[SectionName](("topics", "connectors", "schemas", "consumer_groups"))


def empty_section(name: SectionName, cluster_id: str, state: SectionState) -> Section:
    return _SECTIONS[name](cluster_id=cluster_id, state=state, records=() if name in _LISTS else None)


_NOTHING_KNOWN = "; never read before, so nothing is known"


def stale_section(name: SectionName, cluster_id: str, previous: Document | None, error: str) -> Section:
    """The last good data of the section, or none, marked `stale` with `error`."""
    error = error.removesuffix(_NOTHING_KNOWN)  # added by the reading, which may have known less
    if previous is None:
        state = SectionState(status="stale", collected_at=None, error=f"{error}{_NOTHING_KNOWN}")
        return empty_section(name, cluster_id, state)
    old = previous.section(name)
    return replace(old, state=replace(old.state, status="stale", error=error, scope_note=None))


def with_stale_sources(
    section: ConnectorsSection, failed: Mapping[str, str], previous: Document | None
) -> ConnectorsSection:
    """`section` plus what `previous` has from the sources that could not be read. `failed`: those sources'
    errors, by name.

    The scope follows the data: such a source keeps the address it had then, and is left out if it was never
    read. So what it has once it answers, perhaps at another address, is neither created nor missing.
    """
    if not failed:
        return section
    old = None if previous is None else previous.section("connectors")
    assert old is None or isinstance(old, ConnectorsSection)
    known: tuple[Connector, ...] = ()
    read_at: dict[str, datetime | None] = {}
    sources: dict[str, Source] = {}
    if previous is not None and old is not None:
        change = scope_change(previous, "connectors", section.state.scope)
        known = tuple(record for record in change.carried(old.records) if record.connect in failed)
        for source in change.before.sources:
            name = change.renamed.get(source.name, source.name)
            sources[name] = replace(source, name=name)
        read_at = dict.fromkeys((*sources, *(record.connect for record in known)), old.state.collected_at)
        for stale in old.state.stale_sources:
            read_at[change.renamed.get(stale.source, stale.source)] = stale.collected_at
    stale_sources = tuple(
        StaleSource(source=source, collected_at=read_at.get(source), error=error)
        for source, error in sorted(failed.items())
    )
    error = "; ".join(
        f"those of {one.source} are {'the last known' if one.collected_at else 'unknown'}: {one.error}"
        for one in stale_sources
    )
    scope = section.state.scope
    if scope is not None:
        read = {source.name: source for source in scope.sources if source.name not in failed}
        kept = {name: source for name, source in sources.items() if name in failed}
        # In the order of the estate, so that scopes with the same content are equal.
        order = dict.fromkeys((*(source.name for source in scope.sources), *sorted(kept)))
        scope = replace(scope, sources=tuple((read | kept)[name] for name in order if name in read | kept))
    return replace(
        section,
        records=(*(record for record in section.records if record.connect not in failed), *known),
        state=replace(section.state, stale_sources=stale_sources, error=error, scope=scope),
    )


def settle_section(
    name: SectionName, collected: Section | None, *, cluster_id: str, previous: Document | None, now: datetime
) -> Section:
    """The section as the document holds it: its newest good reading.

    `collected` None: the section was not part of this run. `previous` is the latest document, read while the
    cluster's lock is held, so a run that collected earlier and publishes later cannot overwrite something
    newer. Tickets decide which is newer, not times: clocks get set, and two hosts never agree. Raises
    ConflictError if the tickets cannot decide.
    """
    if collected is None:
        return stale_section(name, cluster_id, previous, "not part of this run")
    if previous is not None and _is_overtaken(name, collected, previous):
        old = previous.section(name)
        return replace(old, state=replace(old.state, scope_note=None))
    if collected.state.status == "not_configured":
        return _no_longer_configured(name, collected, previous)
    if collected.state.status == "stale":
        return stale_section(name, cluster_id, previous, collected.state.error or "could not be read")
    if previous is None:
        return collected
    if isinstance(collected, ConnectorsSection):
        failed = {source.source: source.error for source in collected.state.stale_sources}
        collected = with_stale_sources(collected, failed, previous)
    if isinstance(collected, SectionOfParts):  # nothing of it belongs to a scope or is held back
        return settle_parts(collected, previous)
    note = scope_note(name, collected, previous)
    if note is not None:
        collected = replace(collected, state=replace(collected.state, scope_note=note))
    read_at = collected.clock.taken_at if collected.clock is not None else collected.state.collected_at or now
    return _hold_mass_disappearance(name, collected, previous, read_at=read_at)


def _is_overtaken(name: SectionName, collected: Section, previous: Document) -> bool:
    """Whether `previous` has a newer reading. Tickets of different stores, or of a store that lost its own,
    cannot be compared: then a reading is newer than the snapshots known when it began; for any other
    snapshot, the answer is unknown."""
    if collected.ticket is None:
        return False
    if previous.series == collected.series:
        return previous.tickets.get(name, collected.ticket) > collected.ticket
    known = collected.newest_known
    if known is None or known >= previous.sequence:
        return False
    knew = "none was known" if known == 0 else f"snapshot {known} was the newest that was known"
    raise ConflictError(
        f"{previous.cluster.name}: snapshot {previous.sequence}, which another store published or this one has lost, may hold a newer "
        f"reading: when this run started reading, {knew}; nothing is published, run the discovery again"
    )


def _order_of_run(collected: Mapping[SectionName, Section], previous: Document | None) -> tuple[str, int]:
    """The series of the run's own tickets and the highest of them; without any, those of `previous`."""
    own = [
        (section.newest_known or 0, section.ticket, section.series)
        for section in collected.values()
        if section.ticket is not None
    ]
    if own:
        _, ticket, series = max(own)
        return series, ticket
    if previous is None:
        return "", 0
    return previous.series, max(previous.tickets.values(), default=0)


def _no_longer_configured(name: SectionName, collected: Section, previous: Document | None) -> Section:
    known = () if previous is None else section_keys(previous.section(name))
    if not known:
        return collected
    note = f"out of scope: all {len(known):,} {name.replace('_', ' ')}, because the estate no longer names a source for them"
    return replace(collected, state=replace(collected.state, scope_note=note))


def scope_note(name: SectionName, section: Section, before: Document) -> str | None:
    """What left and entered the scope of `section` since the document `before`; None if nothing did."""
    old = before.section(name)
    if name == "metrics" or old.state.status == "not_configured" or old.state.collected_at is None:
        return None
    change = scope_change(before, name, section.state.scope)
    if isinstance(old, ConnectorsSection):
        old = replace(old, records=change.carried(old.records))
    return change.note(name, section_keys(old), section_keys(section))


def _hold_mass_disappearance(
    name: SectionName, collected: Section, previous: Document, *, read_at: datetime
) -> Section:
    """When more than half of a section (at least 10) is gone at once, the reading is more often wrong than
    right: a thing counts as gone only if a second reading, taken ten minutes later, also lacks it. What left
    the scope is not gone, and neither is what belongs to a source that could not be read: anything of it that
    was already held keeps waiting.

    Publishing the same reading again confirms nothing: it has the same time.
    """
    old = _by_clock_of(collected, previous.section(name), read_at)
    change = scope_change(previous, name, collected.state.scope)
    carried = old
    if isinstance(old, ConnectorsSection):
        names = change.renamed
        held = {_renamed(identity, names): first for identity, first in old.held.items()}
        old = replace(old, held=held)
        carried = replace(old, records=change.carried(old.records))
    stale = {source.source for source in collected.state.stale_sources}
    unread = {_identity(key) for key in _by_key(carried) if key[0] in stale}
    was = {
        _identity(key): record
        for key, record in _by_key(carried).items()
        if key[0] not in stale and not change.left(key)
    }
    waiting = {identity: first for identity, first in old.held.items() if identity in unread}
    gone = was.keys() - {_identity(key) for key in section_keys(collected)}
    # While something is held, the source is in doubt, so a smaller loss is held as well.
    many = len(gone) >= HELD_AT_LEAST and (bool(old.held) or len(gone) * 2 > len(was))
    lacking = {
        identity: old.held.get(identity, read_at) for identity in sorted(gone) if many or identity in old.held
    }
    held = {identity: first for identity, first in lacking.items() if read_at - first < CONFIRMED_AFTER}
    if not held:
        if not waiting:
            return collected
        return replace(
            collected,
            state=replace(collected.state, held_since=min(waiting.values())),
            held=waiting,
            clock=old.clock,
        )
    since = min((*held.values(), *waiting.values()))
    after = f"{(max(held.values()) + CONFIRMED_AFTER).strftime('%H:%M:%S')} UTC"
    what = name.replace("_", " ")
    if many and len(held) == len(gone):
        error = f"{len(gone)} of {len(was)} {what} were gone at once; held back until a reading after {after} agrees"
        state = replace(
            old.state,
            status="stale",
            error=_joined(error, collected.state.error),
            held_since=since,
            scope_note=None,
        )
        return replace(
            old,
            state=state,
            held={**waiting, **held},
            ticket=collected.ticket,
            series=collected.series,
            clock=old.clock,
        )
    error = (
        f"{len(held)} {what} that this reading lacks are kept until a reading after {after} also lacks them"
    )
    assert not isinstance(collected, MetricsSection | SectionOfParts), "nothing without identities is held"
    return replace(
        collected,
        state=replace(collected.state, error=_joined(error, collected.state.error), held_since=since),
        records=(*collected.records, *(was[identity] for identity in held)),
        held={**waiting, **held},
        clock=old.clock,
    )


def _by_clock_of(collected: Section, old: Section, read_at: datetime) -> Section:
    """`old` with the times of what it holds restated by the clock of `collected`: they move with that clock
    when it is set, so that the time between them is what really passed on the machine.

    Clocks of two machines cannot be compared: on another machine the hold starts over, but only once, since
    each run may have its own. Without a clock, the time of day is all there is; a time in the future means
    that it was set back, and the hold starts over as well.
    """
    now, then = collected.clock, old.clock
    held = old.held
    if now is not None and then is not None:
        if now.machine == then.machine:
            held = {identity: first + (now.began_at - then.began_at) for identity, first in held.items()}
            now = replace(now, taken_over=then.taken_over)
        elif held:
            held = held if then.taken_over else dict.fromkeys(held, read_at)
            now = replace(now, taken_over=True)
    held = {identity: min(first, read_at) for identity, first in held.items()}
    return replace(old, held=held, clock=now or then)


def _joined(*errors: str | None) -> str:
    return "; ".join(error for error in errors if error)


def section_keys(section: Section) -> set[Key]:
    return set(_by_key(section))


def _by_key(section: Section) -> dict[Key, Record]:
    match section:
        case TopicsSection():
            return {(None, topic.name): topic for topic in section.records}
        case ConnectorsSection():
            return {(connector.connect, connector.name): connector for connector in section.records}
        case SchemasSection():
            return {(None, schema.subject): schema for schema in section.records}
        case ConsumerGroupsSection():
            return {(None, group.group_id): group for group in section.records}
        case _:
            return {}


def _identity(key: Key) -> str:
    source, name = key
    return name if source is None else f"{source}\n{name}"


def _renamed(identity: str, names: Mapping[str, str]) -> str:
    source, line_break, name = identity.partition("\n")
    return f"{names.get(source, source)}{line_break}{name}"


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
    topics, connectors, schemas, groups, metrics, brokers, access, transactions, links = settled.values()
    assert isinstance(topics, TopicsSection)
    assert isinstance(connectors, ConnectorsSection)
    assert isinstance(schemas, SchemasSection)
    assert isinstance(groups, ConsumerGroupsSection)
    assert isinstance(metrics, MetricsSection)
    assert isinstance(brokers, BrokersSection)
    assert isinstance(access, AccessSection)
    assert isinstance(transactions, TransactionsSection)
    assert isinstance(links, ClusterLinksSection)
    linked_schemas = link_schemas(sorted(schemas.records, key=lambda schema: schema.subject), topics.records)
    linked_connectors = link_connectors(
        sorted(connectors.records, key=lambda c: (c.name, c.connect)), topics.records
    )
    linked_topics = link_topics(
        sorted(topics.records, key=lambda topic: topic.name), linked_schemas, linked_connectors
    )
    sorted_groups = tuple(sorted(groups.records, key=lambda group: group.group_id))
    series, ticket = _order_of_run(collected, previous)
    # What this run has not read itself is as new as the run knew it to be when it began.
    numbers = {
        name: section.ticket if section.series == series else ticket for name, section in settled.items()
    }
    return Document(
        environment=environment,
        cluster=cluster,
        discovery_timestamp=now,
        sequence=sequence,
        run_id=run_id,
        sections={name: section.state for name, section in settled.items()},
        summary=summarize(
            *(linked_topics, linked_connectors, linked_schemas, sorted_groups),
            *(brokers.records, access.records, transactions.records, links.records),
        ),
        topics=linked_topics,
        connectors=linked_connectors,
        schemas=linked_schemas,
        consumer_groups=sorted_groups,
        metrics=metrics.records,
        schema_registry=schemas.registry,
        brokers=brokers.records,
        access=access.records,
        transactions=transactions.records,
        cluster_links=links.records,
        excluded_topics=topics.excluded,
        excluded_consumer_groups=groups.excluded,
        topic_defaults=topics.topic_defaults,
        log_directories=topics.log_directories,
        topics_unknown=topics.unknown,
        held={name: section.held for name, section in settled.items() if section.held},
        tickets={name: number for name, number in numbers.items() if number},
        series=series,
        hold_clocks={
            name: section.clock
            for name, section in settled.items()
            if section.held and section.clock is not None
        },
    )
