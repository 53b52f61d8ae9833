"""Hosts and origins are compared as HTTP compares them."""

from pathlib import Path

import anyio
import httpx
import pytest

from mesh_assets.mcp_server.assembly import build_server
from mesh_assets.mcp_server.hosts import canonical_host, canonical_origin
from mesh_assets.mcp_server.serving import http_app
from mesh_assets.mcp_server.settings import HttpSettings, ServerSettings
from mesh_assets_tests.mcp_server.transports import INITIALIZE


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("Mesh.Example.COM", "mesh.example.com"),
        ("mesh.example.com:443", "mesh.example.com"),
        ("mesh.example.com:80", "mesh.example.com"),
        ("mesh.example.com:8080", "mesh.example.com:8080"),
        ("[::1]:80", "[::1]"),
        ("[2001:DB8::80]", "[2001:db8::80]"),
    ],
)
def test_a_host_has_one_form(host: str, canonical: str) -> None:
    assert canonical_host(host) == canonical
    assert canonical_origin(f"HTTPS://{host}") == f"https://{canonical}"


def test_other_spellings_of_an_allowed_host_are_accepted_and_no_others(tmp_path: Path) -> None:
    settings = ServerSettings(audit_log=tmp_path / "audit.jsonl")
    app = http_app(build_server(settings), HttpSettings(allowed_hosts=("Mesh.Example.com", "10.0.0.5:8000")))

    async def run() -> list[int]:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
        ):
            accept = {"Accept": "application/json, text/event-stream"}
            answers = [
                await client.post("/mcp", json=INITIALIZE, headers={**accept, **headers})
                for headers in (
                    {"Host": "mesh.example.com"},
                    {"Host": "MESH.example.com:443"},
                    {"Host": "10.0.0.5:8000"},
                    {"Host": "Localhost:80"},
                    {"Host": "mesh.example.com", "Origin": "https://Mesh.Example.com:443"},
                    {"Host": "mesh.example.com:8443"},
                    {"Host": "mesh.example.com.evil.example"},
                    {"Host": "10.0.0.5"},
                    {"Host": "mesh.example.com", "Origin": "https://evil.example"},
                )
            ]
            return [answer.status_code for answer in answers]

    assert anyio.run(run) == [200, 200, 200, 200, 200, 421, 421, 421, 403]
