"""Confluent's published shapes, and whether something has one: valid by its schema, and without unknown keys."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

PUBLISHED = Path(__file__).parent / "published"


def departures(api: str, answer: str, content: Any) -> list[str]:
    """How `content` differs from the published `answer` of `api`."""
    published = json.loads((PUBLISHED / f"{api}.json").read_text())
    schema = {**published["answers"][answer], "$defs": published["$defs"]}
    wrong = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(content)
    ]
    return wrong + [
        f"{path}: is not published" for path in _unknown(content, [schema], published["$defs"], "$")
    ]


def examples(api: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PUBLISHED / f"{api}.json").read_text())["examples"]
    return found


def _unknown(content: Any, schemas: list[Any], definitions: dict[str, Any], path: str) -> Iterator[str]:
    flat = [one for schema in schemas for one in _flattened(schema, definitions)]
    if isinstance(content, list):
        for position, item in enumerate(content):
            yield from _unknown(
                item, [s["items"] for s in flat if "items" in s], definitions, f"{path}[{position}]"
            )
    if isinstance(content, dict):
        for name, value in content.items():
            known = [s["properties"][name] for s in flat if name in s.get("properties", {})]
            open_ended = [s["additionalProperties"] for s in flat if s.get("additionalProperties")]
            if not known and not open_ended:
                yield f"{path}.{name}"
            yield from (
                _unknown(
                    value,
                    known or [s for s in open_ended if isinstance(s, dict)],
                    definitions,
                    f"{path}.{name}",
                )
                if (known or any(isinstance(s, dict) for s in open_ended))
                else ()
            )


def _flattened(schema: Any, definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema with everything that it references and combines."""
    if not isinstance(schema, dict):
        return
    yield schema
    if "$ref" in schema:
        yield from _flattened(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    for word in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(word, ()):
            yield from _flattened(part, definitions)
