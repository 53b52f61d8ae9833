"""What the sections of a run cover, and which parts of the latest document are still within that."""

from collections.abc import Sequence

from mesh_assets.collecting.connectors import ConnectReader
from mesh_assets.collecting.schemas import RegistryReader
from mesh_assets.estate.fields import NamePatterns
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector, Schema
from mesh_assets.inventory.sections import SectionScope, Source
from mesh_assets.joining.scope import scope_change


def patterns_scope(patterns: NamePatterns) -> SectionScope:
    return SectionScope(include=patterns.include, exclude=patterns.exclude)


def connectors_scope(endpoints: Sequence[ConnectReader]) -> SectionScope:
    return SectionScope(
        sources=tuple(Source(name=endpoint.name, address=endpoint.address) for endpoint in endpoints)
    )


def schemas_scope(registry: RegistryReader) -> SectionScope:
    return SectionScope(sources=(Source(name=registry.name, address=registry.address),))


def known_connectors(document: Document | None, scope: SectionScope) -> tuple[Connector, ...]:
    """Those of `document` that a reading with `scope` must show unless they are gone, under the current names of
    their endpoints."""
    if document is None:
        return ()
    change = scope_change(document, "connectors", scope)
    return tuple(
        connector
        for connector in change.carried(document.connectors)
        if not change.left((connector.connect, connector.name))
    )


def known_schemas(document: Document | None, scope: SectionScope) -> tuple[Schema, ...]:
    """Those of `document` whose levels also hold in the registry of `scope`: all, unless it is a different one."""
    if document is None or scope_change(document, "schemas", scope).unrelated:
        return ()
    return document.schemas


def expected_subjects(document: Document | None, scope: SectionScope) -> set[str]:
    """Like `known_connectors`."""
    if document is None:
        return set()
    change = scope_change(document, "schemas", scope)
    return {schema.subject for schema in document.schemas if not change.left((None, schema.subject))}
