"""A connection to one broker: many requests in flight, each of which ends with its answer or with the reason why
there is none."""

import asyncio
import itertools
import os
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as version_of_package
from typing import Any, NamedTuple, Self, TypeVar

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.wire.forms import (
    Answer,
    BrokerError,
    MalformedError,
    Reader,
    Request,
    Writer,
)
from mesh_assets.platforms.kafka.wire.login import Login

Result = TypeVar("Result")

LONGEST_ANSWER = 256 * 1024 * 1024
"""In bytes; 36,000 partitions with all their configs take a tenth of it."""
# An answer whose bytes keep coming may take this many times the timeout.
_TIMES_THE_TIMEOUT = 8
# Another address of a name, or another bootstrap server, is tried beside the first after this time (RFC 8305).
HEAD_START_SECONDS = 0.25
# A broker refuses a second login within a second of the first (KafkaChannel.maybeBeginServerReauthentication).
_BETWEEN_LOGINS_SECONDS = 1.1
# How much of a login's life is used: the Java client renews at 85 to 95 % of it.
_OF_A_LOGIN = 0.85

_LENGTH = struct.Struct(">i")
_HEAD = struct.Struct(">hhih")
_SASL_HANDSHAKE, _API_VERSIONS, _SASL_AUTHENTICATE = 17, 18, 36


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(slots=True)
class _Waiting:
    """A request without an answer yet. `sent`: of the loop's clock."""

    name: str
    sent: float
    answer: "asyncio.Future[bytes]"


