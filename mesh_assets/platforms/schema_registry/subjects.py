"""All subjects with their latest schema, in the fewest requests that the registry allows.

That is the bulk list, or, where it is not usable, the names of all subjects and then each subject's latest
version.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.http import HttpService, path_segment
from mesh_assets.platforms.in_flight import in_flight
from mesh_assets.platforms.schema_registry.bulk import BulkList
from mesh_assets.platforms.schema_registry.protocol import (
    ALL_CONTEXTS,
    is_absent,
    path_prefix,
    qualified,
    read_contexts,
)
from mesh_assets.platforms.schema_registry.records import RegisteredSchema, ShapeError, registered_schema

# Without a limit Apicurio silently stops at `apicurio.ccompat.max-subjects` (1,000); it obeys a limit that it
# is given.
_ALL = 2**31 - 1
_MOST_PAGES = 10_000
_READINGS = 3


def list_subjects(service: HttpService, *, prefix: str = "") -> list[str]:
    """The names of all subjects, sorted; `prefix` is the path of a context. Raises PlatformError.

    A page does not say whether it is the last: Apicurio counts rows that it does not show. So pages are read
    until one brings nothing new. Each begins at the last name known, which it must show again; a list that
    moved meanwhile is read again.
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
            names = []  # AxonOps' empty list
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise answer.unexpected("with something other than a list of names")
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
    """The latest version of each of `subjects`, without those deleted meanwhile; all or an error.

    Raises PlatformError.
    """
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
    # "Not found" for a name that is still listed is not a deletion: some servers and proxies do not decode
    # %2F in a path (AxonOps).
    listed = set(list_subjects(service))
    for name in missing:
        if name in listed and read_latest(service, name) is None:
            hint = (
                "; it may not decode the escaped characters of a path" if path_segment(name) != name else ""
            )
            raise UnexpectedAnswerError(
                f"{service} lists the subject {name!r} but says it has no version{hint}"
            )


def read_inventory(
    service: HttpService,
    *,
    selects: Callable[[str], bool],
    page_size: int,
    workers: int,
    within_seconds: float,
) -> tuple[list[RegisteredSchema], bool]:
    """The latest schema of every selected subject of all contexts, by subject, and whether the bulk list gave
    it.

    The bulk list over all contexts comes first; from Confluent's own registry nothing else is needed. An
    empty answer is not trusted, because Apicurio and AxonOps give it to Confluent's wildcard: then contexts
    and names are listed. Raises PlatformError.
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
    # Names that the bulk list lacks, or all of them where there is no bulk list.
    rest = [name for name in names if name not in schemas and selects(name)]
    found = read_each(service, rest, workers=workers, within_seconds=within_seconds)
    return _sorted([*schemas.values(), *found]), bool(schemas) and bulk_is_usable


def _sorted(schemas: Iterable[RegisteredSchema]) -> list[RegisteredSchema]:
    return sorted(schemas, key=lambda schema: schema.subject)
