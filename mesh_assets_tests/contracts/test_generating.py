"""What a generated contract says."""

from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.analysis.schema_fields import schema_fields
from mesh_assets.contracts.folder import text_of
from mesh_assets.contracts.generating import contract_of
from mesh_assets.contracts.records import Reference
from mesh_assets_tests.contracts.facts import (
    CONFIG,
    ORDER,
    RULES,
    a_rule,
    facts,
    fields_of,
    orders,
    schema_problems,
    users,
)
from mesh_assets_tests.documents import a_topic


@pytest.mark.parametrize("version", ["3.2.0", "3.1.0"])
def test_a_contract_is_valid_by_the_published_schemas(version: str) -> None:
    assert schema_problems(contract_of(facts(orders(rules=RULES), users())), version) == []
    assert (
        schema_problems(contract_of(facts(orders(fields=(), schema_type=None, subject=None))), version) == []
    )
    assert (
        schema_problems(contract_of(facts(orders(), owner=None, domain=None, description=None)), version)
        == []
    )


def test_the_published_schema_finds_what_is_wrong() -> None:
    assert schema_problems({**contract_of(facts()), "servers": [{"server": "a", "type": "kafka"}]})
    assert schema_problems({**contract_of(facts()), "unheardOf": 1})


def test_a_contract_names_the_owner_and_the_place_of_the_data() -> None:
    made = contract_of(facts())
    assert {key: made[key] for key in ("id", "name", "version", "status", "domain", "team")} == {
        "id": "shop-orders",
        "name": "Orders",
        "version": "1.0.0",
        "status": "draft",
        "domain": "orders",
        "team": {"name": "team-shop"},
    }
    assert made["servers"] == [{"server": "shop", "type": "kafka", "host": "broker:9092", "format": "avro"}]
    assert [(one["name"], one["physicalName"]) for one in made["schema"]] == [
        ("orders_v2", "orders-v2"),
        ("users", "users"),
    ]


def test_fields_are_nested_with_their_types() -> None:
    [schema, _] = contract_of(facts())["schema"]
    by_name = {one["name"]: one for one in schema["properties"]}
    assert {name: one.get("logicalType") for name, one in by_name.items()} == {
        "order_id": "integer",
        "user_id": "string",
        "total": "number",
        "placed_at": "timestamp",
        "day": "date",
        "state": "string",
        "address": "object",
        "items": "array",
        "labels": None,
        "raw": None,
        "either": None,
    }
    assert by_name["order_id"] == {
        "name": "order_id",
        "logicalType": "integer",
        "physicalType": "long",
        "required": True,
        "description": "Unique for ever.",
    }
    assert by_name["total"]["required"] is False
    assert [one["name"] for one in by_name["address"]["properties"]] == ["city"]
    assert [one["name"] for one in by_name["items"]["items"]["properties"]] == ["sku", "tags"]
    assert by_name["user_id"]["relationships"] == [{"type": "foreignKey", "to": "users.user_id"}]


def test_an_array_has_its_physical_type_with_that_of_its_elements_below() -> None:
    [schema, _] = contract_of(facts())["schema"]
    by_name = {one["name"]: one for one in schema["properties"]}
    [_, tags] = by_name["items"]["items"]["properties"]
    assert (by_name["items"]["physicalType"], by_name["items"]["items"]["logicalType"]) == ("array", "object")
    assert (tags["physicalType"], tags["items"]) == (
        "array",
        {"logicalType": "string", "physicalType": "string"},
    )


def test_another_spelling_of_an_array_is_not_another_type() -> None:
    first = contract_of(facts())
    [items] = [one for one in first["schema"][0]["properties"] if one["name"] == "items"]
    items["physicalType"] = f"array<{items['items']['physicalType']}>"
    assert contract_of(facts(), before=first)["version"] == "1.1.0"


def test_fields_that_look_personal_are_tagged() -> None:
    [_, schema] = contract_of(facts())["schema"]
    assert [one.get("tags") for one in schema["properties"]] == [None, ["personal"]]


def test_service_levels_are_what_is_configured_and_measured() -> None:
    levels = {one["id"]: (one["value"], one["unit"]) for one in contract_of(facts())["slaProperties"]}
    assert levels == {
        "orders_v2_retention": (7, "d"),
        "orders_v2_latency": (62, "s"),
        "orders_v2_throughput": (10, "records/s"),
    }


@pytest.mark.parametrize(
    "config",
    [
        {**CONFIG, "retention.ms": "-1"},
        {**CONFIG, "cleanup.policy": "compact"},
        {**CONFIG, "retention.bytes": "1000"},
        {},
        {"cleanup.policy": "delete", "retention.ms": None},
    ],
)
def test_unlimited_compacted_or_unknown_retention_is_not_promised(config: dict[str, Any]) -> None:
    one = orders(topic=a_topic("orders", config=config), usual_gap_seconds=None, records_in_per_second=None)
    assert "slaProperties" not in contract_of(facts(one))


def test_rules_are_where_odcs_expects_them() -> None:
    made = contract_of(facts(orders(rules=RULES), users()))
    [schema, _] = made["schema"]
    by_name = {one["name"]: one for one in schema["properties"]}
    assert by_name["order_id"]["quality"] == [
        {
            "id": "there",
            "name": "there",
            "metric": "nullValues",
            "dimension": "completeness",
            "mustBe": 0,
            "severity": "error",
        }
    ]
    assert by_name["total"]["logicalTypeOptions"] == {"minimum": 0}
    assert [one["type"] for one in by_name["total"]["quality"]] == ["custom", "sql"]
    assert by_name["address"]["properties"][0]["quality"][0]["arguments"] == {"pattern": "^[A-Z]"}
    assert [one["id"] for one in schema["quality"]] == ["enough", "elsewhere", "named"]
    assert next(one for one in made["slaProperties"] if one["id"] == "orders_v2_fresh")["unit"] == "m"


