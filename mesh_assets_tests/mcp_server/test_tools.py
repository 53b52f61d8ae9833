"""The tools of the protocol: their arguments, and schemas short enough for an agent's window."""

from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import BaseModel, Field

from mesh_assets.esm.request import CreateRequest
from mesh_assets.esm.request_fields import fields_of
from mesh_assets.esm.service import MappingService
from mesh_assets.mapping_tools.mappings import UNLISTED_FOR_ROLES
from mesh_assets.mcp_server.tools import brief_schema, inlined
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, KEY_ARN, FakeAws
from mesh_assets_tests.esm.requests import PROVISIONED, create
from mesh_assets_tests.mcp_server.served import Served, call


class Book(BaseModel):
    title: str
    pages: int | None = Field(default=None, ge=1, description="How many.")
    sequel: "Book | None" = None
    shelf: str | int | None = None
    language: str = "en"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


BRIEF = brief_schema(Book.model_json_schema())


def test_a_schema_keeps_what_carries_information() -> None:
    book = BRIEF["$defs"]["Book"]
    assert book["properties"] == {
        "title": {"type": "string"},
        "pages": {"minimum": 1, "type": "integer", "description": "How many."},
        "sequel": {"$ref": "#/$defs/Book"},
        "shelf": {"type": ["string", "integer"]},
        "language": {"type": "string", "default": "en"},
    }
    assert book["required"] == ["title"]


def test_a_definition_used_once_is_inlined() -> None:
    schema = {
        "$defs": {
            "Once": {"properties": {"inner": {"$ref": "#/$defs/Within"}}},
            "Within": {"enum": ["a"]},
            "Twice": {"enum": ["b"]},
            "Named": {"description": "Of itself.", "enum": ["c"]},
            "Tree": {"properties": {"branch": {"$ref": "#/$defs/Tree"}}},
        },
        "properties": {
            "once": {"$ref": "#/$defs/Once"},
            "two": {"items": {"$ref": "#/$defs/Twice"}},
            "more": {"$ref": "#/$defs/Twice"},
            "named": {"$ref": "#/$defs/Named", "description": "Of the place."},
        },
    }
    assert inlined(schema) == {
        "$defs": {name: schema["$defs"][name] for name in ("Twice", "Named", "Tree")},
        "properties": {**schema["properties"], "once": {"properties": {"inner": {"enum": ["a"]}}}},
    }


def test_open_objects_are_not_marked_as_such() -> None:
    for rest, of_answer, kept in (
        (True, False, {}),
        (False, False, {"additionalProperties": False}),
        (False, True, {}),
    ):
        closed = {"type": "object", "additionalProperties": rest}
        assert brief_schema(closed, of_answer=of_answer) == {"type": "object", **kept}


