"""Drafts of joins: parsed, with the key columns and types of the schemas, and never more certain than they are."""

import ast
import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from mesh_assets.inventory.document import Document
from mesh_assets.products import flink
from mesh_assets.products.flink import (
    common_type,
    flink_type,
    literal,
    parse_flink,
    quoted,
    why_draft_unreadable,
    why_unreadable,
)
from mesh_assets.products.joins import MOST_DRAFTS, draft_joins, tables_of
from mesh_assets.products.records import JoinDraft, TopicPlace
from mesh_assets.relationships.relating import find_relationships
from mesh_assets_tests.documents import a_topic
from mesh_assets_tests.relationships.estates import a_cluster, a_registered, avro


def drafts_of(document: Document) -> list[JoinDraft]:
    entities = [one for one in find_relationships([document]).entities if len(one.topics) > 1]
    places = [TopicPlace(cluster="warehouse", topic=one.name) for one in document.topics]
    return list(draft_joins(entities, places, tables_of({"warehouse": document})))


def columns_of(draft: JoinDraft) -> dict[str, dict[str, str]]:
    """Table → column → type, from an independent walk through sqlglot's tree."""
    assert draft.sql is not None
    return {
        one.this.this.name: {
            column.name: column.args["kind"].sql(dialect="spark")
            for column in one.this.expressions
            if isinstance(column, exp.ColumnDef)
        }
        for one in parse_flink(draft.sql)
        if isinstance(one, exp.Create)
    }


def test_a_topic_is_joined_with_the_one_that_describes_the_entity_by_typed_columns() -> None:
    document = a_cluster(
        avro("users-value", ("user_id", "long"), ("name", "string")),
        avro("orders-value", ("order_id", "string"), ("user_id", "long"), ("price", ["null", "double"])),
        topics=("users", "orders"),
    )
    [draft] = drafts_of(document)
    assert (draft.left.topic, draft.right.topic, draft.key) == ("orders", "users", "user_id")
    columns = columns_of(draft)
    assert columns["orders"] | columns["users"] == {
        "order_id": "STRING",
        "user_id": "BIGINT",
        "price": "DOUBLE",
        "name": "STRING",
        "record_time": "TIMESTAMP_LTZ",
    }
    assert draft.sql is not None
    assert "ON l.`user_id` = r.`user_id`\n" in draft.sql
    assert "-- assumed: records arrive at most 5 seconds late" in draft.sql
    assert any("at most an hour apart" in one for one in draft.assumptions)


def test_a_draft_parsed_by_the_previous_run_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    document = a_cluster(
        avro("users-value", ("user_id", "long"), ("name", "string")),
        avro("orders-value", ("order_id", "string"), ("user_id", "long")),
        avro("visits-value", ("visit_id", "string"), ("user_id", "long")),
        topics=("users", "orders", "visits"),
    )
    entities = [one for one in find_relationships([document]).entities if len(one.topics) > 1]
    places = [TopicPlace(cluster="warehouse", topic=one.name) for one in document.topics]
    first = drafts_of(document)
    parsed: list[str] = []
    monkeypatch.setattr("mesh_assets.products.joins.why_draft_unreadable", parsed.append)

    again = list(
        draft_joins(entities, places, tables_of({"warehouse": document}), readable={str(first[0].sql)})
    )

    assert again == first
    assert parsed == [one.sql for one in first[1:]]
    assert len(parsed) == 1


def test_keys_of_different_types_are_cast_to_one_that_holds_both() -> None:
    document = a_cluster(
        avro("users-value", ("user_id", "int")),
        avro("orders-value", ("order_id", "string"), ("user_id", "long")),
        topics=("users", "orders"),
    )
    [draft] = drafts_of(document)
    assert draft.sql is not None
    assert "ON l.`user_id` = CAST(r.`user_id` AS BIGINT)" in draft.sql
    assert (common_type("STRING", "INT"), common_type("INT", "INT")) == ("STRING", None)


def test_a_compacted_topic_keyed_by_the_column_is_joined_as_of_the_records_time() -> None:
    document = a_cluster(
        avro("users-key", ("user_id", "string"), record="UserKey"),
        avro("users-value", ("name", "string"), record="User"),
        avro("orders-value", ("order_id", "string"), ("user_id", "string")),
        topics=(a_topic("users", config={"cleanup.policy": "compact"}), "orders"),
    )
    [draft] = drafts_of(document)
    assert draft.sql is not None
    assert (
        "JOIN `users` FOR SYSTEM_TIME AS OF l.`record_time` AS r\n  ON l.`user_id` = r.`user_id`;"
        in draft.sql
    )
    assert "PRIMARY KEY (`user_id`) NOT ENFORCED" in draft.sql
    assert "'connector' = 'upsert-kafka'" in draft.sql
    assert columns_of(draft)["users"] == {
        "user_id": "STRING",
        "name": "STRING",
        "record_time": "TIMESTAMP_LTZ",
    }


