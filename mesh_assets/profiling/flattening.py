"""Decoded values as columns, one per path, and the frame that rules are judged on."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mesh_assets.analysis.schema_fields import mask_personal_text
from mesh_assets.importing import importing
from mesh_assets.platforms.kafka.slices import SampledRecord
from mesh_assets.profiling.sample import KEY, OFFSET, PARTITION, TIMESTAMP, TOMBSTONE, UNDECODABLE

if TYPE_CHECKING:
    import pandas as pd

MOST_FIELDS = 500
DEEPEST = 12
WHOLE = "value"
"""The path of a value that is not a record."""
_RESERVED = frozenset({PARTITION, OFFSET, TIMESTAMP, KEY, TOMBSTONE, UNDECODABLE})
_NAME = re.compile(r"[A-Za-z_$@][\w$@ :/-]{0,79}")
_MAP_KEYS, _MAP_SHARE = 50, 0.1
_RARE_SHARE, _RARE_RECORDS = 0.01, 10
_MOST_KEYS = 10_000
_LARGEST = 2**63
_PLAIN = frozenset({str, int, float, bool})
_Usual = Mapping[str, Collection[str]]
"""Path of an object that holds data among its keys → names of its fields."""
_NESTED, _COLLECTIONS = (dict, list), (dict, list, tuple)


@dataclass(slots=True)
class Columns:
    """`rows` and `values`: in which rows a path occurs, and its values, never null. `inner`: the values
    within arrays and maps, over all records. `left_out`: paths beyond the first 500."""

    count: int
    rows: dict[str, list[int]] = field(default_factory=dict)
    values: dict[str, list[Any]] = field(default_factory=dict)
    inner: dict[str, list[Any]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)


def flatten(values: Sequence[Any], *, declared: Collection[str], maps: Collection[str]) -> Columns:
    """The columns of the decoded values. `declared`: paths of the schemas, `maps`: those whose keys are data. An object that
    no schema describes counts as a map if it has many keys that are mostly different from record to record. If more
    than 50 of its keys are in hardly any record, these are data beside its fields, and so is any key that does not
    look like a field name: paths are kept, and data is not."""
    undeclared, usual = _undeclared_maps(values, declared)
    return _Flattening(len(values), declared, {*maps, *undeclared}, usual).of(values)


class _Flattening:
    def __init__(self, count: int, declared: Collection[str], maps: Collection[str], usual: _Usual) -> None:
        self._declared = declared
        self._maps = maps
        self._usual = usual
        self._found = Columns(count=count)
        self._open: dict[str, dict[str, tuple[list[int], list[Any]]]] = {}
        """Path of a record → name → the column it leads to: most values go where those of the previous record
        went."""

    def of(self, values: Sequence[Any]) -> Columns:
        for row, value in enumerate(values):
            if value is None:
                continue
            if isinstance(value, dict) and "" not in self._maps:
                self._record("", value, row, 0)
            else:
                self._put(WHOLE, value, row, 0)
        return self._found

    def _record(self, path: str, value: Mapping[str, Any], row: int, depth: int) -> None:
        known = self._open.setdefault(path, {})
        for name, inner in value.items():
            column = known.get(name)
            if column is not None and type(inner) in _PLAIN:
                rows, values = column
                if rows[-1] != row:
                    rows.append(row)
                    values.append(inner)
                continue
            below = f"{path}.{name}" if path else name
            if self._is_field(path, name, below):
                self._put(below, inner, row, depth)
                if below in self._found.rows:
                    known[name] = self._found.rows[below], self._found.values[below]
            else:
                self._within(f"{path}{{}}", inner, depth)

    def _is_field(self, path: str, name: str, below: str) -> bool:
        return below in self._declared or (_is_name(name) and name in self._usual.get(path, (name,)))

    def _put(self, path: str, value: Any, row: int, depth: int) -> None:
        if value is None or path in _RESERVED:
            return
        if isinstance(value, dict) and path not in self._maps and depth < DEEPEST:
            self._record(path, value, row, depth + 1)
            return
        rows = self._found.rows.get(path)
        if rows is None:
            if len(self._found.rows) >= MOST_FIELDS:
                if len(self._found.left_out) < _MOST_KEYS:
                    self._found.left_out.add(path)
                return
            rows = self._found.rows[path] = []
            self._found.values[path] = []
        if rows and rows[-1] == row:
            return  # two names give the same path, e.g. `a.b` next to `a` with `b`
        rows.append(row)
        self._found.values[path].append(value)
        if isinstance(value, _COLLECTIONS):
            self._parts(path, value, depth)

    def _parts(self, path: str, value: Any, depth: int) -> None:
        if depth >= DEEPEST:
            return
        if isinstance(value, dict):
            for inner in value.values():
                self._within(f"{path}{{}}", inner, depth + 1)
        elif isinstance(value, list | tuple):
            for inner in value:
                self._within(f"{path}[]", inner, depth + 1)

    def _within(self, path: str, value: Any, depth: int) -> None:
        """A value within an array or a map: it has no row of its own."""
        if value is None or depth > DEEPEST:
            return
        if isinstance(value, dict) and path not in self._maps:
            for name, inner in value.items():
                below = f"{path}.{name}"
                known = self._is_field(path, name, below)
                self._within(below if known else f"{path}{{}}", inner, depth + 1)
            return
        if path not in self._found.inner:
            if len(self._found.inner) >= MOST_FIELDS:
                if len(self._found.left_out) < _MOST_KEYS:
                    self._found.left_out.add(path)
                return
            self._found.inner[path] = []
        if not isinstance(value, _COLLECTIONS):
            self._found.inner[path].append(value)
        else:
            self._parts(path, value, depth)


@lru_cache(maxsize=65_536)
def _is_name(text: str) -> bool:
    """Whether a key of an object that no schema describes looks like a field name rather than data."""
    return (
        _NAME.fullmatch(text) is not None
        and sum(map(str.isdigit, text)) <= len(text) // 2
        and sum(map(str.isdigit, text)) < 8
        and mask_personal_text(text) == text
    )


def _undeclared_maps(values: Sequence[Any], declared: Collection[str]) -> tuple[set[str], _Usual]:
    seen: Counter[str] = Counter()
    keys: defaultdict[str, Counter[str]] = defaultdict(Counter)
    total: Counter[str] = Counter()

    def look(path: str, value: Any, depth: int) -> None:
        if depth > DEEPEST:
            return
        if isinstance(value, dict):
            seen[path] += 1
            total[path] += len(value)
            if len(keys[path]) < _MOST_KEYS:
                keys[path].update(value.keys())
            for name, inner in value.items():
                if isinstance(inner, _NESTED) and _is_name(name):
                    look(f"{path}.{name}" if path else name, inner, depth + 1)
        elif isinstance(value, list):
            for inner in value:
                if isinstance(inner, _NESTED):
                    look(f"{path}[]", inner, depth + 1)

    for value in values:
        if isinstance(value, _NESTED):
            look("", value, 0)
    maps: set[str] = set()
    usual: dict[str, frozenset[str]] = {}
    for path, names in keys.items():
        if path in declared or len(names) <= _MAP_KEYS:
            continue
        if path and total[path] < _MAP_SHARE * seen[path] * len(names):  # the whole is always a record
            maps.add(path)
            continue
        enough = min(_MAP_SHARE * seen[path], max(_RARE_RECORDS, _RARE_SHARE * seen[path]))
        often = frozenset(name for name, count in names.items() if count >= enough)
        if len(names) - len(often) > _MAP_KEYS:
            usual[path] = often
    return maps, usual


def frame_of(
    columns: Columns, records: Sequence[SampledRecord], reasons: Mapping[int, str]
) -> "pd.DataFrame":
    """The frame, as `TopicSample` describes it. `reasons`: why records are undecodable, by row."""
    with importing:
        import pandas as pd

    count = len(records)
    made: dict[str, Any] = {
        PARTITION: pd.array([one.partition for one in records], dtype="int64"),
        OFFSET: pd.array([one.offset for one in records], dtype="int64"),
        TIMESTAMP: pd.to_datetime(
            pd.array([one.timestamp_ms for one in records], dtype="Int64"),
            unit="ms",
            utc=True,
            errors="coerce",
        ),
        KEY: _objects([one.key for one in records]),
        TOMBSTONE: [one.value is None for one in records],
        UNDECODABLE: _objects([reasons.get(row) for row in range(count)]),
    }
    for path, rows in columns.rows.items():
        whole: list[Any] = [None] * count
        for row, value in zip(rows, columns.values[path], strict=True):
            whole[row] = value
        made[path] = _typed(whole, Counter(map(type, columns.values[path])))
    return pd.DataFrame(made, index=pd.RangeIndex(count))


def _typed(values: list[Any], types: Mapping[type, int]) -> Any:
    with importing:
        import pandas as pd

    kinds = set(types)
    if kinds == {bool}:
        return pd.array(values, dtype="boolean")
    if kinds == {int} and all(one is None or -_LARGEST <= one < _LARGEST for one in values):
        return pd.array(values, dtype="Int64")
    if kinds == {float}:
        return pd.array([float("nan") if one is None else one for one in values], dtype="float64")
    if kinds == {datetime} and all(one is None or one.tzinfo is not None for one in values):
        return pd.Series(values, dtype="datetime64[us, UTC]").array
    return _objects(values)


def _objects(values: list[Any]) -> Any:
    with importing:
        import pandas as pd

    return pd.Series(values, dtype=object).array