def test_an_entry_of_a_map_or_list_may_be_null_since_it_cannot_be_left_out() -> None:
    class Limits(BaseModel):
        entity: dict[str, str | None]
        levels: list[int | None] | None = None

    schema = brief_schema(Limits.model_json_schema(), of_answer=True)
    jsonschema.validate({"entity": {"user": None, "ip": "10.0.0.1"}, "levels": [None, 3]}, schema)
    for wrong in ({"entity": {"user": 3}}, {"entity": {}, "levels": ["a"]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_the_brief_schema_accepts_the_same_values_except_null() -> None:
    jsonschema.validate({"title": "A", "pages": 3, "sequel": {"title": "B", "shelf": 7}}, BRIEF)
    for wrong in (
        {"title": "A", "pages": 0},
        {"title": "A", "pages": None},
        {"title": "A", "sequel": {}},
        {"title": "A", "shelf": []},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, BRIEF)


def test_all_tools_together_take_little_of_an_agents_context(served: Served) -> None:
    tools = anyio.run(served.server.list_tools)
    assert sum(len(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in tools) <= 105_000


def test_a_null_argument_counts_as_left_out(served: Served) -> None:
    assert served.answer("list_topics", cluster=None, pattern=None, limit=None)["total"] == 3


def test_text_that_is_json_stays_text(served: Served) -> None:
    for pattern in ("null", "[1]", '{"a": 1}'):
        assert served.answer("list_topics", pattern=pattern)["total"] == 0
    assert "no AWS region is known" in served.refusal("produce_test_messages", uuid="u", key='{"id": 1}')


def test_a_list_given_as_text_is_read(served: Served) -> None:
    """Some clients write lists so."""
    needed = {"target": "bill", "kafka_topic": "orders", "event_source_arn": CLUSTER_ARN}
    patterns = {"starting_position": "LATEST", "filter_patterns": '["{}"]'}
    assert "no AWS region is known" in served.refusal("create_event_source_mapping", **needed, **patterns)


@pytest.mark.slow
def test_null_is_left_out_of_every_tools_optional_arguments(served: Served) -> None:
    """Also for those whose type has no null. The calls then complain about something else."""
    for tool in anyio.run(served.server.list_tools):
        required: dict[str, Any] = dict.fromkeys(tool.input_schema.get("required", ()), "x")
        optional = dict.fromkeys(tool.input_schema["properties"].keys() - required.keys())
        with_null = call(served.server, tool.name, {**required, **optional})
        without = call(served.server, tool.name, required)
        assert with_null.content == without.content, tool.name


def test_a_required_argument_given_as_null_is_missing(served: Served) -> None:
    assert "topic: field required" in served.refusal("describe_topic", topic=None)


def test_a_tools_arguments_are_its_functions_and_a_request_is_spread_into_its_fields(served: Served) -> None:
    arguments = {
        tool.name: list(tool.input_schema["properties"]) for tool in anyio.run(served.server.list_tools)
    }
    assert arguments["get_topic_configs"] == ["topic", "cluster", "pattern", "source"]
    options = ["add_permissions", "continue_without_permissions"]
    listed = [field.name for field in fields_of(CreateRequest) if not field.refused]
    assert arguments["create_event_source_mapping"] == [*listed, *options, "plan_id"]
    assert set(arguments["create_execution_role"]) == {
        "role_name",
        *(name for name in CreateRequest.model_fields if name not in UNLISTED_FOR_ROLES and name in listed),
        "plan_id",
    }


def test_unlisted_arguments_are_accepted_all_the_same(served: Served) -> None:
    """What other sources have, to explain a refusal; and a mapping's whole request, for its role."""
    arn = {"event_source_arn": CLUSTER_ARN, "starting_position": "LATEST"}
    needed = {"target": "bill", "kafka_topic": "orders", **arn}
    for name, arguments in (
        ("create_event_source_mapping", {**needed, "tumbling_window": 30}),
        ("update_event_source_mapping", {"uuid": "u", "tags": {"a": "b"}}),
        ("create_execution_role", {"role_name": "r", **needed, "batch_size": 7, "filter_patterns": ["{}"]}),
    ):
        assert "no AWS region is known" in served.refusal(name, **arguments)
    assert "has no argument 'tumbling'" in served.refusal("create_event_source_mapping", **needed, tumbling=1)


def test_no_right_depends_on_a_role_tools_unlisted_arguments(aws: FakeAws) -> None:
    """The same policy, whatever their values."""
    values: dict[str, Any] = {
        "batch_size": 7,
        "max_batching_window": 3,
        "enabled": False,
        "min_pollers": 2,
        "max_pollers": 3,
        "poller_group": "team-a",
        "report_batch_item_failures": True,
        "retry_attempts": 3,
        "bisect_batch_on_error": True,
        "max_record_age": 60,
        "filter_patterns": ['{"value": [1]}'],
        "filter_kms_key_arn": KEY_ARN,
        "metrics": ["EventCount"],
        "log_level": "INFO",
        "tags": {"a": "b"},
    }
    service = MappingService(aws.account(), lookup_topic=lambda *_: 3)
    plain, full = (service.plan_execution_role("r", create(PROVISIONED, **given)) for given in ({}, values))

    assert values.keys() == UNLISTED_FOR_ROLES
    assert plain.permissions == full.permissions
