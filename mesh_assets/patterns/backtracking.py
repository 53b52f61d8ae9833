"""How long a backtracking matcher may take with a pattern. Java's and Python's are such matchers, and a dozen characters can
keep them busy for years."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from math import comb
from typing import NamedTuple

LONGEST_NAME = 249  # of a topic


def longest_name(parts: list[str], tries: int) -> int:
    """The longest name, roughly, for which a backtracking matcher tries at most `tries` ways: three wildcards in a row take the
    cube of its length. 0 where the ways double with every character. `parts`: of a pattern that compiles."""
    ways = _most_ways(parts)
    if ways is None:
        return 0
    return next((length for length in range(LONGEST_NAME, 0, -1) if ways.tries(length) <= tries), 0)


def _most_ways(parts: list[str]) -> "_Ways | None":
    """The most ways at any part. None: exponentially many."""
    if not is_told_apart(parts):
        return None
    ways = most = _Ways()
    begun = [_Begun("", ways)]
    for at, part in enumerate(parts):
        after = parts[at + 1] if at + 1 < len(parts) else ""
        is_optional = after in ("*", "?") or after[:2] in ("{0", "{,")
        is_repeated = after in ("*", "+") or (after[:1] == "{" and "," in after)
        if part[0] == "(":
            begun.append(_Begun(part, ways))
        elif part == "|":
            here = begun[-1]
            here.alternatives.append(ways)
            ways = here.before
        elif part == ")":
            here = begun.pop()
            ways = here.closed(ways)
            most = max(most, ways, key=_Ways.tries)
            if here.kind in _ATOMIC:
                ways = here.before
            elif is_repeated or after[:1] == "{":
                if ways.without_last().is_beyond(here.before):
                    return None  # each repetition multiplies the ways of the one before
                ways = ways.after_repetition(_ANY, may_be_empty=True) if is_repeated else ways
            elif is_optional:
                ways = ways.or_else(here.before).after_choice(2)
        elif part in ("*", "+", "?") or (part[0] == "{" and len(part) > 1):
            continue
        elif not (taken := _taken_by(part)):
            continue  # `^`, `\b`: takes no character, so it separates nothing
        elif is_repeated and taken == _ANY and not set(parts[at + 2 :]) - _AT_THE_END:
            continue  # it takes whatever is left
        elif is_repeated:
            ways = ways.after_repetition(taken, may_be_empty=is_optional)
        elif is_optional:
            ways = ways.after_choice(2)
        else:
            ways = ways.after_character(taken)
        most = max(most, ways, key=_Ways.tries)
    return max(most, begun[0].closed(ways), key=_Ways.tries)


class _Ways(NamedTuple):
    """In how many ways a name can be split among the parts so far. `repetitions`: those whose end is not told by what follows;
    `choices`: the product of all options and alternatives; `last`: what the repetitions match after which no part has come that
    a name must have; None if there is none."""

    repetitions: int = 0
    choices: int = 1
    last: frozenset[str] | None = None

    def tries(self, length: int = LONGEST_NAME) -> int:
        return comb(length + self.repetitions, self.repetitions) * self.choices

    def after_repetition(self, taken: frozenset[str], *, may_be_empty: bool) -> "_Ways":
        if self.last is not None and self.last.isdisjoint(taken) and not may_be_empty:
            return self._replace(last=taken)
        return self._replace(repetitions=self.repetitions + 1, last=taken | (self.last or frozenset()))

    def after_character(self, taken: frozenset[str]) -> "_Ways":
        told_apart = self.last is not None and self.last.isdisjoint(taken)
        return self._replace(repetitions=self.repetitions - told_apart, last=None)

    def after_choice(self, options: int) -> "_Ways":
        return self._replace(choices=self.choices * options)

    def or_else(self, other: "_Ways") -> "_Ways":
        last = None if self.last is None and other.last is None else _all_of(self.last, other.last)
        return _Ways(max(self.repetitions, other.repetitions), max(self.choices, other.choices), last)

    def without_last(self) -> "_Ways":
        return self if self.last is None else self._replace(repetitions=self.repetitions - 1, last=None)

    def is_beyond(self, other: "_Ways") -> bool:
        return self.repetitions > other.repetitions or self.choices > other.choices


def _all_of(*taken: frozenset[str] | None) -> frozenset[str]:
    return frozenset().union(*(one for one in taken if one is not None))


@dataclass(frozen=True, slots=True)
class _Begun:
    """An open group, with the ways before it and those of its alternatives so far."""

    kind: str
    before: _Ways
    alternatives: list[_Ways] = field(default_factory=list)

    def closed(self, ways: _Ways) -> _Ways:
        for other in self.alternatives:
            ways = ways.or_else(other)
        return ways.after_choice(len(self.alternatives) + 1)


_AT_THE_END = {")", "$", r"\Z"}
_ATOMIC = ("(?=", "(?!", "(?<=", "(?<!", "(?>")  # once they have matched, nothing in them is tried again

_ASCII = tuple(map(chr, range(32, 127)))
_ANY = frozenset(_ASCII)


@dataclass(slots=True)
class _Group:
    """What is between two parentheses. `atoms`: what each matches in a name, in order, including those of nested groups.
    `is_fixed`: it matches the same number of characters each time. `choices`: it has alternatives.
    `first_is_sure`, `last_is_sure`: it always begins, or ends, with that atom."""

    atoms: list[frozenset[str]] = field(default_factory=list)
    is_fixed: bool = True
    choices: bool = False
    first_is_sure: bool = True
    last_is_sure: bool = True

    def is_told_apart(self) -> bool:
        """Whether a name can be split into repetitions of it in only one way: by a separator that occurs nowhere else in it.
        Otherwise Python, like Java, tries a number of ways that doubles with every character."""
        if self.is_fixed:
            return True
        if self.choices or not self.atoms:
            return False
        return (self.first_is_sure and _separates(self.atoms[0], self.atoms[1:])) or (
            self.last_is_sure and _separates(self.atoms[-1], self.atoms[:-1])
        )


def _separates(one: frozenset[str], others: list[frozenset[str]]) -> bool:
    return bool(one) and one.isdisjoint(frozenset().union(*others))


@lru_cache(maxsize=1_024)
def _taken_by(atom: str) -> frozenset[str]:
    pattern = re.compile(atom, re.ASCII | re.IGNORECASE)
    return frozenset(character for character in _ASCII if pattern.fullmatch(character))


def is_told_apart(parts: list[str]) -> bool:
    """Whether a name can be split into the repetitions of each repeated group in only one way. `parts`: of a pattern that
    compiles."""
    groups = [_Group()]
    closed: _Group | None = None  # the group that the previous part has closed
    before = ""
    for part in parts:
        here = groups[-1]
        if part[0] == "(":
            groups.append(_Group())
            closed = None
        elif part == ")":
            closed = groups.pop()
            around = groups[-1]
            # What a group begins or ends with is not looked for in its enclosing group.
            around.first_is_sure = around.first_is_sure and bool(around.atoms)
            around.last_is_sure = False
            around.atoms += closed.atoms
            around.is_fixed = around.is_fixed and closed.is_fixed
            around.choices = around.choices or closed.choices
        elif part == "|":
            here.choices, here.is_fixed, closed = True, False, None
        elif part in ("*", "+", "?") or (part[0] == "{" and len(part) > 1):
            if before in ("*", "+", "?") or (before[:1] == "{" and len(before) > 1):
                pass  # lazy or possessive
            elif closed is not None and part != "?" and not closed.is_told_apart():
                return False
            else:
                here.is_fixed = here.is_fixed and part[0] == "{" and "," not in part
                here.last_is_sure = False
                if len(here.atoms) == 1:
                    here.first_is_sure = False
            closed = None
        else:
            here.atoms.append(_taken_by(part))
            here.last_is_sure, closed = True, None
        before = part
    return True
