"""The tools that reach beyond documents: Flink, messages, a discovery."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress

import anyio
import pytest
from mcp import Client

from mesh_assets_tests.mcp_server.served import FLINK, Served


def test_without_a_flink_endpoint_the_tools_say_what_to_configure(served: Served) -> None:
    for tool, arguments in (("list_flink_statements", {}), ("execute_flink_sql", {"sql": "SHOW TABLES"})):
        assert "`flink: {url, organization_id" in served.refusal(tool, **arguments)


def test_sql_that_changes_something_needs_allow_writes(served: Served) -> None:
    assert "--allow-writes" in served.refusal("execute_flink_sql", sql="DROP TABLE orders")
    assert "expected one statement" in served.refusal("execute_flink_sql", sql="SELECT 1; SELECT 2")


def test_a_missing_secret_is_named_and_nothing_is_asked(
    make_served: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLINK_SECRET", raising=False)
    assert "FLINK_SECRET" in make_served(estate=FLINK).refusal("list_flink_statements")


def test_messages_are_read_only_where_the_estate_allows_it(make_served: Callable[..., Served]) -> None:
    served = make_served(estate=FLINK)
    assert "is not under allow_message_reading" in served.refusal("sample_messages", topic="orders")
    assert "127.0.0.1:1" in served.refusal("sample_messages", topic="public-orders")


def test_a_discovery_needs_allow_writes(served: Served) -> None:
    assert "--allow-writes" in served.refusal("run_discovery")


@pytest.mark.slow
def test_a_discovery_that_fails_says_why(
    make_served: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = make_served(allow_writes=True)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    assert "127.0.0.1:1" in served.refusal("run_discovery")


def test_a_cancelled_discovery_ends_its_process(
    make_served: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = make_served(allow_writes=True)
    pid = served.folder / "pid"
    python = served.folder / "python"
    python.write_text(f"#!/bin/sh\necho $$ > {pid}.new && mv {pid}.new {pid}\nexec sleep 600\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    async def run() -> None:
        async with Client(served.server) as client:
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
            await anyio.wait_all_tasks_blocked()  # until the server knows that it ended

    anyio.run(run)
