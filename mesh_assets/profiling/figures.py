"""The figures of one field: from its values in memory to counts and shares, which give no value away."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any, Literal, cast
from uuid import UUID

import numpy as np

from mesh_assets.analysis.personal_values import LooksPersonal, looks_personal
from mesh_assets.analysis.schema_fields import is_personal
from mesh_assets.profiling.records import (
    EnumeratedValue,
    FieldProfile,
    Histogram,
    Quantile,
    TypeShare,
)
from mesh_assets.profiling.shapes import Declared, json_types

FEWEST_VALUES = 10
"""With fewer, an extreme or a quantile is somebody's value."""
MOST_ENUMERATED = 20
_BINS = 10
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_IDENTIFIES = re.compile(
    r"(?:^|[a-z_.\-{}\[\]])(?:id|Id|ID|key|Key|uuid|Uuid|UUID|guid|number|Number|no|No|code|Code|ref|Ref)$"
)
_MOSTLY_DIFFERENT = 0.9
_NAMES_IDS = re.compile(
    r"(?:(?:^|[_.\-])(?:id|ID|key|KEY|uuid|UUID|guid|GUID|number|NUMBER|no|NO|ref|REF)|[a-z](?:Id|ID|Key|Uuid|UUID|Guid|Number|No|Ref))$"
)
"""A word of its own at the end of a name: `customer_id`, `accountNo`, and not `paid`."""

_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (bytes, "bytes"),
    (datetime, "timestamp"),
    (date, "date"),
    (time, "time"),
    (Decimal, "decimal"),
    (UUID, "uuid"),
    ((list, tuple), "array"),
    (dict, "object"),
)

_TEXT = frozenset({str})
_NUMBERS = frozenset({int, float})
_SINGLE = frozenset({str, int, float, bool, bytes, Decimal, UUID})
"""The types of most columns, whose values need not be looked at one by one."""

_Numbers = np.ndarray[Any, np.dtype[np.float64]]

NameValue = Callable[[str], str]
"""The keyed hash of a value, given as text."""


def identifies(name: str) -> bool:
    """Whether a numeric field of that name identifies something: `order_id`, `customerNo`."""
    return _IDENTIFIES.search(name) is not None


def type_name(kind: type) -> str:
    """The name of a Python type in profiles."""
    return next((name for types, name in _TYPES if issubclass(kind, types)), "string")


def profile_field(
    path: str,
    values: Sequence[Any],
    *,
    records: int | None,
    of: int,
    declared: Declared | None,
    checked: bool,
    hashed: NameValue,
    named: bool,
) -> FieldProfile:
    """The profile of a field with these `values`, none of them null. `records`: how many of the `of` decoded
    records have it; None: the values lie within arrays or maps, so records are not counted. `checked`: values
    may differ from what is `declared`, as in JSON. `named`: the estate allows naming its few values."""
    shares = _shares(values)
    kinds = frozenset(map(type, values))
    texts = (
        values
        if kinds == _TEXT
        else [str(one) for one in values]
        if kinds <= _SINGLE
        else [str(one) for one in values if not isinstance(one, list | tuple | dict)]
    )
    counts = Counter(texts) if texts else Counter()
    personal = looks_personal(values)
    what, figures = _numbers(values, shares)
    withheld = None if what is None else _withheld(path, what, figures, counts, personal)
    shown = figures if withheld is None else figures[:0]
    return FieldProfile(
        path=path,
        types=tuple(TypeShare(type=name, share=count / len(values)) for name, count in shares.most_common()),
        records=len(values) if records is None else records,
        completeness=None if records is None or not of else records / of,
        optional=None if declared is None else declared.optional,
        distinct=len(counts) if texts else None,
        declared=None if declared is None else declared.type,
        type_conformance=_conformance(
            shares, declared if checked else None, sure=declared is not None and not checked
        ),
        figures_of=what,
        minimum=float(shown.min()) if shown.size else None,
        maximum=float(shown.max()) if shown.size else None,
        mean=_mean(shown),
        quantiles=_quantiles(shown),
        histogram=_histogram(shown),
        withheld=withheld,
        values=_enumerated(counts, len(texts), shares, hashed, named=named and not personal),
        looks_personal=personal,
    )


