"""All subjects with their latest schema, in the fewest requests that the registry allows.

That is the bulk list, or, where it is not usable, the names of all subjects and then each subject's latest
version.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial

from mesh_assets.errors import PlatformError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.http import HttpService, path_segment
from mesh_assets.platforms.in_flight import in_flight
from mesh_assets.platforms.schema_registry.bulk import BulkList, Item
from mesh_assets.platforms.schema_registry.records import (
    ALL_CONTEXTS,
    RegisteredSchema,
    ShapeError,
    is_absent,
    path_prefix,
    qualified,
    read_contexts,
    registered_schema,
)

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


Unread = Callable[[str, PlatformError], None]
"""Called with a subject that cannot be read, and why."""


def read_each(
    service: HttpService, subjects: Collection[str], *, workers: int, within_seconds: float
) -> tuple[list[RegisteredSchema], dict[str, PlatformError]]:
    """The latest version of each of `subjects` except those deleted meanwhile, and why others cannot be read.

    Raises PlatformError when the registry as a whole cannot be.
    """
    names = sorted(subjects)
    read = partial(
        in_flight,
        workers=workers,
        within_seconds=within_seconds,
        what=f"reading {len(names)} subjects of {service}",
    )
    found = dict(zip(names, read(partial(_latest_or_error, service), names), strict=True))
    missing = [name for name, answer in found.items() if answer is None]
    if missing:
        found |= _not_deleted(service, missing)
    failed = {name: answer for name, answer in found.items() if isinstance(answer, PlatformError)}
    return [answer for answer in found.values() if isinstance(answer, RegisteredSchema)], failed


def _latest_or_error(service: HttpService, subject: str) -> RegisteredSchema | PlatformError | None:
    try:
        return read_latest(service, subject)
    except UnreachableError:
        raise  # not the subject's fault, and the others would wait for the same registry
    except PlatformError as error:
        return error


def _not_deleted(service: HttpService, missing: list[str]) -> dict[str, RegisteredSchema | PlatformError]:
    """What is known about those that were not found but are still listed."""
    # "Not found" for a name that is still listed is not a deletion: some servers and proxies do not decode
    # %2F in a path (AxonOps).
    listed = set(list_subjects(service))
    answers: dict[str, RegisteredSchema | PlatformError] = {}
    for name in missing:
        if name not in listed:
            continue
        hint = "; it may not decode the escaped characters of a path" if path_segment(name) != name else ""
        answers[name] = _latest_or_error(service, name) or UnexpectedAnswerError(
            f"{service} lists the subject {name!r} but says it has no version{hint}"
        )
    return answers


def read_inventory(
    service: HttpService,
    *,
    selects: Callable[[str], bool],
    page_size: int,
    workers: int,
    within_seconds: float,
    unread: Unread | None = None,
) -> tuple[list[RegisteredSchema], bool]:
    """The latest schema of every selected subject of all contexts, by subject, and whether the bulk list gave
    it.

    The bulk list over all contexts comes first; from Confluent's own registry nothing else is needed. An
    empty answer is not trusted, because Apicurio and AxonOps give it to Confluent's wildcard: then contexts
    and names are listed.

    A subject whose item in a bulk list is broken is requested separately. `unread` is called with subjects
    that cannot be read while others can; without it, one fails them all. Raises PlatformError.
    """
    schemas: dict[str, RegisteredSchema] = {}
    broken: dict[str, PlatformError] = {}

    def keep(item: Item, subject: str) -> None:
        if not selects(subject):
            return
        if isinstance(item, RegisteredSchema):
            schemas[subject] = replace(item, subject=subject)
        else:
            broken[subject] = UnexpectedAnswerError(f"{service} lists {item.reason}")

    def read_rest(names: Iterable[str]) -> list[RegisteredSchema]:
        rest = [name for name in names if name not in schemas]
        found, failed = read_each(service, rest, workers=workers, within_seconds=within_seconds)
        # Listed, but not found by name: not a deletion.
        whole = {schema.subject for schema in found}
        failed = {**{name: error for name, error in broken.items() if name not in whole}, **failed}
        if failed and (unread is None or not (schemas or found)):
            raise next(iter(failed.values()))
        for name, error in failed.items():
            if unread is not None:
                unread(name, error)
        return _sorted([*schemas.values(), *found])

    across = BulkList(service, subject_prefix=ALL_CONTEXTS, page_size=page_size).read()
    if across:
        for item in across:
            keep(item, item.subject)
        return read_rest(broken), True
    bulk_is_usable = across is not None
    names: set[str] = set()
    for context in read_contexts(service):
        prefix = path_prefix(context)
        here = {qualified(name, context) for name in list_subjects(service, prefix=prefix)}
        names |= here
        bulk = BulkList(service, prefix=prefix, page_size=page_size)
        bulk_is_usable = bulk_is_usable and bool(here) and bulk.names_subjects()
        for item in (bulk.read() or []) if bulk_is_usable else []:
            keep(item, qualified(item.subject, context))
    # Names that the bulk list lacks, or all of them if there is no bulk list.
    rest = {name for name in names if name not in schemas and selects(name)}
    from_bulk = bool(schemas)
    return read_rest(rest | broken.keys()), from_bulk and bulk_is_usable


def _sorted(schemas: Iterable[RegisteredSchema]) -> list[RegisteredSchema]:
    return sorted(schemas, key=lambda schema: schema.subject)
