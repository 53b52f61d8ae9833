"""Who may talk to the server over HTTP: one bearer token by its hash, or JWTs of an OAuth issuer.

The SDK's constructor takes the latter. The former is not OAuth (there is no issuer to name), so it guards the
application.
"""

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from mesh_assets.answering.answers import in_thread
from mesh_assets.importing import importing
from mesh_assets.mcp_server.settings import OAuth
from mesh_assets.mcp_server.watching import TOKEN_CHECKED

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
_ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "PS384", "PS512", "EdDSA")


class OneToken:
    """Lets requests through whose bearer token has the hash; all others get 401."""

    def __init__(self, app: App, token_sha256: str) -> None:
        self._app = app
        self._expected = bytes.fromhex(token_sha256)

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        allowed = self._allowed(dict(scope.get("headers", ())).get(b"authorization", b""))
        if scope["type"] == "http" and not allowed:
            body = b'{"error":"invalid_token","error_description":"a bearer token is needed that this server knows"}'
            headers = [
                (b"content-type", b"application/json"),
                (b"www-authenticate", b"Bearer"),
                (b"content-length", str(len(body)).encode()),
            ]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        if allowed:
            scope[TOKEN_CHECKED] = True
        await self._app(scope, receive, send)

    def _allowed(self, header: bytes) -> bool:
        scheme, _, token = header.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(
            hashlib.sha256(token.strip()).digest(), self._expected
        )


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
    """Checks a JWT's signature, issuer, audience and times. The issuer's keys (JWKS) are kept for five
    minutes."""

    def __init__(self, oauth: OAuth) -> None:
        with importing:
            import jwt

        self._oauth = oauth
        self._keys = jwt.PyJWKClient(oauth.jwks_url, cache_keys=True, lifespan=300, timeout=10)

    async def verify_token(self, token: str) -> AccessToken | None:
        return await in_thread(lambda: self._verified(token))

    def _verified(self, token: str) -> AccessToken | None:
        with importing:
            import jwt

        try:
            key = self._keys.get_signing_key_from_jwt(token).key
            claims = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                issuer=self._oauth.issuer,
                audience=self._oauth.audience,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            logger.warning("a token was refused: %s", type(error).__name__)
            return None
        scope = claims.get("scope") or claims.get("scp") or ()
        return AccessToken(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or claims.get("sub") or "unknown"),
            scopes=scope.split() if isinstance(scope, str) else [str(one) for one in scope],
            expires_at=int(claims["exp"]),
            resource=self._oauth.audience,
            # Two users of one client are two: for the audit log, and for whose session and question it is.
            subject=None if claims.get("sub") is None else str(claims["sub"]),
            claims={"iss": claims["iss"]},
        )
