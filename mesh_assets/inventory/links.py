"""The cross-links between sections: a topic's subjects and connectors, a connector's topics by pattern, a
subject's naming strategy."""

import re
from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from mesh_assets.inventory.naming import naming_strategy, split_topic_name, topic_of_record_subject
from mesh_assets.inventory.records import Connector, ConnectorTopic, Schema, Topic, TopicSchema


def link_schemas(schemas: Sequence[Schema], topics: Sequence[Topic]) -> tuple[Schema, ...]:
    names = {topic.name for topic in topics}
    return tuple(
        replace(s, naming_strategy=naming_strategy(s.subject, s.record_name, names)) for s in schemas
    )


def link_connectors(connectors: Sequence[Connector], topics: Sequence[Topic]) -> tuple[Connector, ...]:
    """Connectors with the topics that their `topics.regex` selects now; Java's and Python's patterns agree on
    what such configs use.

    A pattern Python cannot read gives no topic and a note, never a guess.
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
