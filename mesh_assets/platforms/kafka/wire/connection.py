"""A connection to one broker: many requests in flight, each ending with its answer or with the reason why
there is none."""

import asyncio
import itertools
import logging
import os
import socket
import ssl
import struct
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

from confluent_kafka import KafkaError

from mesh_assets.errors import MeshError
from mesh_assets.platforms.kafka.errors import explain
from mesh_assets.platforms.kafka.wire.dialing import Address, ConnectError, connected, mistrust
from mesh_assets.platforms.kafka.wire.forms import (
    Answer,
    BrokerError,
    MalformedError,
    Reader,
    Request,
    Writer,
)
from mesh_assets.platforms.kafka.wire.greetings import VERSIONS, authenticate, handshake
from mesh_assets.platforms.kafka.wire.login import Login

_LOGGER = logging.getLogger("mesh_assets.kafka")

LONGEST_ANSWER = 256 * 1024 * 1024
"""In bytes. 36,000 partitions with all their configs take a tenth of it; nothing is allocated in advance."""
# An answer whose bytes keep coming may take this many times the timeout.
_TIMES_THE_TIMEOUT = 8
# A broker refuses a second login within a second of the first (KafkaChannel.maybeBeginServerReauthentication).
_BETWEEN_LOGINS_SECONDS = 1.1
# How much of a login's life is used: the Java client renews at 85 to 95 % of it.
_OF_A_LOGIN = 0.85

_LENGTH = struct.Struct(">i")
_HEAD = struct.Struct(">ihhih")


@dataclass(slots=True)
class _Waiting:
    """A request without an answer yet. `sent`: by the loop's clock."""

    name: str
    sent: float
    answer: "asyncio.Future[bytes]"


