"""Two readings of a section whose scopes differ: what only one of them covers is neither deleted nor created.

A reading covers what the estate's patterns select at the endpoints it names. When somebody edits the estate,
things that still exist leave the picture, and things that existed all along appear.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector
from mesh_assets.inventory.sections import SectionName, SectionScope, Source
from mesh_assets.inventory.wording import counted, listed, one_line

Key = tuple[str | None, str]
"""The names of the source and the thing; the source is None where a section has at most one."""

_R = TypeVar("_R")
_NAMED = 3
_NOUNS: dict[SectionName, str] = {
    "topics": "topic",
    "connectors": "connector",
    "schemas": "subject",
    "consumer_groups": "consumer group",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeChange:
    """The scopes of an earlier and a later reading of one section. Keys have today's names of sources."""

    before: SectionScope
    after: SectionScope
    successors: dict[str, Source]
    """Name of an earlier source → the same source today: the one at its address, or the one of its name at a
    new address."""

    def left(self, key: Key) -> bool:
        """Whether the later reading does not cover `key` of the earlier one, which therefore need not be
        gone."""
        return self.before != self.after and not (
            _selects(self.after, key[1]) and self._stayed(self._earlier_source(key[0]))
        )

    def entered(self, key: Key) -> bool:
        """Whether the earlier reading did not cover `key` of the later one, which therefore need not be
        new."""
        return self.before != self.after and not (
            _selects(self.before, key[1]) and self._stayed(self._earlier_source(key[0]))
        )

    @property
    def unrelated(self) -> bool:
        """Whether the readings are of different systems, so that equal names mean nothing."""
        return bool(self.before.sources and self.after.sources) and not self.successors

    @property
    def renamed(self) -> dict[str, str]:
        """Today's names of earlier sources, where they differ. A source that is gone has none, though another
        source may use its name by now."""
        given = {source.name for source in self.successors.values()}
        names = {}
        for source in self.before.sources:
            if (successor := self.successors.get(source.name)) is not None:
                names[source.name] = successor.name
            elif source.name in given:
                names[source.name] = f"{source.name}, formerly at {source.address}"
        return {old: name for old, name in names.items() if name != old}

    def carried(self, connectors: Iterable[Connector]) -> tuple[Connector, ...]:
        """Earlier connectors under today's names of their endpoints."""
        names = self.renamed
        if not names:
            return tuple(connectors)
        return tuple(replace(c, connect=names.get(c.connect, c.connect)) for c in connectors)

    def within_both(
        self, old: Collection[_R], new: Collection[_R], key: Callable[[_R], Key]
    ) -> tuple[Collection[_R], Collection[_R]]:
        """The earlier and later records, minus those that only one reading covers."""
        if self.before == self.after:
            return old, new
        if self.unrelated:
            return (), ()
        old_keys, new_keys = {key(record) for record in old}, {key(record) for record in new}
        return (
            [record for record in old if key(record) in new_keys or not self.left(key(record))],
            [record for record in new if key(record) in old_keys or not self.entered(key(record))],
        )

    def note(self, name: SectionName, old: Collection[Key], new: Collection[Key]) -> str | None:
        """What left and entered the scope, in one line; None if nothing did."""
        common = set() if self.unrelated else set(old) & set(new)
        out = sorted(key[1] for key in set(old) - common if self.left(key))
        in_ = sorted(key[1] for key in set(new) - common if self.entered(key))
        parts = []
        if out:
            parts.append(f"out of scope: {_some(out, name)}, not reported as deleted")
        if in_:
            parts.append(f"new in scope: {_some(in_, name)}, not reported as created")
        if name == "connectors":
            parts.extend(
                f"endpoint {was} is called {now.name} now"
                for was, now in self.successors.items()
                if now.name != was
            )
        return "; ".join(parts) or None

    def _earlier_source(self, name: str | None) -> Source | None:
        """The earlier source of a thing, by today's name of the source."""
        names = self.renamed
        return next(
            (
                source
                for source in self.before.sources
                if name is None or names.get(source.name, source.name) == name
            ),
            None,
        )

    def _stayed(self, earlier: Source | None) -> bool:
        """Whether what the source no longer lists is gone. At another address it may only be elsewhere."""
        if not (self.before.sources and self.after.sources):
            return True
        successor = None if earlier is None else self.successors.get(earlier.name)
        return earlier is not None and successor is not None and successor.address == earlier.address


def scope_change(before: Document, name: SectionName, after: SectionScope | None) -> ScopeChange:
    """From the section of `before` to a later reading with the scope `after`. Unless both scopes are known,
    nothing counts as having left or entered."""
    state = before.sections.get(name)
    earlier = None if state is None else state.scope
    if earlier is None and after is not None and name == "connectors":
        earlier = _of_older_connectors(before.connectors, after)
    if earlier is None or after is None:
        earlier = after = SectionScope()
    return ScopeChange(before=earlier, after=after, successors=_successors(earlier, after))


def _of_older_connectors(connectors: Iterable[Connector], after: SectionScope) -> SectionScope | None:
    """Older documents have no scopes and name an endpoint by its host, port and path."""
    addresses = sorted({connector.connect for connector in connectors})
    known = [source.address for source in after.sources]
    return SectionScope(
        include=after.include,
        exclude=after.exclude,
        sources=tuple(
            Source(name=old, address=next((a for a in known if a == old or a.startswith(f"{old}/")), old))
            for old in addresses
        ),
    )


def _successors(before: SectionScope, after: SectionScope) -> dict[str, Source]:
    """What an earlier source is today: first, whatever has its address (of several, the one with its name),
    since people give the names and pass them from one source to another. Failing that, the source of the same
    name at another address."""
    left = list(after.sources)
    found: dict[str, Source] = {}

    def match(is_same: Callable[[Source, Source], bool]) -> None:
        for source in before.sources:
            same = None if source.name in found else next((s for s in left if is_same(source, s)), None)
            if same is not None:
                found[source.name] = same
                left.remove(same)

    match(lambda earlier, later: earlier == later)
    match(lambda earlier, later: earlier.address == later.address)
    match(lambda earlier, later: earlier.name == later.name)
    return found


def _selects(scope: SectionScope, name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in scope.include) and not any(
        fnmatchcase(name, pattern) for pattern in scope.exclude
    )


def _some(names: list[str], section: SectionName) -> str:
    return f"{counted(len(names), _NOUNS[section])} ({one_line(listed(names, most=_NAMED))})"