def test_a_compacted_topic_with_an_unknown_key_says_that_every_version_joins() -> None:
    document = a_cluster(
        avro("users-value", ("user_id", "string")),
        avro("orders-value", ("order_id", "string"), ("user_id", "string")),
        topics=(a_topic("users", config={"cleanup.policy": "compact"}), "orders"),
    )
    [draft] = drafts_of(document)
    assert draft.sql is not None
    assert "FOR SYSTEM_TIME" not in draft.sql
    assert any("every version of a record of users joins" in one for one in draft.assumptions)


def test_a_key_within_a_record_becomes_a_row_and_one_within_an_array_gives_a_reason_instead_of_a_draft() -> (
    None
):
    customer = {"type": "record", "name": "Customer", "fields": [{"name": "user_id", "type": "string"}]}
    document = a_cluster(
        avro("users-value", ("user_id", "string")),
        avro("orders-value", ("order_id", "string"), ("customer", customer)),
        avro("carts-value", ("cart_id", "string"), ("buyers", {"type": "array", "items": customer})),
        topics=("users", "orders", "carts"),
    )
    by_left = {one.left.topic: one for one in drafts_of(document)}
    assert by_left["orders"].sql is not None
    assert "`customer` ROW<`user_id` STRING>" in by_left["orders"].sql
    assert "l.`customer`.`user_id` = r.`user_id`" in by_left["orders"].sql
    assert by_left["carts"].sql is None
    assert by_left["carts"].reason == (
        "buyers[].user_id of carts is within an array or a map, which a join by a column cannot reach"
    )


def test_names_with_quotes_and_a_field_named_like_the_records_time_stay_apart() -> None:
    fields = {"user_id": {"type": "string"}, "record_time": {"type": "string"}, "o`dd": {"type": "string"}}
    document = a_cluster(
        a_registered("users-value", "JSON", json.dumps({"type": "object", "properties": fields})),
        a_registered("orders-value", "JSON", json.dumps({"type": "object", "properties": fields})),
        topics=("users", "orders"),
    )
    [draft] = drafts_of(document)
    assert columns_of(draft)["users"].keys() >= {"record_time", "record_time_2", "o`dd"}
    assert any("JSON values carry the registry's header" in one for one in draft.assumptions)


def test_a_type_without_a_certain_flink_type_has_no_draft() -> None:
    text = 'syntax = "proto3"; message {} {{ uint64 user_id = 1; string note = 2; }}'
    document = a_cluster(
        a_registered(
            "users-value", "PROTOBUF", text.replace("{}", "User").replace("{{", "{").replace("}}", "}")
        ),
        a_registered(
            "orders-value", "PROTOBUF", text.replace("{}", "Order").replace("{{", "{").replace("}}", "}")
        ),
        topics=("users", "orders"),
    )
    [draft] = drafts_of(document)
    assert draft.sql is None
    assert draft.reason is not None
    assert "of type uint64, for which no Flink type is certain to be right" in draft.reason


def test_there_are_at_most_twelve_drafts() -> None:
    topics = [f"{word}_log" for word in "abcdefghijklmnopqrst"]
    document = a_cluster(
        avro("users-value", ("user_id", "string")),
        *(avro(f"{name}-value", ("user_id", "string"), ("note", "string")) for name in topics),
        topics=("users", *topics),
    )
    assert len(drafts_of(document)) == MOST_DRAFTS


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELEC 1", "sqlglot"),
        ("CREATE TABLE a (x INT) WITH ('c' = 'd'); SELECT a.y FROM a;", "names the column a.y"),
        ("CREATE TABLE a (x INT) WITH ('c' = 'd');", "has 0 SELECT statements"),
        ("DROP TABLE a", "neither CREATE TABLE nor SELECT"),
        ("CREATE TABLE a (x INT, WATERMARK FOR x AS) WITH ('c' = 'd'); SELECT a.x FROM a;", "sqlglot"),
        ("CREATE TABLE a (x INT, WATERMARK x AS x) WITH ('c' = 'd'); SELECT a.x FROM a;", "sqlglot"),
    ],
)
def test_invalid_drafts_are_detected(sql: str, reason: str) -> None:
    found = why_unreadable(sql)
    assert found is not None
    assert reason in found


