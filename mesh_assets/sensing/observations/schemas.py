"""Observes the registry: all names; all versions if it has a bulk list, otherwise in slices; levels in
slices.

The records come from the discovery's own `collect_schemas`, limited to a slice.
"""

from datetime import datetime
from typing import Protocol, runtime_checkable

from msgspec.structs import replace

from mesh_assets.collecting.schemas import RegistryReader, SchemaScope, collect_schemas, confirm_subjects_gone
from mesh_assets.collecting.scopes import expected_subjects, known_schemas, schemas_scope
from mesh_assets.errors import PlatformError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import RegistryFacts
from mesh_assets.inventory.sections import SchemasSection
from mesh_assets.sensing.cursor import next_slice, slice_size
from mesh_assets.sensing.observations.comparison import Compared, causes_of, compare_section, observed_now
from mesh_assets.sensing.observations.observation import Observation, ObservationContext

# One request each; 80 to 180 a second against Apicurio (measured), so a tick takes some ten seconds at most.
LEAST_VERSIONS, MOST_VERSIONS = 200, 1000
# Two requests each; Confluent Cloud allows 75 reads a second for all keys together.
LEAST_LEVELS, MOST_LEVELS = 50, 250
LEVEL_SECONDS = 8.0
# New subjects are read regardless of the slice; the run that follows reads the rest.
MOST_NEW = 200


@runtime_checkable
class KnowsBulkList(Protocol):
    @property
    def has_bulk_list(self) -> bool | None: ...


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
        # all at once, subject by subject.
        return Observation(causes=(), notes=(str(error),), cursor=replace(cursor, bulk=False))
    bulk = isinstance(registry, KnowsBulkList) and bool(registry.has_bulk_list)
    return Observation(
        causes=(*compared.causes, *causes_of(compared.changes, compared.identities)),
        notes=compared.notes,
        cursor=replace(
            cursor, bulk=bulk, versions_after=None if bulk else versions_after, levels_after=levels_after
        ),
    )


def compare_subjects(registry: RegistryReader, document: Document, now: datetime) -> Compared:
    """Compares only the names of subjects: created or deleted.

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
    section_scope = schemas_scope(registry)
    known = {schema.subject: schema for schema in known_schemas(document, section_scope)}
    scope = SchemaScope(
        versions=versions,
        new_subjects=MOST_NEW,
        levels=levels,
        level_seconds=LEVEL_SECONDS,
        facts=facts,
        contexts=False,  # they never lead to a change
    )
    collected = collect_schemas(registry, previous=known.values(), now=now, scope=scope)
    confirm_subjects_gone(registry, expected_subjects(document, section_scope) - collected.listed)
    read = {schema.subject: schema for schema in collected.records}
    # A listed subject of the slice without a version was deleted during the reading.
    asked = known.keys() if versions is None else versions
    observed = tuple(
        record
        for subject in sorted(collected.listed)
        if (record := read.get(subject) or (None if subject in asked else known.get(subject))) is not None
    )
    section = SchemasSection(
        cluster_id=document.cluster.id,
        state=observed_now(now, section_scope),
        records=observed,
        registry=collected.registry,
    )
    return compare_section("schemas", section, document, now=now)
