"""The bulk list, `/schemas?latestOnly=true`: the latest schema of every subject, a thousand per request.

Confluent defined it; other registries answer with something else at the same path, and no version number says
which. So the answers decide: do their items name a subject, and does `offset` move the page? Source of the
shape: Confluent's `SchemasResource` (order by subject and version, `skip(offset).limit(limit)`, the limit cut
to `schema.search.max.limit`).
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mesh_assets.platforms.http import Answer, HttpService
from mesh_assets.platforms.schema_registry.records import (
    BrokenItem,
    RegisteredSchema,
    has_subject,
    is_not_offered,
    schema_or_broken,
)

PAGE_SIZE = 1000
"""Confluent's default and, unless configured, largest page; it silently cuts a larger `limit` to this."""

_MOST_PAGES = 10_000
_READINGS = 3

Item: TypeAlias = RegisteredSchema | BrokenItem
_Reading: TypeAlias = list[Item] | Literal["unusable", "moved"]


@dataclass(frozen=True, slots=True)
class _Page:
    """One answer. `items`: None when the registry does not offer the list."""

    answer: Answer
    items: list[Any] | None

    @property
    def is_usable(self) -> bool:
        return self.items is not None and all(has_subject(item) for item in self.items)

    def schemas(self) -> list[Item]:
        return [schema_or_broken(item) for item in self.items or []]


class BulkList:
    """One registry's bulk list. `prefix` is the path of a context, `subject_prefix` a prefix of subjects or a
    wildcard."""

    def __init__(
        self,
        service: HttpService,
        *,
        prefix: str = "",
        subject_prefix: str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> None:
        if page_size < 2:
            raise ValueError("page_size must be at least 2: pages overlap by one")
        self._service = service
        self._path = f"{prefix}/schemas"
        self._subject_prefix = subject_prefix
        self._page_size = page_size

    def names_subjects(self) -> bool:
        """Whether the list is usable, judging by two items: if it is not (Apicurio), a full page would cost
        much for nothing."""
        page = self._page(0, 2)
        return page.is_usable and bool(page.items)

    def read(self) -> list[Item] | None:
        """The latest schema of every subject, in the registry's order; None when the list is not usable. An
        item that breaks the protocol affects only itself.

        A list that changes while it is read is read again, and is not usable when it keeps changing. Raises
        PlatformError.
        """
        for _ in range(_READINGS):
            reading = self._read_once()
            if reading == "unusable":
                return None
            if reading != "moved":
                return _latest(reading)
        return None

    def _read_once(self) -> _Reading:
        first = self._page(0, self._page_size)
        if not first.is_usable:
            return "unusable"
        schemas = first.schemas()
        size = _page_size_served(len(schemas), asked=self._page_size)
        if size is None:
            return schemas
        seen = {_key(schema) for schema in schemas}
        for _ in range(_MOST_PAGES):
            # Pages overlap by one: an item deleted or added meanwhile shifts all items after it, and without
            # the overlap the item that falls between two pages would look deleted.
            following = self._page(len(schemas) - 1, size)
            if not following.is_usable:
                return "unusable"
            page = following.schemas()
            if page and page == schemas[: len(page)]:
                # The first page again, so `offset` is ignored. If `limit` is ignored too, the page was the
                # whole list (Karapace).
                repeated = self._page(0, size - 1)
                return schemas if len(repeated.items or []) >= size else "unusable"
            if (
                not page
                or _key(page[0]) != _key(schemas[-1])
                or any(_key(schema) in seen for schema in page[1:])
            ):
                return "moved"
            schemas.extend(page[1:])
            seen.update(_key(schema) for schema in page)
            if len(page) < size:
                return schemas
        raise first.answer.unexpected(f"with more than {_MOST_PAGES:,} pages")

    def _page(self, offset: int, limit: int) -> _Page:
        params: dict[str, str | int] = {"latestOnly": "true", "offset": offset, "limit": limit}
        if self._subject_prefix is not None:
            params["subjectPrefix"] = self._subject_prefix
        answer = self._service.ask("GET", self._path, params=params)
        if is_not_offered(answer):
            return _Page(answer, None)
        items = answer.json()
        if items is None:
            return _Page(answer, [])  # AxonOps' empty list
        if not isinstance(items, list):
            raise answer.unexpected("with something other than a list")
        return _Page(answer, items)


def _page_size_served(first: int, *, asked: int) -> int | None:
    """The number of items on a full page, given those on the `first` page when `asked` were requested.

    None when the first page was the last. With more items than asked for, `limit` is ignored (Karapace): this
    is the whole list, and the next page would be the same again. With fewer it is the last page, unless an
    operator lowered `schema.search.max.limit`, which the answer does not reveal. Such limits are round
    numbers, so only a round number costs one more request.
    """
    if first > asked:
        return None
    if first == asked:
        return asked
    return first if first >= 50 and first % 50 == 0 else None


def _key(schema: Item) -> tuple[str, int]:
    return schema.subject, schema.version


def _latest(schemas: list[Item]) -> list[Item]:
    # A registry that ignores `latestOnly` lists every version.
    latest: dict[str, Item] = {}
    for schema in schemas:
        if schema.subject not in latest or schema.version > latest[schema.subject].version:
            latest[schema.subject] = schema
    return list(latest.values())
