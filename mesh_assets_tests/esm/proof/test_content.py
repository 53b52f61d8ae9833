"""What test messages contain: JSON, or what a mapping with a registry can deserialize; if neither, why not."""

import io
import json
import struct
from typing import Any

import fastavro
import jsonschema  # type: ignore[import-untyped] # it comes without types
import pytest

from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.proof import ProducePlan, plan_test_messages, produce_test_messages
from mesh_assets.esm.proof.content import Content, content_for
from mesh_assets.esm.proof.schema_values import avro_encoder, json_encoder
from mesh_assets.platforms.kafka import ClientProperties
from mesh_assets.sandbox.estate.subjects import all_subjects
from mesh_assets_tests.esm.fake_aws import SECRET_ARN, FakeAws

MONEY = {
    "type": "record",
    "name": "Money",
    "namespace": "shop",
    "fields": [
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}
    ],
}
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "price", "type": "Money"},
        {"name": "again", "type": ["null", "Money"]},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "DONE"]}},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
        {"name": "placed", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "key", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "more", "type": {"type": "map", "values": "long"}},
        {"name": "count", "type": "int", "default": 7},
        {"name": "before", "type": ["null", "Order"], "default": None},
        {"name": "gift", "type": "boolean"},
        {"name": "weight", "type": ["double", "null"]},
        {"name": "nothing", "type": "null"},
    ],
}


def contents(registry: Any, **config: Any) -> Content:
    aws = FakeAws()
    aws.answers["secretsmanager.get_secret_value"] = lambda SecretId: {  # noqa: N803, ARG005 - AWS' name
        "SecretString": json.dumps({"username": "u"})
    }
    given = {
        "SchemaRegistryURI": registry.url,
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
        **config,
    }
    uuid = aws.add_mapping(AmazonManagedKafkaEventSourceConfig={"SchemaRegistryConfig": given})
    return content_for(aws.account(), get_mapping(aws.account(), uuid), 256)


def decoded(value: bytes, *schemas: Any) -> tuple[int, Any]:
    zero, number = struct.unpack(">bI", value[:5])
    assert zero == 0
    named: dict[str, Any] = {}
    parsed = [fastavro.parse_schema(schema, named_schemas=named) for schema in schemas][-1]
    rest = io.BytesIO(value[5:])
    found = fastavro.schemaless_reader(rest, parsed, None)
    assert rest.read() == b""
    return number, found


def test_records_are_written_by_the_latest_schema_with_what_it_refers_to(registry: Any) -> None:
    registry.add("money", MONEY)
    registry.add("orders-value", {"type": "string"})
    registry.add("orders-value", ORDER, references=[{"name": "shop.Money", "subject": "money", "version": 1}])
    content = contents(registry)
    assert content.format == "AVRO, by version 2 of orders-value (schema 202)"

    number, record = decoded(content.encode("test", 3, 10), MONEY, ORDER)

    assert number == 202
    assert (record["id"], record["state"], record["count"], record["tags"]) == ("test-3", "OPEN", 3, [])
    assert record["before"]["before"] is not None, "it ends somewhere, but not at once"


def test_a_registry_whose_address_holds_the_login_is_asked_with_it(registry: Any) -> None:
    registry.add("orders-value", '"string"')
    with_login = registry.url.replace("http://", "http://me:hunter2@")

    assert contents(registry, SchemaRegistryURI=with_login).format.startswith("AVRO")
    assert registry.asked_with == ["Basic bWU6aHVudGVyMg=="]


@pytest.mark.parametrize("schema", ["string", "long", {"type": "array", "items": "int"}, ["null", "string"]])
def test_a_schema_need_not_be_a_record(schema: Any) -> None:
    assert decoded(avro_encoder([json.dumps(schema)], schema_id=7)("test", 1, 2), schema)[0] == 7


def json_decoded(value: bytes) -> Any:
    assert value[:5] == struct.pack(">bI", 0, 7)
    return json.loads(value[5:])


