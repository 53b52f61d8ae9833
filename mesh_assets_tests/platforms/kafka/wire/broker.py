"""A broker that a test scripts: it receives frames over TCP or TLS and answers them, well or badly."""

import asyncio
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 17, 18, 36
ECHO = 1000
"""A request that no broker supports. By default, it is answered with its own body."""
_LONGEST_REQUEST = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as received. `at`: when, by the loop's clock. `connection`: its number, from 0. `body`: what follows its
    header."""

    api: int
    version: int
    correlation: int
    client_id: str
    body: bytes
    at: float
    connection: int


class Peer:
    """The client, as a script sees it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Raw bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, asked: Asked, body: bytes, *, flexible: bool = False) -> None:
        await self.send(frame(asked.correlation, body, flexible=flexible))

    def hang_up(self) -> None:
        self._writer.transport.abort()


Script: TypeAlias = Callable[[Peer, Asked], Awaitable[None]]


def frame(correlation: int, body: bytes, *, flexible: bool = False) -> bytes:
    """`flexible`: the head of the answer ends with (no) tagged fields."""
    content = struct.pack(">i", correlation) + (b"\0" if flexible else b"") + body
    return struct.pack(">i", len(content)) + content


def text(value: str) -> bytes:
    return struct.pack(">h", len(value.encode())) + value.encode()


class ScriptedBroker:
    """Runs in its own thread until the end of the block. `scripts`: what it does with each request, by API number; it answers
    the rest as a broker would.

    `spoken`: the supported versions. `nodes`: the brokers that it names, by id; None: itself, as 1.
    `life_ms`: how long a login lasts.
    """

    def __init__(
        self,
        scripts: Mapping[int, Script] | None = None,
        *,
        spoken: Mapping[int, tuple[int, int]] | None = None,
        nodes: Mapping[int, str] | None = None,
        tls: ssl.SSLContext | None = None,
        life_ms: int = 0,
    ) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.cluster = "a-cluster"
        self._spoken = spoken or {
            METADATA: (0, 8),
            API_VERSIONS: (0, 3),
            SASL_AUTHENTICATE: (0, 1),
            ECHO: (0, 0),
        }
        self._nodes = nodes
        self._tls = tls
        self._life_ms = life_ms
        own: dict[int, Script] = {
            API_VERSIONS: self._versions,
            METADATA: self._metadata,
            SASL_HANDSHAKE: self._handshake,
            SASL_AUTHENTICATE: self._authenticate,
            ECHO: echoes,
        }
        self._scripts = own | dict(scripts or {})
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted-broker")
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def of(self, api: int) -> list[Asked]:
        """The requests of that number so far."""
        return [one for one in self.asked if one.api == api]

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._loop.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        peer = Peer(writer)
        try:
            while True:
                (length,) = struct.unpack(">i", await reader.readexactly(4))
                if not 10 <= length <= _LONGEST_REQUEST:
                    return  # as Kafka does when addressed in another protocol
                content = await reader.readexactly(length)
                api, version, correlation, named = struct.unpack_from(">hhih", content)
                asked = Asked(
                    api=api,
                    version=version,
                    correlation=correlation,
                    client_id=content[10 : 10 + named].decode(),
                    body=content[10 + named :],
                    at=self._loop.time(),
                    connection=number,
                )
                self.asked.append(asked)
                await self._scripts[api](peer, asked)
        except (EOFError, OSError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            writer.transport.abort()

    # --- what a broker answers

    async def _versions(self, peer: Peer, asked: Asked) -> None:
        oldest, newest = self._spoken[API_VERSIONS]
        if not oldest <= asked.version <= newest:
            own = struct.pack(">hihhh", 35, 1, API_VERSIONS, oldest, newest)
            return await peer.answer(asked, own)
        flexible = asked.version >= 3
        body = struct.pack(">h", 0)
        body += bytes([len(self._spoken) + 1]) if flexible else struct.pack(">i", len(self._spoken))
        for api, (first, last) in self._spoken.items():
            body += struct.pack(">hhh", api, first, last) + (b"\0" if flexible else b"")
        body += struct.pack(">i", 0) if asked.version >= 1 else b""
        return await peer.answer(asked, body + (b"\0" if flexible else b""))

    async def _metadata(self, peer: Peer, asked: Asked) -> None:
        """Versions 1 to 8."""
        nodes = {1: self.address} if self._nodes is None else self._nodes
        body = struct.pack(">i", 0) if asked.version >= 3 else b""
        body += struct.pack(">i", len(nodes))
        for node, address in nodes.items():
            host, _, port = address.rpartition(":")
            body += struct.pack(">i", node) + text(host) + struct.pack(">ih", int(port), -1)
        body += text(self.cluster) if asked.version >= 2 else b""
        body += struct.pack(">ii", 1, 0) + (struct.pack(">i", 0) if asked.version >= 8 else b"")
        await peer.answer(asked, body)

    async def _handshake(self, peer: Peer, asked: Asked) -> None:
        await peer.answer(asked, struct.pack(">hi", 0, 0))

    async def _authenticate(self, peer: Peer, asked: Asked) -> None:
        await peer.answer(asked, authenticated(b"", life_ms=self._life_ms))


async def echoes(peer: Peer, asked: Asked) -> None:
    await peer.answer(asked, asked.body)


async def hangs_up(peer: Peer, _asked: Asked) -> None:
    peer.hang_up()


async def is_silent(_peer: Peer, _asked: Asked) -> None:
    await asyncio.sleep(60)


def authenticated(words: bytes, *, life_ms: int = 0) -> bytes:
    """The answer to SaslAuthenticate, version 1."""
    return struct.pack(">hhi", 0, -1, len(words)) + words + struct.pack(">q", life_ms)


def refused(code: int, sentence: str) -> bytes:
    return struct.pack(">h", code) + text(sentence) + struct.pack(">iq", 0, 0)
