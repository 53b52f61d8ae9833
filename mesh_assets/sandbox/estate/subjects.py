"""The subjects: derived from the same fields as the records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mesh_assets.sandbox.estate.fields import Field
from mesh_assets.sandbox.estate.shared_types import SHARED_TYPES
from mesh_assets.sandbox.estate.topic import Topic
from mesh_assets.sandbox.estate.topics import TOPICS

_DRAFT = "http://json-schema.org/draft-07/schema#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A subject with its versions in order. `references`: subject → the name under which the schemas refer to
    it."""

    name: str
    versions: tuple[str, ...]
    references: Mapping[str, str]
    compatibility: str | None = None
    schema_type: str = "JSON"


def all_subjects() -> tuple[Subject, ...]:
    """Those referred to first, since a registry wants them first."""
    shared = tuple(
        Subject(name=kind.subject, versions=(_text(kind.title, kind.fields, version=1),), references={})
        for kind in SHARED_TYPES
    )
    return shared + tuple(_subject(topic) for topic in TOPICS)


def json_schema(topic: Topic, *, version: int) -> dict[str, Any]:
    """The schema of a topic's records as it was in that version."""
    schema: dict[str, Any] = json.loads(_text(_title(topic), topic.fields, version=version))
    return schema


def _subject(topic: Topic) -> Subject:
    files = {kind.subject: kind.file for kind in SHARED_TYPES}
    used = {f.shared: files[f.shared] for f in topic.fields.values() if f.shared}
    versions = tuple(
        _text(_title(topic), topic.fields, version=v) for v in range(1, topic.schema_versions + 1)
    )
    return Subject(name=topic.subject, versions=versions, references=used, compatibility=topic.compatibility)


def _title(topic: Topic) -> str:
    return "".join(part.capitalize() for part in topic.name.split("_"))


def _text(title: str, fields: Mapping[str, Field], *, version: int) -> str:
    known = {name: f for name, f in fields.items() if f.since <= version}
    schema = {
        "$schema": _DRAFT,
        "title": title,
        "type": "object",
        "properties": {name: dict(f.schema) for name, f in known.items()},
        "required": [name for name, f in known.items() if not f.optional],
        # Closed: to an open model a new property is an incompatible change, since old records might have held
        # anything under its name.
        "additionalProperties": False,
    }
    return json.dumps(schema)
