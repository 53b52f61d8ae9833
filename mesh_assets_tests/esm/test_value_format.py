"""Filters on records that Lambda could only compare as bytes."""

from typing import Any

import httpx
import pytest

from mesh_assets.errors import UnreachableError
from mesh_assets.esm.estate_clusters import estate_formats
from mesh_assets.esm.iam.wiring import Wiring
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.service import MappingService
from mesh_assets.esm.value_format import FormatLookup
from mesh_assets.estate.file import parse_estate
from mesh_assets_tests.esm.fake_aws import FakeAws
from mesh_assets_tests.esm.requests import GLUE, MSK, WIRING, create, update

FILTERED: dict[str, Any] = {**MSK, "filter_patterns": ['{"value": {"state": ["failed"]}}']}
DECODED: dict[str, Any] = {"provisioned_mode": True, "schema_registry": {"uri": GLUE}}


def service(aws: FakeAws, found: str | None) -> MappingService:
    return MappingService(
        aws.account(), lookup_topic=lambda *_: 3, lookup_format=lambda *_: found, sleep=lambda _: None
    )


def about_format(plan: Plan) -> list[str]:
    return [one.rule for one in plan.warnings if one.field == "filter_patterns"]


@pytest.mark.parametrize("kind", ["AVRO", "PROTOBUF"])
def test_filters_on_a_topic_that_lambda_cannot_decode_are_a_warning(aws: FakeAws, kind: str) -> None:
    [said] = about_format(service(aws, kind).plan_create(create(FILTERED)))

    assert said.startswith(
        f"the values of orders are {kind} (subject orders-value), which Lambda deserializes "
    )


@pytest.mark.parametrize(
    ("found", "request_of"),
    [("JSON", FILTERED), (None, FILTERED), ("AVRO", MSK), ("AVRO", {**FILTERED, **DECODED})],
    ids=["JSON", "unknown", "no filters", "decoded"],
)
def test_nothing_is_said_where_lambda_can_filter_or_has_nothing_to(
    aws: FakeAws, found: str | None, request_of: dict[str, Any]
) -> None:
    assert about_format(service(aws, found).plan_create(create(request_of))) == []


def test_an_update_is_judged_by_what_the_mapping_has_afterwards(aws: FakeAws) -> None:
    mine = service(aws, "AVRO")
    decoded = create({**FILTERED, **DECODED})
    mine.create(decoded, mine.plan_create(decoded).id)
    [uuid] = aws.mappings
    aws.mappings[uuid]["State"] = "Enabled"

    def said(**changes: Any) -> int:
        return len(about_format(mine.plan_update(update(uuid=uuid, **changes))))

    assert said(filter_patterns=['{"value": {"state": ["done"]}}']) == 0
    assert said(schema_registry={}) == 1
    assert said(schema_registry={}, filter_patterns=[]) == 0
    assert said(batch_size=7) == 0


def test_a_format_that_cannot_be_looked_up_is_unknown_and_stops_nothing(aws: FakeAws) -> None:
    def fails(_: Wiring, __: tuple[str, ...]) -> str | None:
        raise UnreachableError("the registry does not answer")

    lookup: FormatLookup = fails
    plan = MappingService(aws.account(), lookup_topic=lambda *_: 3, lookup_format=lookup).plan_create(
        create(FILTERED)
    )

    assert about_format(plan) == [
        "the format of orders's values could not be looked up: the registry does not answer"
    ]
    assert plan.calls


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            httpx.Response(
                200, json={"subject": "orders-value", "version": 3, "id": 7, "schema": '"string"'}
            ),
            "AVRO",
        ),
        (
            httpx.Response(404, json={"error_code": 40401, "message": "Subject 'orders-value' not found."}),
            None,
        ),
    ],
)
def test_the_format_is_that_of_the_latest_schema_in_the_estates_registry(
    aws: FakeAws, answer: httpx.Response, found: str | None
) -> None:
    asked: list[str] = []

    def registry(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return answer

    text = "clusters: {own: {kafka: {bootstrap_servers: 'b1:9092'}, schema_registry: {url: 'http://127.0.0.1:1'}}}"
    lookup = estate_formats(
        parse_estate(text, source="e"), aws.account(), transport=httpx.MockTransport(registry)
    )

    assert lookup(WIRING, ("b1:9092",)) == found
    assert lookup(WIRING, ("elsewhere:9092",)) is None
    assert asked == ["/subjects/orders-value/versions/latest"]