class BrokerConnection(asyncio.Protocol):
    """Made by `open`. Every method belongs to the loop in which it was opened."""

    def __init__(self, where: Address, login: Login, timeout_seconds: float, requests: Counter[str]) -> None:
        self.where = where
        self.versions: dict[int, tuple[int, int]] = {}
        """The oldest and newest version of each request, by its number."""
        self.failure: BrokerError | None = None
        """Why it takes no more requests; None: it does."""
        self._login = login
        self._timeout = timeout_seconds
        self._requests = requests
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._client_id = login.client_id.encode()
        self._correlations = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._received = bytearray()
        self._heard = self._loop.time()
        self._watch: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._silent_until = 0.0
        self._logging_in = asyncio.Lock()
        self._logged_in = 0.0
        self._log_in_again: float | None = None
        self._step = "CONNECT"

    def __repr__(self) -> str:
        return f"BrokerConnection({self.where})"

    # --- opening and closing

    @classmethod
    async def open(
        cls, where: Address, login: Login, *, timeout_seconds: float, requests: Counter[str]
    ) -> Self:
        """Returns when the broker has said what it speaks, and has let the user in. Raises BrokerError, and
        EstateError for a login that cannot be had; either one within the timeout."""
        connection = cls(where, login, timeout_seconds, requests)
        try:
            async with asyncio.timeout(timeout_seconds):
                await connection._connect()
                await connection._agree()
                if login.mechanism is not None:
                    await connection._log_in()
        except TimeoutError:
            connection.close()
            raise BrokerError(KafkaError._TIMED_OUT, connection._silence()) from None
        except (OSError, MalformedError) as error:
            connection.close()
            raise connection._broken(error) from None
        except BaseException:
            connection.close()
            raise
        connection._step = "UP"
        return connection

    async def _connect(self) -> None:
        found = await self._loop.getaddrinfo(
            self.where.host, self.where.port, family=self._login.family, type=socket.SOCK_STREAM
        )
        connected = await first_of(
            [partial(_connected, self._loop, family, address) for family, _, _, _, address in found],
            HEAD_START_SECONDS,
            discard=socket.socket.close,
        )
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        tls = self._login.tls
        if tls is None:
            await self._loop.create_connection(lambda: self, sock=connected)
            return
        self._step = "SSL_HANDSHAKE"
        try:
            await self._loop.create_connection(
                lambda: self,
                sock=connected,
                ssl=tls,
                server_hostname=self.where.host.rstrip("."),
                ssl_handshake_timeout=self._timeout,
            )
        except BaseException:
            connected.close()
            raise

    async def _agree(self) -> None:
        """Learns the versions of the broker's requests."""
        self._step = "APIVERSION_QUERY"
        try:
            known = await self._answer_to(_VERSIONS, 3)
            if known is None:  # it answers in the oldest form what it does not know
                known = await self._answer_to(_VERSIONS, 0)
        except BrokerError as error:
            if error.code == KafkaError._TIMED_OUT:
                raise BrokerError(error.code, self._silence()) from None
            raise
        if known is None:
            raise MalformedError("it does not say which requests it knows")
        self.versions = known

    def close(self) -> None:
        self._fail(BrokerError(KafkaError._DESTROY, "the connection was closed here"))

    def _fail(self, failure: BrokerError) -> None:
        if self.failure is None:
            self.failure = failure
        if self._transport is not None:
            self._transport.abort()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        waiting, self._waiting = self._waiting, {}
        self._received = bytearray()
        for one in waiting.values():
            if not one.answer.done():
                one.answer.set_exception(BrokerError(failure.code, failure.said))
        self._writable.set()

    def _broken(self, error: Exception) -> BrokerError:
        """What broke the connection, in librdkafka's words, which `platforms.kafka.errors` knows."""
        if isinstance(error, MalformedError):
            return BrokerError(KafkaError._BAD_MSG, f"{self.where}: {error}")
        if isinstance(error, socket.gaierror):
            return self._says(KafkaError._RESOLVE, f"Failed to resolve '{self.where}': {error.strerror}")
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._says(
                KafkaError._SSL,
                f"SSL handshake failed: certificate verify failed: {_mistrust(error, self.where.host)}",
            )
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or type(error).__name__).lower().replace("_", " ")
            code = KafkaError._SSL if "alert" in reason else KafkaError._TRANSPORT
            doing = "SSL handshake failed" if self._step == "SSL_HANDSHAKE" else "Receive failed"
            return self._says(code, f"{doing}: {reason}")
        if self._step == "CONNECT":
            return self._says(KafkaError._TRANSPORT, str(error))
        if self._step == "SSL_HANDSHAKE":
            return self._says(
                KafkaError._TRANSPORT, "SSL handshake failed: Disconnected: SSL connection closed by peer"
            )
        return self._says(KafkaError._TRANSPORT, f"Disconnected: connection closed by peer{_why(error)}")

    def _silence(self) -> str:
        if self._step == "CONNECT":
            return self._prefixed(f"Connect to {self.where} failed: Connection timed out")
        if self._step.startswith("AUTH"):
            return self._prefixed("the login was not answered in time")
        return self._prefixed("Connection setup timed out")

    def _says(self, code: int, text: str) -> BrokerError:
        return BrokerError(code, self._prefixed(text))

    def _prefixed(self, text: str) -> str:
        step = f" (after 0ms in state {self._step})" if self._step else ""
        return f"{self.where}/bootstrap: {self._login.redact(text)}{step}"

    # --- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(self._broken(error or ConnectionResetError()))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        received = self._received
        received += data
        at, end = 0, len(received)
        while end - at >= 4:
            (length,) = _LENGTH.unpack_from(received, at)
            if not 4 <= length <= LONGEST_ANSWER:
                return self._malformed(f"an answer of {length} bytes; expected 4 to {LONGEST_ANSWER}")
            if end - at - 4 < length:
                break
            with memoryview(received) as view:
                answer = bytes(view[at + 4 : at + 4 + length])
            at += 4 + length
            (correlation,) = _LENGTH.unpack_from(answer)
            asked = self._waiting.pop(correlation, None)
            if asked is None:
                return self._malformed("an answer to a request that does not wait for one")
            if not asked.answer.done():  # nobody waits any more for one that was cancelled
                asked.answer.set_result(answer)
        if at:
            del received[:at]
        return None

    def _malformed(self, what: str) -> None:
        """Nothing that follows on the connection can be trusted."""
        self._fail(self._broken(MalformedError(what)))

    # --- asking

    def version_of(self, request: Request[Any]) -> int | None:
        """The newest that both sides speak; None: there is none."""
        oldest, newest = self.versions.get(request.api, (0, -1))
        version = min(newest, request.newest)
        return version if version >= max(oldest, request.oldest) else None

    @property
    def waiting(self) -> int:
        """How many requests wait for their answers."""
        return len(self._waiting)

    async def ask(self, request: Request[Answer], version: int) -> Answer:
        """Raises BrokerError when no answer comes, MalformedError when it is none of Kafka's."""
        if self._log_in_again is not None and (
            self._logging_in.locked() or self._loop.time() >= self._log_in_again
        ):
            await self._renew()
        answer = await self._answer_to(request, version)
        self._step = ""  # from now on, a connection that breaks off says nothing about the listener
        return answer

    async def _answer_to(self, request: Request[Answer], version: int) -> Answer:
        flexible = version >= request.flexible_from
        body = Writer(flexible=flexible)
        request.write(body, version)
        received = await self._exchange(request, version, bytes(body.data))
        reader = Reader(received, flexible=flexible)
        reader.at = 4
        try:
            if request.api != _API_VERSIONS:  # whose answer begins alike in every version
                reader.tags()
            answer = request.read(reader, version)
            reader.finish()
        except MalformedError as error:
            raise MalformedError(
                f"{self.where} answered {request.name} (version {version}) with {error}"
            ) from None
        if reader.throttle_ms:
            # The broker reads nothing meanwhile; to ask would only make it fuller.
            silence = min(reader.throttle_ms / 1000, self._timeout)
            self._silent_until = max(self._silent_until, self._loop.time() + silence)
        return answer

    async def _exchange(self, request: Request[Any], version: int, body: bytes) -> bytes:
        while (silence := self._silent_until - self._loop.time()) > 0:
            await asyncio.sleep(silence)
        if not self._writable.is_set():
            await self._writable.wait()
        if self.failure is not None or self._transport is None:
            failure = self.failure or BrokerError(KafkaError._TRANSPORT, "not connected")
            raise BrokerError(failure.code, failure.said)
        correlation = next(self._correlations) & 0x7FFFFFFF
        head = _HEAD.pack(request.api, version, correlation, len(self._client_id)) + self._client_id
        if version >= request.flexible_from:
            head += b"\0"
        now = self._loop.time()
        waiting = _Waiting(request.name, now, self._loop.create_future())
        self._waiting[correlation] = waiting
        self._requests[request.name] += 1
        self._transport.write(_LENGTH.pack(len(head) + len(body)) + head + body)
        if self._watch is None:
            self._watch = self._loop.call_at(now + self._timeout, self._look)
        return await waiting.answer

    def _look(self) -> None:
        """Gives the connection up when nothing came for as long as the timeout, though requests wait. A broker
        answers the requests of a connection one after the other, so the last of many may wait for longer."""
        self._watch = None
        if not self._waiting:
            return
        oldest = next(iter(self._waiting.values()))
        now = self._loop.time()
        last = max(oldest.sent, self._heard)
        longest = oldest.sent + _TIMES_THE_TIMEOUT * self._timeout
        if now >= min(last + self._timeout, longest):
            said = f"{oldest.name} was not answered within {now - oldest.sent:.0f} s"
            self._fail(BrokerError(KafkaError._TIMED_OUT, f"{self.where}: {said}"))
        else:
            self._watch = self._loop.call_at(min(last + self._timeout, longest), self._look)

    # --- the login

    async def _renew(self) -> None:
        async with self._logging_in:
            if self._log_in_again is None or self._loop.time() < self._log_in_again:
                return  # another request has done it
            await asyncio.sleep(max(0.0, self._logged_in + _BETWEEN_LOGINS_SECONDS - self._loop.time()))
            try:
                await self._log_in()
            except MalformedError as error:
                self._fail(self._broken(error))
                raise
            except BaseException:
                self.close()
                raise

    async def _log_in(self) -> None:
        """KIP-152: the mechanism is agreed on, then its words go to and fro; KIP-368: until when it holds."""
        mechanism = str(self._login.mechanism)
        self._step = "AUTH_HANDSHAKE"
        code, offered = await self._answer_to(_handshake(mechanism), 1)
        if code:
            reason = KafkaError(code).str()
            raise BrokerError(
                KafkaError._AUTHENTICATION,
                f"SASL {mechanism} mechanism handshake failed: {reason}: broker's supported mechanisms: {','.join(offered)}",
            )
        self._step = "AUTH_REQ"
        oldest, newest = self.versions.get(_SASL_AUTHENTICATE, (0, 0))
        version = max(oldest, min(newest, 2))
        conversation = self._login.conversation(self.where.host)
        began = self._loop.time()
        life_ms = 0
        received: bytes | None = None
        # Tokens, tickets and thousands of rounds of hashing take their time: not that of the other connections.
        while (
            words := await self._loop.run_in_executor(None, conversation.next_words, received)
        ) is not None:
            code, said, received, life_ms = await self._answer_to(_authenticate(words), version)
            if code:
                reason = self._login.redact(said or KafkaError(code).str())
                raise BrokerError(KafkaError._AUTHENTICATION, f"SASL authentication error: {reason}")
        self._logged_in = self._loop.time()
        self._log_in_again = began + life_ms / 1000 * _OF_A_LOGIN if life_ms > 0 else None


