"""Backstage entities: valid by its published schemas and by the rules for names that these leave out."""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, ValidationError  # type: ignore[import-untyped]
from msgspec.structs import replace
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from mesh_assets.exports.backstage import backstage_entities
from mesh_assets.exports.document_text import as_yaml
from mesh_assets.products.records import DataProducts, TopicPlace
from mesh_assets_tests.exports.products import OWNER, a_mesh, some_products

SPECIFICATION = Path(__file__).with_name("backstage_spec")
# Of KubernetesValidatorFunctions and CommonValidatorFunctions in the same package.
NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
ANNOTATION = re.compile(r"[a-z0-9-]+/([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
TAG = re.compile(r"[a-z0-9:+#]+(-[a-z0-9:+#]+)*")


@cache
def validator(kind: str) -> Draft7Validator:
    files = [json.loads(path.read_text()) for path in SPECIFICATION.glob("*.json")]
    registry: Registry[Any] = Registry().with_resources(
        (one["$id"], Resource.from_contents(one, default_specification=DRAFT7)) for one in files
    )
    [schema] = [one for one in files if one["$id"].casefold() == f"{kind}v1alpha1".casefold()]
    return Draft7Validator(schema, registry=registry)


def check(entities: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entities as they are read back, each valid, its name unlike any other and every reference to one of them."""
    read: list[dict[str, Any]] = []
    for entity in entities:
        read.append(yaml.safe_load(b"".join(as_yaml(entity))))
        validator(read[-1]["kind"]).validate(read[-1])
        metadata = read[-1]["metadata"]
        assert NAME.fullmatch(metadata["name"])
        assert len(metadata["name"]) <= 63
        assert all(ANNOTATION.fullmatch(key) for key in metadata.get("annotations", {}))
        assert all(TAG.fullmatch(tag) and len(tag) <= 63 for tag in metadata.get("tags", ()))
        assert NAME.fullmatch(read[-1]["spec"]["owner"])
    names = [(one["kind"], one["metadata"]["name"].casefold()) for one in read]
    assert len(set(names)) == len(names)
    known = {(one["kind"], one["metadata"]["name"]) for one in read}
    for one in read:
        for field, kind in (("system", "System"), ("domain", "Domain")):
            assert field not in one["spec"] or (kind, one["spec"][field]) in known
        assert all(("API", name) in known for name in one["spec"].get("providesApis", ()))
    return read


def test_every_entity_is_valid_by_the_published_schemas() -> None:
    read = check(backstage_entities(some_products()[0], a_mesh()))
    assert {one["kind"] for one in read} == {"Domain", "System", "Resource", "API", "Component"}
    with pytest.raises(ValidationError):
        validator("API").validate({**read[0], "kind": "API"})


def test_an_api_is_defined_by_the_schema_of_the_topic() -> None:
    read = check(backstage_entities(some_products()[0], a_mesh()))
    [api] = [one for one in read if one["kind"] == "API" and one["metadata"]["title"] == "orders"]
    assert api["spec"]["type"] == "avro"
    assert json.loads(api["spec"]["definition"])["type"] == "record"
    assert api["metadata"]["annotations"]["mesh-assets/subject"] == "orders-value version 1"


def test_a_products_connector_provides_its_apis_and_an_unusable_owner_goes_beside() -> None:
    read = check(backstage_entities(some_products()[0], a_mesh()))
    [component] = [one for one in read if one["kind"] == "Component"]
    assert component["spec"]["type"] == "kafka-connector"
    assert component["spec"]["providesApis"] == ["warehouse-invoices", "warehouse-orders"]
    [system] = [one for one in read if one["metadata"]["title"] == "Sales | *all*"]
    assert system["spec"]["owner"] == "Team-Shop-shop-example.org"
    assert system["metadata"]["annotations"]["mesh-assets/owner"] == OWNER
    assert system["metadata"]["description"] == "What is sold."


_text = st.text(min_size=1, max_size=70)


@settings(max_examples=15)  # each time, a dozen entities are validated
@given(
    st.lists(st.tuples(_text, _text), min_size=1, max_size=3), st.none() | _text, st.lists(_text, max_size=3)
)
def test_entities_are_valid_and_distinct_whatever_things_are_called(
    names: list[tuple[str, str]], owner: str | None, entities: list[str]
) -> None:
    [product, *_] = some_products()[0].products
    topics = tuple(
        replace(product.topics[0], place=TopicPlace(cluster="warehouse", topic=topic))
        for topic in dict.fromkeys(topic for topic, _ in names)
    )
    made = tuple(
        replace(
            product,
            id=f"p{number}",
            name=name,
            domain=domain,
            owner=owner,
            entities=tuple(entities),
            topics=topics if number == 0 else (),
            vanished=product.vanished or some_products()[0].products[0].vanished,
        )
        for number, (name, domain) in enumerate(names)
    )
    check(backstage_entities(DataProducts(products=made, outside=(), identities=()), a_mesh()))
