"""The connections to all brokers of a cluster, opened when first asked for, one a broker."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError

from mesh_assets.errors import EstateError
from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire.connection import (
    HEAD_START_SECONDS,
    Address,
    BrokerConnection,
    first_of,
)
from mesh_assets.platforms.kafka.wire.forms import (
    Answer,
    BrokerError,
    Reader,
    Request,
    UnsupportedError,
    Writer,
)
from mesh_assets.platforms.kafka.wire.login import Login

SECONDS_DOWN_BELIEVED = 3.0
"""How long refused connections are tried again: a broker that restarts is back in 2 to 3 s (measured)."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 2.0
# Of a call's time, what one attempt to connect may take: a peer that accepts and stays silent is known before the
# call ends.
_OF_THE_TIMEOUT = 0.6
_DEFAULT_PORT = 9092
# Nothing gets better by asking again.
_FINAL = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL})


class ConnectError(BrokerError):
    """No connection came about within `seconds`."""

    def __init__(self, code: int, said: str, seconds: float) -> None:
        super().__init__(code, said)
        self.seconds = seconds


class Cluster:
    """`Connections`. `requests` counts those on the wire, by name. Every method belongs to one loop."""

    def __init__(self, properties: Mapping[str, Any], timeout_seconds: float) -> None:
        self.requests: Counter[str] = Counter()
        self._login = Login(properties)
        self._timeout = timeout_seconds
        self._bootstrap = addresses(str(properties.get("bootstrap.servers", "")))
        self._first: asyncio.Task[BrokerConnection] | None = None
        self._open: dict[Address, asyncio.Task[BrokerConnection]] = {}
        self._brokers: asyncio.Task[Sequence[BrokerNode]] | None = None

    async def brokers(self) -> Sequence[BrokerNode]:
        if self._brokers is None or _failed(self._brokers):
            return await self.refreshed()
        return await asyncio.shield(self._brokers)

    async def refreshed(self) -> Sequence[BrokerNode]:
        if self._brokers is None or self._brokers.done():  # who comes while it is asked for gets the same
            self._brokers = asyncio.ensure_future(self.ask(_BROKERS))
        return await asyncio.shield(self._brokers)

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        for again in (True, False):
            connection = await self._connection(broker)
            version = connection.version_of(request)
            if version is None:
                raise UnsupportedError(_unsupported(connection, request))
            try:
                return await connection.ask(request, version)
            except BrokerError as error:
                # All requests here are reads: one whose connection broke before its answer is asked once more.
                if not (again and error.code == KafkaError._TRANSPORT and connection.failure is not None):
                    raise
        raise AssertionError("the second attempt returns or raises")

    async def version(self, request: Request[Any], *, broker: int | None = None) -> int | None:
        return (await self._connection(broker)).version_of(request)

    async def close(self) -> None:
        tasks: list[asyncio.Task[Any]] = [*self._open.values()]
        tasks += [task for task in (self._first, self._brokers) if task is not None]
        self._open.clear()
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BrokerConnection):
                result.close()

    # --- which connection

    async def _connection(self, broker: int | None) -> BrokerConnection:
        if broker is None:
            return await self._any()
        known = {node.id: node for node in await self.brokers()}
        if broker not in known:
            known = {node.id: node for node in await self.refreshed()}
        if (node := known.get(broker)) is None:
            raise BrokerError(
                KafkaError.BROKER_NOT_AVAILABLE, f"there is no broker {broker} in the cluster now"
            )
        where = Address(node.host, node.port)
        task = self._open.get(where)
        if task is None or _failed(task):
            if self._first is not None and not _failed(self._first):
                first = await asyncio.shield(self._first)
                if first.where == where and first.failure is None:
                    task = self._first
        if task is None or _failed(task):
            task = asyncio.ensure_future(self._opened([where], broker))
        self._open[where] = task
        return await asyncio.shield(task)

    async def _any(self) -> BrokerConnection:
        """An open connection with the fewest requests in flight, else one to a bootstrap server."""
        tasks = {task for task in (self._first, *self._open.values()) if task is not None}
        ready = [task.result() for task in tasks if task.done() and not _failed(task)]
        if ready:
            return min(ready, key=lambda connection: connection.waiting)
        if self._first is None or _failed(self._first):
            self._first = asyncio.ensure_future(self._opened(self._bootstrap, None))
        return await asyncio.shield(self._first)

    async def _opened(self, where: Sequence[Address], broker: int | None) -> BrokerConnection:
        """A connection to one of the addresses. Tries again while it can help."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            seconds = min(max(1.0, self._timeout * _OF_THE_TIMEOUT), began + self._timeout - loop.time())
            try:
                return await first_of(
                    [partial(self._attempt, one, seconds) for one in where],
                    HEAD_START_SECONDS,
                    discard=BrokerConnection.close,
                    final=_is_final,
                )
            except BrokerError as error:
                gone = loop.time() - began
                if _is_final(error) or gone + pause > min(SECONDS_DOWN_BELIEVED, self._timeout):
                    said = error.said
                    if broker is not None:
                        said = f"broker {broker}, whose advertised listener is {where[0]}: {said}"
                    raise ConnectError(error.code, said, gone) from None
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _attempt(self, where: Address, seconds: float) -> Coroutine[Any, Any, BrokerConnection]:
        return BrokerConnection.open(where, self._login, timeout_seconds=seconds, requests=self.requests)


def addresses(servers: str) -> list[Address]:
    """librdkafka's `bootstrap.servers`. Raises EstateError."""
    found = []
    for server in filter(None, (part.strip() for part in servers.split(","))):
        host, colon, port = server.rpartition("://")[2].rpartition(":")
        if not colon or (port.endswith("]") and not host.endswith("]")):
            host, port = server.rpartition("://")[2], str(_DEFAULT_PORT)
        if not (host and port.isdigit() and 0 < int(port) < 65536):
            raise EstateError(f"kafka.bootstrap_servers: {server} is not an address; expected host:port")
        found.append(Address(host.removeprefix("[").removesuffix("]"), int(port)))
    if not found:
        raise EstateError("kafka.bootstrap_servers: there is no address; expected host:port")
    return found


