"""Who may talk to the server over HTTP: holders of bearer tokens known by their hashes, or of JWTs of an OAuth issuer.

The SDK's constructor handles JWTs. Known tokens are not OAuth (there is no issuer to name), so a guard around
the application checks them.
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from mesh_assets.answering.answers import in_thread
from mesh_assets.errors import UnreachableError
from mesh_assets.masking.unexpected import sentence
from mesh_assets.mcp_server.watching import TOKEN_HOLDER
from mesh_assets.service.identity import IssuerTokens, KnownTokens, OAuth, client_of, scopes_of

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

HEALTH = "/healthz"


class TokenHolders:
    """Lets requests with a known bearer token through; all others get 401."""

    def __init__(self, app: App, tokens: KnownTokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        holder = self._tokens.holder(dict(scope.get("headers", ())).get(b"authorization", b""))
        if scope["type"] == "http" and holder is None and scope["path"] != HEALTH:
            body = b'{"error":"invalid_token","error_description":"a bearer token that this server knows is required"}'
            headers = [
                (b"content-type", b"application/json"),
                (b"www-authenticate", b"Bearer"),
                (b"content-length", str(len(body)).encode()),
            ]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        if holder is not None:
            scope[TOKEN_HOLDER] = holder
        await self._app(scope, receive, send)


class Alive:
    """Answers `GET /healthz` for whatever restarts a hanging server: without a token, since probes have none,
    and without counting as a request, or the server would never be idle."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http" or scope["path"] != HEALTH or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        body = b'{"status":"alive"}'
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body if scope["method"] == "GET" else b""})


def auth_settings(oauth: OAuth) -> AuthSettings:
    """The server as a resource server, for the SDK, which publishes it and asks a JwtVerifier about each
    token."""
    return AuthSettings(
        issuer_url=AnyHttpUrl(oauth.issuer),
        resource_server_url=AnyHttpUrl(oauth.audience),
        required_scopes=list(oauth.scopes) or None,
        validate_token_resource=False,  # the JwtVerifier checks the audience
    )


class JwtVerifier:
    """The SDK's question about a token."""

    def __init__(self, oauth: OAuth) -> None:
        self._oauth = oauth
        self._tokens = IssuerTokens(oauth)

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            claims = await in_thread(lambda: self._tokens.claims(token))
        except UnreachableError as error:  # the SDK only understands that a token is valid or not
            logger.warning("a token was refused: %s", sentence(error))
            return None
        if claims is None:
            return None
        return AccessToken(
            token=token,
            client_id=client_of(claims),
            scopes=scopes_of(claims),
            expires_at=int(claims["exp"]),
            resource=self._oauth.audience,
            # Two users of one client are kept apart: in the audit log, and in deciding whose session or
            # question it is.
            subject=None if claims.get("sub") is None else str(claims["sub"]),
            claims={"iss": claims["iss"]},
        )
