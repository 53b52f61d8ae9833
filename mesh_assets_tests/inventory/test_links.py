import pytest

from mesh_assets.inventory.links import naming_strategy, record_name, split_topic_name

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
def test_a_naming_strategy_is_derived_from_topics_and_schema_and_never_from_a_similar_name(
    subject: str, name: str | None, strategy: str
) -> None:
    assert naming_strategy(subject, name, TOPICS) == strategy


def test_a_subject_is_split_only_at_its_suffix() -> None:
    assert split_topic_name("orders-v2-value") == ("orders-v2", "value")
    assert split_topic_name("orders-key") == ("orders", "key")
    assert split_topic_name("value") is None


def test_a_schema_nested_deeper_than_a_parser_goes_has_no_record_name_and_no_exception() -> None:
    deep = '{"type":"array","items":' * 990 + '"string"' + "}" * 990
    assert record_name("AVRO", deep) is None
    assert record_name("JSON", "[" * 100_000) is None
