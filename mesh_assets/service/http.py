"""As much of HTTP as the service speaks, over ASGI: requests with a bounded body, answers in one piece."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`headers`: by lower-case name; if one comes twice, the last. `peer`: the caller's address."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    peer: str
    receive: Receive = field(repr=False)

    @staticmethod
    def of(scope: Scope, receive: Receive) -> "Request":
        peer = scope.get("client")
        return Request(
            method=scope["method"],
            path=scope["path"],
            query=parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            peer="unknown" if peer is None else str(peer[0]),
            receive=receive,
        )

    async def body(self, *, most_bytes: int) -> bytes | None:
        """None: it is too long, or the sender went away before the end; half an order is not an order."""
        found = bytearray()
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                return None
            found += message.get("body", b"")
            if len(found) > most_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send, *, without_body: bool = False) -> None:
        headers = {
            "content-type": self.content_type,
            "content-length": str(len(self.body)),
            "x-content-type-options": "nosniff",
            **self.headers,
        }
        if self.status == 304:
            del headers["content-type"], headers["content-length"]
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if without_body else self.body})


def answer_json(value: Any, *, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status=status, body=msgspec.json.encode(value) + b"\n", headers=named)


def refusal(status: int, sentence: str, **headers: str) -> Response:
    return answer_json({"error": sentence}, status=status, **headers)
