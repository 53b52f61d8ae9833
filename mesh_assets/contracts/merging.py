"""Merges three texts of a contract: the last generated one, the newly generated one, and what people made of it.

Field by field: where a person changed nothing, the estate wins; where the estate changed nothing, the person wins; where
both did, the person wins and the conflict is reported. Comments and order of the person's file stay.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from functools import partial
from typing import Any, NamedTuple

_IDENTITIES = {
    "schema": ("physicalName", "name"),
    "properties": ("name",),
    "servers": ("server",),
    "slaProperties": ("id", "property"),
    "quality": ("id", "name"),
    "customProperties": ("property",),
    "members": ("username",),
    "relationships": ("to",),
}
"""The field that identifies the entries of a list. Entries of other lists identify themselves."""
_TELLS_APART = {"schema": "name", "slaProperties": "element"}
"""The field that distinguishes entries that share the first: topics of one name in two clusters, levels of one id."""
_GONE: Any = object()


class Conflict(NamedTuple):
    """`place`: `schema.orders.properties.total.logicalType`. `theirs`: what the estate says now."""

    place: str
    sentence: str


class Merge:
    """Merges into `mine`, which it changes. `conflicts`, and `changes`: the places where the file now says something new."""

    def __init__(self, mine: MutableMapping[str, Any]) -> None:
        self.mine = mine
        self.conflicts: list[Conflict] = []
        self.changes: list[str] = []

    def with_new(self, base: Mapping[str, Any], new: Mapping[str, Any]) -> "Merge":
        self._mapping(self.mine, base, new, "")
        return self

    def _mapping(
        self, mine: MutableMapping[str, Any], base: Mapping[str, Any], new: Mapping[str, Any], place: str
    ) -> None:
        for key in [*new, *(key for key in base if key not in new)]:
            where = f"{place}.{key}" if place else key
            self._entry(mine, key, base.get(key, _GONE), new.get(key, _GONE), where, key)

    def _entry(self, holder: Any, key: Any, base: Any, new: Any, place: str, kind: str) -> None:
        mine = holder.get(key, _GONE) if isinstance(holder, Mapping) else holder[key]
        if _same(base, new) or _same(mine, new):
            return
        if isinstance(mine, MutableMapping) and isinstance(new, Mapping):
            self._mapping(mine, base if isinstance(base, Mapping) else {}, new, place)
        elif (
            isinstance(mine, MutableSequence)
            and isinstance(new, Sequence)
            and (known_by := _known_by(kind, mine, base, new)) is not None
        ):
            self._entries(mine, base if isinstance(base, Sequence) else (), new, place, known_by)
        elif _same(mine, base):
            self.changes.append(f"{place} {_what(mine, new)}")
            if new is _GONE:
                del holder[key]
            else:
                holder[key] = _copied(new)
        else:
            self.conflicts.append(Conflict(place, _conflict(mine, new)))

    def _entries(
        self,
        mine: MutableSequence[Any],
        base: Sequence[Any],
        new: Sequence[Any],
        place: str,
        known_by: Callable[[Any], str | None],
    ) -> None:
        old, wanted = _by_identity(known_by, base), _by_identity(known_by, new)
        for identity in [*wanted, *(one for one in old if one not in wanted)]:
            number = next((at for at, one in enumerate(mine) if known_by(one) == identity), None)
            where = f"{place}.{identity}"
            before, now = old.get(identity, _GONE), wanted.get(identity, _GONE)
            if number is not None:
                self._entry(mine, number, before, now, where, "")
            elif before is _GONE:
                self.changes.append(f"{where} is new")
                mine.append(_copied(now))
            elif not _same(before, now) and now is not _GONE:
                self.conflicts.append(
                    Conflict(where, "was taken out of the file, and the estate has changed it")
                )


def _identity(kind: str, entry: Any) -> str | None:
    if kind not in _IDENTITIES:
        return None if isinstance(entry, Mapping | list) else str(entry)
    if not isinstance(entry, Mapping):
        return None
    return next((str(entry[name]) for name in _IDENTITIES[kind] if isinstance(entry.get(name), str)), None)


def _told_apart(kind: str, entry: Any) -> str | None:
    first = _identity(kind, entry)
    if first is None:
        return None
    other = str(entry.get(_TELLS_APART[kind]))
    return f"{first.removeprefix(f'{other}_')} ({other})"


def _by_identity(known_by: Callable[[Any], str | None], entries: Sequence[Any]) -> dict[str, Any]:
    return {identity: one for one in entries if (identity := known_by(one)) is not None}


def _known_by(kind: str, mine: Any, *generated: Any) -> Callable[[Any], str | None] | None:
    """How entries are identified: all generated ones, and at least those of the file that correspond to them. None: they
    cannot be, and the list is one value."""
    if kind not in _IDENTITIES and kind != "tags":
        return None
    for way in (_identity, *((_told_apart,) if kind in _TELLS_APART else ())):
        known_by = partial(way, kind)
        if all(one is _GONE or _have_identities(known_by, one, all_of_them=True) for one in generated) and (
            _have_identities(known_by, mine, all_of_them=kind == "tags")
        ):
            return known_by
    return None


def _have_identities(known_by: Callable[[Any], str | None], entries: Any, *, all_of_them: bool) -> bool:
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return False
    found = [identity for one in entries if (identity := known_by(one)) is not None]
    return len(set(found)) == len(found) and (not all_of_them or len(found) == len(entries))


def _same(one: Any, other: Any) -> bool:
    """1 and true are equal in Python but not in a contract; nor does `b` equal a list of `b`."""
    if one is _GONE or other is _GONE:
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _copied(value: Any) -> Any:
    """A copy, so that nothing in the file becomes a reference to another part of it."""
    if isinstance(value, Mapping):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list | tuple) else value


def _what(mine: Any, new: Any) -> str:
    if mine is _GONE:
        return "is new"
    if new is _GONE:
        return "is gone"
    return f"is {_brief(new)}, was {_brief(mine)}"


def _conflict(mine: Any, new: Any) -> str:
    if mine is _GONE:
        return f"was taken out of the file, and the estate now says {_brief(new)}"
    if new is _GONE:
        return f"was changed in the file to {_brief(mine)}, and the estate no longer has it"
    return f"the file says {_brief(mine)}, the estate {_brief(new)}"


def _brief(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple):
        return f"something else ({len(value)} entries)"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def lines_of(conflicts: Sequence[Conflict]) -> Iterator[str]:
    for one in conflicts:
        yield f"{one.place}: {one.sentence}; the file stays as it is"