def _failed(task: "asyncio.Task[Any]") -> bool:
    """Whether it is over and left nothing that can be used."""
    if not task.done():
        return False
    if task.cancelled() or task.exception() is not None:
        return True
    result = task.result()
    return isinstance(result, BrokerConnection) and result.failure is not None


def _is_final(error: BaseException) -> bool:
    return not isinstance(error, BrokerError) or error.code in _FINAL


def _unsupported(connection: BrokerConnection, request: Request[Any]) -> str:
    spoken = connection.versions.get(request.api)
    if spoken is None:
        return f"the broker at {connection.where} has no {request.name}"
    return (
        f"the broker at {connection.where} speaks versions {spoken[0]} to {spoken[1]} of {request.name}; expected one of "
        f"{request.oldest} to {request.newest}"
    )


# --- which brokers there are: Metadata of no topic, which every broker answers and everybody may ask


def _write_brokers(out: Writer, version: int) -> None:
    out.count(0)
    if version >= 4:
        out.boolean(False)  # create no topic
    if version >= 8:
        if version <= 10:
            out.boolean(False)
        out.boolean(False)
    out.tags()


def _read_brokers(answer: Reader, version: int) -> Sequence[BrokerNode]:
    if version >= 3:
        answer.throttle()

    def node() -> BrokerNode:
        number, host, port, rack = answer.int32(), answer.text(), answer.int32(), answer.nullable_text()
        answer.tags()
        return BrokerNode(id=number, host=host, port=port, rack=rack)

    brokers = answer.array(node)
    if version >= 2:
        answer.nullable_text()  # cluster id
    answer.int32()  # controller
    answer.array(answer.tags)  # topics: none were asked for
    if 8 <= version <= 10:
        answer.int32()
    answer.tags()
    return tuple(sorted(brokers, key=lambda one: one.id))


_BROKERS: Request[Sequence[BrokerNode]] = Request("Metadata", 3, 1, 12, 9, _write_brokers, _read_brokers)
