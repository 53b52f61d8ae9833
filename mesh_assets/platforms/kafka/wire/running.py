"""The connections for synchronous code: an event loop in a thread of its own, which runs the reads of many
threads."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from confluent_kafka import KafkaError

from mesh_assets import errors
from mesh_assets.errors import PlatformError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.errors import Endpoint, connection_failed, from_kafka_error
from mesh_assets.platforms.kafka.wire.cluster import Cluster
from mesh_assets.platforms.kafka.wire.dialing import ConnectError, addresses
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    UnsupportedError,
)
from mesh_assets.platforms.kafka.wire.login import Login

Result = TypeVar("Result")

# A read may take this many times the timeout of one request: this only stops one that hangs.
_TIMEOUTS_A_READ = 8


class RunningCluster:
    """The connections to one cluster. Contacts nothing before the first `run`; safe to use from many threads.

    `properties`: librdkafka's. `timeout_seconds`: how long a broker may leave requests without a byte of an answer.
    Raises EstateError for properties that we do not understand.
    """

    def __init__(
        self, properties: Mapping[str, Any], timeout_seconds: float, *, on_confluent_cloud: bool = False
    ) -> None:
        self._login = Login(properties, on_confluent_cloud=on_confluent_cloud)
        self.timeout_seconds = timeout_seconds
        servers = properties.get("bootstrap.servers") or properties.get("metadata.broker.list") or ""
        self._cluster = Cluster(addresses(str(servers)), self._login, timeout_seconds)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def endpoint(self) -> Endpoint:
        return self._login.endpoint

    @property
    def requests(self) -> Counter[str]:
        """A copy of how many requests went over the wire so far, by Kafka's name for them."""
        return self._cluster.requests.copy()

    def run(
        self, read: Callable[[Connections], Coroutine[Any, Any, Result]], *, doing: str, right: str
    ) -> Result:
        """What `read` returns. Raises the PlatformError that its failure means, RuntimeError after `close`.

        `doing`: "reading the topic configs"; `right`: what a refused user needs.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("this Kafka reader is closed")
            future = asyncio.run_coroutine_threadsafe(read(self._cluster), self._running())
        seconds = self.timeout_seconds * _TIMEOUTS_A_READ
        try:
            return future.result(seconds)
        except BrokerError as error:
            raise self._meant(error, doing=doing, right=right) from None
        except UnsupportedError as error:
            raise errors.UnsupportedError(
                f"Kafka at {self.endpoint.servers} does not support {doing}: {error}"
            ) from None
        except MalformedError as error:
            raise UnexpectedAnswerError(
                f"Kafka at {self.endpoint.servers} gave no answer of Kafka's protocol while {doing}: {error}"
            ) from None
        except CancelledError:
            raise RuntimeError("this Kafka reader was closed during a read") from None
        except TimeoutError:
            raise UnreachableError(
                f"Kafka at {self.endpoint.servers} was not done within {seconds:.0f} s with {doing}"
            ) from None
        finally:
            future.cancel()  # an interrupted caller no longer waits for it

    def _meant(self, error: BrokerError, *, doing: str, right: str) -> PlatformError:
        """If a listener broke off the connection, this asks it what it speaks, outside the loop's thread."""
        if isinstance(error, ConnectError) and error.broker is None:
            return connection_failed(self.endpoint, error.line, seconds=error.seconds)
        return from_kafka_error(
            KafkaError(error.code, error.said or None), endpoint=self.endpoint, doing=doing, right=right
        )

    def close(self) -> None:
        """Ends running reads, the connections and the thread. May be called again."""
        with self._lock:
            loop, thread, self._loop, self._thread, self._closed = self._loop, self._thread, None, None, True
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_end(self._cluster), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # A daemon: a reader that nobody closed must not keep the process alive.
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="mesh-kafka-wire", daemon=True
            )
            self._thread.start()
        return self._loop


async def _end(cluster: Cluster) -> None:
    running = asyncio.all_tasks() - {asyncio.current_task()}
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await cluster.close()
    await asyncio.sleep(0)  # lets the transports say that they are closed
    loop = asyncio.get_running_loop()
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()
