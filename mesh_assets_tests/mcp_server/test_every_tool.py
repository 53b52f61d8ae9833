"""Every tool by every way a client can come: in memory, over stdio and over HTTP, each on the newest protocol and the one before."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult
from msgspec.structs import replace

from mesh_assets_tests.documents import a_metrics
from mesh_assets_tests.mcp_server.conftest import World, make_a_world, the_day_before, today
from mesh_assets_tests.mcp_server.processes import COMMAND, SECONDS, environment, http_server

UUID = "a8c5714d-6203-416a-a404-1a18c8ae03ef"
NO_REGION = "no AWS region is known"
NO_FLINK = "`flink: {url, organization_id"
MAPPING = {"target": "bill-orders", "kafka_topic": "orders", "event_source_arn": "arn:aws:kafka:eu-central-1:123456789012:cluster/x/y"}
# The arguments of a call, and what its refusal says where the estate lacks what it needs (None: it answers).
CALLS: dict[str, tuple[dict[str, Any], str | None]] = {
    "list_clusters": ({}, None),
    "get_cluster_summary": ({}, None),
    "list_problems": ({}, None),
    "find": ({"text": "email"}, None),
    "list_topics": ({}, None),
    "describe_topic": ({"topic": "orders"}, None),
    "get_topic_configs": ({"topic": "orders"}, None),
    "list_connectors": ({}, None),
    "describe_connector": ({"connector": "orders-sink"}, None),
    "get_connector_config": ({"connector": "orders-sink"}, None),
    "list_schemas": ({}, None),
    "get_schema": ({"subject": "users-value"}, None),
    "describe_schema": ({"subject": "users-value"}, None),
    "list_consumer_groups": ({}, None),
    "describe_consumer_group": ({"group": "billing"}, None),
    "get_metrics": ({}, None),
    "list_changes": ({"since": "2026-11-23T00:00:00Z"}, None),
    "get_lineage": ({"topic": "orders"}, None),
    "sample_messages": ({"topic": "orders"}, "is not under allow_message_reading"),
    "list_flink_statements": ({}, NO_FLINK),
    "execute_flink_sql": ({"sql": "SHOW TABLES"}, NO_FLINK),
    "run_discovery": ({}, "--allow-writes"),
    "list_event_source_mappings": ({}, NO_REGION),
    "get_event_source_mapping": ({"uuid": UUID}, NO_REGION),
    "create_event_source_mapping": (MAPPING, NO_REGION),
    "update_event_source_mapping": ({"uuid": UUID, "batch_size": 10}, NO_REGION),
    "create_execution_role": ({"role_name": "bill-orders-role", **MAPPING}, NO_REGION),
    "delete_event_source_mapping": ({"uuid": UUID}, NO_REGION),
    "add_msk_permissions": ({"uuid": UUID}, NO_REGION),
    "get_msk_bootstrap_brokers": ({"event_source_arn": MAPPING["event_source_arn"]}, NO_REGION),
    "test_kafka_connection": ({"uuid": UUID}, NO_REGION),
    "get_initial_offset": ({"uuid": UUID}, NO_REGION),
    "produce_test_messages": ({"uuid": UUID}, NO_REGION),
    "check_offset_after_production": ({"uuid": UUID, "initial": {}, "produced": {}}, "as they were answered"),
    "validate_esm_processing": ({"uuid": UUID}, NO_REGION),
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a server told a client: the schema that each tool promises, and the answer of its call."""

    promised: dict[str, Any]
    answers: dict[str, CallToolResult]


@pytest.fixture(scope="module")
def one_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        yield make_a_world(tmp_path_factory.mktemp("every-tool"), the_day_before(), replace(today(), metrics=a_metrics(orders=3.5)))


@pytest.fixture(scope="module")
def address(one_world: World) -> Iterator[str]:
    with http_server(one_world) as (url, _):
        yield url


@pytest.fixture(scope="module", params=[f"{way}, {mode}" for way in ("memory", "stdio", "http") for mode in ("auto", "legacy")])
def said(request: pytest.FixtureRequest, one_world: World) -> Said:
    """All tools called by one client."""
    way, mode = request.param.split(", ")
    server: Any = one_world.server
    if way == "stdio":
        server = stdio_client(StdioServerParameters(command=sys.executable, args=COMMAND, env=environment(one_world)))
    elif way == "http":
        server = request.getfixturevalue("address")

    async def run() -> Said:
        with anyio.fail_after(SECONDS):
            async with Client(server, mode=mode) as client:
                promised = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
                answers = {tool: await client.call_tool(tool, arguments) for tool, (arguments, _) in CALLS.items()}
        return Said(promised, answers)

    return anyio.run(run)


def test_no_tool_is_left_out_of_this_test(said: Said) -> None:
    assert set(said.promised) == set(CALLS)


def test_each_tool_answers_in_the_shape_it_promises_or_says_what_is_missing(said: Said) -> None:
    for tool, (_, missing) in CALLS.items():
        result = said.answers[tool]
        text = str(getattr(result.content[0], "text", ""))
        assert result.is_error == (missing is not None), (tool, text)
        if missing is None:
            assert isinstance(result.structured_content, dict), tool
            jsonschema.validate(result.structured_content, said.promised[tool])
        else:
            assert missing in text, (tool, text)
