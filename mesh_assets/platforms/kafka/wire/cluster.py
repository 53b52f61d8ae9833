"""The connections to all brokers of a cluster, one per broker, opened when first needed."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire.connection import BrokerConnection
from mesh_assets.platforms.kafka.wire.dialing import Address, ConnectError, first_of
from mesh_assets.platforms.kafka.wire.forms import Answer, BrokerError, Request, UnsupportedError
from mesh_assets.platforms.kafka.wire.greetings import BROKERS
from mesh_assets.platforms.kafka.wire.login import Login
from mesh_assets.platforms.kafka.wire.topics import ABOUT_NO_TOPIC, ListedTopics

_LOGGER = logging.getLogger("mesh_assets.kafka")

SECONDS_DOWN_BELIEVED = 3.0
"""How long connections are retried: a restarting broker is back in 2 to 3 s (measured)."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 2.0
# How much of a call's time one connection attempt may take, so that we notice a peer that accepts and stays
# silent before the call ends.
_OF_THE_TIMEOUT = 0.6
# Retrying does not help.
_FINAL = frozenset(
    {KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._BAD_MSG, KafkaError._INCONSISTENT}
)


class Cluster:
    """`Connections`. `requests` counts those on the wire, by name. Every method belongs to one loop."""

    def __init__(self, servers: Sequence[Address], login: Login, timeout_seconds: float) -> None:
        self.requests: Counter[str] = Counter()
        self._servers = servers
        self._login = login
        self._timeout = timeout_seconds
        self._first: asyncio.Task[BrokerConnection] | None = None
        self._open: dict[Address, asyncio.Task[BrokerConnection]] = {}
        self._brokers: asyncio.Task[Sequence[BrokerNode]] | None = None
        self._known: Sequence[BrokerNode] = ()
        self._proven: set[Address] = set()
        self._id: str | None = None

    async def brokers(self) -> Sequence[BrokerNode]:
        return self._known or await self.refreshed()

    async def refreshed(self) -> Sequence[BrokerNode]:
        if self._brokers is None or self._brokers.done():  # concurrent callers get the same answer
            self._brokers = _begun(self.ask(BROKERS))
        self._known = await asyncio.shield(self._brokers)
        if not self._known:  # the answer of a broker that has just started
            raise BrokerError(KafkaError.BROKER_NOT_AVAILABLE, "it names no live broker")
        return self._known

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        """The answer of that broker, or of any. Raises ConnectError, BrokerError, or UnsupportedError if the broker's version
        does not know the request."""
        again = True
        while True:
            try:
                connection = await self._connection(broker)
            except ConnectError as error:
                # A broker that cannot be reached may have a new address by now.
                if not again or error.broker is None or not await self._has_moved(error.broker):
                    raise
                again = False
                continue
            version = connection.version_of(request)
            if version is None:
                raise UnsupportedError(_unsupported(connection, request))
            try:
                answer = await connection.ask(request, version)
            except BrokerError as error:
                # All requests here are reads: one whose connection broke before its answer is asked once more.
                if not again or error.code != KafkaError._TRANSPORT:
                    raise
                again = False
                continue
            self._proven.add(connection.where)
            if isinstance(answer, ListedTopics):
                self._remain(answer)
                if answer.brokers:  # so that no separate request is needed for them
                    self._known = answer.brokers
            return answer

    async def version(self, request: Request[Any], *, broker: int | None = None) -> int | None:
        return (await self._connection(broker)).version_of(request)

    async def close(self) -> None:
        tasks: list[asyncio.Task[Any]] = [*self._open.values()]
        tasks += [task for task in (self._first, self._brokers) if task is not None]
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BrokerConnection):
                result.close()

    # --- which connection

    async def _connection(self, broker: int | None) -> BrokerConnection:
        if broker is None:
            return await self._any()
        where = _address(broker, await self.brokers()) or _address(broker, await self.refreshed())
        if where is None:
            raise BrokerError(
                KafkaError.BROKER_NOT_AVAILABLE, f"the cluster currently has no broker {broker}"
            )
        task = self._open.get(where)
        if task is None or _spent(task):
            task = self._open[where] = self._bootstrap_at(where) or _begun(self._opened([where], broker))
        return await asyncio.shield(task)

    async def _has_moved(self, broker: int) -> bool:
        before = _address(broker, self._known)
        return _address(broker, await self.refreshed()) != before

    def _bootstrap_at(self, where: Address) -> "asyncio.Task[BrokerConnection] | None":
        """The connection over which the cluster was found, if it leads there."""
        if self._first is None or not self._first.done() or _spent(self._first):
            return None
        return self._first if self._first.result().where == where else None

    async def _any(self) -> BrokerConnection:
        """The open connection with the fewest requests in flight, else one to a server or broker that answers."""
        tasks = [task for task in (self._first, *self._open.values()) if task is not None]
        ready = [task.result() for task in tasks if task.done() and not _spent(task)]
        if ready:
            return min(ready, key=lambda connection: connection.waiting)
        if self._first is None or _spent(self._first):
            known = [Address(node.host, node.port) for node in self._known]
            self._first = _begun(self._opened(list(dict.fromkeys([*self._servers, *known])), None))
        return await asyncio.shield(self._first)

    async def _opened(self, where: Sequence[Address], broker: int | None) -> BrokerConnection:
        """A connection to one of the addresses. Tries again while that can help."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        pause = _FIRST_PAUSE_SECONDS
        failure: BrokerError | None = None
        while True:
            try:
                connection = await first_of(
                    [partial(self._attempt, one, began) for one in where],
                    discard=BrokerConnection.close,
                    final=_is_refusal,
                )
                await self._recognize(connection)
                return connection
            except BrokerError as error:
                _LOGGER.debug("%s: %s", ", ".join(map(str, where)), error.said)
                # The last attempt may have had no time; an earlier failure says more.
                failure = error if failure is None or error.code != KafkaError._TIMED_OUT else failure
            gone = loop.time() - began
            left = min(SECONDS_DOWN_BELIEVED, self._timeout) - gone
            if failure.code in _FINAL or left <= 0:
                break
            await asyncio.sleep(min(left, pause * random.uniform(0.8, 1.2)))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        if isinstance(failure, ConnectError):
            failure.seconds, failure.broker = gone, broker
        if broker is not None:
            why = failure.said.removeprefix(f"{where[0]}: ")
            failure.said = f"broker {broker}, whose advertised listener is {where[0]}: {why}"
        raise failure

    async def _recognize(self, connection: BrokerConnection) -> None:
        """Another cluster may have come up at the address of a connection that was lost."""
        version = connection.version_of(ABOUT_NO_TOPIC)
        if self._id is None or connection.where not in self._proven or version is None:
            return
        try:
            self._remain(await connection.ask(ABOUT_NO_TOPIC, version))
        except BaseException:
            connection.close()
            raise

    def _remain(self, answer: ListedTopics) -> None:
        """Raises BrokerError if it comes from another cluster than the first one."""
        if self._id is not None and answer.cluster_id not in (None, self._id):
            raise BrokerError(
                KafkaError._INCONSISTENT,
                f"the brokers belonged to cluster {self._id} and a moment later to {answer.cluster_id}; if it was replaced, try again",
            )
        self._id = self._id or answer.cluster_id

    async def _attempt(self, where: Address, began: float) -> BrokerConnection:
        left = began + self._timeout - asyncio.get_running_loop().time()
        return await BrokerConnection.open(
            where,
            self._login,
            setup_seconds=max(0.001, min(max(1.0, self._timeout * _OF_THE_TIMEOUT), left)),
            timeout_seconds=self._timeout,
            requests=self.requests,
            proven=where in self._proven,
        )


def _address(broker: int, nodes: Sequence[BrokerNode]) -> Address | None:
    return next((Address(node.host, node.port) for node in nodes if node.id == broker), None)


def _begun(coroutine: Coroutine[Any, Any, Answer]) -> "asyncio.Task[Answer]":
    """A task that several callers wait for. They report its failure; if all of them are gone, nobody does."""
    task = asyncio.ensure_future(coroutine)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


def _spent(task: "asyncio.Task[BrokerConnection]") -> bool:
    """Whether it is over and left no usable connection."""
    if not task.done():
        return False
    return task.cancelled() or task.exception() is not None or task.result().failure is not None


def _is_refusal(error: BaseException) -> bool:
    """Whether the other servers need not be tried: they would refuse the same user."""
    return not isinstance(error, BrokerError) or error.code == KafkaError._AUTHENTICATION


def _unsupported(connection: BrokerConnection, request: Request[Any]) -> str:
    spoken = connection.versions.get(request.api)
    if spoken is None:
        return f"the broker at {connection.where} has no {request.name}"
    return (
        f"the broker at {connection.where} speaks versions {spoken[0]} to {spoken[1]} of {request.name}; expected one of "
        f"{request.oldest} to {request.newest}"
    )
