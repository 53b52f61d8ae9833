"""The server on the real sandbox: a discovery by an agent, live answers, messages from real topics."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.mcp_server.assembly import build_server
from mesh_assets.mcp_server.server import MeshServer
from mesh_assets.mcp_server.settings import ServerSettings
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox


@pytest.fixture
def server(endpoints: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MeshServer:
    """The sandbox's estate, whose messages of orders and users may be read."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    text = endpoints.estate_file.read_text().replace(
        "  warehouse:\n", "  warehouse:\n    allow_message_reading: [orders, users]\n", 1
    )
    estate = tmp_path / "estate.yaml"
    estate.write_text(text)
    Workplace(tmp_path, estate).clear_topic()
    settings = ServerSettings(
        allow_writes=True,
        estate=estate,
        store=str(tmp_path / "store"),
        audit_log=tmp_path / "audit.jsonl",
        call_seconds=120,
    )
    return build_server(settings, known=KnownEstate(estate=estate, store=settings.store))


def test_an_agent_discovers_asks_and_samples(server: MeshServer) -> None:
    told: list[str | None] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(message if progress <= (total or 0) else None)

    async def run() -> None:
        async with Client(server) as client:

            async def ask(tool: str, **arguments: Any) -> dict[str, Any]:
                result = await client.call_tool(
                    tool, arguments, progress_callback=tell if tool == "run_discovery" else None
                )
                assert not result.is_error, (tool, result.content)
                assert isinstance(result.structured_content, dict)
                return result.structured_content

            found = await ask("run_discovery", cluster="warehouse")
            assert (found["cluster"], found["sequence"], Path(found["inventory_location"]).is_file()) == (
                "warehouse",
                1,
                True,
            )
            assert told
            stored, live = (
                await ask("list_topics", cluster="warehouse"),
                await ask("list_topics", cluster="warehouse", source="live"),
            )
            assert stored["total"] == live["total"] == found["topics"]
            assert live["about"]["source"] == "live"
            older = await ask("get_schema", cluster="warehouse", subject="orders-value", version=1)
            assert older["version"] == 1
            sample = await ask("sample_messages", cluster="warehouse", topic="users", limit=3)
            assert len(sample["messages"]) == 3
            for message in sample["messages"]:
                assert message["format"] == "json"
                assert (message["value"]["email"], message["value"]["name"]) == ("********", "********")
                assert message["value"]["user_id"] != "********"
            assert "@" not in json.dumps(sample["messages"])

    anyio.run(run)
