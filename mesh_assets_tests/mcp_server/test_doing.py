"""The tools that reach further than documents: Flink, messages, a discovery."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress

import anyio
import pytest
from mcp import Client

from mesh_assets_tests.mcp_server.world import World

FLINK = """\
clusters:
  warehouse:
    kafka: {bootstrap_servers: "127.0.0.1:1", timeout_seconds: 1}
    allow_message_reading: ["public-*"]
    flink:
      url: http://127.0.0.1:1
      organization_id: org-1
      environment_id: env-1
      compute_pool_id: lfcp-1
      username: key
      password: ${FLINK_SECRET}
      timeout_seconds: 1
"""


def test_without_a_flink_endpoint_the_tools_say_what_to_write(world: World) -> None:
    for tool, arguments in (("list_flink_statements", {}), ("execute_flink_sql", {"sql": "SHOW TABLES"})):
        assert "`flink: {url, organization_id" in world.refusal(tool, **arguments)


def test_sql_that_changes_something_needs_leave(world: World) -> None:
    assert "--allow-writes" in world.refusal("execute_flink_sql", sql="DROP TABLE orders")
    assert "expected one statement" in world.refusal("execute_flink_sql", sql="SELECT 1; SELECT 2")


def test_a_secret_that_is_not_there_is_named_and_nothing_is_asked(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLINK_SECRET", raising=False)
    assert "FLINK_SECRET" in make_world(estate=FLINK).refusal("list_flink_statements")


def test_messages_are_read_only_where_the_estate_allows_it(make_world: Callable[..., World]) -> None:
    world = make_world(estate=FLINK)
    assert "is not under allow_message_reading" in world.refusal("sample_messages", topic="orders")
    assert "127.0.0.1:1" in world.refusal("sample_messages", topic="public-orders")


def test_a_discovery_needs_leave(world: World) -> None:
    assert "--allow-writes" in world.refusal("run_discovery")


def test_a_discovery_that_fails_says_why(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(allow_writes=True)
    monkeypatch.setenv("DAGSTER_HOME", str(world.folder / "nowhere"))
    assert "DAGSTER_HOME" in world.refusal("run_discovery")


def test_a_cancelled_discovery_ends_its_process(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(allow_writes=True)
    pid = world.folder / "pid"
    python = world.folder / "python"
    python.write_text(f"#!/bin/sh\necho $$ > {pid}.new && mv {pid}.new {pid}\nexec sleep 600\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    async def run() -> None:
        async with Client(world.server) as client:
            with anyio.fail_after(60), anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(client.call_tool, "run_discovery", {})
                    while not pid.exists():
                        await anyio.sleep(0.01)
                    os.kill(int(pid.read_text()), 0)
                    scope.cancel()
            with anyio.fail_after(60), suppress(ProcessLookupError):
                while True:
                    os.kill(int(pid.read_text()), 0)
                    await anyio.sleep(0.01)

    anyio.run(run)
