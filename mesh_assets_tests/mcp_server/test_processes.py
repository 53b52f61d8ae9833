"""The server as a process: over stdio, and over HTTP with many clients."""

import hashlib
import json
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import anyio
import httpx
import pytest
from click.testing import CliRunner
from mcp import Client

from mesh_assets.cli.mcp import mcp
from mesh_assets.errors import ConfigurationError
from mesh_assets_tests.mcp_server.processes import COMMAND, SECONDS, environment, http_server
from mesh_assets_tests.mcp_server.served import Served
from mesh_assets_tests.mcp_server.transports import over_http

pytestmark = pytest.mark.slow


def test_stdout_carries_only_the_protocol_even_when_a_broker_is_unreachable(served: Served) -> None:
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _INITIALIZE},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": "list_topics", "arguments": {"source": "live"}},
        },
        {"jsonrpc": "2.0", "id": 3, "method": "no/such/method"},
    ]
    text = "".join(json.dumps(request) + "\n" for request in requests) + "this is no JSON\n"
    process = subprocess.Popen(
        [sys.executable, *COMMAND, "--idle-timeout", "3"],
        env=environment(served),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()
    assert process.wait(SECONDS) == 0, "it ends by itself when nobody asks, with stdin still open"
    out, log = process.communicate()
    answers = [json.loads(line) for line in out.splitlines()]
    assert {2, 3} <= {answer.get("id") for answer in answers}
    assert '"name":"list_topics"' in log, "the audit log goes to stderr"


_INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


def test_the_first_two_calls_to_a_fresh_server_sent_together_are_both_answered(served: Served) -> None:
    """Each imports its own heavy modules, which share parts of a package."""
    calls = {2: ("list_topics", {"source": "live"}), 3: ("list_event_source_mappings", {})}
    requests: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _INITIALIZE},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        *(
            {
                "jsonrpc": "2.0",
                "id": number,
                "method": "tools/call",
                "params": {"name": name, "arguments": arguments},
            }
            for number, (name, arguments) in calls.items()
        ),
    ]
    answers: dict[int, str] = {}
    with subprocess.Popen(
        [sys.executable, *COMMAND],
        env={
            **environment(served),
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps(request) + "\n" for request in requests))
        process.stdin.flush()
        while answers.keys() < calls.keys() and (line := process.stdout.readline()):
            answer = json.loads(line)
            if answer.get("id") in calls:
                answers[answer["id"]] = answer["result"]["content"][0]["text"]
    assert answers[2].startswith("Kafka at 127.0.0.1:1 could not be reached")
    assert answers[3].startswith("sts:GetCallerIdentity on AWS in eu-central-1: no answer")


@pytest.mark.long
def test_fifty_clients_at_once_over_http_on_both_protocols(served: Served) -> None:
    errors: list[str] = []

    async def one(url: str, mode: Any) -> None:
        async with Client(url, mode=mode) as client:
            for tool, arguments in (
                ("list_topics", {}),
                ("describe_topic", {"topic": "orders"}),
                ("list_problems", {}),
            ):
                result = await client.call_tool(tool, arguments)
                if result.is_error:
                    errors.append(str(result.content))

    async def run(url: str) -> None:
        with anyio.fail_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                for number in range(50):
                    tasks.start_soon(one, url, "auto" if number % 2 else "legacy")

    with http_server(served) as (url, _):
        anyio.run(run, url)
    assert errors == []
    assert len((served.folder / "http.jsonl").read_text().splitlines()) == 150


def test_over_http_requests_need_a_token_a_known_host_and_a_small_body(served: Served) -> None:
    token = "s3cret-token"
    digest = hashlib.sha256(token.encode()).hexdigest()
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _INITIALIZE}
    accept = {"Accept": "application/json, text/event-stream"}
    good = {**accept, "Authorization": f"Bearer {token}"}
    with over_http(served.server, token_hashes=(digest,), max_body_bytes=20_000) as url:
        assert httpx.post(url, json=body, headers=accept).status_code == 401
        assert (
            httpx.post(url, json=body, headers={**accept, "Authorization": "Bearer other"}).status_code == 401
        )
        assert httpx.post(url, json=body, headers=good).status_code == 200
        assert httpx.post(url, json=body, headers={**good, "Host": "evil.example"}).status_code == 421
        assert httpx.post(url, json=body, headers={**good, "Host": "LocalHost"}).status_code == 200
        assert (
            httpx.post(
                url, content=b" " * 30_000, headers={**good, "Content-Type": "application/json"}
            ).status_code
            == 413
        )
        assert httpx.post(url, json=body, headers=good).status_code == 200
        assert httpx.get(url.removesuffix("/mcp") + "/healthz").json() == {"status": "alive"}, "as probes ask"


def test_over_http_its_options_apply_and_it_ends_when_idle_despite_probes(
    served: Served,
) -> None:
    options = ("--token-sha256", hashlib.sha256(b"t").hexdigest(), "--max-body", "2000")
    with http_server(served, *options, "--idle-timeout", "3") as (url, process):
        assert httpx.post(url, content=b" ").status_code == 401
        large = httpx.post(url, content=b" " * 3_000, headers={"Authorization": "Bearer t"})
        assert large.status_code == 413
        with suppress(httpx.TransportError):  # it has ended
            while process.poll() is None:
                assert httpx.get(url.removesuffix("/mcp") + "/healthz").status_code == 200
                time.sleep(0.1)
        assert process.wait(SECONDS) == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "--token-sha256"),
        (["--host", "0.0.0.0", "--token-sha256", "ab" * 32], "--allowed-host"),
        (["--token-sha256", "xyz"], "not a SHA-256"),
        (["--oauth-issuer", "https://x.example"], "go together"),
    ],
)
def test_a_server_that_would_be_open_to_others_does_not_start(options: list[str], says: str) -> None:
    done = CliRunner().invoke(mcp, ["--transport", "streamable-http", "--port", "0", *options])
    assert isinstance(done.exception, ConfigurationError)
    assert says in str(done.exception)