@pytest.mark.parametrize(
    ("schema_type", "shown", "kind"),
    [
        ("AVRO", "enum(a, b)", "STRING"),
        ("AVRO", "long (timestamp-millis)", "TIMESTAMP(3)"),
        ("AVRO", "bytes (decimal)", None),
        ("JSON", "string (date-time)", "STRING"),
        ("JSON", "array<string>", None),
        ("PROTOBUF", "int64", "BIGINT"),
    ],
)
def test_types_follow_flinks_formats(schema_type: str, shown: str, kind: str | None) -> None:
    assert flink_type(schema_type, shown) == kind


@pytest.mark.parametrize(
    "kind",
    sorted(
        {
            kind
            for schema_type, shown in (
                *(("AVRO", one) for one in ("string", "int", "long", "float", "double", "boolean", "bytes")),
                *(("AVRO", one) for one in ("fixed", "int (date)", "long (timestamp-millis)")),
                ("PROTOBUF", "bytes"),
            )
            if (kind := flink_type(schema_type, shown)) is not None
        }
    ),
)
def test_a_column_of_every_type_can_be_read(kind: str) -> None:
    sql = f"CREATE TABLE `t` (`k` {kind}, `r` ROW<`x` {kind}>) WITH ('c' = 'd');\nSELECT a.`k` FROM `t` AS a;"
    assert why_unreadable(sql) is None


def test_flink_keywords_in_names_and_texts_are_left_alone() -> None:
    sql = (
        "CREATE TABLE `a` (`METADATA` INT, `ROW` ROW<`x` INT>, `t` TIMESTAMP_LTZ(3) METADATA, "
        "WATERMARK FOR `t` AS COALESCE(`t`, `t`)) WITH ('METADATA' = 'WATERMARK FOR');\n"
        "SELECT a.`METADATA`, a.`ROW`, a.`t` FROM `a`;"
    )
    assert why_unreadable(sql) is None
    [table, _] = parse_flink(sql)
    kinds = {one.name: one.args["kind"].sql(dialect="spark") for one in table.find_all(exp.ColumnDef)}
    assert kinds == {"METADATA": "INT", "ROW": "STRUCT<`x`: INT>", "x": "INT", "t": "TIMESTAMP_LTZ"}


def a_draft(topic: str, key: str, other: str) -> str:
    """Two tables, and what joins them; it names `other`, which only the first of them has."""
    tables = (
        f"CREATE TABLE {quoted(name)} (\n  {quoted(key)} STRING,\n  {quoted(column)} BIGINT\n) WITH (\n"
        f"  'connector' = 'kafka',\n  'topic' = {literal(name)},\n  'key.fields' = {literal(key)}\n);"
        for name, column in ((topic, other), ("users", "name"))
    )
    return "\n".join(
        (
            f"-- assumed: every record of {topic} joins",
            *tables,
            f"SELECT l.{quoted(key)}, l.{quoted(other)} FROM {quoted(topic)} AS l JOIN `users` AS r "
            f"ON l.{quoted(key)} = r.{quoted(key)};",
        )
    )


def test_drafts_that_differ_only_in_plain_names_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def parse(sql: str) -> list[exp.Expr]:
        parsed.append(sql)
        return parse_flink(sql)

    monkeypatch.setattr(flink, "parse_flink", parse)
    flink._is_readable.cache_clear()
    drafts = [a_draft(f"orders-{number}", f"id_{number}", f"price.{number}") for number in range(5)]
    assert [why_draft_unreadable(one) for one in drafts] == [None] * 5
    assert len(parsed) == 1
    assert why_draft_unreadable(drafts[0].replace("l.`price.0`", "l.`price.1`")) == (
        "it names the column l.price.1, which no table of it has"
    )


NAMES = st.text("ab`'\\;-. \n\"/*n0", min_size=1, max_size=6)


@given(NAMES, NAMES, NAMES, st.booleans())
def test_a_draft_of_a_known_shape_is_judged_as_if_parsed_itself(
    topic: str, key: str, other: str, is_wrong: bool
) -> None:
    sql = a_draft(topic, key, other)
    if is_wrong:
        sql = sql.replace(f"l.{quoted(other)} FROM", "l.`b` FROM")
    assert why_draft_unreadable(sql) == why_unreadable(sql)


def test_the_parser_extends_sqlglot_in_python_since_its_c_build_cannot_be_extended() -> None:
    """`sqlglot[c]` (sqlglotc): "interpreted classes cannot inherit from compiled"."""
    module = ast.parse(inspect.getsource(flink))
    assert [one.name for one in ast.walk(module) if isinstance(one, ast.ClassDef)] == []
