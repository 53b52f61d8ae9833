"""The schemas of the registry as records, with the compatibility and mode of each subject as they become
known over runs."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from mesh_assets.collecting.vanished import confirm_gone, one_by_one
from mesh_assets.inventory.links import record_name
from mesh_assets.inventory.records import RegistryFacts, Schema, SchemaReference, SubjectLevel
from mesh_assets.platforms import Presence
from mesh_assets.platforms.schema_registry import Level, RegisteredSchema, SubjectLevels

# There is no bulk call for subject levels, and Confluent Cloud allows 75 reads a second over all keys: two
# reads a subject, so that 500 subjects take some 15 seconds at worst and a registry of 5,000 is gone through
# in ten runs.
LEVELS_PER_RUN = 500


class RegistryReader(Protocol):
    """What collecting needs of a schema registry."""

    @property
    def url(self) -> str: ...
    @property
    def requests(self) -> int: ...
    @property
    def stand_in(self) -> str | None: ...
    @property
    def rights_advice(self) -> str: ...
    @property
    def level_requests(self) -> int: ...
    def read_latest_schemas(
        self, selects: Callable[[str], bool] | None = None
    ) -> Sequence[RegisteredSchema]: ...
    def subject_levels(
        self, subjects: Sequence[str], *, within_seconds: float = ...
    ) -> Sequence[SubjectLevels]: ...
    def global_compatibility(self) -> str | None: ...
    def global_mode(self) -> str | None: ...
    def contexts(self) -> tuple[str, ...]: ...
    def presence(self, subject: str) -> Presence: ...


def collect_schemas(
    registry: RegistryReader, *, previous: Iterable[Schema], selects: Callable[[str], bool], now: datetime
) -> tuple[tuple[Schema, ...], RegistryFacts]:
    """The latest version of every subject that `selects` takes. Raises PlatformError when the registry cannot
    be read whole.

    Levels are read for at most LEVELS_PER_RUN subjects, those read longest ago first; the others keep what
    `previous` knew.
    """
    known = {schema.subject: schema for schema in previous}
    records = [_record(schema, known.get(schema.subject)) for schema in registry.read_latest_schemas(selects)]
    levels = {level.subject: level for level in registry.subject_levels(_due(records))}
    facts = RegistryFacts(
        compatibility=registry.global_compatibility(),
        mode=registry.global_mode(),
        contexts=registry.contexts(),
    )
    return tuple(_with_levels(record, levels.get(record.subject), now) for record in records), facts


def confirm_subjects_gone(registry: RegistryReader, vanished: Collection[str]) -> None:
    """Raises PlatformError when subjects that are listed no more are not gone (vanished.py)."""
    confirm_gone(
        vanished,
        one_by_one(registry.presence),
        noun="subjects",
        source=f"Schema Registry at {registry.url}",
        advice=registry.rights_advice,
    )


def _due(records: Collection[Schema]) -> list[str]:
    def last_read(schema: Schema) -> tuple[bool, float, str]:
        read_at = schema.compatibility.read_at
        return read_at is not None, 0.0 if read_at is None else read_at.timestamp(), schema.subject

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
    """A reading that failed leaves what was known, with the reason; what was never known stays unknown."""
    if read is None:
        return replace(known, error=error)
    return SubjectLevel(value=read.level, own=read.own, read_at=now)
