"""Every tool, called as a client calls it, on both protocols."""

from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]
import pytest
from mcp import Client

from mesh_assets.mcp_server.server import MeshServer
from mesh_assets_tests.mcp_server.conftest import Mode, World, call

SINCE = "2026-11-23T17:00:00Z"
CALLS: dict[str, dict[str, Any]] = {
    "list_clusters": {},
    "get_cluster_summary": {},
    "list_problems": {},
    "find": {"text": "email"},
    "list_topics": {},
    "describe_topic": {"topic": "orders"},
    "get_topic_configs": {"topic": "orders"},
    "list_connectors": {"state": "failed"},
    "describe_connector": {"connector": "orders-sink"},
    "get_connector_config": {"connector": "orders-sink"},
    "list_schemas": {},
    "get_schema": {"subject": "users-value"},
    "describe_schema": {"subject": "users-value"},
    "list_consumer_groups": {"sort": "lag"},
    "describe_consumer_group": {"group": "billing"},
    "list_changes": {"since": SINCE},
    "get_lineage": {"topic": "orders"},
}


def tools(server: MeshServer) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with Client(server) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    return anyio.run(run)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_answer_is_of_the_shape_that_the_tool_promises(world: World, mode: Mode) -> None:
    for name, tool in tools(world.server).items():
        if name not in CALLS:
            continue
        result = call(world.server, name, CALLS[name], mode=mode)
        assert not result.is_error, (name, result.content)
        jsonschema.validate(result.structured_content, tool.output_schema)


def test_tools_that_only_read_say_so(world: World) -> None:
    for name, tool in tools(world.server).items():
        if name in CALLS:
            assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False), name


def test_a_failed_connector_comes_with_its_reason_and_what_it_reads(world: World) -> None:
    [failed] = world.answer("list_problems", severity="critical")["problems"]
    assert failed["sentence"] == "orders-sink: 1 of 1 tasks FAILED; reads orders: out of space"
    [task] = world.answer("describe_connector", connector="orders-sink")["tasks"]
    assert (task["state"], "out of space" in task["trace"]) == ("FAILED", True)


def test_who_reads_and_writes_a_topic(world: World) -> None:
    topic = world.answer("describe_topic", topic="orders")
    assert [one["connector"] for one in topic["writers"]] == ["orders-source"]
    assert [one["connector"] for one in topic["reading_connectors"]] == ["orders-sink"]
    assert topic["reading_groups"] == [{"group": "billing", "state": "Stable", "lag_records": 5}]
    assert topic["config_overrides"] == {"retention.ms": "1000"}


def test_what_changed_is_told_with_the_moment_and_counted(world: World) -> None:
    answer = world.answer("list_changes", since=SINCE)
    assert answer["compared_from"] == "2026-11-23T16:40:02Z"
    assert {(change["kind"], change["resource"]) for change in answer["changes"]} >= {
        ("created", "payments"),
        ("updated", "users-value"),
        ("updated", "orders-sink"),
    }
    assert sum(answer["counts"].values()) == answer["total"]
    only = world.answer("list_changes", since=SINCE, resource_type="schema")
    assert [change["sentence"] for change in only["changes"]] == ["users-value: Schema version 1 → 2"]


def test_lineage_of_a_topic_both_ways(world: World) -> None:
    answer = world.answer("get_lineage", topic="orders")
    assert answer["upstream"] == {"1": ["connector orders-source"]}
    assert answer["downstream"] == {"1": ["connector orders-sink", "consumer group billing"], "2": ["external lake"]}


def test_secrets_of_a_config_are_not_shown(world: World) -> None:
    config = world.answer("get_connector_config", connector="orders-sink")["config"]
    assert config["s3.bucket.name"] == "lake"


def test_the_age_of_an_answer_and_what_is_not_current_stand_in_it(world: World) -> None:
    about = world.answer("list_topics")["about"]
    assert (about["cluster"], about["source"], about["as_of"]) == ("warehouse", "latest", "2026-11-23T16:40:02Z")
    assert about["age"]


def test_a_document_is_read_once_and_not_once_a_call(world: World) -> None:
    for _ in range(5):
        world.answer("list_topics")
        world.answer("describe_topic", topic="orders")
    assert world.server.known.reads == 1


def test_without_estate_or_store_the_server_starts_and_each_tool_says_what_is_missing(make_world: Any) -> None:
    world = make_world()
    (world.folder / "estate.yaml").unlink()
    assert len(tools(world.server)) >= len(CALLS)
    for name, arguments in CALLS.items():
        assert "estate file" in world.refusal(name, **arguments), name


def test_what_was_never_discovered_is_said_with_what_to_do(make_world: Any) -> None:
    assert "mesh-assets discover" in make_world().refusal("list_topics")


def test_live_of_a_cluster_that_is_away_is_an_error_and_no_empty_list(world: World) -> None:
    assert "127.0.0.1:1" in world.refusal("list_topics", source="live")
