"""Columns of Parquet tables, made from buffers: building them from Python lists takes pyarrow five times as
long, and it imports pandas first (findings/pyarrow-imports-pandas.sh).

Format: https://arrow.apache.org/docs/format/Columnar.html
"""

import io
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CODES = {pa.int32(): "i", pa.int64(): "q", pa.float64(): "d"}


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """`kind`: string, int32, int64, float64, a list of these, or a map from text to any of these (as pairs).
    Raises OverflowError for a number that does not fit."""
    return texts(values) if kind == pa.string() else _plain(values, kind)


def _plain(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    missing = None in values
    validity = bits([value is not None for value in values]) if missing else None
    if kind == pa.bool_():
        return pa.Array.from_buffers(kind, len(values), [validity, bits([bool(value) for value in values])])
    if pa.types.is_timestamp(kind):
        return _plain([None if at is None else _microseconds(at) for at in values], pa.int64()).view(kind)
    if kind in _CODES:
        known = [value or 0 for value in values] if missing else values
        return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(array(_CODES[kind], known))])
    items = [value or () for value in values] if missing else values
    ends = pa.py_buffer(array("i", accumulate(map(len, items), initial=0)))
    flat = list(chain.from_iterable(items))
    if not pa.types.is_map(kind):
        inner = _plain_texts(flat) if kind.value_type == pa.string() else _plain(flat, kind.value_type)
    else:
        names = _plain_texts(name for name, _ in flat)
        of_names = [value for _, value in flat]
        entries = pa.struct([kind.key_field, kind.item_field])
        held = _plain_texts(of_names) if kind.item_type == pa.string() else _plain(of_names, kind.item_type)
        inner = pa.Array.from_buffers(entries, len(flat), [None], children=[names, held])
    return pa.Array.from_buffers(kind, len(values), [validity, ends], children=[inner])


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class _Numbers(dict[str, int]):
    """Each new text gets the next number."""

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        return number


class Texts:
    """The texts of a column under construction: each distinct one is kept once, and a row is its number."""

    def __init__(self) -> None:
        self._numbers = _Numbers()
        self.rows = array("i")

    def number(self, text: str | None) -> int:
        """-1 means none."""
        return -1 if text is None else self._numbers[text]

    def add(self, texts: Iterable[str | None]) -> None:
        numbers = self._numbers
        self.rows.extend([-1 if text is None else numbers[text] for text in texts])

    def column(self) -> pa.Array:
        missing = -1 in self.rows
        validity = bits([number >= 0 for number in self.rows]) if missing else None
        rows = array("i", [max(number, 0) for number in self.rows]) if missing else self.rows
        indices = pa.Array.from_buffers(pa.int32(), len(rows), [validity, pa.py_buffer(rows)])
        return pa.DictionaryArray.from_arrays(indices, _plain_texts(self._numbers))


def texts(values: Iterable[str | None]) -> pa.Array:
    made = Texts()
    made.add(values)
    return made.column()


def booleans(values: Sequence[bool] | bytearray) -> pa.Array:
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, bits(values)])


def bits(values: Sequence[bool] | bytearray) -> pa.Buffer:
    """One bit each, the first value in the lowest."""
    digits = bytes(values)[::-1].translate(_DIGITS)
    return pa.py_buffer(int(digits or b"0", 2).to_bytes(-(-len(values) // 8), "little"))


_DIGITS = bytes.maketrans(b"\x00\x01", b"01")


def _plain_texts(values: Iterable[str]) -> pa.Array:
    encoded = [value.encode() for value in values]
    ends = array("i", accumulate(map(len, encoded), initial=0))
    return pa.Array.from_buffers(
        pa.string(), len(encoded), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    )


def arrow_table(
    schema: pa.Schema, columns: Mapping[str, pa.Array], *, stamp: Mapping[str, int | str | datetime]
) -> pa.Table:
    """The columns of `schema`: those of `stamp`, the same in each row, and `columns`, all of one length.
    Repeated texts become dictionaries."""
    rows = len(next(iter(columns.values())))
    arrays = [
        columns[field.name] if field.name in columns else _repeated(stamp[field.name], rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, names=schema.names)


def parquet(
    schema: pa.Schema, columns: Mapping[str, pa.Array], *, stamp: Mapping[str, int | str | datetime]
) -> bytes:
    """A file of that table. Its types are those of `schema`: how a column was built is not kept."""
    buffer = io.BytesIO()
    # Without Arrow's own schema next to Parquet's, which would say that repeated texts are dictionaries.
    pq.write_table(arrow_table(schema, columns, stamp=stamp), buffer, compression="zstd", store_schema=False)
    return buffer.getvalue()


def release_unused() -> None:
    """Gives back what Arrow keeps for the next table: 28 MB after the costs of 9,000 topics. Takes a millisecond."""
    pa.default_memory_pool().release_unused()


def _repeated(value: int | str | datetime, rows: int, kind: pa.DataType) -> pa.Array:
    if isinstance(value, str):
        made = Texts()
        made.rows = array("i", [made.number(value)]) * rows
        return made.column()
    number = _microseconds(value) if isinstance(value, datetime) else value
    return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(array("q", [number]) * rows)])
