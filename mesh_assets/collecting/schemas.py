"""The schemas of the registry as records, with each subject's compatibility and mode as they become known
over several runs."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from msgspec.structs import replace

from mesh_assets.collecting.vanished import HttpSource, confirm_gone, one_by_one
from mesh_assets.errors import PlatformError
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.inventory.links import record_name
from mesh_assets.inventory.records import Record, RegistryFacts, Schema, SchemaReference, SubjectLevel
from mesh_assets.inventory.wording import counted, listed
from mesh_assets.platforms.schema_registry import Level, RegisteredSchema, SubjectLevels, Unread

Fact = TypeVar("Fact")

# There is no bulk call for subject levels, and Confluent Cloud allows 75 reads a second for all keys
# together. With two reads per subject, 500 subjects take some 15 seconds at worst, and ten runs cover a
# registry of 5,000.
LEVELS_PER_RUN = 500

OWN_SUBJECTS = frozenset(f"{topic}-value" for topic in (EVENTS_TOPIC, CHANGES_TOPIC))
"""The subjects of this project's own events, which no inventory shows."""


class RegistryReader(HttpSource, Protocol):
    """What collecting needs from a schema registry."""

    @property
    def level_requests(self) -> int: ...
    def read_latest_schemas(
        self, selects: Callable[[str], bool] | None = None, *, unread: Unread | None = None
    ) -> Sequence[RegisteredSchema]: ...
    def subject_levels(
        self, subjects: Sequence[str], *, within_seconds: float = ...
    ) -> Sequence[SubjectLevels]: ...
    def global_compatibility(self) -> str | None: ...
    def global_mode(self) -> str | None: ...
    def contexts(self) -> tuple[str, ...]: ...


class SchemaScope(Record, frozen=True, kw_only=True):
    """How much of a registry to read. Its subjects are listed in any case.

    `versions`: the subjects whose latest version is read, besides at most `new_subjects` that are not known
    yet; None: all subjects. `levels`: the subjects whose levels are read, within `level_seconds`; None: those
    read longest ago. `facts`: what is known about the registry as a whole; None: it is asked (for its contexts,
    only with `contexts`).
    """

    versions: frozenset[str] | None = None
    new_subjects: int = 0
    levels: frozenset[str] | None = None
    level_seconds: float | None = None
    facts: RegistryFacts | None = None
    contexts: bool = True


WHOLE_REGISTRY = SchemaScope()


class CollectedSchemas(Record, frozen=True, kw_only=True):
    """`listed`: every subject of the registry except those of this project's own events, read or not.
    `missing`: why subjects that were never read before have no record; None: none is missing."""

    records: tuple[Schema, ...]
    registry: RegistryFacts
    listed: frozenset[str]
    missing: str | None = None


def collect_schemas(
    registry: RegistryReader,
    *,
    previous: Iterable[Schema],
    now: datetime,
    scope: SchemaScope = WHOLE_REGISTRY,
) -> CollectedSchemas:
    """The latest version of every subject, as far as `scope` goes.

    Unless the scope names subjects, levels are read for at most LEVELS_PER_RUN of them, those read longest
    ago first; the rest keep what `previous` knew, as does a subject that cannot be read, with the reason.
    Raises PlatformError when the registry as a whole cannot be read.
    """
    known = {schema.subject: schema for schema in previous}
    seen: set[str] = set()
    new: set[str] = set()

    def selects(subject: str) -> bool:
        if subject in OWN_SUBJECTS:
            return False
        seen.add(subject)
        if scope.versions is None or subject in scope.versions:
            return True
        if subject not in known and len(new) < scope.new_subjects:
            new.add(subject)
        return subject in new

    unread: dict[str, str] = {}

    def keep(subject: str, error: PlatformError) -> None:
        unread[subject] = str(error)

    read = registry.read_latest_schemas(selects, unread=keep)
    records = [_record(schema, known.get(schema.subject)) for schema in read]
    records += [replace(known[subject], error=error) for subject, error in unread.items() if subject in known]
    never_read = sorted(unread.keys() - known.keys())
    levels = {level.subject: level for level in _read_levels(registry, records, seen, scope, now)}
    return CollectedSchemas(
        records=tuple(_with_levels(record, levels.get(record.subject), now) for record in records),
        registry=scope.facts or _read_facts(registry, scope),
        listed=frozenset(seen),
        missing=_missing(never_read, unread),
    )


