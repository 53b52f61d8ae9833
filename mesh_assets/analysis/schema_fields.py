"""The fields that a schema's text describes, and which of them look personal."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from mesh_assets.inventory.masking import MASK, mask_field
from mesh_assets.inventory.records import Record

# The fields that a schema declares, with their paths: from Avro, JSON Schema and Protobuf.

_MOST_FIELDS = 2_000
_DEEPEST = 12
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_PROTOBUF_TOKEN = re.compile(
    r"(?P<open>\b(?:message|oneof|enum|extend|service)\s+(?P<name>[\w.]+)\s*\{)|(?P<close>\})"
    r"|(?:(?P<label>repeated|optional|required)\s+)?(?P<type>map\s*<[^>]*>|[\w.]+)\s+(?P<field>\w+)\s*=\s*\d+\s*(?:\[[^\]]*\])?\s*;"
)


class SchemaField(Record, frozen=True, kw_only=True):
    """One field. `path`: dots into records, `[]` into arrays, `{}` into maps. `optional`: null is allowed, or
    the field may be missing.
    """

    path: str
    type: str
    optional: bool = False
    doc: str | None = None


@lru_cache(maxsize=16_384)
def schema_fields(schema_type: str, definition: str) -> tuple[SchemaField, ...] | None:
    """The first 2,000 fields in the schema's order; None when the definition is not of its declared type.

    What a schema takes from another by reference appears as a type only.
    """
    if schema_type == "PROTOBUF":
        return _first(_protobuf(_COMMENT.sub("", definition)))
    try:
        parsed: Any = msgspec.json.decode(definition)
    except msgspec.DecodeError:
        return None
    try:
        return (
            _first(_json_schema(parsed, parsed, "", 0))
            if schema_type == "JSON"
            else _first(_avro(parsed, {}, "", 0))
        )
    except (KeyError, TypeError, AttributeError):  # valid JSON that is not a schema
        return None


def schema_properties(schema_type: str, definition: str) -> dict[str, str]:
    """Text properties at the top of an Avro or JSON schema that are not part of the schema language (`owner`,
    `domain`, …), and `doc`.
    """
    if schema_type == "PROTOBUF":
        return {}
    try:
        parsed: Any = msgspec.json.decode(definition)
    except msgspec.DecodeError:
        return {}
    if not isinstance(parsed, dict):
        return {}
    language = {"type", "name", "namespace", "title", "$schema", "$id", "$ref"}
    return {key: value for key, value in parsed.items() if isinstance(value, str) and key not in language}


def _first(fields: Iterator[SchemaField]) -> tuple[SchemaField, ...]:
    return tuple(field for _, field in zip(range(_MOST_FIELDS), fields, strict=False))


# --- Avro


def _avro(schema: Any, named: dict[str, Any], prefix: str, depth: int) -> Iterator[SchemaField]:
    if depth > _DEEPEST:
        return
    if isinstance(schema, list):
        for branch in schema:
            yield from _avro(branch, named, prefix, depth)
        return
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if isinstance(kind, dict | list):
        yield from _avro(kind, named, prefix, depth)
    elif kind == "array":
        yield from _avro(schema["items"], named, f"{prefix}[]", depth)
    elif kind == "map":
        yield from _avro(schema["values"], named, f"{prefix}{{}}", depth)
    elif kind == "record":
        for field in schema["fields"]:
            path = f"{prefix}.{field['name']}" if prefix else field["name"]
            optional = isinstance(field["type"], list) and "null" in field["type"]
            yield SchemaField(
                path=path, type=_avro_type(field["type"]), optional=optional, doc=_text(field.get("doc"))
            )
            yield from _avro(field["type"], named, path, depth + 1)


def _avro_type(schema: Any) -> str:
    if isinstance(schema, str):
        return schema
    if isinstance(schema, list):
        return " | ".join(_avro_type(branch) for branch in schema if branch != "null") or "null"
    kind = schema.get("type")
    if isinstance(kind, dict | list):
        return _avro_type(kind)
    if kind == "array":
        return f"array<{_avro_type(schema['items'])}>"
    if kind == "map":
        return f"map<{_avro_type(schema['values'])}>"
    if kind == "enum":
        symbols = schema.get("symbols", [])
        return f"enum({', '.join(symbols[:12])}{', …' if len(symbols) > 12 else ''})"
    if kind == "record":
        return f"record {schema.get('name', '')}".strip()
    logical = schema.get("logicalType")
    return f"{kind} ({logical})" if logical else str(kind)


# --- JSON Schema


def _json_schema(schema: Any, root: Any, prefix: str, depth: int) -> Iterator[SchemaField]:
    if depth > _DEEPEST or not isinstance(schema, dict):
        return
    schema = _resolved(schema, root)
    for part in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(part) or ():
            yield from _json_schema(branch, root, prefix, depth + 1)
    if isinstance(schema.get("items"), dict):
        yield from _json_schema(schema["items"], root, f"{prefix}[]", depth + 1)
    required = set(schema.get("required") or ())
    for name, field in (schema.get("properties") or {}).items():
        path = f"{prefix}.{name}" if prefix else name
        inner = _resolved(field, root) if isinstance(field, dict) else {}
        yield SchemaField(
            path=path,
            type=_json_type(inner),
            optional=name not in required,
            doc=_text(inner.get("description")),
        )
        yield from _json_schema(inner, root, path, depth + 1)


def _resolved(schema: dict[str, Any], root: Any) -> dict[str, Any]:
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    found = root
    for part in reference[2:].split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else schema


def _json_type(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(str(one) for one in kind)
    if kind is None:
        return "enum" if "enum" in schema else "any"
    return f"{kind} ({schema['format']})" if isinstance(schema.get("format"), str) else str(kind)


# --- Protobuf


def _protobuf(text: str) -> Iterator[SchemaField]:
    """Fields by their message; those of the first message, which is the record that is sent, without its
    name.
    """
    inside: list[tuple[str, str]] = []
    first: str | None = None
    for token in _PROTOBUF_TOKEN.finditer(text):
        if token["open"]:
            kind = token["open"].split()[0]
            if kind == "message" and first is None:
                first = token["name"]
            inside.append((kind, token["name"]))
        elif token["close"]:
            if inside:
                inside.pop()
        elif inside and inside[-1][0] in ("message", "oneof"):
            messages = [name for kind, name in inside if kind == "message"]
            path = ".".join(
                [*(messages[1:] if messages and messages[0] == first else messages), token["field"]]
            )
            kind = " ".join(token["type"].split())
            repeated = token["label"] == "repeated"
            yield SchemaField(
                path=path, type=f"array<{kind}>" if repeated else kind, optional=token["label"] == "optional"
            )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


# Which fields look personal, and masking them in a record that was read: by name and by the look of a
# value, in doubt masked.

_SEARCHED_CHARACTERS = 20_000
"""A field is cut before it is searched: answers show 1,500 characters of a whole record."""

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
    r"(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]++"  # e-mail; from a word's start only, or a long word takes its square
    r"|\b\d{3}-\d{2}-\d{4}\b"  # US social security number
    r"|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"  # IBAN
    r"|\b(?:\d[ -]?){13,19}\b"  # card number
    r"|(?<![\w.])\+\d[\d ()./-]{7,25}\d"  # phone, international
    r"|\(\d{3}\) ?\d{3}-\d{4}|\b\d{3}-\d{3}-\d{4}\b"  # phone, US
    r"|\b(?:\d{1,3}\.){3}\d{1,3}\b"  # IPv4
)


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
        for key, inner in value.items():
            shown = mask_personal_text(str(key))
            while shown in masked:  # two keys under one mask are still two
                shown += "*"
            masked[shown] = mask_personal(inner, f"{field}.{key}" if is_personal(field) else str(key))
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
    return _LOOKS_PERSONAL.sub(MASK, _cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= _SEARCHED_CHARACTERS else text[:_SEARCHED_CHARACTERS] + "…"


def _is_card(number: float) -> bool:
    """Whether `number` is one of a payment card by ISO/IEC 7812: 13 to 19 digits, an issuer's first digit, and
    Luhn's check digit. Milliseconds since 1970 begin with 1, which no card of today does."""
    if isinstance(number, float) and not number.is_integer():
        return False
    digits = str(int(number))
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
