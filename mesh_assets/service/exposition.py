"""OpenMetrics text: samples as lines, with the lines of several clusters grouped by family, as the format
requires.

https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md. There are only gauges, so
the same bytes are also Prometheus' older text format, where `# UNIT` and `# EOF` are comments.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import isfinite

from mesh_assets.service.families import FAMILIES, Family

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
END = b"# EOF\n"

LONGEST_VALUE = 512
"""The longest label value, in characters. Servers accept names of tens of thousands; of a longer one we keep
the beginning and a hash."""

# Prometheus takes NUL for the end of the text, and UTF-8 has no surrogates. The mark itself is doubled, so
# that no two names become one.
_MARK = "\u2400"
_UNFIT = re.compile(f"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff{_MARK}]")
_USUAL = re.compile(rf"[\w.:-]{{0,{LONGEST_VALUE}}}", re.ASCII).fullmatch
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

Texts = Mapping[str, bytes]
"""By family, its lines."""


def label_value(text: str) -> str:
    """`text` as it appears between quotes: different names give different values, whatever they contain."""
    if _USUAL(text):
        return text
    fit = _UNFIT.sub(_fit, text)
    return (fit if len(fit) <= LONGEST_VALUE else _shortened(fit)).translate(_ESCAPED)


def _fit(unfit: re.Match[str]) -> str:
    return _MARK * 2 if unfit[0] == _MARK else f"{_MARK}{ord(unfit[0]):02x}"


def _shortened(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: LONGEST_VALUE - 17]}\N{HORIZONTAL ELLIPSIS}{digest}"


def labels(**values: str | int) -> str:
    """`{cluster="a",topic="b"}`"""
    return "{" + ",".join(f'{name}="{label_value(str(value))}"' for name, value in values.items()) + "}"


def and_labels(known: str, **values: str | int) -> str:
    """`known`, the result of `labels`, with more labels."""
    return f"{known[:-1]},{labels(**values)[1:]}"


class Samples:
    """The samples of one cluster, by family. Unknown values get none. Encoded to bytes at once: 112,000 lines
    as objects would take more memory than the text."""

    def __init__(self, families: Iterable[Family] = FAMILIES) -> None:
        self._lines = {family.name: bytearray() for family in families}

    def add(self, family: str, labelled: str, value: float | datetime | None) -> None:
        """`labelled`: as `labels` makes them. None, or anything that is not a number, is unknown."""
        if type(value) is int:  # like most
            self._lines[family] += f"{family}{labelled} {value}\n".encode()
            return
        if value is None:
            return
        number = value.timestamp() if isinstance(value, datetime) else value
        if isfinite(number):
            self._lines[family] += f"{family}{labelled} {number}\n".encode()

    def texts(self) -> dict[str, bytes]:
        """Returns what was added and forgets it."""
        families = [family for family, lines in self._lines.items() if lines]
        return {family: bytes(self._lines.pop(family)) for family in families}


def joined(clusters: Sequence[Texts], *, families: Iterable[Family] = FAMILIES) -> Iterator[bytes]:
    """The whole exposition in parts: each family once, with the samples of every cluster."""
    for family in families:
        texts = [text for cluster in clusters if (text := cluster.get(family.name))]
        if texts:
            yield _header(family)
            yield from texts
    yield END


def _header(family: Family) -> bytes:
    unit = "" if family.unit is None else f"# UNIT {family.name} {family.unit}\n"
    return f"# TYPE {family.name} gauge\n{unit}# HELP {family.name} {family.help}\n".encode()
