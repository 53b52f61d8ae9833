"""Made-up clusters with the truth about them, recorded by their generator."""

import json
from random import Random
from typing import Any

from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.links import link_schemas, link_topics, record_name
from mesh_assets.inventory.records import Connector, Schema, SchemaReference, Topic
from mesh_assets.relationships.records import Domains, Relationships
from mesh_assets_tests.documents import a_document, a_topic

_WORDS = (
    "status amount currency created_at updated_at description kind channel region country city quantity price total note "
    "is_active language title label source_system priority weight height score rank comment started_at ended_at"
)
_PLAIN = _WORDS.split()
_ENTITIES_PER_DOMAIN = 5
_TOPICS_PER_ENTITY = 4


def a_cluster(
    *schemas: Schema,
    topics: tuple[Topic | str, ...] = (),
    connectors: tuple[Connector, ...] = (),
    consumer_groups: tuple[ConsumerGroup, ...] = (),
    name: str = "warehouse",
) -> Document:
    """A document whose topics and subjects are linked as joining links them."""
    made = tuple(a_topic(one) if isinstance(one, str) else one for one in topics)
    named = link_schemas(schemas, made)
    linked = link_topics(made, named, connectors)
    document = a_document(
        topics=linked, schemas=named, connectors=connectors, consumer_groups=consumer_groups
    )
    return replace(document, cluster=replace(document.cluster, name=name))


def avro(subject: str, *fields: tuple[str, object], record: str = "Thing", **more: Any) -> Schema:
    """An Avro record of those fields; a type may be any Avro type."""
    definition = json.dumps(
        {
            "type": "record",
            "name": record,
            "fields": [{"name": name, "type": kind} for name, kind in fields],
        }
    )
    return a_registered(subject, "AVRO", definition, **more)


def a_registered(
    subject: str,
    schema_type: str,
    definition: str,
    *,
    version: int = 1,
    references: tuple[SchemaReference, ...] = (),
    **more: Any,
) -> Schema:
    return replace(
        Schema(
            subject=subject,
            version=version,
            id=1,
            schema_type=schema_type,
            definition=definition,
            references=references,
            record_name=record_name(schema_type, definition),
        ),
        **more,
    )


def a_large_cluster(subjects: int) -> tuple[Document, dict[str, frozenset[str]]]:
    """A cluster with one topic per subject, alternately in Avro, JSON Schema and Protobuf, each with 25 or more fields, and the
    truth: key → the topics that have it. Each domain has its own entities, and each of their topics the keys of two others in
    any of three spellings."""
    random = Random(f"{subjects}")
    topics: list[str] = []
    schemas: list[Schema] = []
    truth: dict[str, set[str]] = {}
    for number in range(subjects):
        domain, place = divmod(number, _ENTITIES_PER_DOMAIN * _TOPICS_PER_ENTITY)
        entity, event = divmod(place, _TOPICS_PER_ENTITY)
        own = f"thing{_letters(domain)}{_letters(entity)}"
        others = [
            f"thing{_letters(domain)}{_letters((entity + step) % _ENTITIES_PER_DOMAIN)}" for step in (1, 2)
        ]
        topic = f"{own}s" if event == 0 else f"{_letters(domain)}flow{event}_{own}_log"
        topics.append(topic)
        keys = [own, *others]
        spelled = [random.choice((f"{one}_id", f"{one}Id", f"{one.upper()}_ID")) for one in keys]
        for key in keys:
            truth.setdefault(f"{key}_id", set()).add(topic)
        plain = random.sample(_PLAIN, 22)
        fields = [spelled[0], *plain[:11], spelled[1], *plain[11:], spelled[2]]
        schemas.append(_schema(number, topic, fields))
    return a_cluster(*schemas, topics=tuple(topics)), {key: frozenset(held) for key, held in truth.items()}


def _letters(number: int) -> str:
    """A word of letters for a number: digits at the end would be a version."""
    text = ""
    while True:
        number, digit = divmod(number, 26)
        text += chr(ord("a") + digit)
        if not number:
            return f"q{text}"


def _schema(number: int, topic: str, fields: list[str]) -> Schema:
    subject = f"{topic}-value"
    match number % 3:
        case 0:
            nested = {
                "type": "record",
                "name": "Place",
                "fields": [{"name": one, "type": "string"} for one in ("lat", "lon", "zone")],
            }
            return avro(
                subject,
                *((one, ["null", "string"]) for one in fields),
                ("place", nested),
                record=f"R{number}",
            )
        case 1:
            properties = {one: {"type": "string"} for one in fields}
            nested_object = {
                "type": "object",
                "properties": {"lat": {"type": "number"}, "zone": {"type": "string"}},
            }
            whole = {
                "type": "object",
                "title": f"R{number}",
                "properties": {**properties, "place": nested_object},
            }
            return a_registered(subject, "JSON", json.dumps(whole))
        case _:
            lines = [f"  string {one} = {place};" for place, one in enumerate(fields, start=1)]
            text = "\n".join(['syntax = "proto3";', f"message R{number} {{", *lines, "}"])
            return a_registered(subject, "PROTOBUF", text)


def found_keys(found: Relationships) -> set[tuple[str, frozenset[str]]]:
    return {(one.key, frozenset(one.topics)) for one in found.entities if len(one.topics) > 1}


def found_domains(found: Domains) -> set[frozenset[str]]:
    return {frozenset(member.topic for member in one.topics) for one in found.domains}
