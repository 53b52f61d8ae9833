"""OpenLineage events: valid by the published specification, read by OpenLineage's own classes, and true to the graph."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]
from openlineage.client import event_v2, facet_v2
from referencing import Registry, Resource

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.answering.mesh import Mesh
from mesh_assets_tests.documents import a_document, a_topic, some_brokers
from mesh_assets_tests.exports.a_mesh import a_mesh, events_of
from mesh_assets_tests.exports.graphs import any_graph

SPECIFICATION = Path(__file__).with_name("openlineage_spec")


@cache
def specification() -> Registry[Any]:
    files = [json.loads(path.read_text()) for path in SPECIFICATION.glob("*.json")]
    return Registry().with_resources((one["$id"], Resource.from_contents(one)) for one in files)


@cache
def validator(url: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": url}, registry=specification())


def facets_in(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    places = [
        event.get("dataset", {}),
        event.get("job", {}),
        *event.get("inputs", ()),
        *event.get("outputs", ()),
    ]
    for place in places:
        for key in ("facets", "inputFacets", "outputFacets"):
            yield from place.get(key, {}).values()


def check(event: Mapping[str, Any]) -> None:
    """Against the schema that the event names, as every facet against the one that it names."""
    validator(event["schemaURL"]).validate(event)
    validator("https://openlineage.io/spec/2-0-2/OpenLineage.json").validate(event)
    for facet in facets_in(event):
        validator(facet["_schemaURL"]).validate(facet)


def test_every_event_and_facet_is_valid_by_the_published_specification() -> None:
    events = events_of(a_mesh())
    for event in events:
        check(event)
    seen = {facet["_schemaURL"].rpartition("/")[2] for event in events for facet in facets_in(event)}
    assert seen == {
        "ColumnLineageDatasetFacet",
        "DatasetTypeDatasetFacet",
        "DocumentationDatasetFacet",
        "DocumentationJobFacet",
        "JobTypeJobFacet",
        "LineageJobFacet",
        "OwnershipDatasetFacet",
        "SchemaDatasetFacet",
        "TagsDatasetFacet",
    }


def test_the_specification_refuses_faulty_events() -> None:
    [event, *_] = events_of(a_mesh())
    del event["dataset"]["namespace"]
    with pytest.raises(ValidationError, match="'namespace' is a required property"):
        check(event)


@settings(max_examples=15)  # each event is checked against several schemas
@given(any_graph())
def test_events_are_valid_whatever_the_names(graph: LineageGraph) -> None:
    for event in events_of(a_mesh(graph)):
        check(event)


def test_openlineages_own_classes_read_every_event() -> None:
    for event in events_of(a_mesh()):
        if "dataset" in event:
            about = event["dataset"].get("facets", {})
            if "schema" in about:
                fields = [
                    facet_v2.schema_dataset.SchemaDatasetFacetFields(**one)
                    for one in about["schema"]["fields"]
                ]
                assert facet_v2.schema_dataset.SchemaDatasetFacet(fields=fields).fields
            read = event_v2.DatasetEvent(
                eventTime=event["eventTime"],
                producer=event["producer"],
                dataset=event_v2.StaticDataset(**event["dataset"]),
            )
            assert read.schemaURL == event["schemaURL"]
        else:
            job = event_v2.JobEvent(
                eventTime=event["eventTime"],
                producer=event["producer"],
                job=event_v2.Job(**event["job"]),
                inputs=[event_v2.InputDataset(**one) for one in event["inputs"]],
                outputs=[event_v2.OutputDataset(**one) for one in event["outputs"]],
            )
            assert job.schemaURL == event["schemaURL"]


def test_there_is_one_event_for_each_topic_dataset_and_job() -> None:
    events = events_of(a_mesh())
    datasets = Counter(
        (one["dataset"]["namespace"], one["dataset"]["name"]) for one in events if "dataset" in one
    )
    assert datasets == Counter(
        [
            ("kafka://a:9092", "orders"),
            ("kafka://a:9092", "users"),
            ("kafka://a:9092", "lonely"),
            ("postgres://db:5432", "shop.public.orders"),
            ("postgres://db:5432", "shop.public.users"),
            ("s3://lake", "topics"),
        ]
    )
    jobs = Counter((one["job"]["namespace"], one["job"]["name"]) for one in events if "job" in one)
    assert jobs == Counter(
        [
            ("kafka://a:9092", "connector/main/cdc"),
            ("kafka://a:9092", "connector/main/lake"),
            ("kafka://a:9092", "application/fraud"),
            ("kafka://a:9092", "statement/join"),
            ("kafka://a:9092", "mirror/lonely"),
            ("awslambda", "score"),
        ]
    )
    assert {one["eventTime"] for one in events} == {"2026-11-23T16:40:02+00:00"}


def test_a_topic_has_its_fields_owner_tags_domain_and_kind() -> None:
    about = next(
        one["dataset"]["facets"]
        for one in events_of(a_mesh())
        if one.get("dataset", {}).get("name") == "orders"
    )
    assert about["schema"]["fields"] == [
        {"name": "id", "type": "string", "description": "Unique."},
        {"name": "who", "type": "record Who"},
        {"name": "who.ssn", "type": "int"},
    ]
    assert about["ownership"]["owners"] == [{"name": "team-orders", "type": "OWNER"}]
    assert about["documentation"]["description"] == "What a customer bought."
    assert about["datasetType"]["datasetType"] == "TOPIC"
    assert about["tags"]["tags"] == [
        {"key": "domain", "value": "shop", "source": "MESH_ASSETS"},
        {"key": "PII", "value": "true", "source": "SCHEMA_REGISTRY", "field": "who.ssn"},
    ]


def test_an_unreadable_schema_is_reported_and_gives_no_empty_one() -> None:
    about = next(
        one["dataset"]["facets"]
        for one in events_of(a_mesh())
        if one.get("dataset", {}).get("name") == "users"
    )
    assert "schema" not in about
    assert about["documentation"]["description"] == "The schema cannot be read: users-value."


def job(events: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for one in events if one.get("job", {}).get("name") == name)


def names(datasets: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in datasets]


def test_a_job_has_its_inputs_and_outputs_without_internal_topics_and_mere_rights() -> None:
    events = events_of(a_mesh())
    cdc, lake, fraud, score = (
        job(events, name)
        for name in ("connector/main/cdc", "connector/main/lake", "application/fraud", "score")
    )
    assert names(cdc["inputs"]) == ["shop.public.orders", "shop.public.users"]
    assert names(cdc["outputs"]) == ["orders", "users"]
    assert names(lake["outputs"]) == ["topics", "orders-dlq"]
    assert names(fraud["inputs"]) == ["orders"]
    assert names(score["inputs"]) == ["joined"]
    kinds = cdc["job"]["facets"]["jobType"]
    assert (kinds["processingType"], kinds["integration"], kinds["jobType"]) == (
        "STREAMING",
        "KAFKA_CONNECT",
        "SOURCE",
    )
    assert "a transform cannot be followed" in cdc["job"]["facets"]["documentation"]["description"]


def test_a_connector_keeps_its_tables_apart_and_passes_columns_through() -> None:
    cdc = job(events_of(a_mesh()), "connector/main/cdc")
    entries = {one["name"]: names(one["inputs"]) for one in cdc["job"]["facets"]["lineage"]["entries"]}
    assert entries == {"orders": ["shop.public.orders"], "users": ["shop.public.users"]}
    [users] = [one for one in cdc["outputs"] if one["name"] == "users"]
    assert users["facets"]["columnLineage"]["fields"] == {
        "user_id": {
            "inputFields": [{"namespace": "postgres://db:5432", "name": "shop.public.users", "field": "id"}]
        }
    }
    [orders] = [one for one in cdc["outputs"] if one["name"] == "orders"]
    assert "facets" not in orders


def test_a_mirror_topic_has_its_own_job_between_two_datasets() -> None:
    mirror = job(events_of(a_mesh()), "mirror/lonely")
    assert (names(mirror["inputs"]), names(mirror["outputs"])) == (["people"], ["lonely"])
    assert mirror["job"]["facets"]["documentation"]["description"] == "Known by the cluster link dr."


def test_a_cluster_named_by_its_arn_is_identified_by_its_brokers() -> None:
    brokers = a_document(topics=(a_topic("orders"),), brokers=some_brokers())
    mesh = Mesh(documents={"warehouse": brokers}, graph=LineageGraph(), addresses={"warehouse": ()}, notes=())
    [event] = events_of(mesh)
    assert event["dataset"]["namespace"] == "kafka://one:9092"
    unknown = Mesh(
        documents={"warehouse": a_document(topics=(a_topic("orders"),))},
        graph=LineageGraph(),
        addresses={"warehouse": ()},
        notes=(),
    )
    assert events_of(unknown)[0]["dataset"]["namespace"] == "kafka://warehouse"


def test_nothing_masked_is_exported() -> None:
    assert not any("***" in json.dumps(event) for event in events_of(a_mesh()))