async def first_of(
    attempts: Sequence[Callable[[], Awaitable[Result]]],
    head_start: float,
    *,
    discard: Callable[[Result], None],
    final: Callable[[BaseException], bool] = lambda _: False,
) -> Result:
    """The first result. Each attempt begins when one before it fails, or after its head start. Raises the last
    error when all fail, and at once one that is `final`. `discard`: for results that come too late."""
    pending: set[asyncio.Task[Result]] = set()
    remaining = list(reversed(attempts))
    failure: BaseException = OSError("there is no address")
    try:
        while remaining or pending:
            if remaining:
                pending.add(asyncio.ensure_future(remaining.pop()()))
            done, pending = await asyncio.wait(
                pending,
                timeout=head_start if remaining else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in sorted(done, key=lambda task: task.exception() is not None):
                error = task.exception()
                if error is None:
                    pending |= done - {task}
                    return task.result()
                failure = error
                if final(error):
                    raise error
        raise failure
    finally:
        for task in pending:
            task.cancel()
            task.add_done_callback(partial(_discard, discard))


def _discard(discard: Callable[[Result], None], task: "asyncio.Task[Result]") -> None:
    if not task.cancelled() and task.exception() is None:
        discard(task.result())


async def _connected(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await loop.sock_connect(connecting, address)
    except OSError as error:
        connecting.close()
        kind = "ipv6" if family == socket.AF_INET6 else "ipv4"
        where = Address(address[0], address[1])
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"Connect to {kind}#{where} failed: {reason}") from None
    except BaseException:
        connecting.close()
        raise
    return connecting


def _mistrust(error: ssl.SSLCertVerificationError, host: str) -> str:
    """Why the broker's certificate is not believed: OpenSSL's numbers, X509_V_ERR_…"""
    match error.verify_code:
        case 10:
            return "the broker's certificate has expired (renew it on the broker)"
        case 9:
            return "the broker's certificate is not valid yet (check the clocks here and on the broker)"
        case 2 | 18 | 19 | 20 | 21:
            return "the broker's certificate is of an authority that is not trusted here (check kafka.ssl_ca_location)"
        case 62 | 64:
            return (
                f"the broker's certificate is not for the name {host} (check kafka.bootstrap_servers and the "
                "broker's advertised listeners)"
            )
        case _:
            return f"{error.verify_message} (check kafka.ssl_ca_location, and the broker's certificate)"


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return f": {os.strerror(number)}" if number else ""


# --- the requests of a connection itself


def _write_versions(out: Writer, version: int) -> None:
    if version >= 3:
        out.text("mesh-assets")
        out.text(version_of_package("mesh-assets"))
    out.tags()


def _read_versions(answer: Reader, version: int) -> dict[int, tuple[int, int]] | None:
    """None: the broker does not know this version. It then says so in the oldest form."""
    code = answer.int16()
    if code == KafkaError.UNSUPPORTED_VERSION and version > 0:
        answer.at = answer.end
        return None
    if code:
        raise MalformedError(f"the error {KafkaError(code).name()}")
    known: dict[int, tuple[int, int]] = {}
    for _ in range(max(0, answer.count())):
        api, oldest, newest = answer.int16(), answer.int16(), answer.int16()
        answer.tags()
        known[api] = (oldest, newest)
    if version >= 1:
        answer.throttle()
    answer.tags()
    return known


_VERSIONS: Request[dict[int, tuple[int, int]] | None] = Request(
    "ApiVersions", _API_VERSIONS, 0, 3, 3, _write_versions, _read_versions
)


def _handshake(mechanism: str) -> Request[tuple[int, list[str]]]:
    return Request(
        "SaslHandshake",
        _SASL_HANDSHAKE,
        1,
        1,
        2,
        lambda out, _: out.text(mechanism),
        lambda answer, _: (answer.int16(), answer.array(answer.text)),
    )


def _authenticate(words: bytes) -> Request[tuple[int, str | None, bytes, int]]:
    def write(out: Writer, _version: int) -> None:
        out.blob(words)
        out.tags()

    def read(answer: Reader, version: int) -> tuple[int, str | None, bytes, int]:
        code, said, received = answer.int16(), answer.nullable_text(), answer.blob()
        life_ms = answer.int64() if version >= 1 else 0
        answer.tags()
        return code, said, received, life_ms

    return Request("SaslAuthenticate", _SASL_AUTHENTICATE, 0, 2, 2, write, read)
