"""A registry's contents as values, and the only place where its JSON becomes such values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaReference:
    """A schema that another one refers to by `name`: exactly this version of this subject."""

    name: str
    subject: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSchema:
    """One version of a subject.

    subject: with its context as Confluent writes it, `:.ctx:orders-value`; plain in the default context.
    schema_type: `AVRO`, `JSON`, `PROTOBUF` or the registry's word. definition: the text as the registry keeps
    it (Apicurio removes white space from Avro). metadata, rule_set: Confluent's data contracts, None where
    there are none or the registry drops them (Apicurio, Karapace).
    """

    subject: str
    version: int
    id: int
    schema_type: str
    definition: str
    references: tuple[SchemaReference, ...] = ()
    metadata: Mapping[str, Any] | None = None
    rule_set: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaText:
    """A schema by its id, which several subjects may share."""

    id: int
    schema_type: str
    definition: str
    references: tuple[SchemaReference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A subject's compatibility level or mode.

    level: the one in force; None when the registry has none at all. own: True when it is set on the subject,
    False when it is inherited, None when the registry does not distinguish the two (Apicurio, when the
    subject's equals the global one).
    """

    level: str | None
    own: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectLevels:
    """Compatibility and mode of one subject; None when unknown, and then `error` says why."""

    subject: str
    compatibility: Level | None = None
    mode: Level | None = None
    error: str | None = None


class ShapeError(ValueError):
    """An item breaks the protocol; the message says how."""


def has_subject(item: Any) -> bool:
    """Whether an item of the bulk list names its subject and version, which Apicurio's items do not."""
    return isinstance(item, dict) and isinstance(item.get("subject"), str) and _is_int(item.get("version"))


def registered_schema(item: Any, *, subject: str | None = None) -> RegisteredSchema:
    """The version that `item` describes; `subject` wins over the item's own. Raises ShapeError."""
    if not isinstance(item, dict):
        raise ShapeError("a schema that is not an object")
    name = subject if subject is not None else item.get("subject")
    if not isinstance(name, str):
        raise ShapeError("a schema without a subject")
    version, schema_id = item.get("version"), item.get("id")
    if (
        not isinstance(version, int)
        or not isinstance(schema_id, int)
        or isinstance(version, bool)
        or isinstance(schema_id, bool)
    ):
        raise ShapeError(f"subject {name!r} without a version or an id")
    return RegisteredSchema(
        subject=name,
        version=version,
        id=schema_id,
        schema_type=_schema_type(item),
        definition=_definition(item, name),
        references=_references(item, name),
        metadata=_object(item.get("metadata")),
        rule_set=_object(item.get("ruleSet")),
    )


def schema_text(item: Any, *, schema_id: int) -> SchemaText:
    """The schema that `item`, an answer of `/schemas/ids/…`, describes. Raises ShapeError."""
    if not isinstance(item, dict):
        raise ShapeError("a schema that is not an object")
    name = f"id {schema_id}"
    return SchemaText(
        id=schema_id,
        schema_type=_schema_type(item),
        definition=_definition(item, name),
        references=_references(item, name),
    )


def _schema_type(item: dict[str, Any]) -> str:
    # Confluent and Apicurio leave it out for Avro.
    kind = item.get("schemaType")
    return kind.upper() if isinstance(kind, str) and kind else "AVRO"


def _definition(item: dict[str, Any], name: str) -> str:
    text = item.get("schema")
    if not isinstance(text, str):
        raise ShapeError(f"{name!r} without a schema text")
    return text


def _references(item: dict[str, Any], name: str) -> tuple[SchemaReference, ...]:
    found = item.get("references") or []  # Karapace: null
    if not isinstance(found, list):
        raise ShapeError(f"{name!r} with references that are not a list")
    references = []
    for reference in found:
        if not (
            isinstance(reference, dict)
            and isinstance(reference.get("name"), str)
            and isinstance(reference.get("subject"), str)
            and _is_int(reference.get("version"))
        ):
            raise ShapeError(f"{name!r} with a reference that lacks name, subject or version")
        references.append(
            SchemaReference(
                name=reference["name"], subject=reference["subject"], version=reference["version"]
            )
        )
    return tuple(references)


def _object(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) and value else None


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
