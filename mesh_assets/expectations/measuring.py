"""The metrics of ODCS over a frame of sampled records: which rows break a rule, or how many values do."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from mesh_assets.estate.expectations import QualityRule
from mesh_assets.importing import importing

if TYPE_CHECKING:
    import pandas as pd

PARTITION, OFFSET, TIMESTAMP, TOMBSTONE, UNDECODABLE = (
    "__partition",
    "__offset",
    "__timestamp",
    "__tombstone",
    "__undecodable",
)
"""Columns of a frame besides those of fields. TOMBSTONE (bool) and UNDECODABLE (a reason or None) may be missing: then no
record is either."""


class Measured(NamedTuple):
    """`number`: what the metric counts. `broken`: for each row of the frame, whether it breaks the rule; None: not about rows."""

    number: int
    broken: "pd.Series[bool] | None"


class NotMeasuredError(Exception):
    """A rule cannot be judged over this sample; the message says why and quotes no value."""


def records_with_values(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The rows whose value could be decoded: neither tombstones nor undecodable ones, which have no fields."""
    kept = frame
    if TOMBSTONE in kept.columns:
        kept = kept[~kept[TOMBSTONE].astype(bool)]
    if UNDECODABLE in kept.columns:
        kept = kept[kept[UNDECODABLE].isna()]
    return kept


def undecodable_records(frame: "pd.DataFrame") -> int:
    return int(frame[UNDECODABLE].notna().sum()) if UNDECODABLE in frame.columns else 0


def measure(rule: QualityRule, values: "pd.DataFrame") -> Measured:
    """A metric about fields, over rows with values. A null value breaks no rule except `nullValues` and, where null is
    listed, `missingValues`. Raises NotMeasuredError where a field is not in the sample."""
    if rule.metric == "duplicateValues":
        return _duplicates(rule, values)
    column = _column(values, rule.path or "")
    null = column.isna()
    given = rule.arguments
    if rule.metric == "nullValues":
        broken = null
    elif rule.metric == "missingValues":
        missing = given.missing_values or ()
        listed = tuple(one for one in missing if one is not None)
        broken = column.map(_is_one_of(listed)).astype(bool) & ~null
        if len(listed) < len(missing):
            broken |= null
    else:
        broken = _invalid(rule, column) & ~null
    return Measured(int(broken.sum()), broken)


def _column(values: "pd.DataFrame", path: str) -> "pd.Series[Any]":
    if path in values.columns and not path.startswith("__"):
        return values[path]
    below = sorted(str(name) for name in values.columns if str(name).startswith(f"{path}."))
    if below:
        raise NotMeasuredError(f"{path} is a record; name a field of it, such as {below[0]}")
    if "[]" in path or "{}" in path:
        raise NotMeasuredError(f"{path} is within an array or a map, and rules do not judge their elements")
    raise NotMeasuredError(
        f"no sampled record has a field {path}; check its spelling, or whether the topic still has it"
    )


def _duplicates(rule: QualityRule, values: "pd.DataFrame") -> Measured:
    """How many values occur in more than one record, as datacontract-cli counts; rows where a part is null are left out."""
    paths = rule.arguments.properties or (rule.path or "",)
    columns = [_column(values, path) for path in paths]
    known = ~columns[0].isna()
    for column in columns[1:]:
        known &= ~column.isna()
    with importing:
        import pandas as pd

    kept = pd.DataFrame({number: column[known].map(_comparable) for number, column in enumerate(columns)})
    broken = kept.duplicated(keep=False)
    different = int((~kept[broken].duplicated()).sum())
    return Measured(different, broken.reindex(values.index, fill_value=False))


def _invalid(rule: QualityRule, column: "pd.Series[Any]") -> "pd.Series[bool]":
    given = rule.arguments
    invalid = column.map(lambda _: False).astype(bool)
    if given.valid_values is not None:
        invalid |= ~column.map(_is_one_of(given.valid_values)).astype(bool)
    if given.minimum is not None or given.maximum is not None:
        invalid |= column.map(_outside(given.minimum, given.maximum)).astype(bool)
    if given.pattern is not None:
        invalid |= ~_matching(given.pattern, column)
    return invalid


def _matching(pattern: str, column: "pd.Series[Any]") -> "pd.Series[bool]":
    """With RE2: anyone may write records, and none may cost the time of a backtracking expression."""
    with importing:
        import pandas as pd
        import pyarrow as pa
        import pyarrow.compute as pc

    texts = pa.array([_text(value) for value in column], type=pa.large_string())
    try:
        found = pc.match_substring_regex(texts, pattern)
    except pa.ArrowInvalid as error:
        raise NotMeasuredError("RE2 cannot match the pattern; simplify it") from error
    return pd.Series([bool(one) for one in found.to_pylist()], index=column.index, dtype=bool)


def _text(value: object) -> str | None:
    """The text a pattern is matched against; None, which matches nothing, for bytes, lists and records."""
    if isinstance(value, str):
        return value
    return None if isinstance(value, bytes | list | dict | tuple) else str(value)


def _outside(least: float | None, most: float | None) -> Callable[[Any], bool]:
    def is_outside(value: Any) -> bool:
        number = _number(value)
        if number is None:
            return True  # not a number, so outside any range
        return (least is not None and number < least) or (most is not None and number > most)

    return is_outside


def _is_one_of(allowed: Sequence[Any]) -> Callable[[Any], bool]:
    texts = {one for one in allowed if isinstance(one, str)}
    truths = {one for one in allowed if isinstance(one, bool)}
    numbers = {one for one in allowed if _number(one) is not None}

    def is_one(value: Any) -> bool:
        if _is_truth(value):
            return bool(value) in truths
        number = _number(value)
        if number is not None:
            return number in numbers
        return not isinstance(value, bytes | list | dict | tuple) and str(value) in texts

    return is_one


def _is_truth(value: object) -> bool:
    return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")


def _number(value: Any) -> int | float | Decimal | None:
    if _is_truth(value):
        return None
    if isinstance(value, int | float | Decimal):
        return value
    kind = getattr(getattr(value, "dtype", None), "kind", None)  # a numpy scalar
    return value.item() if kind in ("i", "u", "f") else None


def _comparable(value: Any) -> Any:
    """Unhashable values by their text; a boolean is not a number."""
    if isinstance(value, list | dict | tuple) or _is_truth(value):
        return f"{type(value).__name__} {value!r}"
    return value
