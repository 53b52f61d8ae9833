"""How counts, lists and figures read in every sentence: changes, reports, findings, errors; and foreign text made
readable."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

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


def named(name: str) -> str:
    """A name in a sentence; the empty name, which a consumer group may have, as `""`."""
    return name or '""'


def listed(names: Sequence[str], *, most: int = 5) -> str:
    """`a, b, c and 4 more`."""
    shown, more = ", ".join(map(named, names[:most])), len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def one_line(text: str, *, most: int | None = None) -> str:
    """`text` with every run of whitespace as one blank, cut to `most` characters.

    Names of groups, subjects and connectors may contain line breaks; a sentence must not.
    """
    if most is None:
        return " ".join(text.split())
    # Cut first: there is no need to split a megabyte to show its beginning.
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1]}…"


# Letters and emoji that joiners and variation selectors belong to: elsewhere these mean nothing, and many of them in
# a row can carry hidden text.
_JOINED = r"\u0600-\u1fff\u2190-\u2bff\U0001f000-\U0001fbff"
_UNSEEN = re.compile(
    r"(?:\x1b\[[0-?]*+[ -/]*+[@-~]"  # terminal sequences: colours, movements
    r"|\x1b\][^\x07\x1b\n]{0,1000}+(?:\x07|\x1b\\)"  # and titles, links
    r"|[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f]"  # C0 and C1 except tab and line breaks
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # direction
    r"|[\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]"
    r"|[\ufe00-\ufe0d\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"  # zero width, tags
    rf"|(?<![{_JOINED}\ufe0f])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])"
    rf"|(?<![#*0-9\xa9\xae\u203c-\u3299{_JOINED}])[\ufe0e\ufe0f]"
    r"|[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff])+"  # not characters
)
_LINE_BREAK = re.compile(r"\r\n|[\r\x85\u2028\u2029]")
# Every character that either of them covers, in one class: searching for these takes an eighth of the time.
_PERHAPS_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def readable(text: str) -> str:
    """`text` as a person sees it: anything that is invisible, changes the reading direction or controls a terminal is
    replaced by one U+FFFD, a line break of any kind by a newline.

    Anyone who may write to Kafka writes names and messages. Hidden characters make two names look alike, and carry
    text that an agent reads and its user does not.
    """
    if (text.isascii() and text.isprintable()) or _PERHAPS_UNSEEN.search(text) is None:
        return text
    return _UNSEEN.sub("\ufffd", _LINE_BREAK.sub("\n", text))


def escaped(line: str) -> str:
    """A line of JSON with escapes for what `readable` removes: it loses nothing, and cannot control a terminal."""
    if line.isascii() and line.isprintable():
        return line
    return _LINE_BREAK.sub(_as_escapes, _UNSEEN.sub(_as_escapes, line))


def _as_escapes(unseen: re.Match[str]) -> str:
    return "".join(one if " " <= one <= "~" else json.dumps(one)[1:-1] for one in unseen[0])


def shortened(text: str, most: int) -> str:
    """`text` cut to `most` characters, the last of them an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


_LONGEST_WORD, _LONGEST_SENTENCE = 72, 400


def brief(name: str, most: int = _LONGEST_WORD) -> str:
    """`name` without its middle if it is longer than `most`: the beginning says what it is, the end which one."""
    if len(name) <= most:
        return name
    end = most // 3
    return f"{name[: most - 1 - end]}…{name[-end:]}"


def brief_sentence(sentence: str) -> str:
    """The sentence with long names shortened. Servers allow topics of 249 characters, and groups and connectors of tens
    of thousands, even with blanks."""
    if len(sentence) <= _LONGEST_WORD:
        return sentence
    return brief(" ".join(brief(word) for word in sentence.split(" ")), _LONGEST_SENTENCE)


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


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows as lines, two blanks between columns. All rows have the same number of cells."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def printed_json(value: Any) -> str:
    """A record as `--json` prints it."""
    return msgspec.json.format(msgspec.json.encode(value)).decode()
