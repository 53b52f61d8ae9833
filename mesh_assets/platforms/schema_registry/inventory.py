"""All subjects with their latest schema, in the fewest requests this registry allows."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from mesh_assets.platforms.http import HttpService
from mesh_assets.platforms.schema_registry.bulk import BulkList
from mesh_assets.platforms.schema_registry.contexts import ALL_CONTEXTS, path_prefix, qualified, read_contexts
from mesh_assets.platforms.schema_registry.records import RegisteredSchema
from mesh_assets.platforms.schema_registry.subjects import list_subjects, read_each


def read_inventory(
    service: HttpService,
    *,
    selects: Callable[[str], bool],
    page_size: int,
    workers: int,
    within_seconds: float,
) -> tuple[list[RegisteredSchema], bool]:
    """The latest schema of every subject that `selects` wants, of all contexts, by subject; and whether the
    bulk list gave it.

    The bulk list over all contexts comes first: in Confluent's shape that is all. An empty answer is not
    believed, because Apicurio and AxonOps answer so to Confluent's wildcard: then the contexts and the names
    are asked for. Raises PlatformError.
    """
    across = BulkList(service, subject_prefix=ALL_CONTEXTS, page_size=page_size).read()
    if across:
        return _sorted(schema for schema in across if selects(schema.subject)), True
    schemas: dict[str, RegisteredSchema] = {}
    bulk_is_usable = across is not None
    names: set[str] = set()
    for context in read_contexts(service):
        prefix = path_prefix(context)
        here = {qualified(name, context) for name in list_subjects(service, prefix=prefix)}
        names |= here
        bulk = BulkList(service, prefix=prefix, page_size=page_size)
        bulk_is_usable = bulk_is_usable and bool(here) and bulk.names_subjects()
        for schema in (bulk.read() or []) if bulk_is_usable else []:
            subject = qualified(schema.subject, context)
            if selects(subject):
                schemas[subject] = replace(schema, subject=subject)
    # What the list of names has and the bulk list has not, or all of them where there is no bulk list.
    rest = [name for name in names if name not in schemas and selects(name)]
    found = read_each(service, rest, workers=workers, within_seconds=within_seconds)
    return _sorted([*schemas.values(), *found]), bool(schemas) and bulk_is_usable


def _sorted(schemas: Iterable[RegisteredSchema]) -> list[RegisteredSchema]:
    return sorted(schemas, key=lambda schema: schema.subject)
