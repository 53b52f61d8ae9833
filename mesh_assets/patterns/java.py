"""Regular expressions in configs, read by Java's rules: those that Python would read differently are refused."""

import re
from functools import lru_cache

from mesh_assets.patterns.backtracking import LONGEST_NAME, is_told_apart, longest_name
from mesh_assets.patterns.linear import LinearPattern, Match, linear_pattern

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


JavaPattern = re.Pattern[str] | LinearPattern

_QUICK, _BEARABLE = 100_000, 3_000_000  # tries: a few milliseconds; less than 0.1 s


@lru_cache(maxsize=4_096)
def java_pattern(text: str) -> JavaPattern | None:
    """Java's pattern as one that matches the same topic names, all of them quickly; None if it is not a pattern in Java, uses
    something that Python lacks or reads differently, or could keep Python busy for hours and uses what RE2 lacks."""
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
    try:
        found = re.compile("".join(parts), re.ASCII | (re.IGNORECASE if ignoring_case else 0))
    except (
        re.error,
        OverflowError,
        RecursionError,
    ):  # a repetition beyond C's integers; groups nested too deeply
        return None
    quick_up_to = longest_name(parts, _QUICK)
    if quick_up_to == LONGEST_NAME:
        return found
    linear = linear_pattern(parts, found, quick_up_to=quick_up_to, has_sure_groups=is_told_apart(parts))
    return found if linear is None and longest_name(parts, _BEARABLE) == LONGEST_NAME else linear


def replaced(pattern: JavaPattern, replacement: str, name: str) -> str | None:
    """`name` after RegexRouter: if the whole name matches, the first match is replaced (Java's `matches`, then
    `replaceFirst`). None if Java would refuse the replacement, or what is replaced, or what a group holds, is not sure."""
    found = pattern.search(name) if pattern.fullmatch(name) else None
    if found is None:
        return name
    if isinstance(pattern, LinearPattern) and isinstance(found, Match) and not pattern.ends_as_in_java:
        return None
    expanded = _expanded(pattern, found, replacement)
    return None if expanded is None else f"{name[: found.start()]}{expanded}{name[found.end() :]}"


def _expanded(pattern: JavaPattern, found: re.Match[str] | Match, replacement: str) -> str | None:
    """Java's rules for a replacement: `$1`, `${name}`, and a backslash before a literal character."""
    is_sure = isinstance(pattern, re.Pattern) or pattern.has_sure_groups
    made = []
    at = 0
    while at < len(replacement):
        part = _REPLACEMENT.match(replacement, at)
        if part is None:
            return None
        at = part.end()
        if part["name"]:
            if not is_sure or part["name"] not in pattern.groupindex:
                return None
            made.append(found[part["name"]] or "")
        elif part["number"]:
            group = _group_number(part["number"], pattern.groups)
            if group is None or not (is_sure or int(group) == 0):
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
