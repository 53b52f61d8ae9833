"""Tokens of an OAuth issuer: signed by its key, for this server, in force."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from jwt.algorithms import ECAlgorithm

from mesh_assets.mcp_server.assembly import build_server
from mesh_assets.mcp_server.bearer import JwtVerifier
from mesh_assets.mcp_server.serving import http_app
from mesh_assets.mcp_server.settings import HttpSettings, ServerSettings
from mesh_assets.service.identity import OAuth
from mesh_assets_tests.mcp_server.transports import INITIALIZE

OAUTH = OAuth(
    issuer="https://login.example", audience="https://mesh.example/mcp", jwks_url="https://login.example/jwks"
)
Make = Callable[..., str]


@pytest.fixture
def key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


@pytest.fixture
def make_token(key: EllipticCurvePrivateKey, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A token from the issuer, whose keys are served. `claims` replace the usual ones; None: without that claim."""
    public = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    jwks = {"keys": [{**public, "kid": "k-1", "use": "sig", "alg": "ES256"}]}
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda _: jwks)

    def make(signed_with: EllipticCurvePrivateKey = key, **claims: Any) -> str:
        all_claims = {
            "iss": OAUTH.issuer,
            "aud": OAUTH.audience,
            "exp": int(time.time()) + 3_600,
            "sub": "agent",
            "scope": "mesh.read mesh.write",
            **claims,
        }
        given = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode(given, signed_with, algorithm="ES256", headers={"kid": "k-1"})

    return make


def test_a_good_token_is_accepted_with_its_scopes(make_token: Make) -> None:
    access = anyio.run(JwtVerifier(OAUTH).verify_token, make_token())
    assert access is not None
    assert (access.client_id, access.scopes, access.resource) == (
        "agent",
        ["mesh.read", "mesh.write"],
        OAUTH.audience,
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "https://other.example/mcp"},
        {"aud": None},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"nbf": int(time.time()) + 3_600},
    ],
    ids=lambda claims: " ".join(
        f"{name} {'missing' if value is None else 'wrong'}" for name, value in claims.items()
    ),
)
def test_a_token_for_another_audience_or_time_is_refused(make_token: Make, claims: dict[str, Any]) -> None:
    assert anyio.run(JwtVerifier(OAUTH).verify_token, make_token(**claims)) is None


def test_a_token_signed_by_another_key_is_refused(make_token: Make) -> None:
    assert anyio.run(JwtVerifier(OAUTH).verify_token, make_token(generate_private_key(SECP256R1()))) is None


@pytest.mark.usefixtures("make_token")  # the issuer's keys are known
@pytest.mark.parametrize("token", ["", "no.jwt.here", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."])
def test_anything_but_a_signed_token_is_refused(token: str) -> None:
    assert anyio.run(JwtVerifier(OAUTH).verify_token, token) is None


async def ask_once(app: Any, token: str) -> None:
    """A session with one call in the audit log."""
    headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        begun = await client.post("/mcp", json=INITIALIZE)
        session = {"Mcp-Session-Id": begun.headers["mcp-session-id"]}
        for method, rest in (
            ("notifications/initialized", {}),
            ("prompts/get", {"id": 2, "params": {"name": "weekly_estate_review"}}),
        ):
            body = {"jsonrpc": "2.0", "method": method, **rest}
            (await client.post("/mcp", json=body, headers=session)).raise_for_status()


def test_the_audit_log_names_the_subject_of_each_request_and_the_client_that_it_uses(
    make_token: Make, tmp_path: Path
) -> None:
    settings = ServerSettings(oauth=OAUTH, audit_log=tmp_path / "audit.jsonl")
    app = http_app(build_server(settings), HttpSettings())

    async def run() -> None:
        async with app.router.lifespan_context(app):
            for subject in ("anne", "bert"):
                await ask_once(app, make_token(sub=subject, client_id="desktop"))

    anyio.run(run)
    callers = [json.loads(line)["caller"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert callers == [
        {"subject": subject, "oauth_client": "desktop", "issuer": OAUTH.issuer}
        for subject in ("anne", "bert")
    ]


@pytest.mark.parametrize("has_token", [True, False])
def test_without_oauth_the_audit_log_names_the_address_and_a_token_only_if_the_server_checked_it(
    tmp_path: Path, has_token: bool
) -> None:
    digest = hashlib.sha256(b"s3cret").hexdigest() if has_token else None
    server = build_server(ServerSettings(audit_log=tmp_path / "audit.jsonl"))
    app = http_app(server, HttpSettings(token_hashes=() if digest is None else (f"ci={digest}",)))

    async def run() -> None:
        inner = app if digest is None else app._app
        async with inner.router.lifespan_context(inner):
            await ask_once(app, "s3cret")

    anyio.run(run)
    text = (tmp_path / "audit.jsonl").read_text()
    assert json.loads(text)["caller"] == {
        "address": "127.0.0.1",
        **({"bearer_token": "ci"} if has_token else {}),
    }
    assert "s3cret" not in text


def test_a_session_of_one_user_cannot_be_continued_by_another_of_the_same_client(
    make_token: Make, tmp_path: Path
) -> None:
    settings = ServerSettings(oauth=OAUTH, audit_log=tmp_path / "audit.jsonl")
    app = http_app(build_server(settings), HttpSettings())
    asked = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}

    async def run() -> list[int]:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
        ):

            async def post(subject: str, body: Any, session: str | None = None) -> httpx.Response:
                headers = {
                    "Accept": "application/json, text/event-stream",
                    "Authorization": f"Bearer {make_token(sub=subject, client_id='desktop')}",
                    **({} if session is None else {"Mcp-Session-Id": session}),
                }
                return await client.post("/mcp", json=body, headers=headers)

            session = (await post("anne", INITIALIZE)).headers["mcp-session-id"]
            await post("anne", {"jsonrpc": "2.0", "method": "notifications/initialized"}, session)
            return [(await post(subject, asked, session)).status_code for subject in ("anne", "bert")]

    assert anyio.run(run) == [200, 404]


def test_over_http_the_server_accepts_tokens_of_the_issuer_with_the_required_scopes(
    make_token: Make, tmp_path: Path
) -> None:
    settings = ServerSettings(oauth=replace(OAUTH, scopes=("mesh.read",)), audit_log=tmp_path / "audit.jsonl")
    app = http_app(build_server(settings), HttpSettings())
    tokens = {"none": None, "other scope": make_token(scope="mesh.write"), "good": make_token()}

    async def run() -> dict[str, int]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        ):
            headers = {
                name: {} if token is None else {"Authorization": f"Bearer {token}"}
                for name, token in tokens.items()
            }
            accept = {"Accept": "application/json, text/event-stream"}
            return {
                name: (await client.post("/mcp", json=INITIALIZE, headers={**accept, **given})).status_code
                for name, given in headers.items()
            }

    assert anyio.run(run) == {"none": 401, "other scope": 403, "good": 200}
