"""Regular expressions in Connect's configs, read by Java's rules: those that Python would read differently are refused."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

# What means the same in both languages for topic names, which are ASCII without line ends. Refused, among others: a
# brace or bracket that Java does not take literally, nested classes, back references, \p{…}.
_PART = re.compile(
    r"\\Q(?P<quoted>.+?)(?:\\E|\Z)"
    r"|(?P<end>\\[zZ])"
    r"|\(\?<(?P<name>[A-Za-z][A-Za-z0-9]*)>"
    r"|(?P<set>\[(?!\^\])\^?(?:\\[dDwWsS]|\\[^A-Za-z0-9]|[^\\\[\]])+\])"
    r"|(?P<same>\\[dDwWsSbA]|\\[^A-Za-z0-9]|\(\?(?:[:=!>]|<[=!]|i:)|\((?!\?)|\{\d+(?:,\d*)?\}|[^\\\[{(])",
    re.DOTALL,
)
_SET_OPERATION = re.compile(r"&&|--|\|\||~~")
_IGNORING_CASE = "(?i)"

_REPLACEMENT = re.compile(
    r"\\(?P<literal>.)|\$\{(?P<name>[A-Za-z][A-Za-z0-9]*)\}|\$(?P<number>[0-9]+)|(?P<text>[^\\$]+)", re.DOTALL
)


_ASCII = tuple(map(chr, range(32, 127)))


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


def _is_quick(parts: list[str]) -> bool:
    """Whether no repeated group can match in exponentially many ways. `parts`: of a pattern that compiles."""
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


_MOST_ADJACENT, _MOST_AMBIGUOUS = 2, 5


class _Ways(NamedTuple):
    """In how many ways a name can be split among the repetitions so far: a polynomial in its length. `adjacent`: those with
    nothing between them that a name must have; `ambiguous`: all those that what follows does not separate; `last`: what the
    adjacent ones match."""

    adjacent: int = 0
    ambiguous: int = 0
    last: frozenset[str] = frozenset()

    def after_repetition(self, taken: frozenset[str], *, may_be_empty: bool) -> "_Ways":
        if not self.adjacent:
            return _Ways(1, self.ambiguous + 1, taken)
        if self.last.isdisjoint(taken) and not may_be_empty:
            return _Ways(1, self.ambiguous, taken)
        return _Ways(self.adjacent + 1, self.ambiguous + 1, self.last | taken)

    def after_character(self, taken: frozenset[str]) -> "_Ways":
        told_apart = self.adjacent > 0 and self.last.isdisjoint(taken)
        return _Ways(0, self.ambiguous - told_apart, self.last)


def _is_bounded(parts: list[str]) -> bool:
    """Whether a name that does not match is refused after few enough tries: `(.*)(.*)(.*)b` takes the cube of its length,
    and there are thousands of names. `_is_quick` handles repeated groups."""
    ways = _Ways()
    begun: list[tuple[_Ways, _Ways]] = [
        (ways, ways)
    ]  # state before each open group, and the worst of its alternatives so far
    for at, part in enumerate(parts):
        after = parts[at + 1] if at + 1 < len(parts) else ""
        if part[0] == "(":
            begun.append((ways, ways))
        elif part == "|":
            before, worst = begun[-1]
            begun[-1], ways = (before, max(worst, ways, key=_worst)), before
        elif part == ")":
            _, worst = begun.pop()
            ways = max(worst, ways, key=_worst)
        elif part in ("*", "+", "?") or (part[0] == "{" and len(part) > 1):
            continue
        elif after in ("*", "+") or (after[:1] == "{" and "," in after):
            ways = ways.after_repetition(
                _taken_by(part), may_be_empty=after[0] == "*" or after[:2] in ("{0", "{,")
            )
        elif after != "?":
            ways = ways.after_character(_taken_by(part))
        if ways.adjacent > _MOST_ADJACENT or ways.ambiguous > _MOST_AMBIGUOUS:
            return False
    return True


def _worst(ways: _Ways) -> tuple[int, int]:
    return ways.ambiguous, ways.adjacent


def _joined(parts: list[str]) -> list[str]:
    """Replaces `.*.*` with `.*`, which is the same and takes one try per character instead of many."""
    kept: list[str] = []
    for at, part in enumerate(parts):
        kept.append(part)
        is_greedy = part == "*" and parts[at + 1 : at + 2] not in (["?"], ["+"])
        if is_greedy and kept[-4:-2] == kept[-2:]:
            del kept[-2:]
    return kept


@lru_cache(maxsize=4_096)
def java_pattern(text: str) -> re.Pattern[str] | None:
    """Java's pattern as a Python pattern that matches the same topic names; None if it is not a pattern in Java, uses
    something that Python lacks or reads differently, or could keep both of them busy for hours."""
    ignoring_case = text.startswith(_IGNORING_CASE)
    at = len(_IGNORING_CASE) if ignoring_case else 0
    parts: list[str] = []
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or (part["set"] and _SET_OPERATION.search(part["set"])):
            return None
        if part["quoted"]:
            parts += map(re.escape, part["quoted"])
        elif part["name"]:
            parts.append(f"(?P<{part['name']}>")
        else:
            parts.append(r"\Z" if part["end"] else part[0])
        at = part.end()
    parts = _joined(parts)
    try:
        found = re.compile("".join(parts), re.ASCII | (re.IGNORECASE if ignoring_case else 0))
    except (
        re.error,
        OverflowError,
        RecursionError,
    ):  # a repetition beyond C's integers; groups nested too deeply
        return None
    return found if _is_quick(parts) and _is_bounded(parts) else None


def replaced(pattern: re.Pattern[str], replacement: str, name: str) -> str | None:
    """`name` after RegexRouter: if the whole name matches, the first match is replaced (Java's `matches`, then
    `replaceFirst`). None if Java would refuse the replacement."""
    found = pattern.search(name) if pattern.fullmatch(name) else None
    if found is None:
        return name
    expanded = _expanded(found, replacement)
    return None if expanded is None else f"{name[: found.start()]}{expanded}{name[found.end() :]}"


def _expanded(found: re.Match[str], replacement: str) -> str | None:
    """Java's rules for a replacement: `$1`, `${name}`, and a backslash before a literal character."""
    made = []
    at = 0
    while at < len(replacement):
        part = _REPLACEMENT.match(replacement, at)
        if part is None:
            return None
        at = part.end()
        if part["name"]:
            if part["name"] not in found.re.groupindex:
                return None
            made.append(found[part["name"]] or "")
        elif part["number"]:
            group = _group_number(part["number"], found.re.groups)
            if group is None:
                return None
            made.append((found[int(group)] or "") + part["number"][len(group) :])
        else:
            made.append(part["literal"] or part["text"])
    return "".join(made)


def _group_number(digits: str, groups: int) -> str | None:
    """As many of the digits as name an existing group; the first one must."""
    if int(digits[0]) > groups:
        return None
    length = 1
    while length < len(digits) and int(digits[: length + 1]) <= groups:
        length += 1
    return digits[:length]
