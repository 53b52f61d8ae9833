"""Pages of lists: sized by bytes, since names are of any length, and continued by the last row's place in the
order.

A cursor says after which row to go on, not how many rows were seen: it holds when a newer document comes in
between, and the page says so.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

import msgspec

from mesh_assets.answering.answers import Answer
from mesh_assets.errors import MeshError

T = TypeVar("T")
R = TypeVar("R", bound=Answer)
Place = tuple[Any, ...]

# An answer goes out twice (text and structured): rows of 4,200 bytes make an answer of less than 10 kB.
FIRST_PAGE_BYTES = 4_200
ASKED_PAGE_BYTES = 40_000
FIRST_PAGE_ROWS = 50


class BadArgumentError(MeshError):
    """An argument that says nothing, or contradicts another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut(Generic[R]):
    """A page's rows. `next_cursor` None: there is no further row."""

    rows: list[R]
    total: int
    next_cursor: str | None
    hint: str | None


def cut_page(
    items: Sequence[T],
    *,
    place: Callable[[T], Place],
    row: Callable[[T], R],
    limit: int | None,
    cursor: str | None,
    question: Sequence[Any],
    version: str,
    narrow: str = "pattern",
) -> Cut[R]:
    """The page of `items` (sorted by `place`) after `cursor`. `question`: what makes the list, which a cursor
    belongs to. `version`: of what it is taken from. `narrow`: the argument that would make the list shorter.
    """
    key = hashlib.sha256(msgspec.json.encode([str(part) for part in question])).hexdigest()[:12]
    after, seen_version = _read_cursor(cursor, key)
    rest = [item for item in items if _after(place(item), after)] if after is not None else list(items)
    most_rows, most_bytes = (
        (FIRST_PAGE_ROWS, FIRST_PAGE_BYTES) if limit is None else (limit, ASKED_PAGE_BYTES)
    )
    rows: list[R] = []
    size = 0
    for item in rest[:most_rows]:
        made = row(item)
        size += len(made.model_dump_json(exclude_none=True).encode()) + 1
        if rows and size > most_bytes:
            break
        rows.append(made)
    left = len(rest) - len(rows)
    hints = []
    if left:
        hints.append(f"{left:,} more: pass next_cursor, or narrow with {narrow}")
    if seen_version not in (None, version):
        hints.append("a newer document came since the page before; rows may have come or gone")
    next_cursor = _cursor(key, version, place(rest[len(rows) - 1])) if left else None
    return Cut(rows=rows, total=len(items), next_cursor=next_cursor, hint="; ".join(hints) or None)


def matches(name: str, pattern: str | None) -> bool:
    """Whether a shell pattern selects the name; a pattern without `*?[` is a part of a name, case aside."""
    if not pattern:
        return True
    if any(sign in pattern for sign in "*?["):
        return fnmatchcase(name, pattern)
    return pattern.casefold() in name.casefold()


def _cursor(key: str, version: str, place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([key, version, list(place)])).decode().rstrip("=")


def _read_cursor(cursor: str | None, key: str) -> tuple[list[Any] | None, str | None]:
    if cursor is None:
        return None, None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found_key, version, place = msgspec.json.decode(
            base64.urlsafe_b64decode(padded.encode("ascii")), type=tuple[str, str, list[Any]]
        )
    except (binascii.Error, UnicodeEncodeError, UnicodeDecodeError, ValueError, msgspec.DecodeError) as error:
        raise BadArgumentError(
            "this cursor is none of this server's; leave it out to begin at the first page"
        ) from error
    if found_key != key:
        raise BadArgumentError(
            "this cursor belongs to another question; pass the same arguments as for the page before, or leave it out"
        )
    return place, version


def _after(place: Place, last: list[Any]) -> bool:
    try:
        return list(place) > last
    except TypeError as error:  # a cursor made up by hand
        raise BadArgumentError(
            "this cursor is none of this server's; leave it out to begin at the first page"
        ) from error
