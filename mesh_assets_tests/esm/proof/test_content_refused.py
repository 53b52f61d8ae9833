"""Test messages that cannot be written say why, and none is written; nor are more than a plan allows."""

import json
from typing import Any

import pytest

from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.esm.proof import ProducePlan, plan_test_messages, produce_test_messages
from mesh_assets.platforms.kafka import ClientProperties
from mesh_assets_tests.esm.fake_aws import SECRET_ARN
from mesh_assets_tests.esm.proof.contents import ORDER, contents

PRICE = {"type": "object", "properties": {"amount": {"type": "integer"}, "in": {"$ref": "currency.json"}}}
CURRENCY = {"$defs": {"code": {"type": "string", "maxLength": 3}}, "$ref": "#/$defs/code"}


@pytest.mark.parametrize("schema_id", [None, "https://shop.example/schemas/order.json"])
def test_a_json_schema_may_refer_to_others_which_refer_to_others(
    registry: Any, schema_id: str | None
) -> None:
    """By the registry's names, even where the schema has its own address."""
    order = {
        **({} if schema_id is None else {"$id": schema_id}),
        "type": "object",
        "properties": {"price": {"$ref": "price.json"}, "paid": {"$ref": "price.json#/properties/amount"}},
        "required": ["price", "paid"],
    }
    registry.add("currency", CURRENCY, schemaType="JSON")
    in_price = [{"name": "currency.json", "subject": "currency", "version": 1}]
    registry.add("price", PRICE, schemaType="JSON", references=in_price)
    in_order = [{"name": "price.json", "subject": "price", "version": 1}]
    registry.add("orders-value", order, schemaType="JSON", references=in_order)

    value = json.loads(contents(registry).encode("t" * 32, 3, 10)[5:])

    assert value == {"price": {"amount": 0, "in": "ttt"}, "paid": 0}


def test_a_name_shared_by_two_schemas_is_not_guessed(registry: Any) -> None:
    for subject in ("one", "two", "three"):
        registry.add(subject, {"type": "string"}, schemaType="JSON")
    again = [{"name": "x.json", "subject": "two", "version": 1}]
    registry.add("three", {"$ref": "x.json"}, schemaType="JSON", references=again)
    both = [
        {"name": "x.json", "subject": "one", "version": 1},
        {"name": "three.json", "subject": "three", "version": 2},
    ]
    registry.add("orders-value", {"$ref": "x.json"}, schemaType="JSON", references=both)
    assert "mean different things by x.json" in (contents(registry).unwritable or "")


UNWRITABLE: list[tuple[str, dict[str, Any], str]] = [
    ("none", {}, "has no subject orders-value"),
    ("THRIFT", {}, "the latest schema of orders-value is THRIFT"),
    ("PROTOBUF", {}, "has `no message`"),
    ("AVRO", {"SchemaRegistryURI": "arn:aws:glue:eu-central-1:1:registry/r"}, "has no schema orders"),
    ("AVRO", {"SchemaValidationConfigs": [{"Attribute": "KEY"}]}, "validates keys"),
    (
        "AVRO",
        {"AccessConfigs": [{"Type": "CLIENT_CERTIFICATE_TLS_AUTH", "URI": SECRET_ARN}]},
        "not supported",
    ),
    ("AVRO", {"AccessConfigs": [{"Type": "BASIC_AUTH", "URI": SECRET_ARN}]}, "unencrypted"),
]


@pytest.mark.parametrize(("kind", "config", "why"), UNWRITABLE, ids=[why for *_, why in UNWRITABLE])
def test_what_cannot_be_written_is_refused_with_the_reason(
    registry: Any, kind: str, config: dict[str, Any], why: str
) -> None:
    if kind != "none":
        registry.add("orders-value", {"type": "string"}, schemaType=kind)
    content = contents(registry, **config)
    assert why in (content.unwritable or "")
    plan = ProducePlan(
        id="p",
        endpoint="127.0.0.1:1",
        topic="orders",
        partitions=(0,),
        messages=1,
        bytes_each=256,
        key=None,
        group="g",
        other_groups=(),
        format=content.format,
        unwritable=content.unwritable,
    )
    with pytest.raises(EstateError, match="no test messages are written"):
        produce_test_messages(ClientProperties({"bootstrap.servers": "127.0.0.1:1"}), plan, content=content)


def test_a_registry_that_lacks_what_a_schema_refers_to_is_an_error(registry: Any) -> None:
    registry.add("orders-value", ORDER, references=[{"name": "m", "subject": "money", "version": 1}])
    with pytest.raises(RefusedError, match="version 1 of money, which it does not have"):
        contents(registry)


def test_a_secret_without_a_password_is_named_without_its_values(registry: Any) -> None:
    access = [{"Type": "BASIC_AUTH", "URI": SECRET_ARN}]
    with pytest.raises(EstateError, match="has no username and password") as caught:
        contents(registry, SchemaRegistryURI="https://registry.invalid", AccessConfigs=access)
    assert SECRET_ARN in str(caught.value)


def test_a_plan_for_schema_records_is_not_carried_out_in_json() -> None:
    plan = ProducePlan(
        id="p",
        endpoint="127.0.0.1:1",
        topic="orders",
        partitions=(0,),
        messages=1,
        bytes_each=256,
        key=None,
        group="g",
        other_groups=(),
        format="AVRO, by version 2 of orders-value (schema 202)",
    )
    with pytest.raises(Exception, match="check the new plan first"):
        produce_test_messages(ClientProperties({"bootstrap.servers": "127.0.0.1:1"}), plan)


# --- how much a plan may write; refused before any request to a broker

NOWHERE = ClientProperties({"bootstrap.servers": "127.0.0.1:1"})


@pytest.mark.parametrize(
    ("messages", "bytes_each", "key", "in_all"),
    [
        (10_000, 1_000_000, None, "10,000,000,000"),
        (17, 1_000_000, None, "17,000,000"),
        (10_000, 1_000, "k" * 1_000, "20,000,000"),
        (10_000, 200, "ü" * 1_000, "22,000,000"),
    ],
)
def test_more_than_16_mib_in_total_is_refused(
    messages: int, bytes_each: int, key: str | None, in_all: str
) -> None:
    with pytest.raises(
        EstateError, match=f"are {in_all} bytes in all with their keys; expected at most 16,777,216"
    ):
        plan_test_messages(
            NOWHERE, topic="orders", messages=messages, bytes_each=bytes_each, key=key, group=None
        )
