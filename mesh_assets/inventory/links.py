"""How a subject got its name, and the links between topics, subjects and connectors that follow from it. They are
derived from the topics and the schema itself; a similar name is not evidence."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Literal

from msgspec.structs import replace

from mesh_assets.inventory.definitions import UnreadableDefinitionError, parse_json, parse_protobuf
from mesh_assets.inventory.records import Connector, ConnectorTopic, Schema, Topic, TopicSchema
from mesh_assets.patterns.java import java_pattern

NamingStrategy = Literal["topic", "record", "topic_record", "unknown"]

_TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
# Those of a foreign-key join of tables (findings/kafka-streams-join-topics.sh).
_OF_JOIN = re.compile(
    r".*-(subscription-(registration|response)|KTABLE-FK-JOIN-SUBSCRIPTION-(REGISTRATION|RESPONSE)-\d+)-topic"
)
_SET_ASIDE = ("errors.deadletterqueue.topic.name", "reporter.error.topic.name", "reporter.result.topic.name")


def kafka_addresses(servers: str | None) -> tuple[str, ...]:
    """Broker addresses in comparable form: Kafka's clients take `SASL_SSL://Host:9092` for `host:9092`."""
    each = (one.strip().rpartition("://")[2].lower() for one in (servers or "").split(","))
    return tuple(one for one in each if one)


def record_name(schema_type: str, definition: str) -> str | None:
    """The full name of the record that the schema defines; None if there is none or it cannot be parsed.

    Avro: namespace and name. JSON Schema: `title`, as Confluent's serializer uses it. Protobuf: package and
    first message.
    """
    try:
        if schema_type == "PROTOBUF":
            file = parse_protobuf(definition)
            first = file.messages[0].path[0] if file.messages else None
            return f"{file.package}.{first}" if file.package and first else first
        parsed = parse_json(definition)
    except UnreadableDefinitionError:
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


def is_topic_name(name: str) -> bool:
    """Whether Kafka accepts it as a topic name."""
    return _TOPIC_NAME.fullmatch(name) is not None and name not in (".", "..")


def is_streams_topic(name: str) -> bool:
    """Whether the name ends like those of topics that Kafka Streams makes; its own reset tool knows the same endings."""
    of_join = name.endswith("-topic") and _OF_JOIN.fullmatch(name) is not None
    return of_join or name.endswith(("-changelog", "-repartition"))


def pattern_not_followed(pattern: str) -> str:
    return f"topics.regex {pattern!r} could not be followed"


def set_aside_topics(connector: Connector) -> dict[str, str]:
    """The topics to which a sink writes records that it could not deliver, and its reports about them, by the config key
    that says so. Confluent Cloud replaces `${connector}` with the connector's id."""
    if connector.type != "sink":
        return {}
    own_id = connector.id if connector.id and connector.id.startswith("lcc-") else "${connector}"
    named = {key: (connector.config.get(key) or "").replace("${connector}", own_id) for key in _SET_ASIDE}
    return {key: name for key, name in named.items() if is_topic_name(name)}


def link_connectors(connectors: Sequence[Connector], topics: Sequence[Topic]) -> tuple[Connector, ...]:
    """The connectors with the topics that their `topics.regex` matches now, as a consumer would.

    A pattern that Python would read differently from Java adds a note and no topics.
    """
    return tuple(
        _with_pattern_topics(connector, topics) if connector.topics_pattern else connector
        for connector in connectors
    )


def _with_pattern_topics(connector: Connector, topics: Sequence[Topic]) -> Connector:
    text = connector.topics_pattern or ""
    pattern = java_pattern(text)
    if pattern is None:
        return replace(connector, topics_note=connector.topics_note or pattern_not_followed(text))
    # What an earlier join declared may be gone: a config with a pattern names no topics itself.
    found = {topic.name: topic for topic in connector.topics if topic.known == "observed"}
    # Unless configured otherwise, a consumer's patterns leave out Kafka's own topics.
    all_of_them = connector.config.get("consumer.override.exclude.internal.topics") == "false"
    for topic in topics:
        if (all_of_them or not topic.details.internal) and pattern.fullmatch(topic.name):
            found[topic.name] = ConnectorTopic(name=topic.name, known="declared")
    return replace(connector, topics=tuple(found[name] for name in sorted(found)))


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
        for name in (*(topic.name for topic in connector.topics), *set_aside_topics(connector).values()):
            used[name].add(connector.name)
    linked = {*keys, *values, *records, *used}
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
        if topic.name in linked or topic.schema != _NO_SUBJECTS or topic.connectors
        else topic
        for topic in topics
    )


_NO_SUBJECTS = TopicSchema()


def sink_group(connector: Connector) -> str | None:
    """The consumer group a sink reads with; None for a source. Confluent Cloud names it after the connector's
    id."""
    if connector.type != "sink":
        return None
    return connector.config.get("consumer.override.group.id") or f"connect-{connector.id or connector.name}"
