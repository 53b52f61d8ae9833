"""The registry's schemas in AsyncAPI 3: below `components/schemas`, each in the format of its type
(https://www.asyncapi.com/docs/reference/specification/v3.0.0#multiFormatSchemaObject).

A JSON Schema refers to its parts by pointers from its own root, which is elsewhere in an AsyncAPI document: pointers are
rewritten, including those to other subjects. If a target cannot be pointed to, the schema is left out, with the reason.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mesh_assets.inventory.definitions import UnreadableDefinitionError, parse_json
from mesh_assets.inventory.records import Schema

_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")
_PROTO2 = re.compile(r"""^\s*syntax\s*=\s*["']proto2["']""", re.MULTILINE)
_DRAFT = re.compile(r"^https?://json-schema\.org/(?:draft/)?(draft-\d\d|\d{4}-\d\d)/schema#?$")
_AVRO = "application/vnd.apache.avro+json;version=1.9.0"
# Avro's one-word types and their JSON equivalents: the key of a binding is a JSON Schema.
_PLAIN_KEYS = {
    "string": "string",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
    "null": "null",
}


class _CannotPointError(ValueError):
    """A reference that no pointer of the document can replace."""


class Ids:
    """Identifiers that AsyncAPI allows (letters, digits, `_`, `-`, `.`), one for each name."""

    def __init__(self) -> None:
        self._taken: dict[str, str] = {}
        self._used: set[str] = set()

    def of(self, name: str) -> str:
        """The name itself if valid; else with `_` for characters that are not allowed, and a number if that is taken."""
        if name not in self._taken:
            plain = _UNFIT.sub("_", name) or "_"
            found, number = plain, 2
            while found in self._used:
                found, number = f"{plain}-{number}", number + 1
            self._used.add(found)
            self._taken[name] = found
        return self._taken[name]


class Schemas:
    """The schemas of a cluster. `components`: by id. `left_out`: by subject, why a schema is missing."""

    def __init__(self, schemas: Iterable[Schema]) -> None:
        self._by_subject = {schema.subject: schema for schema in schemas}
        self._ids = Ids()
        self.left_out: dict[str, str] = {}
        self.components: dict[str, dict[str, Any]] = {}
        for subject in self._by_subject:
            self._ids.of(subject)
        for schema in self._by_subject.values():
            try:
                self.components[self._ids.of(schema.subject)] = self._component(schema)
            except (UnreadableDefinitionError, _CannotPointError) as error:
                self.left_out[schema.subject] = str(error)
        self._leave_out_what_refers_to_the_left_out()

    def pointer(self, schema: Schema) -> dict[str, str] | None:
        """A reference to the schema with its format; None if it was left out."""
        here = self._ids.of(schema.subject)
        return {"$ref": f"#/components/schemas/{here}"} if here in self.components else None

    def key(self, schema: Schema) -> tuple[str, Any]:
        """The schema of a record's key: as `key` of a Kafka binding if JSON Schema can express it, else as an extension."""
        pointer = self.pointer(schema)
        if pointer is None:
            return "x-key-subject", schema.subject
        inner = self.components[self._ids.of(schema.subject)]["schema"]
        if schema.schema_type == "JSON":
            return "key", {"$ref": f"{pointer['$ref']}/schema"}
        word = inner.get("type") if isinstance(inner, Mapping) else inner
        if schema.schema_type == "AVRO" and isinstance(word, str) and word in _PLAIN_KEYS:
            return "key", {"type": _PLAIN_KEYS[word]}
        return "x-key-schema", pointer

    def _component(self, schema: Schema) -> dict[str, Any]:
        if schema.schema_type == "PROTOBUF":
            version = 2 if _PROTO2.search(schema.definition) else 3
            return {
                "schemaFormat": f"application/vnd.google.protobuf;version={version}",
                "schema": schema.definition,
            }
        parsed = parse_json(schema.definition)
        if schema.schema_type != "JSON":
            return {"schemaFormat": _AVRO, "schema": parsed}
        draft = "draft-07"
        if isinstance(parsed, dict):
            found = _DRAFT.match(str(parsed.get("$schema", "")))
            draft = draft if found is None else found[1]
            if isinstance(parsed.get("id"), str):  # `$id`, in draft 4
                parsed = {key: value for key, value in parsed.items() if key != "id"}
        return {
            "schemaFormat": f"application/schema+json;version={draft}",
            "schema": self._pointed(parsed, schema),
        }

    def _pointed(self, value: Any, schema: Schema) -> Any:
        """The value with its references turned into pointers from the root of the AsyncAPI document."""
        if isinstance(value, list):
            return [self._pointed(one, schema) for one in value]
        if not isinstance(value, dict):
            return value
        # A base address of its own would turn every pointer into one to another document.
        return {
            key: self._pointer_for(one, schema)
            if key == "$ref" and isinstance(one, str)
            else self._pointed(one, schema)
            for key, one in value.items()
            if not (key == "$id" and isinstance(one, str))
        }

    def _pointer_for(self, reference: str, schema: Schema) -> str:
        place, _, fragment = reference.partition("#")
        if fragment and not fragment.startswith("/"):
            raise _CannotPointError(
                f"it refers to the anchor {reference!r}, which AsyncAPI has no pointer for"
            )
        if not place:
            return f"#/components/schemas/{self._ids.of(schema.subject)}/schema{fragment}"
        for one in schema.references:
            other = self._by_subject.get(one.subject)
            if one.name == place and other is not None and other.version == one.version:
                return f"#/components/schemas/{self._ids.of(one.subject)}/schema{fragment}"
        raise _CannotPointError(
            f"it refers to {place!r}, which is not among the latest versions of the subjects"
        )

    def _leave_out_what_refers_to_the_left_out(self) -> None:
        """Repeats until no pointer is dangling."""
        while True:
            broken = [
                (subject, one.subject)
                for subject, schema in self._by_subject.items()
                if schema.schema_type == "JSON" and subject not in self.left_out
                for one in schema.references
                if one.subject in self.left_out
            ]
            if not broken:
                return
            for subject, other in broken:
                self.left_out[subject] = f"it refers to {other!r}, which is itself left out"
                self.components.pop(self._ids.of(subject), None)
