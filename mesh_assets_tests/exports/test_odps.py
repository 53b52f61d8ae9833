"""Documents of the Open Data Product Standard: valid by its published schema, and saying what is known."""

import json
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft201909Validator  # type: ignore[import-untyped]
from msgspec.structs import replace

from mesh_assets.exports.document_text import as_yaml
from mesh_assets.exports.odps import odps_documents
from mesh_assets_tests.exports.products import OWNER, a_mesh, some_products

SCHEMA = json.loads(
    Path(__file__).with_name("odps_spec").joinpath("odps-json-schema-v1.0.0.json").read_text()
)
VALIDATOR = Draft201909Validator(SCHEMA, format_checker=Draft201909Validator.FORMAT_CHECKER)


def documents() -> dict[str, dict[str, Any]]:
    return dict(odps_documents(some_products()[0], a_mesh()))


def properties(document: dict[str, Any]) -> dict[str, Any]:
    return {one["property"]: one["value"] for one in document["customProperties"]}


def test_every_document_read_back_is_valid_by_the_published_schema() -> None:
    made = documents()
    assert set(made) == {"people", "warehouse.sales"}
    for document in made.values():
        VALIDATOR.validate(yaml.safe_load(b"".join(as_yaml(document))))
    broken = {**made["people"], "status": 1}
    assert not VALIDATOR.is_valid(broken)


def test_outputs_are_ports_with_the_version_of_their_schema_and_the_brokers() -> None:
    sales = documents()["warehouse.sales"]
    assert (sales["name"], sales["status"], sales["domain"]) == ("Sales | *all*", "active", "sales")
    assert sales["team"] == {"name": OWNER}
    orders = next(port for port in sales["outputPorts"] if port["name"] == "orders")
    assert (orders["type"], orders["version"], orders["contractId"]) == ("kafka", "1", "warehouse.sales")
    assert {one["property"]: one["value"] for one in orders["customProperties"]} == {
        "cluster": "warehouse",
        "bootstrapServers": "b:9092,a:9092",
        "partitions": 1,
        "subjects": ["orders-value"],
        "schemaFormat": "AVRO",
    }


def test_quality_costs_and_lost_members_are_properties_and_unknown_ones_are_null_with_the_reason() -> None:
    people = documents()["people"]
    assert properties(people)["vanishedTopics"] == ["warehouse/gone"]
    assert properties(people)["costShare"] == 0.25
    [completeness] = [one for one in people["customProperties"] if one["property"] == "qualityCompleteness"]
    assert completeness["value"] is None
    assert "no topic has a profile" in completeness["description"]


def test_products_of_other_clusters_are_left_out() -> None:
    mesh = replace(a_mesh(), documents={})
    assert not list(odps_documents(some_products()[0], mesh))
