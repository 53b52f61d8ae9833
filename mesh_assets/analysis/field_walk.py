"""Listing the fields of a schema level by level, so that a large one is cut fairly."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from mesh_assets.inventory.records import Record

MOST_FIELDS = 2_000
DEEPEST = 12


class SchemaField(Record, frozen=True, kw_only=True):
    """One field. `path`: dots into records, `[]` into arrays, `[0]` into tuples, `{}` into maps. `optional`: null is
    allowed, or the field may be missing.
    """

    path: str
    type: str
    optional: bool = False
    doc: str | None = None


class SchemaFields(Record, frozen=True, kw_only=True):
    """The fields in the schema's order. `note`: what was left out; None if nothing was."""

    fields: tuple[SchemaField, ...]
    note: str | None = None


Branch = Callable[[], Iterator["tuple[SchemaField, Branch | None]"]]
"""The fields directly below a place, each with those below it."""

_Place = tuple[int, ...]


def walk(roots: Sequence[Branch]) -> SchemaFields:
    """At most 2,000 fields, 12 levels deep. Outer fields come before inner ones, and siblings take turns, so that one
    wide record does not crowd out its siblings."""
    found: dict[_Place, SchemaField] = {}
    level: list[tuple[_Place, Branch]] = [((number,), root) for number, root in enumerate(roots)]
    for _ in range(DEEPEST):
        below: list[tuple[_Place, Branch]] = []
        waiting = deque((place, 0, branch()) for place, branch in level)
        while waiting:
            place, number, fields = waiting.popleft()
            for field, inner in fields:
                if len(found) == MOST_FIELDS:
                    return _in_order(found, f"only the first {MOST_FIELDS:,} fields, outer ones first")
                found[(*place, number)] = field
                if inner is not None:
                    below.append(((*place, number), inner))
                number += 1
                if waiting:
                    waiting.append((place, number, fields))
                    break
        level = below
    deeper = any(next(branch(), None) is not None for _, branch in level)
    return _in_order(found, f"fields deeper than {DEEPEST} levels are left out" if deeper else None)


def _in_order(found: dict[_Place, SchemaField], note: str | None) -> SchemaFields:
    return SchemaFields(fields=tuple(found[place] for place in sorted(found)), note=note)
