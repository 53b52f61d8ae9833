"""What surrounds the tools: audit log, time limit, cancellation, idle time, lazy imports."""

import json
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError

from mesh_assets.agent_tools.tool import AgentTool
from mesh_assets.answering.answers import Answer, StoppedError, current_call
from mesh_assets.mcp_server.server import MeshServer
from mesh_assets.mcp_server.watching import AuditLog, IdleWatch, Watch
from mesh_assets_tests.mcp_server.served import Served

NOT_AT_ONCE = ("pandas", "dagster", "pyarrow", "boto3", "confluent_kafka", "numpy")


class Nothing(Answer):
    done: bool


def lines(served: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (served.folder / "audit.jsonl").read_text().splitlines()]


def test_every_call_is_in_the_audit_log_with_secrets_masked(served: Served) -> None:
    served.answer("find", text="email")
    served.refusal("describe_topic", topic="nope", password="hunter2")
    first, second = lines(served)
    assert (first["kind"], first["name"], first["arguments"], first["outcome"]) == (
        "tool",
        "find",
        {"text": "email"},
        "ok",
    )
    assert first["answer_bytes"] > 100
    assert first["duration_ms"] >= 0
    assert (second["outcome"], second["arguments"]) == ("error", {"topic": "nope", "password": "********"})
    assert "hunter2" not in (served.folder / "audit.jsonl").read_text()


def test_an_error_in_the_audit_log_is_masked_even_where_a_cut_would_show_half_a_secret(
    tmp_path: Path,
) -> None:
    AuditLog(tmp_path / "audit.jsonl").write(
        kind="tool",
        name="docs://x?token=hunter2",
        arguments={"config": {"a": "x" * 150, "db": {"password": "hunter2" * 30}}, "key": "orders"},
        outcome="error",
        started=0.0,
        error="refused: jdbc:postgresql://db/shop?user=app&password=hunter2",
    )
    line = json.loads((tmp_path / "audit.jsonl").read_text())
    assert "hunter" not in str(line)
    assert line["error"] == "refused: jdbc:postgresql://db/shop?user=app&password=********"
    assert line["arguments"]["key"] == "orders"


def test_the_audit_log_keeps_a_change_whole_and_masked_and_the_beginning_of_a_question(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "anne")
    long = "o" * 300
    access = [{"type": "BASIC_AUTH", "uri": "arn:aws:secretsmanager:x"}, {"password": "hunter2", "pin": 7}]
    sql = f"CREATE TABLE `{long}` WITH ('sasl.password' = 'hunter2') -- \u202e\x9b"
    served.refusal("execute_flink_sql", sql=sql)
    served.refusal(
        "create_event_source_mapping", target=long, source_access_configurations=access, token=4242
    )
    served.answer("find", text=long[:200], cluster="warehouse")
    served.refusal("describe_topic", topic=long)
    flink, create, find, describe = lines(served)
    assert flink["arguments"] == {"sql": sql.replace("hunter2", "********")}
    assert create["arguments"] == {
        "target": long,
        "source_access_configurations": [access[0], {"password": "********", "pin": 7}],
        "token": "********",
    }
    assert find["arguments"]["text"] == long[:200]
    assert describe["arguments"]["topic"] == f"{long[:200]}… (300 characters)"
    text = (served.folder / "audit.jsonl").read_text()
    assert "hunter2" not in text
    assert r"\u202e\u009b" in text, "what moves a terminal is escaped"
    assert {line["caller"]["user"] for line in (flink, create, find)} == {"anne"}


def test_the_audit_log_says_which_plan_was_shown_or_carried_out(tmp_path: Path) -> None:
    async def answer(_: Any) -> dict[str, Any]:
        return {"structuredContent": {"applied": True, "plan": {"id": "plan-1"}}}

    async def run() -> None:
        watch = Watch(IdleWatch(0), AuditLog(tmp_path / "audit.jsonl"), changes={"produce_test_messages"})
        for name in ("produce_test_messages", "find"):
            context = SimpleNamespace(
                method="tools/call", params={"name": name, "arguments": {}}, session=None, request=None
            )
            await watch(context, answer)

    anyio.run(run)
    change, question = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert (change["plan_id"], change["applied"]) == ("plan-1", True)
    assert "applied" not in question


