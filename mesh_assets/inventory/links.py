"""How a subject got its name, and the links between topics, subjects and connectors that follow from it. They
are derived from the topics and the schema itself; a similar name is not evidence."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from mesh_assets.inventory.records import Connector, ConnectorTopic, Schema, Topic, TopicSchema

NamingStrategy = Literal["topic", "record", "topic_record", "unknown"]

_PROTOBUF_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.MULTILINE)
_PROTOBUF_MESSAGE = re.compile(r"^\s*message\s+(\w+)", re.MULTILINE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def record_name(schema_type: str, definition: str) -> str | None:
    """The full name of the record that the schema defines; None if there is none or it cannot be parsed.

    Avro: namespace and name. JSON Schema: `title`, as Confluent's serializer uses it. Protobuf: package and
    first message.
    """
    if schema_type == "PROTOBUF":
        text = _COMMENT.sub("", definition)
        package, message = _PROTOBUF_PACKAGE.search(text), _PROTOBUF_MESSAGE.search(text)
        if message is None:
            return None
        return f"{package.group(1)}.{message.group(1)}" if package else message.group(1)
    try:
        parsed: Any = msgspec.json.decode(definition)
    except (msgspec.DecodeError, RecursionError):  # nested deeper than a parser goes, which registries accept
        return None
    if not isinstance(parsed, dict):
        return None
    if schema_type == "JSON":
        title = parsed.get("title")
        return title if isinstance(title, str) else None
    name, namespace = parsed.get("name"), parsed.get("namespace")
    if not isinstance(name, str):
        return None
    return f"{namespace}.{name}" if isinstance(namespace, str) and namespace and "." not in name else name


def without_context(subject: str) -> str:
    """`:.context:name` → `name`."""
    return subject.split(":", 2)[2] if subject.startswith(":.") and subject.count(":") >= 2 else subject


def split_topic_name(subject: str) -> tuple[str, Literal["key", "value"]] | None:
    """`orders-value` → (`orders`, `value`), whether or not that topic exists."""
    name = without_context(subject)
    if name.endswith("-value"):
        return name.removesuffix("-value"), "value"
    if name.endswith("-key"):
        return name.removesuffix("-key"), "key"
    return None


def topic_of_record_subject(subject: str, name: str | None, topics: Collection[str]) -> str | None:
    """The topic of a topic-record subject (`orders-com.shop.Order`), if the rest is exactly the schema's
    record name."""
    bare = without_context(subject)
    if not name or not bare.endswith(f"-{name}"):
        return None
    topic = bare.removesuffix(f"-{name}")
    return topic if topic in topics else None


def naming_strategy(subject: str, name: str | None, topics: Collection[str]) -> NamingStrategy:
    split = split_topic_name(subject)
    if split is not None and split[0] in topics:
        return "topic"
    if name is not None and without_context(subject) == name:
        return "record"
    return "topic_record" if topic_of_record_subject(subject, name, topics) is not None else "unknown"


def link_schemas(schemas: Sequence[Schema], topics: Sequence[Topic]) -> tuple[Schema, ...]:
    names = {topic.name for topic in topics}
    return tuple(
        replace(s, naming_strategy=naming_strategy(s.subject, s.record_name, names)) for s in schemas
    )


def link_connectors(connectors: Sequence[Connector], topics: Sequence[Topic]) -> tuple[Connector, ...]:
    """The connectors with the topics that their `topics.regex` matches now. Java's and Python's patterns
    agree on what such configs use.

    A pattern that Python cannot read adds a note, and no topics.
    """
    return tuple(
        _with_pattern_topics(connector, topics) if connector.topics_pattern else connector
        for connector in connectors
    )


def _with_pattern_topics(connector: Connector, topics: Sequence[Topic]) -> Connector:
    try:
        pattern = re.compile(connector.topics_pattern or "")
    except re.error:
        return replace(
            connector, topics_note=f"topics.regex {connector.topics_pattern!r} could not be followed"
        )
    named = {topic.name for topic in connector.topics}
    found = [
        ConnectorTopic(name=t.name, known="declared")
        for t in topics
        if t.name not in named and pattern.fullmatch(t.name)
    ]
    return replace(connector, topics=tuple(sorted((*connector.topics, *found), key=lambda topic: topic.name)))


def link_topics(
    topics: Sequence[Topic], schemas: Sequence[Schema], connectors: Sequence[Connector]
) -> tuple[Topic, ...]:
    names = {topic.name for topic in topics}
    keys: defaultdict[str, list[str]] = defaultdict(list)
    values: defaultdict[str, list[str]] = defaultdict(list)
    records: defaultdict[str, list[str]] = defaultdict(list)
    for schema in schemas:
        split = split_topic_name(schema.subject)
        if split is not None and split[0] in names:
            (keys if split[1] == "key" else values)[split[0]].append(schema.subject)
            continue
        topic = topic_of_record_subject(schema.subject, schema.record_name, names)
        if topic is not None:
            records[topic].append(schema.subject)
    used: defaultdict[str, set[str]] = defaultdict(set)
    for connector in connectors:
        for used_topic in connector.topics:
            used[used_topic.name].add(connector.name)
    return tuple(
        replace(
            topic,
            schema=TopicSchema(
                key_subjects=tuple(keys.get(topic.name, ())),
                value_subjects=tuple(values.get(topic.name, ())),
                record_subjects=tuple(records.get(topic.name, ())),
            ),
            connectors=tuple(sorted(used.get(topic.name, ()))),
        )
        for topic in topics
    )
