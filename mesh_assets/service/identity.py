"""Who is asking: the holder of a bearer token, known only by its hash, or the subject of an OAuth issuer's
token."""

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mesh_assets.errors import ConfigurationError, UnreachableError
from mesh_assets.importing import importing

logger = logging.getLogger(__name__)

_ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "PS384", "PS512", "EdDSA")
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}", re.ASCII)
_OF_NOTHING = hashlib.sha256(b"").digest()
_KEYS_SECONDS = 300
UNNAMED = "the server's own"
"""The name of a token that was not given one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """Makes a server an OAuth resource server: tokens are JWTs of `issuer`, for `audience`, signed with a
    key of `jwks_url`."""

    issuer: str
    audience: str
    jwks_url: str
    scopes: tuple[str, ...] = ()


def oauth_by(
    issuer: str | None, audience: str | None, *, jwks_url: str | None, scopes: tuple[str, ...]
) -> OAuth | None:
    """The OAuth settings that the options of both servers ask for; None: no OAuth. Raises
    ConfigurationError."""
    if issuer is None and audience is None:
        return None
    if issuer is None or audience is None:
        raise ConfigurationError("--oauth-issuer and --oauth-audience go together")
    jwks = jwks_url or f"{issuer.rstrip('/')}/.well-known/jwks.json"
    return OAuth(issuer=issuer, audience=audience, jwks_url=jwks, scopes=scopes)


class KnownTokens:
    """Bearer tokens by their SHA-256. With several, one can be replaced while the other still works, and
    callers can be told apart."""

    def __init__(self, hashes: Iterable[str]) -> None:
        """`hashes`: each 64 hexadecimal digits, or `NAME=` and these. Raises ConfigurationError."""
        self._known: list[tuple[str, bytes]] = []
        for text in hashes:
            name, digest = _named_hash(text)
            if name in (known for known, _ in self._known):
                raise ConfigurationError(
                    f"two tokens are named {name!r}: give each its own name, NAME=SHA256"
                )
            self._known.append((name, digest))

    def __bool__(self) -> bool:
        return bool(self._known)

    def holder(self, authorization: bytes) -> str | None:
        """The name of the token in that header; None: none that is known. Takes the same time for any
        token."""
        token = bearer_token(authorization)
        digest = hashlib.sha256(token or b"").digest()
        found = [name for name, known in self._known if hmac.compare_digest(digest, known)]
        return found[0] if token and found else None


def bearer_token(authorization: bytes) -> bytes | None:
    scheme, _, token = authorization.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" and token.strip() else None


def _named_hash(text: str) -> tuple[str, bytes]:
    name, separator, digest = text.strip().rpartition("=")
    try:
        known = bytes.fromhex(digest)
    except ValueError:
        known = b""
    if len(known) != 32:
        raise ConfigurationError(
            'the hash of a token is not a SHA-256: expected 64 hexadecimal digits (printf %s "$TOKEN" | sha256sum), '
            "or NAME= and these"
        )
    if known == _OF_NOTHING:
        raise ConfigurationError(
            "the hash of a token is that of an empty text, which no token has: the variable that it was made from was not set"
        )
    if separator and not _NAME.fullmatch(name):
        raise ConfigurationError(
            "the name of a token has up to 64 letters, digits, dots, dashes, underscores or @: NAME=SHA256"
        )
    return name or UNNAMED, known


class IssuerTokens:
    """JWTs of an OAuth issuer: signature, issuer, audience and times are checked. Its keys (JWKS) are kept for five minutes."""

    def __init__(self, oauth: OAuth) -> None:
        with importing:
            import jwt

        self._oauth = oauth
        # Not `cache_keys`: it would keep a key that the issuer has withdrawn for as long as this process runs.
        self._keys = jwt.PyJWKClient(oauth.jwks_url, lifespan=_KEYS_SECONDS, timeout=10)

    def claims(self, token: str) -> dict[str, Any] | None:
        """The claims of a valid token; None for any other. May ask the issuer for its keys. Raises
        UnreachableError if it does not return them: then it is unknown whether the token is valid."""
        with importing:
            import jwt

        try:
            key = self._keys.get_signing_key_from_jwt(token).key
        except (jwt.PyJWKClientConnectionError, json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
            raise UnreachableError(
                f"the keys of the OAuth issuer cannot be read from {self._oauth.jwks_url} ({error}), so no token can be checked; "
                "see whether that address (--oauth-jwks) is right and answers"
            ) from error
        except jwt.PyJWTError as error:
            logger.warning("a token was refused: %s", type(error).__name__)
            return None
        try:
            claims: dict[str, Any] = jwt.decode(
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
        return claims

    def lacks_scope(self, claims: dict[str, Any]) -> bool:
        return not set(self._oauth.scopes) <= set(scopes_of(claims))


def scopes_of(claims: dict[str, Any]) -> list[str]:
    scope = claims.get("scope") or claims.get("scp") or ()
    return scope.split() if isinstance(scope, str) else [str(one) for one in scope]


def client_of(claims: dict[str, Any]) -> str:
    """The program that the token was issued to."""
    return str(claims.get("client_id") or claims.get("azp") or claims.get("sub") or "unknown")
