"""The fields that a schema's text describes, and which of them look personal."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mesh_assets.analysis.avro_fields import avro_fields
from mesh_assets.analysis.field_walk import Branch, SchemaField, SchemaFields, walk
from mesh_assets.analysis.json_schema_fields import json_schema_fields
from mesh_assets.analysis.plain_json_schemas import plain_json_schema_fields
from mesh_assets.inventory.definitions import (
    ProtobufMessage,
    UnreadableDefinitionError,
    parse_json,
    parse_protobuf,
)
from mesh_assets.inventory.records import Schema
from mesh_assets.masking.configs import MASK, mask_field


def protobuf_fields(definition: str) -> SchemaFields:
    """Fields by their message; those of the first message, which is the record that is sent, without the message's name.
    Raises UnreadableDefinitionError."""
    messages = parse_protobuf(definition).messages
    first = messages[0].path[0] if messages else ""
    return walk([_branch(message, first) for message in messages])


def _branch(message: ProtobufMessage, first: str) -> Branch:
    around = message.path[1:] if message.path[0] == first else message.path

    def fields() -> Iterator[tuple[SchemaField, Branch | None]]:
        for field in message.fields:
            yield (
                SchemaField(
                    path=".".join([*around, field.name]),
                    type=f"array<{field.type}>" if field.label == "repeated" else field.type,
                    optional=field.label == "optional" or field.in_oneof,
                ),
                None,
            )

    return fields


@lru_cache(maxsize=16_384)
def schema_fields(schema_type: str, definition: str) -> SchemaFields | None:
    """The fields of the schema; None if the text cannot be read as its declared type.

    Anything a schema takes from another by reference appears as a type only.
    """
    try:
        return _read(schema_type, definition)
    except UnreadableDefinitionError:
        return None


def why_unreadable(schema_type: str, definition: str) -> str:
    """What is wrong with a text for which `schema_fields` returns None."""
    try:
        _read(schema_type, definition)
    except UnreadableDefinitionError as error:
        return str(error)
    raise ValueError("the text can be read")


def _read(schema_type: str, definition: str) -> SchemaFields:
    if schema_type == "PROTOBUF":
        return protobuf_fields(definition)
    parsed = parse_json(definition)
    if schema_type != "JSON":
        return avro_fields(parsed)
    return plain_json_schema_fields(parsed, length=len(definition)) or json_schema_fields(parsed)


def schema_properties(schema_type: str, definition: str) -> dict[str, str]:
    """Text properties at the top of an Avro or JSON schema that are not part of the schema language (`owner`,
    `domain`, …), and `doc`.
    """
    if schema_type == "PROTOBUF":
        return {}
    try:
        parsed = parse_json(definition)
    except UnreadableDefinitionError:
        return {}
    if not isinstance(parsed, dict):
        return {}
    language = {"type", "name", "namespace", "title", "$schema", "$id", "$ref"}
    return {key: value for key, value in parsed.items() if isinstance(value, str) and key not in language}


def told_properties(schema: Schema) -> dict[str, str]:
    """What the registry and, failing that, the schema's text say about the subject (`owner`, `domain`, `doc`, …), by names
    in lower case. Masked values are left out."""
    contract = schema.contract
    beside = {} if contract is None else contract.properties
    hidden = () if contract is None else contract.sensitive
    own = schema_properties(schema.schema_type, schema.definition)
    told = {key.casefold(): value for key, value in own.items()}
    return told | {key.casefold(): value for key, value in beside.items() if key not in hidden}


def told_owner_and_text(schemas: Sequence[Schema]) -> tuple[str | None, str | None]:
    """Who owns what these describe, and what it is, from the first of them that says so. None: none does."""
    said: dict[str, str] = {}
    for schema in reversed(schemas):
        said |= {key: value for key, value in told_properties(schema).items() if value}
    return said.get("owner"), said.get("doc") or said.get("description")


# Which fields look personal, and masking them in a record that was read: by name and by the look of a
# value; in doubt, masked.

_SEARCHED_CHARACTERS = 20_000
"""Fields are cut to this before they are searched: answers show 1,500 characters of a whole record."""

_OF_PEOPLE = """
email mail phone mobile telephone fax surname firstname lastname fullname username nickname givenname familyname maidenname address street
zip zipcode postcode postal birth birthday birthdate dob ssn sin nin passport iban bic swift card cardnumber pan cvv cvc account
accountnumber ip ipaddress latitude longitude lat lon lng gender religion ethnicity salary credential password passwd secret token
driver license licence taxid vat signature biometric fingerprint cookie session
"""
_PERSONAL_WORDS = frozenset(_OF_PEOPLE.split())
# `name` is a person's as often as a product's: alone, or next to one of these words, it is masked.
_NAMED = "first last full user customer family given middle display contact employee person holder owner"
_NAMES_OF_PEOPLE = frozenset(_NAMED.split())
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LOOKS_PERSONAL = re.compile(
    r"(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]++"  # e-mail; only from a word's start, since a long word would otherwise take quadratic time
    r"|\b\d{3}-\d{2}-\d{4}\b"  # US social security number
    r"|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"  # IBAN
    r"|\b(?:\d[ -]?){13,19}\b"  # card number
    r"|(?<![\w.])\+\d[\d ()./-]{7,25}\d"  # phone, international
    r"|\(\d{3}\) ?\d{3}-\d{4}|\b\d{3}-\d{3}-\d{4}\b"  # phone, US
    r"|\b(?:\d{1,3}\.){3}\d{1,3}\b"  # IPv4
)


_SHORTEST_PERSONAL = len("a@b.c")


def is_personal(field: str) -> bool:
    """Whether a field of this name looks personal: `email`, `billingAddress`, `date_of_birth`, `name`."""
    words = [word.casefold() for word in _WORDS.findall(field)]
    if not _PERSONAL_WORDS.isdisjoint(words) or "".join(words) in _PERSONAL_WORDS:
        return True
    return "name" in words and (len(words) == 1 or not _NAMES_OF_PEOPLE.isdisjoint(words))


def mask_personal(value: Any, field: str = "") -> Any:
    """`value` (of JSON) with what looks personal masked, including everything below a personal field."""
    if isinstance(value, dict):
        masked: dict[str, Any] = {}
        below = f"{field}." if is_personal(field) else ""
        for key, inner in value.items():
            shown = mask_personal_text(str(key))
            while shown in masked:  # two keys with the same mask are still two
                shown += "*"
            masked[shown] = mask_personal(inner, f"{below}{key}")
        return masked
    if isinstance(value, list | tuple):
        return [mask_personal(inner, field) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if is_personal(field):
        return MASK
    if isinstance(value, str):
        return mask_personal_text(mask_field(field, _cut(value)))
    if isinstance(value, int | float) and (_is_card(value) or mask_field(field, str(value)) == MASK):
        return MASK
    return value


def mask_personal_text(text: str) -> str:
    """`text` with what looks like an address or a card, account or phone number masked."""
    return text if len(text) < _SHORTEST_PERSONAL else _LOOKS_PERSONAL.sub(MASK, _cut(text))


_NUMBERS = ("TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "DECIMAL", "NUMERIC", "FLOAT", "DOUBLE")
_BYTES = ("BINARY", "VARBINARY", "BYTES")
_PLAIN = ("DATE", "TIME", "INTERVAL")


def mask_column(name: str, kind: Mapping[str, Any], value: Any) -> Any:
    """A value from a query's answer, masked as that field of a record would be. `kind`: its type as Confluent's Flink
    describes it; values come as text, and nested rows without the names of their fields."""
    named = _named(kind, value)
    type_name = str(kind.get("type"))
    if type_name == "BOOLEAN" and not isinstance(named, list | dict):
        return named
    if isinstance(named, str) and type_name.startswith(_PLAIN):
        return MASK if is_personal(name) else named
    if isinstance(named, str) and type_name in _NUMBERS:
        return MASK if mask_personal(_number(named), name) == MASK else named
    return mask_personal(named, name)


def _number(text: str) -> int | float | str:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text


def _named(kind: Mapping[str, Any], value: Any) -> Any:
    type_name = str(kind.get("type"))
    if value is None:
        return None
    if type_name == "ROW":
        fields: Any = kind.get("fields")
        if not isinstance(fields, list) or not isinstance(value, list) or len(fields) != len(value):
            return MASK
        return {
            str(one.get("name")): _named(one.get("field_type") or {}, inner)
            for one, inner in zip(fields, value, strict=True)
        }
    if type_name in ("ARRAY", "MULTISET"):
        within = kind.get("element_type") or {}
        return [_named(within, inner) for inner in value] if isinstance(value, list) else MASK
    if type_name == "MAP":
        pairs: list[Any] = value if isinstance(value, list) else [None]
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            return MASK
        return {str(key): _named(kind.get("value_type") or {}, inner) for key, inner in pairs}
    if type_name in _BYTES:
        return f"{len(str(value))} characters of bytes, which are not shown"
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return parse_json(value)
        except UnreadableDefinitionError:
            return value
    return MASK if isinstance(value, list | dict) else value


def _cut(text: str) -> str:
    return text if len(text) <= _SEARCHED_CHARACTERS else text[:_SEARCHED_CHARACTERS] + "…"


def _is_card(number: float) -> bool:
    """Whether `number` is a payment card's by ISO/IEC 7812: 13 to 19 digits, an issuer's first digit, and Luhn's
    check digit. Milliseconds since 1970 begin with 1; no current card number does."""
    if isinstance(number, float) and not number.is_integer():
        return False
    digits = str(int(number))
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
