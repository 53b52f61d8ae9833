"""All subjects with their latest schema, in the fewest requests this registry allows: by the bulk list, else one by one."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.http import HttpService, in_flight, path_segment
from mesh_assets.platforms.schema_registry.bulk import BulkList
from mesh_assets.platforms.schema_registry.protocol import (
    ALL_CONTEXTS,
    is_absent,
    path_prefix,
    qualified,
    read_contexts,
)
from mesh_assets.platforms.schema_registry.records import RegisteredSchema, ShapeError, registered_schema

# Subjects one by one: their names, then the latest version of each. For registries without a usable bulk
# list.

# Without a limit Apicurio stops at `apicurio.ccompat.max-subjects` (1,000) and says nothing; a limit that is
# given, it obeys.
_ALL = 2**31 - 1
_MOST_PAGES = 10_000
_READINGS = 3


def list_subjects(service: HttpService, *, prefix: str = "") -> list[str]:
    """The names of all subjects, sorted; `prefix` is the path of a context. Raises PlatformError.

    A page says nothing about whether it is the last: Apicurio counts rows it does not show. So pages are
    asked for until one brings nothing new, each beginning at the last name known, which it must show again; a
    list that moved meanwhile is read anew.
    """
    for _ in range(_READINGS):
        names = _list_once(service, prefix)
        if names is not None:
            return sorted(names)
    raise UnexpectedAnswerError(
        f"{service}: the list of subjects kept changing while it was read; the next run tries again"
    )


def _list_once(service: HttpService, prefix: str) -> set[str] | None:
    """The names, None when the list moved between two pages."""
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        answer = service.ask(
            "GET", f"{prefix}/subjects", params={"offset": max(0, len(seen) - 1), "limit": _ALL}
        )
        names = answer.json()
        if names is None:
            names = []  # AxonOps writes an empty list so
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise answer.unexpected("with something that is no list of names")
        if seen and seen.isdisjoint(names):
            return None
        if seen.issuperset(names):
            return seen
        seen.update(names)
    raise UnexpectedAnswerError(f"{service}: the list of subjects has no end after {_MOST_PAGES:,} pages")


def read_latest(service: HttpService, subject: str) -> RegisteredSchema | None:
    """The latest version of `subject`, None when there is none. Raises PlatformError."""
    return read_version(service, subject, "latest")


def read_version(service: HttpService, subject: str, version: int | str) -> RegisteredSchema | None:
    """That version of `subject`, None when there is no such version or subject. Raises PlatformError."""
    answer = service.ask("GET", f"/subjects/{path_segment(subject)}/versions/{version}")
    if is_absent(answer):
        return None
    item = answer.json()
    try:
        return registered_schema(item, subject=subject)
    except ShapeError as error:
        raise answer.unexpected(f"with {error}") from error


def read_each(
    service: HttpService, subjects: Collection[str], *, workers: int, within_seconds: float
) -> list[RegisteredSchema]:
    """The latest version of each of `subjects`, all or an error; one that was deleted meanwhile is absent.
    Raises PlatformError."""
    names = sorted(subjects)
    read = partial(
        in_flight,
        workers=workers,
        within_seconds=within_seconds,
        what=f"reading {len(names)} subjects of {service}",
    )
    found = read(partial(read_latest, service), names)
    missing = [name for name, schema in zip(names, found, strict=True) if schema is None]
    if missing:
        _confirm_deleted(service, missing)
    return [schema for schema in found if schema is not None]


def _confirm_deleted(service: HttpService, missing: list[str]) -> None:
    # "Not found" for a name that is still listed is no deletion: some servers and proxies do not decode %2F
    # in a path (AxonOps).
    listed = set(list_subjects(service))
    for name in missing:
        if name in listed and read_latest(service, name) is None:
            hint = (
                "; it may not decode the escaped characters of a path" if path_segment(name) != name else ""
            )
            raise UnexpectedAnswerError(
                f"{service} lists the subject {name!r} but says it has no version{hint}"
            )


# All subjects with their latest schema, in the fewest requests this registry allows.


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
