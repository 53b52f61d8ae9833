"""A document as answers see it: where it comes from, how current it is, and looking up one thing in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TypeVar

from mesh_assets.answering.answers import About, Source, UnknownError, age_text, moment_text, shown
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Connector, Schema, Topic
from mesh_assets.inventory.sections import SectionName
from mesh_assets.inventory.wording import listed, readable

T = TypeVar("T")
# Comparing a name with every one of a large estate would take seconds.
_COMPARED_NAMES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A document and where it comes from. `version` identifies its state, for cursors."""

    document: Document
    source: Source
    version: str

    def about(self, *sections: SectionName) -> About:
        """`sections`: those the answer draws on; each one that is not current adds a note."""
        states = {name: self.document.sections.get(name) for name in sections}
        times = [
            state.collected_at
            for state in states.values()
            if state is not None and state.collected_at is not None
        ]
        moment = min(times, default=self.document.discovery_timestamp)
        notes = []
        for name, state in states.items():
            words = name.replace("_", " ")
            if state is None:
                notes.append(
                    f"{words}: the latest document was written before they were read; run_discovery reads them"
                )
            elif state.status == "not_configured":
                notes.append(f"{words}: the estate configures no source for them, so none are known")
            elif state.status == "stale":
                notes.append(f"{words} are not current: {state.error}")
            elif state.error is not None:
                notes.append(f"{words} are not complete: {state.error}")
            if state is not None and state.scope_note is not None:
                notes.append(f"{words}: {state.scope_note}")
        return About(
            cluster=self.document.cluster.name,
            source=self.source,
            as_of=moment_text(moment),
            age=age_text(datetime.now(UTC) - moment),
            notes=notes,
        )


def the_topic(document: Document, name: str) -> Topic:
    """Raises UnknownError, which names similar topics."""
    return _the_one(document, "topics", "topic", name, document.topics, lambda topic: topic.name)


def the_connector(document: Document, name: str) -> Connector:
    """Raises UnknownError, which names similar connectors."""
    return _the_one(
        document, "connectors", "connector", name, document.connectors, lambda connector: connector.name
    )


def the_schema(document: Document, subject: str) -> Schema:
    """Raises UnknownError, which names similar subjects."""
    return _the_one(document, "schemas", "subject", subject, document.schemas, lambda schema: schema.subject)


def the_group(document: Document, group_id: str) -> ConsumerGroup:
    """Raises UnknownError, which names similar groups."""
    groups = document.consumer_groups
    return _the_one(
        document, "consumer_groups", "consumer group", group_id, groups, lambda group: group.group_id
    )


def named(things: Sequence[T], name: str, name_of: Callable[[T], str]) -> T | None:
    """The thing with that name or, failing that, with that name as answers show it, without invisible characters. Raises
    UnknownError where several look alike."""
    alike: list[T] = []
    for thing in things:
        own = name_of(thing)
        if own == name:
            return thing
        if readable(own) == name:
            alike.append(thing)
    if len(alike) > 1:
        escaped = listed([ascii(name_of(thing)[:80]) for thing in alike])
        raise UnknownError(
            f"{len(alike)} names look like {shown(name)} and differ in invisible characters: {escaped}; pass one as it is"
        )
    return alike[0] if alike else None


def _the_one(
    document: Document,
    section: SectionName,
    kind: str,
    name: str,
    things: Sequence[T],
    name_of: Callable[[T], str],
) -> T:
    found = named(things, name, name_of)
    if found is not None:
        return found
    known = [name_of(thing) for thing in things]
    wanted = name[:200]
    near = [other for other in known if wanted.casefold() in other.casefold()][:5]
    near = near or get_close_matches(wanted, known[:_COMPARED_NAMES], n=5)
    hint = (
        f"; similar: {', '.join(map(shown, near))}"
        if near
        else f"; list_{section} shows all {len(known):,}"
        if known
        else ""
    )
    words = section.replace("_", " ")
    state = document.sections.get(section)
    doubt = ""
    if state is None or state.status == "not_configured":
        doubt = f" (the estate configures no source for {words})"
    elif state.status == "stale":
        doubt = f" ({words} are not current: {state.error})"
    elif state.error is not None:
        doubt = f" ({words} are not complete: {state.error})"
    raise UnknownError(f"cluster {document.cluster.name} has no {kind} {shown(name)}{doubt}{hint}")
