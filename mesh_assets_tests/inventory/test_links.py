import pytest
from msgspec.structs import replace

from mesh_assets.inventory.links import (
    link_connectors,
    link_topics,
    naming_strategy,
    record_name,
    set_aside_topics,
    split_topic_name,
)
from mesh_assets.inventory.records import ConnectorTopic
from mesh_assets_tests.documents import a_connector, a_topic

TOPICS = {"orders", "orders-v2", "users"}


@pytest.mark.parametrize(
    ("schema_type", "definition", "name"),
    [
        ("AVRO", '{"type":"record","name":"Order","namespace":"com.shop","fields":[]}', "com.shop.Order"),
        (
            "AVRO",
            '{"type":"record","name":"com.shop.Order","namespace":"ignored","fields":[]}',
            "com.shop.Order",
        ),
        ("AVRO", '{"type":"record","name":"Order","fields":[]}', "Order"),
        ("AVRO", '"string"', None),
        ("AVRO", '["null","string"]', None),
        ("AVRO", "{not json", None),
        ("JSON", '{"title":"Order","type":"object"}', "Order"),
        ("JSON", '{"type":"object"}', None),
        (
            "PROTOBUF",
            'syntax = "proto3";\npackage com.shop;\n// message Nope {}\nmessage Order { string id = 1; }',
            "com.shop.Order",
        ),
        ("PROTOBUF", 'syntax = "proto3";\nmessage Order { message Line {} }', "Order"),
        ("PROTOBUF", 'syntax = "proto3";\nenum Kind { A = 0; }', None),
        (
            "PROTOBUF",
            'syntax = "proto3"; package com.shop; message Order { string id = 1; }',
            "com.shop.Order",
        ),
        ("PROTOBUF", 'option (x) = "message Nope {"; message Order { string id = 1; }', "Order"),
        ("PROTOBUF", "message Order {", None),
        # As the registry accepts it: deeper than Python's decoders can follow.
        (
            "AVRO",
            '{"type":"record","name":"Deep","fields":[{"name":"a","type":'
            + '{"type":"array","items":' * 990
            + '"int"'
            + "}" * 990
            + "}]}",
            None,
        ),
    ],
)
def test_the_name_of_a_schemas_record_comes_from_the_schema(
    schema_type: str, definition: str, name: str | None
) -> None:
    assert record_name(schema_type, definition) == name


@pytest.mark.parametrize(
    ("subject", "name", "strategy"),
    [
        ("orders-value", "com.shop.Order", "topic"),
        ("orders-key", None, "topic"),
        (":.europe:orders-value", None, "topic"),
        ("orders-v2-value", "com.shop.Order", "topic"),
        ("com.shop.Order", "com.shop.Order", "record"),
        ("orders-com.shop.Order", "com.shop.Order", "topic_record"),
        ("orders-v2-com.shop.Order", "com.shop.Order", "topic_record"),
        ("payments-value", None, "unknown"),
        ("payments-com.shop.Order", "com.shop.Order", "unknown"),
        ("orders-com.shop.Order", "com.shop.OrderLine", "unknown"),
        ("orders", None, "unknown"),
    ],
)
def test_a_naming_strategy_follows_from_topics_and_schema_and_never_from_a_similar_name(
    subject: str, name: str | None, strategy: str
) -> None:
    assert naming_strategy(subject, name, TOPICS) == strategy


def test_a_subject_is_split_only_at_its_suffix() -> None:
    assert split_topic_name("orders-v2-value") == ("orders-v2", "value")
    assert split_topic_name("orders-key") == ("orders", "key")
    assert split_topic_name("value") is None


def test_a_schema_nested_too_deeply_for_the_parser_has_no_record_name_and_no_exception() -> None:
    deep = '{"type":"array","items":' * 990 + '"string"' + "}" * 990
    assert record_name("AVRO", deep) is None
    assert record_name("JSON", "[" * 100_000) is None


def test_a_pattern_covers_the_current_topics_and_none_of_kafkas_own() -> None:
    own = a_topic("__consumer_offsets")
    topics = [replace(own, details=replace(own.details, internal=True)), a_topic("orders")]
    gone = (ConnectorTopic(name="gone", known="declared"),)
    plain = a_connector("plain", topics=gone, topics_pattern=".*")
    told = a_connector(
        "told",
        topics=(),
        topics_pattern=".*",
        config={"consumer.override.exclude.internal.topics": "false"},
    )
    linked = link_connectors([plain, told], topics)
    assert [[topic.name for topic in connector.topics] for connector in linked] == [
        ["orders"],
        ["__consumer_offsets", "orders"],
    ]


def test_a_pattern_that_python_reads_differently_has_a_note_and_no_topic() -> None:
    (linked,) = link_connectors(
        [a_connector(topics=(), topics_pattern="[a-z&&[^o]]+")], [a_topic("orders"), a_topic("a&]")]
    )
    assert (linked.topics, linked.topics_note) == (
        (),
        "topics.regex '[a-z&&[^o]]+' could not be followed",
    )


def test_a_sink_writes_its_dead_letters() -> None:
    key = "errors.deadletterqueue.topic.name"
    sink = a_connector("sink", config={key: "failed"})
    assert set_aside_topics(sink) == {key: "failed"}
    (failed,) = link_topics([a_topic("failed")], [], [sink])
    assert failed.connectors == ("sink",)
    template = {key: "dlq-${connector}"}
    assert set_aside_topics(a_connector(id="lcc-1", config=template)) == {key: "dlq-lcc-1"}
    assert set_aside_topics(a_connector(config=template)) == {}
    assert set_aside_topics(a_connector(type="source", config={key: "failed"})) == {}