def _shares(values: Sequence[Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for kind, count in Counter(map(type, values)).items():
        found[type_name(kind)] += count
    return found


def _conformance(shares: Mapping[str, int], declared: Declared | None, *, sure: bool) -> float | None:
    """Judged by the declared type, or by the most frequent one. `sure`: a value of another type could not
    have been decoded."""
    total = sum(shares.values())
    if not total:
        return None
    allowed = None if declared is None else json_types(declared.type)
    if allowed is not None:
        return sum(count for name, count in shares.items() if name in allowed) / total
    if sure or declared is not None:
        return 1.0
    joined = Counter({"number" if name == "integer" and "number" in shares else name: 0 for name in shares})
    for name, count in shares.items():
        joined["number" if name == "integer" and "number" in shares else name] += count
    return max(joined.values()) / total


def _numbers(
    values: Sequence[Any], shares: Mapping[str, int]
) -> tuple[Literal["number", "time", "length"] | None, _Numbers]:
    """What the figures measure, by the most frequent type, and the numbers."""
    if not shares:
        return None, np.empty(0)
    most = max(shares, key=lambda name: shares[name])
    kinds = frozenset(map(type, values))
    if most in ("integer", "number", "decimal"):
        if kinds <= _NUMBERS and all(map(_fits, values)):
            array = np.asarray(values, dtype=np.float64)
            return "number", array[np.isfinite(array)]
        numbers = [
            float(one)
            for one in values
            if isinstance(one, int | float | Decimal) and not isinstance(one, bool) and _fits(one)
        ]
        array = np.asarray(numbers, dtype=np.float64)
        return "number", array[np.isfinite(array)]
    if most in ("timestamp", "date"):
        return "time", np.asarray(
            [_seconds(one) for one in values if isinstance(one, date)], dtype=np.float64
        )
    if most in ("string", "bytes"):
        lengths = [len(one) for one in values if kinds == _TEXT or isinstance(one, str | bytes)]
        return "length", np.asarray(lengths, dtype=np.float64)
    return None, np.empty(0)


def _fits(number: int | float | Decimal) -> bool:
    return not isinstance(number, int) or -(10**300) < number < 10**300


def _seconds(moment: date) -> float:
    if not isinstance(moment, datetime):
        return (moment - date(1970, 1, 1)).days * 86_400.0
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def _withheld(
    path: str, what: str, figures: _Numbers, counts: Mapping[str, int], personal: Sequence[LooksPersonal]
) -> str | None:
    """Why extremes and quantiles are withheld. Lengths of texts are not values."""
    count = len(figures)
    if count < FEWEST_VALUES:
        return f"with fewer than {FEWEST_VALUES} values, figures would reveal values"
    if what == "length":
        return None
    name = path.rpartition(".")[2].rstrip("[]{}")
    if personal or is_personal(name):
        return "it looks personal"
    # A whole number's name is enough: references repeat, and their extremes still belong to somebody.
    if what == "number" and (
        (_NAMES_IDS.search(name) is not None and bool((figures == np.floor(figures)).all()))
        or (identifies(name) and len(counts) >= _MOSTLY_DIFFERENT * count)
    ):
        return "its numbers are identifiers, so figures would reveal values"
    return None


def _mean(numbers: _Numbers) -> float | None:
    """Also None for numbers that add up to more than a float holds."""
    if not numbers.size:
        return None
    with np.errstate(over="ignore"):
        mean = float(numbers.mean())
    return mean if isfinite(mean) else None


def _quantiles(numbers: _Numbers) -> tuple[Quantile, ...]:
    if not numbers.size:
        return ()
    found = np.quantile(numbers, _QUANTILES)
    return tuple(Quantile(at, float(value)) for at, value in zip(_QUANTILES, found, strict=True))


def _histogram(numbers: _Numbers) -> Histogram | None:
    if not numbers.size or not np.isfinite(numbers.max() - numbers.min()):
        return None
    try:
        counts, edges = np.histogram(numbers, bins=_BINS)
    except ValueError:  # the numbers are too close together for ten bins
        return None
    return Histogram(edges=tuple(map(float, edges)), counts=tuple(map(int, counts)))


def _enumerated(
    counts: Counter[str], total: int, shares: Mapping[str, int], hashed: NameValue, *, named: bool
) -> tuple[EnumeratedValue, ...]:
    """For strings, booleans and whole numbers with at most 20 distinct values, each occurring at least twice
    on average."""
    enumerable = shares.keys() <= {"string", "boolean", "integer"}
    if (
        not enumerable
        or not 0 < len(counts) <= MOST_ENUMERATED
        or total < max(FEWEST_VALUES, 2 * len(counts))
    ):
        return ()
    return tuple(
        EnumeratedValue(hash=hashed(text), records=count, name=text if named else None)
        for text, count in cast(
            "list[tuple[str, int]]", sorted(counts.most_common(), key=lambda one: (-one[1], one[0]))
        )
    )