FITTING: list[Any] = [
    True,
    {},
    {"type": "string", "minLength": 60},
    {"type": "string", "maxLength": 3},
    {"type": "integer", "exclusiveMinimum": 3, "maximum": 4},
    {"type": "number", "minimum": 0.5, "exclusiveMaximum": 0.75},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
    {"type": ["null", "boolean"]},
    {"type": "array", "items": {"enum": ["A", "B"]}, "minItems": 2},
    {"oneOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]},
    {"anyOf": [{"const": 5}, {"type": "object"}]},
    {
        "$defs": {
            "money": {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
        },
        "type": "object",
        "properties": {"price": {"$ref": "#/$defs/money"}, "note": {"pattern": "^x"}},
        "required": ["price", "other"],
        "additionalProperties": True,
    },
]


@pytest.mark.parametrize("schema", FITTING, ids=json.dumps)
def test_values_by_a_json_schema_are_valid_by_it(schema: Any) -> None:
    value = json_decoded(json_encoder(json.dumps(schema), schema_id=7)("t" * 32, 3, 10))
    jsonschema.Draft202012Validator(schema).validate(value)


def test_every_json_schema_of_the_sandbox_has_a_value() -> None:
    """Those of the demo: what a registry in use holds."""
    made = 0
    for subject in all_subjects():
        if not subject.references:
            text = subject.versions[-1]
            value = json_decoded(json_encoder(text, schema_id=7)("t" * 32, 3, 10))
            jsonschema.Draft202012Validator(json.loads(text)).validate(value)
            made += 1
    assert made > 20


BEYOND: list[tuple[Any, str]] = [
    ({"type": "string", "pattern": "^[A-Z]$"}, "pattern"),
    ({"type": "object", "allOf": [{}]}, "allOf"),
    ({"oneOf": [{"type": "string"}, {"type": "string", "minLength": 2}]}, "oneOf"),
    ({"$ref": "https://elsewhere.example/x.json"}, "$ref"),
    ({"$ref": "#"}, "recursion"),
    ({"$ref": "#/x", "type": "string"}, "$ref beside others"),
    ({"type": "array", "minItems": 2, "uniqueItems": True}, "uniqueItems"),
    ({"type": "object", "required": ["a"], "additionalProperties": False}, "false"),
    (False, "false"),
    ({"type": "integer", "minimum": 0.2, "maximum": 0.8}, "minimum"),
]


@pytest.mark.parametrize(("schema", "keyword"), BEYOND, ids=[keyword for _, keyword in BEYOND])
def test_what_a_json_schema_asks_beyond_that_is_named_and_nothing_is_written(
    registry: Any, schema: Any, keyword: str
) -> None:
    registry.add("orders-value", schema, schemaType="JSON")
    assert f"has `{keyword}" in (contents(registry).unwritable or "")


def test_records_by_a_json_schema_say_so(registry: Any) -> None:
    registry.add("orders-value", {"type": "object"}, schemaType="JSON")
    content = contents(registry)
    assert content.format == "JSON, by version 1 of orders-value (schema 101)"
    assert content.encode("test", 3, 10)[5:] == b"{}"


UNWRITABLE: list[tuple[str, dict[str, Any], str]] = [
    ("none", {}, "has no subject orders-value"),
    ("PROTOBUF", {}, "the latest schema of orders-value is PROTOBUF"),
    ("AVRO", {"SchemaRegistryURI": "arn:aws:glue:eu-central-1:1:registry/r"}, "is AWS Glue's"),
    ("AVRO", {"SchemaValidationConfigs": [{"Attribute": "KEY"}]}, "validates keys"),
    (
        "AVRO",
        {"AccessConfigs": [{"Type": "CLIENT_CERTIFICATE_TLS_AUTH", "URI": SECRET_ARN}]},
        "not supported",
    ),
    ("AVRO", {"AccessConfigs": [{"Type": "BASIC_AUTH", "URI": SECRET_ARN}]}, "unencrypted"),
]


@pytest.mark.parametrize(("kind", "config", "why"), UNWRITABLE, ids=[why for *_, why in UNWRITABLE])
def test_what_cannot_be_written_says_why_and_is_not_written(
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


def test_a_secret_without_a_password_names_itself_and_no_value(registry: Any) -> None:
    access = [{"Type": "BASIC_AUTH", "URI": SECRET_ARN}]
    with pytest.raises(EstateError, match="has no username and password") as caught:
        contents(registry, SchemaRegistryURI="https://registry.invalid", AccessConfigs=access)
    assert SECRET_ARN in str(caught.value)


def test_a_plan_of_records_by_a_schema_is_not_carried_out_in_json() -> None:
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
    with pytest.raises(Exception, match="look at the new plan first"):
        produce_test_messages(ClientProperties({"bootstrap.servers": "127.0.0.1:1"}), plan)


# --- how much a plan may write; refused before any broker is asked

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
def test_more_than_16_mib_in_all_are_refused(
    messages: int, bytes_each: int, key: str | None, in_all: str
) -> None:
    with pytest.raises(
        EstateError, match=f"are {in_all} bytes in all with their keys; expected at most 16,777,216"
    ):
        plan_test_messages(
            NOWHERE, topic="orders", messages=messages, bytes_each=bytes_each, key=key, group=None
        )
