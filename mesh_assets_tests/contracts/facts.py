"""Facts about a small product: orders, and the users they refer to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft201909Validator  # type: ignore[import-untyped]

from mesh_assets.analysis.field_walk import SchemaField
from mesh_assets.analysis.schema_fields import schema_fields
from mesh_assets.contracts.records import ContractFacts, Product, Reference, TopicFacts
from mesh_assets.estate.expectations import QualityRule
from mesh_assets.expectations.judging import Rule
from mesh_assets_tests.documents import a_topic

ORDER: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "order_id", "type": "long", "doc": "Unique for ever."},
        {"name": "user_id", "type": "string"},
        {"name": "total", "type": ["null", "double"]},
        {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
        {
            "name": "address",
            "type": {"type": "record", "name": "Address", "fields": [{"name": "city", "type": "string"}]},
        },
        {
            "name": "items",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Item",
                    "fields": [
                        {"name": "sku", "type": "string"},
                        {"name": "tags", "type": {"type": "array", "items": "string"}},
                    ],
                },
            },
        },
        {"name": "labels", "type": {"type": "map", "values": "string"}},
        {"name": "raw", "type": "bytes"},
        {"name": "either", "type": ["string", "long"]},
    ],
}
USER: dict[str, Any] = {
    "type": "record",
    "name": "User",
    "fields": [{"name": "user_id", "type": "string"}, {"name": "email", "type": "string"}],
}
CONFIG = {"cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1"}


def fields_of(schema: Mapping[str, Any]) -> tuple[SchemaField, ...]:
    read = schema_fields("AVRO", json.dumps(schema))
    assert read is not None
    return read.fields


def a_rule(name: str, level: str = "error", **fields: Any) -> Rule:
    return Rule(name, QualityRule.model_validate(fields), level, "policy")  # type: ignore[arg-type]


RULES = (
    a_rule("there", metric="nullValues", property="order_id", mustBe=0, dimension="completeness"),
    a_rule("positive", metric="invalidValues", property="total", arguments={"minimum": 0}, mustBe=0),
    a_rule(
        "mostly_positive",
        "warning",
        metric="invalidValues",
        property="total",
        arguments={"minimum": 0},
        mustBeLessThan=1,
        unit="percent",
    ),
    a_rule(
        "unlike", metric="invalidValues", property="address.city", arguments={"pattern": "^[A-Z]"}, mustBe=0
    ),
    a_rule("enough", metric="rowCount", mustBeBetween=[1, 1_000_000]),
    a_rule("fresh", metric="freshness", unit="min", mustBeLessThan=30),
    a_rule("elsewhere", metric="nullValues", property="not.in.the.schema", mustBe=0),
    a_rule("sums", query="SELECT count(*) FROM {object} WHERE {property} < 0", property="total", mustBe=0),
    a_rule("named", query="SELECT __partition, __offset FROM {object} WHERE total < 0", mustBe=0),
)


def orders(**fields: Any) -> TopicFacts:
    return TopicFacts(
        **{
            "cluster": "shop",
            "topic": a_topic("orders-v2", partitions=3, config=CONFIG),
            "schema_type": "AVRO",
            "subject": "orders-v2-value",
            "fields": fields_of(ORDER),
            "references": (Reference(path="user_id", to_topic="users", to_path="user_id"),),
            "usual_gap_seconds": 61.7,
            "records_in_per_second": 12.9,
            **fields,
        },
    )


def users(**fields: Any) -> TopicFacts:
    return TopicFacts(
        cluster="shop",
        **{
            "topic": a_topic("users", config={"cleanup.policy": "compact"}),
            "schema_type": "AVRO",
            "subject": "users-value",
            "fields": fields_of(USER),
            "personal": ("email",),
            **fields,
        },
    )


def facts(*topics: TopicFacts, **fields: Any) -> ContractFacts:
    made = topics or (orders(), users())
    product = Product(
        **{
            "id": "shop-orders",
            "name": "Orders",
            "topics": tuple((one.cluster, one.topic.name) for one in made),
            "owner": "team-shop",
            "domain": "orders",
            "description": "What was ordered, and by whom.",
            **fields,
        }
    )
    return ContractFacts(
        product=product, topics=made, hosts={"shop": "broker:9092", "warehouse": "b:9092"}, files={}
    )


def schema_problems(contract: Mapping[str, Any], version: str = "3.2.0") -> list[str]:
    """The faults that the published JSON schema of ODCS finds in a contract."""
    published = json.loads(
        (Path(__file__).parent / f"odcs-{version}.schema.json").read_text(encoding="utf-8")
    )
    plain = json.loads(json.dumps({**contract, "apiVersion": f"v{version}"}))
    return [
        f"{error.json_path}: {error.message}" for error in Draft201909Validator(published).iter_errors(plain)
    ]
