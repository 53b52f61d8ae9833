"""Every tool over every transport: in memory, over stdio and over HTTP, each with the newest protocol and the one before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]
import pytest
from mcp import Client
from mcp.types import CallToolResult
from msgspec.structs import replace

from mesh_assets_tests.documents import a_metrics
from mesh_assets_tests.mcp_server.minimal_calls import CALLS
from mesh_assets_tests.mcp_server.processes import SECONDS
from mesh_assets_tests.mcp_server.served import Served, serve, the_day_before, today
from mesh_assets_tests.mcp_server.transports import over_http, over_stdio


@dataclass(frozen=True, slots=True)
class Said:
    """What a client got from a server: each tool's output schema, and the answer to its call."""

    promised: dict[str, Any]
    answers: dict[str, CallToolResult]


@pytest.fixture(scope="module")
def one_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        yield serve(
            tmp_path_factory.mktemp("every-tool"),
            the_day_before(),
            replace(today(), metrics=a_metrics(orders=3.5)),
        )


@pytest.fixture(scope="module")
def address(one_served: Served) -> Iterator[str]:
    with over_http(one_served.server) as url:
        yield url


@pytest.fixture(
    scope="module",
    params=[f"{way}, {mode}" for way in ("memory", "stdio", "http") for mode in ("auto", "legacy")],
)
def said(request: pytest.FixtureRequest, one_served: Served) -> Said:
    """All tools called by one client."""
    way, mode = request.param.split(", ")
    server: Any = one_served.server
    if way == "stdio":
        server = over_stdio(one_served.server)
    elif way == "http":
        server = request.getfixturevalue("address")

    async def run() -> Said:
        with anyio.fail_after(SECONDS):
            async with Client(server, mode=mode) as client:
                promised = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
                answers = {
                    tool: await client.call_tool(tool, arguments) for tool, (arguments, _) in CALLS.items()
                }
        return Said(promised, answers)

    return anyio.run(run)


@pytest.mark.slow
def test_every_tool_is_called_here(said: Said) -> None:
    assert set(said.promised) == set(CALLS)


def test_each_tool_answers_as_its_schema_says_or_says_what_is_missing(said: Said) -> None:
    for tool, (_, missing) in CALLS.items():
        result = said.answers[tool]
        text = str(getattr(result.content[0], "text", ""))
        assert result.is_error == (missing is not None), (tool, text)
        if missing is None:
            assert isinstance(result.structured_content, dict), tool
            jsonschema.validate(result.structured_content, said.promised[tool])
        else:
            assert missing in text, (tool, text)
