"""The tools of the protocol: their arguments, and schemas short enough for an agent's window."""

from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import BaseModel, Field

from mesh_assets.esm.request import CreateRequest
from mesh_assets.mcp_server.tools import brief_schema
from mesh_assets_tests.mcp_server.served import Served, call


class Book(BaseModel):
    title: str
    pages: int | None = Field(default=None, ge=1, description="How many.")
    sequel: "Book | None" = None
    shelf: str | int | None = None
    language: str = "en"


BRIEF = brief_schema(Book.model_json_schema())


def test_a_schema_keeps_what_carries_information() -> None:
    book = BRIEF["$defs"]["Book"]
    assert book["properties"] == {
        "title": {"type": "string"},
        "pages": {"minimum": 1, "type": "integer", "description": "How many."},
        "sequel": {"$ref": "#/$defs/Book"},
        "shelf": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "language": {"type": "string", "default": "en"},
    }
    assert book["required"] == ["title"]


def test_that_anything_may_be_added_is_not_said_nor_that_nothing_is_in_an_answer() -> None:
    for rest, of_answer, kept in (
        (True, False, {}),
        (False, False, {"additionalProperties": False}),
        (False, True, {}),
    ):
        closed = {"type": "object", "additionalProperties": rest}
        assert brief_schema(closed, of_answer=of_answer) == {"type": "object", **kept}


def test_it_accepts_the_same_values_except_null() -> None:
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
    assert sum(len(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in tools) <= 85_000


def test_a_null_argument_counts_as_left_out(served: Served) -> None:
    assert served.answer("list_topics", cluster=None, pattern=None, limit=None)["total"] == 3


@pytest.mark.slow
def test_null_is_left_out_of_every_tools_optional_arguments(served: Served) -> None:
    """Also of those whose type has no null. What the calls then say is about something else."""
    for tool in anyio.run(served.server.list_tools):
        required: dict[str, Any] = dict.fromkeys(tool.input_schema.get("required", ()), "x")
        optional = dict.fromkeys(tool.input_schema["properties"].keys() - required.keys())
        with_null = call(served.server, tool.name, {**required, **optional})
        without = call(served.server, tool.name, required)
        assert with_null.content == without.content, tool.name


def test_a_required_argument_given_as_null_is_missing(served: Served) -> None:
    assert "topic: field required" in served.refusal("describe_topic", topic=None)


def test_a_tools_arguments_are_its_functions_own_and_a_request_stands_for_its_fields(served: Served) -> None:
    arguments = {
        tool.name: list(tool.input_schema["properties"]) for tool in anyio.run(served.server.list_tools)
    }
    assert arguments["get_topic_configs"] == ["topic", "cluster", "pattern", "source"]
    assert arguments["create_execution_role"] == ["role_name", *CreateRequest.model_fields, "plan_id"]
