"""How counts, lists and figures read, in sentences of every part: changes, reports, findings, errors."""

from collections.abc import Sequence

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def plural(number: int, noun: str, several: str | None = None) -> str:
    """The form of `noun` that goes with `number`; `several` where the plural is not the noun and an s.

    `plural(1, "change")` is `change`, `plural(0, "change")` is `changes`, `plural(2, "is", "are")` is `are`.
    """
    if number == 1:
        return noun
    return f"{noun}s" if several is None else several


def counted(number: int, noun: str, several: str | None = None) -> str:
    """`1 topic`, `9,000 topics`; `noun` and `several` as in `plural`."""
    return f"{number:,} {plural(number, noun, several)}"


def listed(names: Sequence[str], *, most: int = 5) -> str:
    """`a, b, c and 4 more`."""
    more = len(names) - most
    return f"{', '.join(names[:most])} and {more} more" if more > 0 else ", ".join(names)


def one_line(text: str, *, most: int | None = None) -> str:
    """`text` with every run of blanks and line breaks as one blank, cut to `most` characters.

    Names of groups, subjects and connectors may contain line breaks; a sentence must not.
    """
    if most is None:
        return " ".join(text.split())
    # Cut first: there is no need to split a megabyte to show its beginning.
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1]}…"


def shortened(text: str, most: int) -> str:
    """`text` cut to `most` characters, the last of them an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def figure(value: float) -> str:
    """1,204 · 12 · 1.5 · 0.05 · 0"""
    if value >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if value >= 0.95 or value == 0 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """45 s · 15 min · 3 h · 9 days"""
    for most, unit_seconds, unit in ((90, 1, "s"), (5_400, 60, "min"), (129_600, 3_600, "h")):
        if seconds < most:
            return f"{seconds / unit_seconds:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"


def bytes_text(count: float) -> str:
    """0 B · 512 B · 3.2 kB · 41 MB"""
    for unit in _BYTE_UNITS:
        if count < 999.5 or unit == _BYTE_UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if count >= 9.95 or unit == "B" else f"{count:.1f} {unit}"