class BrokerConnection(asyncio.Protocol):
    """Made by `open`. Every method belongs to the loop in which it was opened."""

    def __init__(
        self, where: Address, login: Login, *, timeout_seconds: float, requests: Counter[str]
    ) -> None:
        self.where = where
        self.versions: dict[int, tuple[int, int]] = {}
        """The oldest and newest version of each request, by its number."""
        self.failure: BrokerError | None = None
        """Why it accepts no more requests; None while it still does."""
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
        self._step = "CONNECT"  # librdkafka's words for how far it got; empty: a request has been answered

    def __repr__(self) -> str:
        return f"BrokerConnection({self.where})"

    # --- opening and closing

    @classmethod
    async def open(
        cls,
        where: Address,
        login: Login,
        *,
        setup_seconds: float,
        timeout_seconds: float,
        requests: Counter[str],
        proven: bool = False,
    ) -> Self:
        """Returns when the broker has said what it speaks and has let the user in. Raises BrokerError, and
        whatever a failing login raises, within `setup_seconds`. `proven`: this listener has answered such a
        client before, so if it hangs up, that is not because it expects another protocol."""
        connection = cls(where, login, timeout_seconds=timeout_seconds, requests=requests)
        try:
            async with asyncio.timeout(setup_seconds):
                await connection._connect()
                await connection._agree()
                if login.mechanism is not None:
                    await connection._log_in()
        except TimeoutError:
            connection.close()
            raise connection._says(KafkaError._TIMED_OUT, connection._silence()) from None
        except (OSError, MalformedError) as error:
            connection.close()
            raise connection._broken(error) from None
        except BaseException:
            connection.close()
            raise
        connection._step = "" if proven else "UP"
        return connection

    async def _connect(self) -> None:
        connecting = await connected(self.where, self._login.family)
        tls = self._login.tls
        if tls is not None:
            self._step = "SSL_HANDSHAKE"
        try:
            await self._loop.create_connection(
                lambda: self,
                sock=connecting,
                ssl=tls,
                server_hostname=None if tls is None else self.where.host.rstrip("."),
            )
        except BaseException:
            connecting.close()
            raise

    async def _agree(self) -> None:
        """Learns the versions of the broker's requests."""
        self._step = "APIVERSION_QUERY"
        known = await self._answer_to(VERSIONS, VERSIONS.newest)
        if known is None:
            known = await self._answer_to(VERSIONS, VERSIONS.oldest)
        if known is None:
            raise MalformedError("it does not say which requests it knows")
        self.versions = known

    def close(self) -> None:
        self._fail(BrokerError(KafkaError._DESTROY, "the connection was closed here"))

    def _fail(self, failure: BrokerError) -> None:
        if self.failure is None:
            self.failure = failure
            if failure.code != KafkaError._DESTROY:
                _LOGGER.debug("%s: %s", self.where, failure.said)
        if self._transport is not None:
            self._transport.abort()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        waiting, self._waiting = self._waiting, {}
        self._received = bytearray()
        for one in waiting.values():
            if not one.answer.done():
                one.answer.set_exception(self.failure)
        self._writable.set()

    # --- why it broke

    def _broken(self, error: Exception) -> BrokerError:
        """What broke the connection, in librdkafka's words, which `platforms.kafka.errors` knows."""
        if isinstance(error, MalformedError):
            if self._step:  # the listener may speak another protocol
                return self._says(KafkaError._BAD_MSG, f"Protocol parse failure: {error}")
            return BrokerError(
                KafkaError._BAD_MSG, f"{self.where} gave no answer of Kafka's protocol: {error}"
            )
        if isinstance(error, socket.gaierror):
            return self._says(KafkaError._RESOLVE, f"Failed to resolve '{self.where}': {error.strerror}")
        if isinstance(error, ssl.SSLCertVerificationError):
            why = mistrust(error, self.where.host)
            return self._says(KafkaError._SSL, f"SSL handshake failed: certificate verify failed: {why}")
        if isinstance(error, ssl.SSLError) and error.reason:
            reason = error.reason.lower().replace("_", " ")
            doing = "SSL handshake failed" if self._step == "SSL_HANDSHAKE" else "Receive failed"
            code = KafkaError._SSL if "alert" in reason else KafkaError._TRANSPORT
            return self._says(code, f"{doing}: {reason}")
        if self._step == "CONNECT":
            return self._says(KafkaError._TRANSPORT, str(error))
        if self._step == "SSL_HANDSHAKE":
            return self._says(
                KafkaError._TRANSPORT, "SSL handshake failed: Disconnected: SSL connection closed by peer"
            )
        number = getattr(error, "errno", None)
        why = f": {os.strerror(number)}" if number else ""
        return self._says(KafkaError._TRANSPORT, f"Disconnected: connection closed by peer{why}")

    def _silence(self) -> str:
        if self._step == "CONNECT":
            return f"Connect to {self.where} failed: Connection timed out"
        if self._step.startswith("AUTH"):
            return "the login was not answered in time"
        return "Connection setup timed out"

    def _says(self, code: int, text: str) -> BrokerError:
        if not self._step:
            return BrokerError(code, f"{self.where}: {self._login.redact(text)}")
        line = f"{self.where}/bootstrap: {self._login.redact(text)} (after 0ms in state {self._step})"
        return ConnectError(code, explain(self._login.endpoint, line), line)

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
                return self._malformed("an answer to a request that expects none")
            if not asked.answer.done():  # nobody waits for a cancelled one any more
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
        """Raises BrokerError when no answer comes, MalformedError when it is not one of Kafka's."""
        while self._log_in_again is not None and self.failure is None:
            if self._logging_in.locked() or self._loop.time() >= self._log_in_again:
                await self._renew()
            elif not await self._waited():
                break  # and the code that follows sends at once: a login is never interrupted
        answer = await self._answer_to(request, version)
        self._step = ""  # from now on, a connection that breaks off says nothing about the listener
        return answer

    async def _answer_to(self, request: Request[Answer], version: int) -> Answer:
        flexible = version >= request.flexible_from
        reader = Reader(await self._exchange(request, version), flexible=flexible)
        reader.at = _LENGTH.size  # the correlation id
        try:
            if request.api != VERSIONS.api:  # the header of its answer is the same in every version
                reader.tags()
            answer = request.read(reader, version)
            reader.finish()
        except MalformedError as error:
            raise MalformedError(
                f"{self.where} answered {request.name} (version {version}) with {error}"
            ) from None
        if reader.throttle_ms:
            # The broker reads nothing from this connection meanwhile.
            silence = min(reader.throttle_ms / 1000, self._timeout)
            self._silent_until = max(self._silent_until, self._loop.time() + silence)
        return answer

    async def _exchange(self, request: Request[Any], version: int) -> bytes:
        while await self._waited():
            pass
        if self.failure is not None:
            raise self.failure
        assert self._transport is not None, "only an open connection is asked"
        out = Writer(flexible=version >= request.flexible_from)
        correlation = next(self._correlations) & 0x7FFFFFFF
        out.raw(_HEAD.pack(0, request.api, version, correlation, len(self._client_id)) + self._client_id)
        out.tags()
        request.write(out, version)
        _LENGTH.pack_into(out.data, 0, len(out.data) - _LENGTH.size)
        now = self._loop.time()
        waiting = _Waiting(request.name, now, self._loop.create_future())
        self._waiting[correlation] = waiting
        self._requests[request.name] += 1
        self._transport.write(out.data)
        if self._watch is None:
            self._watch = self._loop.call_at(now + self._timeout, self._look)
        return await waiting.answer

    async def _waited(self) -> bool:
        """Whether nothing may be sent yet; returns when that may have changed."""
        if (silence := self._silent_until - self._loop.time()) > 0:
            await asyncio.sleep(silence)
        elif not self._writable.is_set():  # data that the peer does not read must not pile up here
            await self._writable.wait()
        else:
            return False
        return True

    def _look(self) -> None:
        """Gives up the connection when nothing has come for the whole timeout although requests are waiting.
        A broker answers the requests of a connection one after the other, so the last of many may wait
        longer."""
        self._watch = None
        if not self._waiting:
            return
        oldest = next(iter(self._waiting.values()))
        now = self._loop.time()
        end = min(
            max(oldest.sent, self._heard) + self._timeout, oldest.sent + _TIMES_THE_TIMEOUT * self._timeout
        )
        if now >= end:
            said = f"{self.where} did not answer {oldest.name} within {now - oldest.sent:.0f} s"
            self._fail(BrokerError(KafkaError._TIMED_OUT, said))
        else:
            self._watch = self._loop.call_at(end, self._look)

    # --- the login

    async def _renew(self) -> None:
        """Logs in again before the login ends (KIP-368). Nothing else is sent meanwhile; answers still come."""
        async with self._logging_in:
            if self._log_in_again is None or self._loop.time() < self._log_in_again:
                return  # another request has already done it
            await asyncio.sleep(max(0.0, self._logged_in + _BETWEEN_LOGINS_SECONDS - self._loop.time()))
            try:
                await self._log_in()
            except (BrokerError, MalformedError, MeshError) as error:
                failure = self._broken(error) if isinstance(error, MalformedError) else error
                self._fail(
                    failure
                    if isinstance(failure, BrokerError)
                    else BrokerError(KafkaError._AUTHENTICATION, str(failure))
                )
                raise
            except BaseException:
                # The caller was cancelled in the middle of a login: its state is unknown.
                self._fail(BrokerError(KafkaError._TRANSPORT, f"{self.where}: a login was left unfinished"))
                raise
            self._step = ""

    async def _log_in(self) -> None:
        """KIP-152: the mechanism is agreed on, then its messages go back and forth."""
        mechanism = str(self._login.mechanism)
        self._step = "AUTH_HANDSHAKE"
        code, offered = await self._answer_to(handshake(mechanism), 1)
        if code:
            reason = f"{KafkaError(code).str()}: broker's supported mechanisms: {','.join(offered)}"
            raise self._refused(f"SASL {mechanism} mechanism handshake failed: {reason}")
        self._step = "AUTH_REQ"
        oldest, newest = self.versions.get(36, (0, 0))
        version = max(oldest, min(newest, 2))
        conversation = self._login.conversation(self.where.host)
        began = self._loop.time()
        life_ms, received = 0, None
        while True:
            # Tokens, tickets and thousands of rounds of hashing take time, but must not hold up the other
            # connections.
            words = await self._loop.run_in_executor(None, conversation.next_words, received)
            if words is None:
                break
            code, said, received, life_ms = await self._answer_to(authenticate(words), version)
            if code:
                raise self._refused(f"SASL authentication error: {said or KafkaError(code).str()}")
        self._logged_in = self._loop.time()
        self._log_in_again = began + life_ms / 1000 * _OF_A_LOGIN if life_ms > 0 else None

    def _refused(self, said: str) -> BrokerError:
        return BrokerError(KafkaError._AUTHENTICATION, self._login.redact(said))
