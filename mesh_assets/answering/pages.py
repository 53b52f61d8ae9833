"""Pages of lists: limited by bytes, since names can be of any length, and continued after the last row's
position in the order.

A cursor says after which row to continue, not how many rows were seen: it stays valid when a newer document
comes in between, and the page then says so.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import msgspec

from mesh_assets.answering.answers import Answer, BadArgumentError
from mesh_assets.inventory.wording import readable

T = TypeVar("T")
P = TypeVar("P", bound=Answer)
Place = tuple[Any, ...]

# An answer is sent twice (as text and structured): rows of 4,200 bytes keep the whole below 10 kB.
FIRST_PAGE_BYTES = 4_200
ASKED_PAGE_BYTES = 40_000
FIRST_PAGE_ROWS = 50
_PLACE_CHARACTERS = 500


def build_page(
    kind: type[P],
    rows: str,
    items: Sequence[T],
    *,
    place: Callable[[T], Place],
    row: Callable[[T], Answer],
    limit: int | None,
    cursor: str | None,
    question: Sequence[Any],
    version: str = "",
    narrow: str = "pattern",
    beside_bytes: int = 0,
    **rest: Any,
) -> P:
    """The answer `kind` with the page of `items` (sorted by `place`) after `cursor`, in its field `rows`.

    `question`: what defines the list; a cursor is valid for that list only. `version`: the document that it
    comes from. `narrow`: the argument that would shorten the list. `beside_bytes`: how much of the first page the other
    fields take beyond what every list has. `rest`: the answer's other fields. Raises BadArgumentError for a cursor that
    does not belong to this list.
    """
    key = hashlib.sha256(msgspec.json.encode([str(part) for part in question])).hexdigest()[:12]
    after, seen_version = _read_cursor(cursor, key)
    remaining = list(items) if after is None else _rest(items, place, after)
    most_rows, most_bytes = (
        (FIRST_PAGE_ROWS, FIRST_PAGE_BYTES - beside_bytes) if limit is None else (limit, ASKED_PAGE_BYTES)
    )
    made = _fill((row(item) for item in remaining[:most_rows]), most_bytes)
    left = len(remaining) - len(made)
    hints = []
    if left:
        hints.append(f"{left:,} more: pass next_cursor, or narrow with {narrow}")
    if seen_version not in (None, version):
        hints.append("a newer document has arrived since the previous page; rows may have come or gone")
    return kind.model_validate(
        {
            rows: made,
            "total": len(items),
            "next_cursor": _cursor(key, version, place(remaining[len(made) - 1])) if left else None,
            "hint": "; ".join(hints) or None,
            **rest,
        }
    )


def matches(name: str, pattern: str | None) -> bool:
    """Whether a shell pattern selects the name, as it is or as answers show it. A pattern without `*?[` selects
    names that contain it, ignoring case."""
    if not pattern:
        return True
    if any(sign in pattern for sign in "*?["):
        return any(fnmatchcase(one, pattern) for one in {name, readable(name)})
    return any(pattern.casefold() in one.casefold() for one in {name, readable(name)})


def _fill(rows: Iterable[Answer], most_bytes: int) -> list[Answer]:
    """As many rows as fit, and at least one."""
    made: list[Answer] = []
    size = 0
    for row in rows:
        size += len(row.model_dump_json(exclude_none=True).encode()) + 1
        if made and size > most_bytes:
            break
        made.append(row)
    return made


def _cursor(key: str, version: str, place: Place) -> str:
    content = msgspec.json.encode([key, version, _short(place)])
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _short(place: Place) -> list[Any]:
    """A group's id may have 32,767 characters, and clients pass cursors back as arguments, which are limited."""
    return [
        one
        if not isinstance(one, str) or len(one) <= _PLACE_CHARACTERS
        else one[:_PLACE_CHARACTERS] + hashlib.sha256(one.encode("utf-8", "replace")).hexdigest()[:16]
        for one in place
    ]


_NOT_OURS = "this is not a cursor of this server; leave it out to start at the first page"


def _read_cursor(cursor: str | None, key: str) -> tuple[list[Any] | None, str | None]:
    if cursor is None:
        return None, None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        encoded = base64.urlsafe_b64decode(padded.encode("ascii"))
        found_key, version, place = msgspec.json.decode(encoded, type=tuple[str, str, list[Any]])
    except (binascii.Error, UnicodeEncodeError, UnicodeDecodeError, ValueError, msgspec.DecodeError) as error:
        raise BadArgumentError(_NOT_OURS) from error
    if found_key != key:
        raise BadArgumentError(
            "this cursor belongs to another list; pass the same arguments as for the previous page, or leave it out"
        )
    return place, version


def _rest(items: Sequence[T], place: Callable[[T], Place], last: list[Any]) -> list[T]:
    """The rows after that place; if its row is gone, those that would come after it."""
    try:
        places = [_short(place(item)) for item in items]
        if last in places:
            return list(items[len(places) - places[::-1].index(last) :])
        return [item for item, one in zip(items, places, strict=True) if one > last]
    except TypeError as error:  # a cursor made up by hand
        raise BadArgumentError(_NOT_OURS) from error
