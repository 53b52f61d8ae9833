"""The connections to one cluster: opened when first needed, watched while calls are under way,
closed once.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException

from mesh_assets.errors import EstateError, PlatformError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.admin_api import AdminClient
from mesh_assets.platforms.kafka.connection_log import ConnectionLog
from mesh_assets.platforms.kafka.errors import (
    Endpoint,
    authentication_refused,
    connection_failed,
    explain,
    from_kafka_error,
)
from mesh_assets.platforms.kafka.settings import ClientProperties

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Item = TypeVar("Item")
Key = TypeVar("Key")
Name = TypeVar("Name")
ClientFactory = Callable[[dict[str, Any]], Any]
"""Creates an AdminClient or a Consumer from librdkafka's configuration (`logger` and `error_cb` included)."""

# How long to retry refused connections before giving up: a broker that restarts is back in 2 to 3 s
# (measured).
SECONDS_DOWN_BELIEVED = 3.0
# A connection that broke under a call is reopened within this time; librdkafka's first backoff is 0.25 s.
AGAIN_WITHIN_SECONDS = 1.0
# How often librdkafka's side channels are served while a call is under way. It adds no latency: a result ends
# the wait at once.
_WATCH_SECONDS = 0.1
# librdkafka ends its own calls when their time is over; we wait this much longer before we assume that it
# will not.
_GRACE_SECONDS = 2.0
# Blocking calls at the same time: the chunks of offsets (4) and the two listings that return no future.
_THREADS = 6
# A read may take this many times the timeout of one call. 36,000 partitions with all configs take 5 s, so
# this only stops a read that hangs.
_CALLS_DEADLINES_A_READ = 8

_UNLESS_SET = {
    # librdkafka's own 100 ms (less under load) means 20 refused logins a second with a wrong password.
    "reconnect.backoff.ms": "250",
    "reconnect.backoff.max.ms": "2000",
    "client.id": "mesh-assets",
}
_CONSUMER = {
    # librdkafka requires it, but nothing subscribes, so the group is never created.
    "group.id": "mesh-assets-offset-reader",
    "enable.auto.commit": "false",
    "allow.auto.create.topics": "false",
    # With a consumer's default, read_committed, "latest" would be the last stable offset, which is below the
    # end while a transaction is open.
    "isolation.level": "read_uncommitted",
}


