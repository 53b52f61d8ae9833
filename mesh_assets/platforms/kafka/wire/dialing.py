"""From an address to a connected socket: names, address families, several attempts at once, and whose
certificate is trusted."""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from mesh_assets.errors import EstateError
from mesh_assets.platforms.kafka.wire.forms import BrokerError

Result = TypeVar("Result")

# After this time, another address of a name, or another bootstrap server, is tried alongside the first (RFC
# 8305).
_HEAD_START_SECONDS = 0.25
_DEFAULT_PORT = 9092


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class ConnectError(BrokerError):
    """No connection was made, or one broke off before its first answer. `line`: how librdkafka would log it,
    which `platforms.kafka.errors.connection_failed` reads. `seconds`: how long it was tried. `broker`: whose
    advertised listener that is; None: a bootstrap server's."""

    def __init__(self, code: int, said: str, line: str) -> None:
        super().__init__(code, said)
        self.line = line
        self.seconds = 0.0
        self.broker: int | None = None


def addresses(servers: str) -> list[Address]:
    """librdkafka's `bootstrap.servers`. Raises EstateError."""
    found = []
    for server in filter(None, (part.strip() for part in servers.split(","))):
        bare = server.rpartition("://")[2]
        host, colon, port = bare.rpartition(":")
        if not colon or bare.endswith("]"):
            host, port = bare, str(_DEFAULT_PORT)
        if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise EstateError(f"kafka.bootstrap_servers: {server} is not an address; expected host:port")
        found.append(Address(host.removeprefix("[").removesuffix("]"), int(port)))
    if not found:
        raise EstateError(
            "kafka.bootstrap_servers is empty; expected host:port, or several of them with commas in between"
        )
    return found


async def connected(where: Address, family: socket.AddressFamily) -> socket.socket:
    """A socket to one of the host's addresses. Raises OSError in librdkafka's words; socket.gaierror for an
    unknown name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(where.host, where.port, family=family, type=socket.SOCK_STREAM)
    made = await first_of(
        [partial(_connected, loop, family, address) for family, _, _, _, address in found],
        discard=socket.socket.close,
    )
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return made


async def _connected(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await loop.sock_connect(connecting, address)
    except OSError as error:
        connecting.close()
        kind = "ipv6" if family == socket.AF_INET6 else "ipv4"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"Connect to {kind}#{Address(address[0], address[1])} failed: {reason}") from None
    except BaseException:
        connecting.close()
        raise
    return connecting


async def first_of(
    attempts: Sequence[Callable[[], Awaitable[Result]]],
    *,
    discard: Callable[[Result], None],
    final: Callable[[BaseException], bool] = lambda _: False,
) -> Result:
    """The first result. Each attempt starts when an earlier one fails, or after that one's head start. Raises
    the last error when all fail, and at once one that is `final`. `discard`: for results that come too
    late."""
    pending: set[asyncio.Task[Result]] = set()
    remaining = list(reversed(attempts))
    failure: BaseException = OSError("the name has no address")
    try:
        while remaining or pending:
            if remaining:
                pending.add(asyncio.ensure_future(remaining.pop()()))
            done, pending = await asyncio.wait(
                pending,
                timeout=_HEAD_START_SECONDS if remaining else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            won = [task for task in done if task.exception() is None]
            if won:
                pending |= set(won[1:])
                return won[0].result()
            for task in done:
                failure = task.exception() or failure
                if final(failure):
                    raise failure
        raise failure
    finally:
        for task in pending:
            task.cancel()
            task.add_done_callback(partial(_discard, discard))


def _discard(discard: Callable[[Result], None], task: "asyncio.Task[Result]") -> None:
    if not task.cancelled() and task.exception() is None:
        discard(task.result())


def mistrust(error: ssl.SSLCertVerificationError, host: str) -> str:
    """Why the broker's certificate is not trusted, by OpenSSL's numbers (X509_V_ERR_…)."""
    match error.verify_code:
        case 10:
            return "the broker's certificate has expired (renew it on the broker)"
        case 9:
            return "the broker's certificate is not valid yet (check the clocks here and on the broker)"
        case 2 | 18 | 19 | 20 | 21:
            return "the broker's certificate is from an authority that is not trusted here (check kafka.ssl_ca_location)"
        case 62 | 64:
            return (
                f"the broker's certificate is not for the name {host} (check kafka.bootstrap_servers, and the "
                "listeners that the brokers advertise)"
            )
        case _:
            return f"the broker's certificate is not accepted: {error.verify_message} (check kafka.ssl_ca_location)"
