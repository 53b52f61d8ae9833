"""Observing the registry: all names; all versions where it has a bulk list, otherwise in slices; levels in
slices.

The records come from the discovery's own `collect_schemas`, limited to a slice.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from msgspec.structs import replace

from mesh_assets.collecting.schemas import RegistryReader, collect_schemas, confirm_subjects_gone
from mesh_assets.collecting.sections import OWN_SUBJECTS
from mesh_assets.errors import PlatformError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import RegistryFacts, Schema
from mesh_assets.inventory.sections import SchemasSection
from mesh_assets.platforms import Presence
from mesh_assets.platforms.schema_registry import RegisteredSchema, SubjectLevels
from mesh_assets.sensing.cursor import next_slice, slice_size
from mesh_assets.sensing.observations.comparison import Compared, causes_of, compare_section, observed_now
from mesh_assets.sensing.observations.observation import Observation, ObservationContext

# One request each; 80 to 180 a second against Apicurio (measured), so a tick takes some ten seconds at most.
LEAST_VERSIONS, MOST_VERSIONS = 200, 1000
# Two requests each; Confluent Cloud allows 75 reads a second for all keys together.
LEAST_LEVELS, MOST_LEVELS = 50, 250
LEVEL_SECONDS = 8.0
# New subjects are read whatever the slice; the run that follows reads the rest.
MOST_NEW = 200


@runtime_checkable
class TellsOfBulkList(Protocol):
    @property
    def has_bulk_list(self) -> bool | None: ...


class RegistrySlice:
    """A RegistryReader that lists every subject, and reads only those of the slice and those that are new.

    `versions` None: all of them. `facts`: what is known of the registry as a whole; None: it is asked.
    """

    def __init__(
        self,
        registry: RegistryReader,
        *,
        known: Mapping[str, Schema],
        versions: frozenset[str] | None,
        levels: frozenset[str],
        facts: RegistryFacts | None,
    ) -> None:
        self._registry = registry
        self._known = known
        self._versions = versions
        self._levels = levels
        self._facts = facts
        self._new: set[str] = set()
        self.listed: set[str] = set()

    @property
    def url(self) -> str:
        return self._registry.url

    @property
    def stand_in(self) -> str | None:
        return self._registry.stand_in

    @property
    def rights_advice(self) -> str:
        return self._registry.rights_advice

    @property
    def requests(self) -> int:
        return self._registry.requests

    @property
    def level_requests(self) -> int:
        return self._registry.level_requests

    def read_latest_schemas(self, selects: Callable[[str], bool] | None = None) -> Sequence[RegisteredSchema]:
        def wanted(subject: str) -> bool:
            if selects is not None and not selects(subject):
                return False
            self.listed.add(subject)
            if subject not in self._known and len(self._new) < MOST_NEW:
                self._new.add(subject)
            return self._versions is None or subject in self._versions or subject in self._new

        return self._registry.read_latest_schemas(wanted)

    def subject_levels(
        self,
        subjects: Sequence[str],  # noqa: ARG002 - those that the discovery holds due: between two discoveries always the same ones
        *,
        within_seconds: float = LEVEL_SECONDS,
    ) -> Sequence[SubjectLevels]:
        asked = sorted(self._levels & self.listed)
        return (
            self._registry.subject_levels(asked, within_seconds=min(within_seconds, LEVEL_SECONDS))
            if asked
            else []
        )

    def global_compatibility(self) -> str | None:
        return self._registry.global_compatibility() if self._facts is None else self._facts.compatibility

    def global_mode(self) -> str | None:
        return self._registry.global_mode() if self._facts is None else self._facts.mode

    def contexts(self) -> tuple[str, ...]:
        # No change ever comes of them, and the reading has asked for them already.
        return () if self._facts is None else self._facts.contexts

    def presence(self, subject: str) -> Presence:
        return self._registry.presence(subject)


def observe_schemas(context: ObservationContext) -> Observation:
    """Observes subjects created, deleted, with a new version, level or mode, and the registry's own level and
    mode.
    """
    registry, cursor = context.clients.registry, context.cursor
    if registry is None:
        return Observation(causes=(), notes=("no schema registry",), cursor=cursor)
    names = sorted(schema.subject for schema in context.document.schemas)
    versions, versions_after = next_slice(
        names,
        after=cursor.versions_after,
        size=slice_size(
            len(names), interval_seconds=context.interval_seconds, least=LEAST_VERSIONS, most=MOST_VERSIONS
        ),
    )
    levels, levels_after = next_slice(
        names,
        after=cursor.levels_after,
        size=slice_size(
            len(names), interval_seconds=context.interval_seconds, least=LEAST_LEVELS, most=MOST_LEVELS
        ),
    )
    try:
        compared = _compare(
            registry,
            context.document,
            context.now,
            versions=None if cursor.bulk else versions | levels,
            levels=levels,
            facts=None,
        )
    except PlatformError as error:
        # Only a successful reading shows that the registry has a bulk list: one that lost it must not be read
        # subject by subject at once.
        return Observation(causes=(), notes=(str(error),), cursor=replace(cursor, bulk=False))
    bulk = isinstance(registry, TellsOfBulkList) and bool(registry.has_bulk_list)
    return Observation(
        causes=(*compared.causes, *causes_of(compared.changes, compared.identities)),
        notes=compared.notes,
        cursor=replace(
            cursor, bulk=bulk, versions_after=None if bulk else versions_after, levels_after=levels_after
        ),
    )


def compare_subjects(registry: RegistryReader, document: Document, now: datetime) -> Compared:
    """Compares the names of subjects alone: created or deleted.

    Raises PlatformError when the registry cannot be read.
    """
    unknown = RegistryFacts(compatibility=None, mode=None, contexts=())
    return _compare(
        registry,
        document,
        now,
        versions=frozenset(),
        levels=frozenset(),
        facts=document.schema_registry or unknown,
    )


def _compare(
    registry: RegistryReader,
    document: Document,
    now: datetime,
    *,
    versions: frozenset[str] | None,
    levels: frozenset[str],
    facts: RegistryFacts | None,
) -> Compared:
    known = {schema.subject: schema for schema in document.schemas}
    part = RegistrySlice(registry, known=known, versions=versions, levels=levels, facts=facts)
    records, read_facts = collect_schemas(
        part, previous=document.schemas, selects=lambda subject: subject not in OWN_SUBJECTS, now=now
    )
    confirm_subjects_gone(registry, known.keys() - part.listed)
    read = {schema.subject: schema for schema in records}
    # A listed subject of the slice without a version was deleted while it was read.
    asked = known.keys() if versions is None else versions
    observed = tuple(
        record
        for subject in sorted(part.listed)
        if (record := read.get(subject) or (None if subject in asked else known.get(subject))) is not None
    )
    section = SchemasSection(
        cluster_id=document.cluster.id, state=observed_now(now), records=observed, registry=read_facts
    )
    return compare_section("schemas", section, document, now=now)