class Deadline:
    """When a whole read must be over."""

    def __init__(self, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self._end = time.monotonic() + timeout_seconds * _CALLS_DEADLINES_A_READ

    @property
    def call_seconds(self) -> float:
        """The time for one more call; always positive, because librdkafka reads 0 or less as "for ever"."""
        return max(0.001, min(self.timeout_seconds, self._end - time.monotonic()))


def outcome(future: Future[Result]) -> Result | KafkaError:
    """The result of a finished call, or Kafka's error. Raises UnexpectedAnswerError when the client lost the
    answer."""
    try:
        return future.result(timeout=_GRACE_SECONDS)
    except KafkaException as error:
        answer: KafkaError = error.args[0]
        return answer
    except (
        RuntimeError,
        TimeoutError,
    ) as error:  # confluent-kafka's own checks: fewer results than requested
        raise UnexpectedAnswerError(f"the Kafka client lost an answer: {error}") from error


def _finish(done: "SimpleQueue[tuple[Item, bool]]", item: Item, future: Future[Any]) -> None:
    done.put((item, future.exception() is not None))


class Session:
    """An AdminClient and a Consumer for one cluster, and the watch over both. Safe to use from many
    threads.

    Calls to librdkafka are counted by kind. (One call can be several requests on the wire, one a broker or a
    group.)
    """

    def __init__(
        self,
        properties: Mapping[str, str],
        timeout_seconds: float,
        *,
        on_confluent_cloud: bool = False,
        admin_factory: ClientFactory = AdminClient,
        consumer_factory: ClientFactory = Consumer,
    ) -> None:
        self.endpoint = Endpoint(properties, on_confluent_cloud=on_confluent_cloud)
        self.timeout_seconds = timeout_seconds
        self._requests: Counter[str] = Counter()
        self._log = ConnectionLog(self.endpoint)
        self._properties = ClientProperties(properties)  # which print without secrets
        self._admin_factory = admin_factory
        self._consumer_factory = consumer_factory
        self._lock = threading.Lock()
        self._admin: AdminClient | None = None
        self._consumer: Consumer | None = None
        self._clients = ExitStack()
        self._connected: Future[None] | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="mesh-kafka")
        self._closed = False

    # --- clients

    @property
    def properties(self) -> ClientProperties:
        """For what librdkafka cannot ask, over a connection of its own."""
        return self._properties

    @property
    def admin(self) -> AdminClient:
        with self._lock:
            if self._admin is None:
                # Closed by hand: one that the garbage collector finds can block the process for ever, when it
                # asks for a token at that moment.
                self._admin = self._clients.enter_context(self._make(self._admin_factory, {}))
            return self._admin

    @property
    def consumer(self) -> Consumer:
        with self._lock:
            if self._consumer is None:
                self._consumer = self._make(self._consumer_factory, _CONSUMER)
                self._clients.callback(self._consumer.close)
            return self._consumer

    def _make(self, factory: ClientFactory, fixed: Mapping[str, str]) -> Any:
        if self._closed:
            raise RuntimeError("this Kafka reader is closed")
        # Shorter than a call, so that a peer that accepts and stays silent is recognized before the call
        # ends. The minimum is 1 s.
        setup_ms = str(max(1000, int(self.timeout_seconds * 600)))
        derived = {
            **_UNLESS_SET,
            "socket.connection.setup.timeout.ms": setup_ms,
            "api.version.request.timeout.ms": setup_ms,
        }
        configuration = ClientProperties(
            {**derived, **self._properties, **fixed}, shown=self._properties.shown
        )
        try:
            return factory(configuration | {"error_cb": self._log.on_error, "logger": self._log})
        except KafkaException as error:
            said = self.endpoint.redact(error.args[0].str())
            # Not chained, because librdkafka's own text quotes values.
            raise EstateError(
                f"the settings of Kafka at {self.endpoint.servers} are not valid: {said}"
            ) from None

    def connect(self) -> None:
        """Returns when a broker has answered as the configured user. Concurrent threads share one attempt.

        Raises RefusedError as soon as the brokers refuse, UnreachableError when all of them were out of reach
        for `SECONDS_DOWN_BELIEVED`; either one within `timeout_seconds`.
        """
        with self._lock:
            attempt = self._connected
            mine = attempt is None
            if attempt is None:
                attempt = self._connected = Future()
        if not mine:
            try:
                return attempt.result(timeout=self.timeout_seconds + _GRACE_SECONDS)
            except TimeoutError:
                raise self._no_answer("connecting", self.timeout_seconds) from None
        try:
            self._connect()
        except BaseException as error:
            with self._lock:
                self._connected = None
            attempt.set_exception(error)
            raise
        attempt.set_result(None)
        return None

    def _connect(self) -> None:
        started = time.monotonic()
        try:
            self.one(
                lambda: self.start(
                    "describe_cluster", self.admin.describe_cluster, request_timeout=self.timeout_seconds
                ),
                doing="connecting",
                right="DESCRIBE on the cluster",
            )
        except UnreachableError:
            if self._log.failure:
                raise connection_failed(
                    self.endpoint, self._log.failure, seconds=time.monotonic() - started
                ) from None
            raise

    def close(self) -> None:
        """Closes both clients, after the calls under way (each has a deadline). May be called again."""
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            self._consumer = self._admin = None
            self._clients.close()

    # --- calls

    def requests_so_far(self) -> Counter[str]:
        with self._lock:
            return self._requests.copy()

    def start(
        self,
        kind: str,
        call: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Result:
        """Starts one call to librdkafka that returns futures, and counts it as `kind`."""
        with self._lock:
            self._requests[kind] += 1
        return call(*arguments, **options)

    def start_blocking(
        self,
        kind: str,
        call: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Future[Result]:
        """The same for a call that blocks until its answer arrives; it occupies one of the session's threads."""
        with self._lock:
            self._requests[kind] += 1
        return self._threads.submit(call, *arguments, **options)

    def one(self, call: Callable[[], Future[Result]], *, doing: str, right: str) -> Result:
        """The answer to one call. Raises the PlatformError that its failure means."""
        answer = self.answer(call, doing=doing)
        if isinstance(answer, KafkaError):
            raise self.failed(answer, doing=doing, right=right)
        return answer

    def answer(self, call: Callable[[], Future[Result]], *, doing: str) -> Result | KafkaError:
        """The answer to one call, or its failure. Raises PlatformError as `run` does.

        Repeats the call when a connection broke under it, because librdkafka's older calls do not.
        """
        started = time.monotonic()
        while True:
            ((_, futures),) = self.run(
                [(None, lambda: {None: call()})],
                window=1,
                deadline=Deadline(self.timeout_seconds),
                doing=doing,
            )
            answer = outcome(futures[None])
            broken = isinstance(answer, KafkaError) and answer.code() == KafkaError._TRANSPORT
            if not broken or time.monotonic() - started > AGAIN_WITHIN_SECONDS:
                return answer
            self.pause()

    def pause(self) -> None:
        """Waits between two attempts."""
        threading.Event().wait(_WATCH_SECONDS)

    def run(
        self,
        calls: Iterable[tuple[Key, Callable[[], Mapping[Name, Future[Result]]]]],
        *,
        window: int,
        deadline: Deadline,
        doing: str,
    ) -> Iterator[tuple[Key, Mapping[Name, Future[Result]]]]:
        """Starts `calls`, at most `window` at a time, watches the connections, and yields each call's
        finished futures.

        A call's futures finish together, because librdkafka answers a call as a whole; their outcomes are
        left to the caller. Raises RefusedError or UnreachableError as soon as the connections show that no
        answer will come.
        """
        done: SimpleQueue[tuple[tuple[Key, Mapping[Name, Future[Result]]], bool]] = SimpleQueue()
        remaining = iter(calls)
        under_way = 0
        started = last_progress = time.monotonic()
        while True:
            for key, call in islice(remaining, window - under_way):
                futures = call()
                *_, last = futures.values()
                last.add_done_callback(partial(_finish, done, (key, futures)))
                under_way += 1
            if not under_way:
                return
            try:
                finished, failed = done.get(timeout=_WATCH_SECONDS)
            except Empty:
                self._watch(started)
                if time.monotonic() - last_progress > deadline.timeout_seconds + _GRACE_SECONDS:
                    raise self._no_answer(doing, deadline.timeout_seconds) from None
                continue
            under_way -= 1
            last_progress = time.monotonic()
            if not failed:
                self._log.answered()
            yield finished

    def failed(self, error: KafkaError, *, doing: str, right: str) -> PlatformError:
        """The PlatformError for a call that failed entirely."""
        self._serve()
        if self._log.refusal:
            return authentication_refused(self.endpoint, self._log.refusal)
        cause = explain(self.endpoint, self._log.failure) if self._log.failure else None
        return from_kafka_error(error, endpoint=self.endpoint, doing=doing, right=right, cause=cause)

    # --- the watch

    def _serve(self) -> None:
        """Lets librdkafka call `error_cb` and the log, which it only does from within `poll`."""
        with self._lock:
            admin, consumer = self._admin, self._consumer
        if admin is not None:
            admin.poll(0)
        if consumer is not None:
            consumer.poll(0)

    def _watch(self, started: float) -> None:
        self._serve()
        if self._log.refusal:
            raise authentication_refused(self.endpoint, self._log.refusal)
        if (seconds := self._log.seconds_down(started)) >= SECONDS_DOWN_BELIEVED and self._log.failure:
            raise connection_failed(self.endpoint, self._log.failure, seconds=seconds)

    def _no_answer(self, doing: str, seconds: float) -> PlatformError:
        if self._log.failure:
            return connection_failed(self.endpoint, self._log.failure, seconds=seconds)
        return UnreachableError(
            f"Kafka at {self.endpoint.servers} gave no answer within {seconds:.0f} s while {doing}"
        )


def in_chunks(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """`items` in lists of at most `size`, which is what one call bears; none for no items."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