@pytest.fixture
def slow(make_served: Callable[..., Served]) -> tuple[Served, threading.Event, threading.Event]:
    """A server with a tool that works in steps until stopped, and events for its start and its stop."""
    begun, stopped = threading.Event(), threading.Event()

    def work() -> Nothing:
        """Works."""
        call = current_call()
        begun.set()
        try:
            for step in range(10_000):
                call.progress_from_thread(step, 10_000, "working")
                call.wait(0.01)
        except StoppedError:
            stopped.set()
            raise
        return Nothing(done=True)

    served = make_served()
    settings = replace(served.server.mesh, call_seconds=1.0)
    server = MeshServer(settings, (AgentTool(work, "Work for long", "reads_systems"),), {})
    return replace(served, server=server), begun, stopped


def test_a_call_and_its_work_end_when_its_time_is_up(
    slow: tuple[Served, threading.Event, threading.Event],
) -> None:
    served, _, stopped = slow
    assert "was stopped after 1 s" in served.refusal("work")
    assert stopped.wait(20)


def test_a_cancelled_call_stops_its_work_and_is_logged_as_cancelled(
    slow: tuple[Served, threading.Event, threading.Event],
) -> None:
    served, begun, stopped = slow

    async def run() -> None:
        async with Client(served.server) as client:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(client.call_tool, "work", {})
                    with anyio.fail_after(20):
                        while not begun.is_set():
                            await anyio.sleep(0.01)
                    scope.cancel()
            with anyio.fail_after(20):
                while not stopped.is_set():
                    await anyio.sleep(0.01)

    anyio.run(run)
    assert lines(served)[-1]["outcome"] == "cancelled"


def test_progress_reaches_the_client(slow: tuple[Served, threading.Event, threading.Event]) -> None:
    served, _, _ = slow
    told: list[str | None] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(message if progress <= (total or 0) else None)

    async def run() -> None:
        async with Client(served.server) as client:
            await client.call_tool("work", {}, progress_callback=tell)

    anyio.run(run)
    assert "working" in told


def test_idle_time_counts_from_the_last_request_but_not_during_a_call() -> None:
    now = [0.0]
    watch = IdleWatch(10, clock=lambda: now[0])
    now[0] = 7
    assert watch.remaining_seconds == 3
    with watch.call():
        now[0] = 100
        assert watch.remaining_seconds == 10
    now[0] = 104
    assert watch.remaining_seconds == 6
    watch.touch()
    assert watch.remaining_seconds == 10
    assert IdleWatch(0, clock=lambda: now[0]).remaining_seconds == float("inf")


@pytest.mark.slow
def test_the_server_imports_nothing_heavy_before_a_tool_needs_it() -> None:
    code = (
        "import sys\nimport mesh_assets.mcp_server\nfrom mesh_assets.mcp_server.assembly import build_server\n"
        f"build_server()\nprint([name for name in {NOT_AT_ONCE!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_unforeseen_exception_is_reported_and_logged_masked_by_us_alone(
    make_served: Callable[..., Served], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "s3cr3t-Value_42"

    def fail() -> Nothing:
        """Fails."""
        try:
            raise KeyError(f"https://app:{secret}@db/x")
        except KeyError as cause:
            raise OSError(f"password is {secret}") from cause

    served = make_served()
    server = MeshServer(
        replace(served.server.mesh, audit_log=served.folder / "audit.jsonl"),
        [AgentTool(fail, "Fails", "reads_documents")],
        {},
    )

    @server.resource("mesh://failing")
    def failing() -> str:
        raise ValueError(f"token={secret}")

    async def ask() -> list[str]:
        said = []
        async with Client(server) as client:
            said.append(str(await client.call_tool("fail", {})))
            with pytest.raises(MCPError) as refused:
                await client.read_resource("mesh://failing")
            said.append(str(refused.value))
        return said

    of_tool, of_resource = anyio.run(ask)

    logged = caplog.text + capfd.readouterr().err
    audited = (served.folder / "audit.jsonl").read_text()
    assert [secret in text for text in (of_tool, of_resource, audited)] == [False] * 3
    assert "unexpected OSError at " in of_tool
    assert "the server's log has the traceback" in of_tool
    of_ours = [record for record in caplog.records if record.name.startswith("mesh_assets")]
    shown = "".join("".join(traceback.format_exception(r.exc_info[1])) for r in of_ours if r.exc_info)
    assert "OSError: password is ********" in shown
    assert "https://********@db/x" in shown
    assert secret not in shown
    assert "Tool 'fail' raised" not in logged
