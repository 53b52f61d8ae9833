"""Avro's binary encoding straight from records, byte for byte what fastavro writes for the same values as dictionaries.

A snapshot of 9,000 topics has 36,000 partitions and 300,000 configs. Turning them into dictionaries for fastavro costs
2 s and 120 MB; here, nothing is encoded twice: equal numbers and texts, and configs that many topics share as one
dictionary (`platforms/kafka/wire/configs.py`).

Format: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

Encode = Callable[[Any], bytes]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS = {
    "timestamp-millis": timedelta(milliseconds=1),
    "timestamp-micros": timedelta(microseconds=1),
}
_LEAST, _MOST = -(2**63), 2**63 - 1


def encoder(schema: Any) -> Encode:
    """For records (msgspec's structs) of `schema`, as `json.loads` gives it: a function that encodes one.

    It remembers what it has encoded, so use it for one value, or for several that are kept anyway. It supports what the
    two events consist of: records, maps, tuples and lists, null or one other type, texts, numbers, booleans and moments;
    raises NotImplementedError for other schemas. The function raises ValueError for a record whose fields are not those
    of its schema, OverflowError for a number of more than 64 bits, TypeError, AttributeError, UnicodeEncodeError or
    struct.error for a value of the wrong type.
    """
    return _Compiler().compiled(schema)


class _Known(dict[Any, bytes]):
    """Encodings by value. A known value costs one dictionary lookup. `nullable`: null is one of two branches."""

    __slots__ = ("_branch", "_encode")

    def __init__(self, encode: Encode, *, nullable: bool = False) -> None:
        super().__init__({None: b"\x00"} if nullable else {})
        self._encode = encode
        self._branch = b"\x02" if nullable else b""

    def __missing__(self, value: Any) -> bytes:
        encoded = self[value] = self._branch + self._encode(value)
        return encoded


class _Longs(_Known):
    """Numbers, the small ones and the first: most offsets never come again, and to keep those of 9,000 topics took 32 MB, and
    more time."""

    def __missing__(self, value: int) -> bytes:
        encoded = self._branch + self._encode(value)
        if value < _SMALL or len(self) < _MOST_KEPT:
            self[value] = encoded
        return encoded


_SMALL, _MOST_KEPT = 1 << 16, 1 << 14


class _Compiler:
    def __init__(self) -> None:
        self._long = _Longs(_encoded_long).__getitem__
        self._text = _Known(self._encoded_text).__getitem__
        self._long_or_null = _Longs(_encoded_long, nullable=True).__getitem__
        self._text_or_null = _Known(self._encoded_text, nullable=True).__getitem__
        self._named: dict[str, Encode] = {}

    def compiled(self, schema: Any) -> Encode:
        match schema:
            case "int" | "long":
                return self._long
            case "string":
                return self._text
            case "double":
                return _DOUBLE.pack
            case "boolean":
                return _encoded_boolean
            case str() if schema in self._named:
                return self._named[schema]
            case ["null", branch]:
                return self._or_null(branch)
            case {"type": "array", "items": items}:
                return self._array(self.compiled(items))
            case {"type": "map", "values": values}:
                return self._map(self.compiled(values))
            case {"type": "record", "name": name, "fields": fields}:
                return self._named.setdefault(name, self._record(name, fields))
            case {"logicalType": logical} if logical in _TICKS:
                return self._moment(_TICKS[logical])
            case {"type": str(plain)} if len(schema) == 1:
                return self.compiled(plain)
            case _:
                raise NotImplementedError(f"no encoding of the Avro schema {schema}")

    def _encoded_text(self, value: str) -> bytes:
        data = value.encode()
        return self._long(len(data)) + data

    def _or_null(self, schema: Any) -> Encode:
        if schema in ("int", "long"):
            return self._long_or_null
        if schema == "string":
            return self._text_or_null
        encode = self.compiled(schema)
        return lambda value: b"\x00" if value is None else b"\x02" + encode(value)

    def _array(self, encode: Encode) -> Encode:
        long = self._long

        def array(values: tuple[Any, ...] | list[Any]) -> bytes:
            return b"%b%b\x00" % (long(len(values)), b"".join(map(encode, values))) if values else b"\x00"

        if encode != self._long and encode != self._text:
            return array
        known = _Known(array)  # brokers of a partition, names: few distinct ones
        return lambda values: known[tuple(values)]

    def _map(self, encode: Encode) -> Encode:
        long, text = self._long, self._text
        # By identity, which is valid as long as the dictionary is kept here.
        known: dict[int, tuple[dict[str, Any], bytes]] = {}

        def mapped(values: dict[str, Any]) -> bytes:
            found = known.get(id(values))
            if found is not None:
                return found[1]
            parts = [part for name, value in values.items() for part in (text(name), encode(value))]
            encoded = b"%b%b\x00" % (long(len(values)), b"".join(parts)) if values else b"\x00"
            known[id(values)] = values, encoded
            return encoded

        return mapped

    def _record(self, name: str, fields: list[dict[str, Any]]) -> Encode:
        """A one-line function, generated for the record: 100,000 calls of one that loops over a list of fields take
        twice as long."""
        names = [field["name"] for field in fields]
        if not all(one.isidentifier() for one in names):
            raise NotImplementedError(
                f"a field of the Avro record {name} has a name that no Python field can have"
            )
        known: set[type] = set()

        def check(kind: type[Struct]) -> None:
            if set(kind.__struct_fields__) != set(names):
                different = sorted(set(kind.__struct_fields__) ^ set(names))
                raise ValueError(
                    f"{kind.__name__} and the Avro record {name} differ in their fields: {', '.join(different)}"
                )
            known.add(kind)

        scope: dict[str, Any] = {"known": known, "check": check, "join": b"".join}
        parts = []
        for number, field in enumerate(fields):
            match field["type"]:
                case ["null", branch] if branch not in ("int", "long", "string"):
                    scope[f"e{number}"] = self.compiled(branch)
                    value = f"value.{field['name']}"
                    parts.append(f'b"\\0" if {value} is None else b"\\2" + e{number}({value})')
                case other:
                    scope[f"e{number}"] = self.compiled(other)
                    parts.append(f"e{number}(value.{field['name']})")
        lines = (
            "def record(value):",
            "    if value.__class__ not in known:",
            "        check(value.__class__)",
            f"    return join(({', '.join(parts)},))",
        )
        exec("\n".join(lines), scope)  # built only from the schema's field names
        encode: Encode = scope["record"]
        return encode

    def _moment(self, tick: timedelta) -> Encode:
        return lambda moment: self._long((moment - _EPOCH) // tick)


_DOUBLE = struct.Struct("<d")


def _encoded_boolean(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def _encoded_long(value: int) -> bytes:
    if not _LEAST <= value <= _MOST:
        raise OverflowError(f"{value} has more than the 64 bits of Avro's long")
    rest = value << 1 ^ value >> 63
    if rest < 0x80:
        return bytes((rest,))
    encoded = b""
    while rest >= 0x4000:  # two bytes at a time
        encoded += bytes((rest & 0x7F | 0x80, rest >> 7 & 0x7F | 0x80))
        rest >>= 14
    return encoded + bytes((rest & 0x7F | 0x80, rest >> 7) if rest >= 0x80 else (rest,))