def _missing(never_read: Sequence[str], unread: Mapping[str, str]) -> str | None:
    if not never_read:
        return None
    return (
        f"{counted(len(never_read), 'subject')} could not be read, now or ever before: "
        f"{listed(never_read)} ({unread[never_read[0]]})"
    )


def _read_levels(
    registry: RegistryReader, records: Collection[Schema], listed: set[str], scope: SchemaScope, now: datetime
) -> Sequence[SubjectLevels]:
    if scope.levels is None:
        return registry.subject_levels(_due(records, now))
    asked = sorted(scope.levels & listed)
    if not asked:
        return ()
    if scope.level_seconds is None:
        return registry.subject_levels(asked)
    return registry.subject_levels(asked, within_seconds=scope.level_seconds)


def _read_facts(registry: RegistryReader, scope: SchemaScope) -> RegistryFacts:
    """Each fact on its own: the answer to one says nothing about the rest, nor about the schemas."""
    errors: list[str] = []

    def ask(fact: Callable[[], Fact]) -> Fact | None:
        try:
            return fact()
        except PlatformError as error:
            errors.append(str(error))
            return None

    return RegistryFacts(
        compatibility=ask(registry.global_compatibility),
        mode=ask(registry.global_mode),
        contexts=ask(registry.contexts) if scope.contexts else (),
        error="; ".join(dict.fromkeys(errors)) or None,
    )


def confirm_subjects_gone(registry: RegistryReader, vanished: Collection[str]) -> None:
    """Raises PlatformError if subjects that are no longer listed are not gone (vanished.py)."""
    confirm_gone(
        vanished,
        one_by_one(registry.presence),
        noun="subject",
        source=f"Schema Registry at {registry.url}",
        advice=registry.rights_advice,
    )


def _due(records: Collection[Schema], now: datetime) -> list[str]:
    def last_read(schema: Schema) -> tuple[bool, float, str]:
        read_at = schema.compatibility.read_at
        # Read in the future, before the clock was set back: being last in line, it would not be read until then.
        known = read_at is not None and read_at <= now
        return known, 0.0 if read_at is None else read_at.timestamp(), schema.subject

    return [schema.subject for schema in sorted(records, key=last_read)[:LEVELS_PER_RUN]]


def _record(schema: RegisteredSchema, known: Schema | None) -> Schema:
    return Schema(
        subject=schema.subject,
        version=schema.version,
        id=schema.id,
        schema_type=schema.schema_type,
        definition=schema.definition,
        references=tuple(
            SchemaReference(name=r.name, subject=r.subject, version=r.version) for r in schema.references
        ),
        compatibility=SubjectLevel() if known is None else known.compatibility,
        mode=SubjectLevel() if known is None else known.mode,
        record_name=record_name(schema.schema_type, schema.definition),
        contract=schema.contract,
    )


def _with_levels(schema: Schema, levels: SubjectLevels | None, now: datetime) -> Schema:
    if levels is None:
        return schema
    return replace(
        schema,
        compatibility=_level(levels.compatibility, schema.compatibility, levels.error, now),
        mode=_level(levels.mode, schema.mode, levels.error, now),
    )


def _level(read: Level | None, known: SubjectLevel, error: str | None, now: datetime) -> SubjectLevel:
    """A failed reading leaves what was known, with the reason; anything never known stays unknown."""
    if read is None:
        return replace(known, error=error)
    return SubjectLevel(value=read.level, own=read.own, read_at=now)
