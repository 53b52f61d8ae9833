"""The names by which clients reach the server over HTTP: in either case, with or without the default port.

The SDK compares headers letter by letter, so we normalise them first.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

# A proxy that ends TLS passes requests on as http, so the scheme does not reveal the default port.
_USUAL_PORTS = (":80", ":443")


def canonical_host(host: str) -> str:
    """`Mesh.Example.com:443` → `mesh.example.com` (RFC 9110, 4.2.3)."""
    host = host.strip().lower()
    for port in _USUAL_PORTS:
        host = host.removesuffix(port)
    return host


def canonical_origin(origin: str) -> str:
    scheme, separator, host = origin.partition("://")
    return f"{scheme.strip().lower()}://{canonical_host(host)}" if separator else origin


class CanonicalHosts:
    """Passes requests on with Host and Origin normalised."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [_canonical(name, value) for name, value in scope["headers"]]}
        await self._app(scope, receive, send)


def _canonical(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    match name:
        case b"host":
            return name, canonical_host(value.decode("latin-1")).encode("latin-1")
        case b"origin":
            return name, canonical_origin(value.decode("latin-1")).encode("latin-1")
        case _:
            return name, value
