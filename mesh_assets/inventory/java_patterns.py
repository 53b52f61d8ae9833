"""Regular expressions of Connect's configs, read by Java's rules: what Python would read otherwise is not read."""

import re
from functools import lru_cache

# What means the same in both languages for the names of topics, which are ASCII without line ends. Refused, among
# others: a brace or bracket that Java does not take literally, classes within classes, back references, \p{…}.
_PART = re.compile(
    r"\\Q(?P<quoted>.+?)(?:\\E|\Z)"
    r"|(?P<end>\\[zZ])"
    r"|\(\?<(?P<name>[A-Za-z][A-Za-z0-9]*)>"
    r"|(?P<set>\[\^?(?:\\[dDwWsS]|\\[^A-Za-z0-9]|[^\\\[\]])+\])"
    r"|(?P<same>\\[dDwWsSbA]|\\[^A-Za-z0-9]|\(\?(?:[:=!>]|<[=!]|i:)|\((?!\?)|\{\d+(?:,\d*)?\}|[^\\\[{(])",
    re.DOTALL,
)
_SET_OPERATION = re.compile(r"&&|--|\|\||~~")
_IGNORING_CASE = "(?i)"

_REPLACEMENT = re.compile(
    r"\\(?P<literal>.)|\$\{(?P<name>[A-Za-z][A-Za-z0-9]*)\}|\$(?P<number>[0-9]+)|(?P<text>[^\\$]+)", re.DOTALL
)


@lru_cache(maxsize=4_096)
def java_pattern(text: str) -> re.Pattern[str] | None:
    """Java's pattern as one of Python's that matches the same names of topics; None if it is no pattern in Java, or
    uses what Python lacks or reads otherwise."""
    ignoring_case = text.startswith(_IGNORING_CASE)
    at = len(_IGNORING_CASE) if ignoring_case else 0
    parts = []
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or (part["set"] and _SET_OPERATION.search(part["set"])):
            return None
        if part["quoted"]:
            parts.append(re.escape(part["quoted"]))
        elif part["name"]:
            parts.append(f"(?P<{part['name']}>")
        else:
            parts.append(r"\Z" if part["end"] else part[0])
        at = part.end()
    try:
        return re.compile("".join(parts), re.ASCII | (re.IGNORECASE if ignoring_case else 0))
    except (
        re.error,
        OverflowError,
        RecursionError,
    ):  # a repetition beyond C's integers; too many groups in groups
        return None


def replaced(pattern: re.Pattern[str], replacement: str, name: str) -> str | None:
    """`name` as RegexRouter makes it: where the whole name matches, the first find is replaced (Java's `matches`, then
    `replaceFirst`). None where Java would refuse the replacement."""
    found = pattern.search(name) if pattern.fullmatch(name) else None
    if found is None:
        return name
    expanded = _expanded(found, replacement)
    return None if expanded is None else f"{name[: found.start()]}{expanded}{name[found.end() :]}"


def _expanded(found: re.Match[str], replacement: str) -> str | None:
    """Java's rules of a replacement: `$1`, `${name}`, and a backslash before what is meant literally."""
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
    """As many of the digits as name a group that exists; the first must."""
    if int(digits[0]) > groups:
        return None
    length = 1
    while length < len(digits) and int(digits[: length + 1]) <= groups:
        length += 1
    return digits[:length]
