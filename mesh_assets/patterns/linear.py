"""Patterns that a backtracking matcher could try for hours, matched by RE2: in a time that grows with the name alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mesh_assets.importing import importing

_MOST_STATES = 1_000  # RE2 may look at each of them for each character: 0.1 s for the longest name


@dataclass(frozen=True, slots=True)
class Match:
    """Where a pattern was found in a name. A group that took no part is empty."""

    before: str
    groups: tuple[str, ...]
    groupindex: Mapping[str, int]

    def start(self) -> int:
        return len(self.before)

    def end(self) -> int:
        return len(self.before) + len(self.groups[0])

    def __getitem__(self, group: int | str) -> str:
        return self.groups[self.groupindex[group] if isinstance(group, str) else group]


@dataclass(frozen=True, slots=True)
class LinearPattern:
    """What callers use of `re.Pattern`. `quick`: the same pattern in Python, which is faster for names of up to `quick_up_to`
    characters. `has_sure_groups`: what a group holds afterwards is what it holds in Java. `ends_as_in_java`: so does a match
    that need not be the whole name."""

    text: str
    quick: re.Pattern[str]
    quick_up_to: int
    has_sure_groups: bool
    ends_as_in_java: bool

    @property
    def groups(self) -> int:
        return self.quick.groups

    @property
    def groupindex(self) -> Mapping[str, int]:
        return self.quick.groupindex

    def fullmatch(self, name: str) -> re.Match[str] | Match | None:
        if len(name) <= self.quick_up_to:
            return self.quick.fullmatch(name)
        return self.found(rf"\A(?P<{_WHOLE}>{self.text})\z", name)

    def search(self, name: str) -> re.Match[str] | Match | None:
        if len(name) <= self.quick_up_to:
            return self.quick.search(name)
        return self.found(rf"\A(?P<{_BEFORE}>(?s:.*?))(?P<{_WHOLE}>{self.text})", name)

    def found(self, text: str, name: str) -> Match | None:
        """Raises ValueError if RE2 cannot read the pattern."""
        held = _extracted(text, name)
        if held is None:
            return None
        own = {number: name for name, number in self.groupindex.items()}
        groups = (held[own.get(number, _named(number))] for number in range(1, self.groups + 1))
        return Match(held.get(_BEFORE, ""), (held[_WHOLE], *groups), self.groupindex)


_BEFORE, _WHOLE = "_before", "_whole"
_IN_RE2 = {r"\Z": r"\z"}


def _named(group: int) -> str:
    return f"_{group}"


def _extracted(text: str, name: str) -> dict[str, str] | None:
    """What each group holds; None without a match. Raises ValueError for a pattern that RE2 cannot read."""
    with importing:
        import pyarrow as pa
        import pyarrow.compute as pc

    readable = name.encode("utf-8", "replace").decode()
    found: dict[str, Any] | None = pc.extract_regex(pa.array([readable], pa.string()), text)[0].as_py()
    return found


def linear_pattern(
    parts: list[str], quick: re.Pattern[str], *, quick_up_to: int, has_sure_groups: bool
) -> LinearPattern | None:
    """The pattern for RE2; None if RE2 lacks what it uses (look-around, possessive repetitions), or it repeats too much.
    `parts`: those of `quick`."""
    if _states(parts) > _MOST_STATES:
        return None
    made: list[str] = []
    groups = 0
    for part in parts:
        groups += part == "(" or part.startswith("(?P<")
        made.append(f"(?P<{_named(groups)}>" if part == "(" else _IN_RE2.get(part, part))
    ignoring_case = "(?i)" if quick.flags & re.IGNORECASE else ""
    pattern = LinearPattern(
        f"{ignoring_case}(?:{''.join(made)})",
        quick,
        quick_up_to,
        has_sure_groups=has_sure_groups,
        ends_as_in_java=not _may_repeat_nothing(parts),
    )
    try:
        pattern.found(f"(?P<{_WHOLE}>{pattern.text})", "")
    except ValueError:
        return None
    return pattern


def _may_repeat_nothing(parts: list[str]) -> bool:
    """Whether a repeated group may prefer to match nothing, as in `(a|b*?)*`: there Java stops, while RE2 goes on."""
    begun: list[int] = []
    for at, part in enumerate(parts):
        if part[0] == "(":
            begun.append(at)
        elif part == ")":
            group, after = parts[begun.pop() : at + 1], parts[at + 1 : at + 2]
            is_repeated = after and (after[0] in ("*", "+") or (after[0][0] == "{" and len(after[0]) > 1))
            if is_repeated and _has_choices(group) and re.fullmatch("".join(group), "") is not None:
                return True
    return False


def _has_choices(group: list[str]) -> bool:
    """Alternatives or lazy repetitions."""
    return any(
        one == "|" or (one == "?" and (before in ("*", "+", "?") or (before[0] == "{" and len(before) > 1)))
        for before, one in pairwise(group)
    )


def _states(parts: list[str]) -> int:
    """How many characters the pattern has once its counted repetitions are written out."""
    sizes, last = [0], 0
    for part in parts:
        if part[0] == "(":
            sizes.append(0)
        elif part == ")":
            last = sizes.pop()
            sizes[-1] += last
        elif part[0] == "{" and len(part) > 1:
            most = max(int(number) for number in part[1:-1].split(",") if number)
            sizes[-1] += last * (most - 1)
        elif part not in ("*", "+", "?"):
            last = 1
            sizes[-1] += 1
    return sizes[0]