def test_a_contract_holds_no_address_but_the_brokers() -> None:
    text = text_of(contract_of(facts()))
    assert text.count("9092") == 1
    assert "sasl" not in text.casefold()


def test_the_same_facts_give_the_same_text_in_any_order() -> None:
    assert text_of(contract_of(facts(orders(), users()))) == text_of(contract_of(facts(users(), orders())))


def test_topics_of_two_formats_have_a_server_each() -> None:
    servers = contract_of(facts(orders(), users(schema_type="JSON")))["servers"]
    assert [(one["server"], one["format"]) for one in servers] == [
        ("shop-avro", "avro"),
        ("shop-json", "json"),
    ]


def test_two_topics_never_share_a_name() -> None:
    topics = [orders(topic=a_topic(name), references=()) for name in ("a-b", "a.b", "a_b", "1a")]
    names = [one["name"] for one in contract_of(facts(*topics))["schema"]]
    assert sorted(names) == ["_1a", "a_b", "a_b_2", "a_b_3"]


def test_a_reference_to_another_contract_names_its_file() -> None:
    one = facts(
        orders(
            references=(
                Reference(path="user_id", to_topic="people", to_path="id"),
                Reference(path="total", to_topic="nowhere", to_path="id"),
            )
        )
    )
    made = contract_of(replace(one, files={("shop", "people"): "people.odcs.yaml"}))
    by_name = {one["name"]: one for one in made["schema"][0]["properties"]}
    assert by_name["user_id"]["relationships"][0]["to"] == "people.odcs.yaml#schema/people/properties/id"
    assert "relationships" not in by_name["total"]
    assert schema_problems(made) == []


def test_a_service_level_stays_as_it_was_promised() -> None:
    first = contract_of(facts())
    slower = contract_of(
        facts(orders(records_in_per_second=2.0, usual_gap_seconds=3600.0), users()), before=first
    )
    assert slower == first


def test_one_rule_promises_each_of_its_topics_its_own_level() -> None:
    fresh = next(one for one in RULES if one.name == "fresh")
    made = contract_of(facts(orders(rules=(fresh,)), users(rules=(fresh,))))
    levels = [one["id"] for one in made["slaProperties"] if one["id"].endswith("fresh")]
    assert levels == ["orders_v2_fresh", "users_fresh"]
    assert contract_of(facts(orders(rules=(fresh,)), users(rules=(fresh,))), before=made) == made


def test_levels_that_earlier_versions_named_by_the_rule_alone_stay_as_promised() -> None:
    fresh = next(one for one in RULES if one.name == "fresh")
    both = facts(orders(rules=(fresh,)), users(rules=(fresh,)))
    first = contract_of(both)
    for one in first["slaProperties"]:
        one["id"] = "fresh" if one["id"].endswith("_fresh") else one["id"]
    assert contract_of(both, before=first) == first


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        (ORDER["fields"], "1.0.0"),
        ([*ORDER["fields"], {"name": "new", "type": "string"}], "1.1.0"),
        (ORDER["fields"][1:], "2.0.0"),
        ([{"name": "order_id", "type": "string"}, *ORDER["fields"][1:]], "2.0.0"),
    ],
)
def test_the_version_grows_with_what_changed(fields: Any, version: str) -> None:
    first = contract_of(facts())
    changed = orders(fields=fields_of({**ORDER, "fields": fields}))
    assert contract_of(facts(changed, users()), before=first)["version"] == version


def test_a_rule_of_a_whole_topic_and_one_of_a_field_can_both_be_written() -> None:
    rules = (
        a_rule("one", metric="duplicateValues", arguments={"properties": ["order_id", "user_id"]}, mustBe=0),
    )
    [schema, _] = contract_of(facts(orders(rules=rules), users()))["schema"]
    assert schema["quality"][0]["arguments"] == {"properties": ["order_id", "user_id"]}


MESSAGE = """
syntax = "proto3";
import "money.proto";
message Order {
  enum State { NEW = 0; }
  message Line { string sku = 1; }
  State state = 1;
  Line first = 2;
  repeated Line lines = 3;
  shop.Money price = 4;
}
"""
JSON_SCHEMA = """{"type": "object", "properties": {
  "price": {"$ref": "money.json"}, "prices": {"type": "array", "items": {"$ref": "money.json"}},
  "anything": {}, "nothing": {"type": "null"}, "never": false, "code": {"enum": [1, 2]},
  "address": {"type": "object", "properties": {"city": {"type": "string"}}}}}"""
AVRO = """{"type": "record", "name": "Order", "fields": [
  {"name": "price", "type": "shop.Money"}, {"name": "nothing", "type": "null"}]}"""


@pytest.mark.parametrize(
    ("schema_type", "definition", "expected"),
    [
        ("PROTOBUF", MESSAGE, {"state": None, "first": "object", "lines": "array", "price": None}),
        (
            "JSON",
            JSON_SCHEMA,
            {
                "price": None,
                "prices": "array",
                "anything": None,
                "nothing": None,
                "never": None,
                "code": None,
                "address": "object",
            },
        ),
        ("AVRO", AVRO, {"price": None, "nothing": None}),
    ],
    ids=("protobuf", "json", "avro"),
)
def test_an_unknown_type_is_not_guessed(
    schema_type: str, definition: str, expected: dict[str, str | None]
) -> None:
    read = schema_fields(schema_type, definition)
    assert read is not None
    made = contract_of(facts(orders(fields=read.fields, schema_type=schema_type)))
    properties = made["schema"][0]["properties"]
    assert {one["name"]: one.get("logicalType") for one in properties} == expected
    assert schema_problems(made) == []
