"""librdkafka clients for the cluster that carries the events: each with one purpose, quiet, and able to say
what went wrong."""

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.platforms.kafka.connection_log import ConnectionLog
from mesh_assets.platforms.kafka.errors import Endpoint, authentication_refused, explain, from_kafka_error
from mesh_assets.platforms.kafka.settings import client_properties

_UNLESS_SET = {"client.id": "mesh-assets", "reconnect.backoff.ms": "250", "reconnect.backoff.max.ms": "2000"}
# Set regardless of the estate: the guarantees depend on them.
_PRODUCER: dict[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    "compression.type": "zstd",
    # librdkafka compares a message with this before compression; the topic's max.message.bytes applies to the
    # compressed batch.
    "message.max.bytes": 1_000_000_000,
    "queue.buffering.max.kbytes": 2_097_151,
    "allow.auto.create.topics": False,
    # Java's partitioner: if the topic has several partitions, other clients find a key where they expect it.
    "partitioner": "murmur2_random",
    # Only the statistics say how large a batch was after compression.
    "statistics.interval.ms": 50,
}
_CONSUMER: dict[str, Any] = {
    "group.id": "mesh-assets-event-reader",  # librdkafka wants one; nothing subscribes or commits, so no such group is created
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    # The last offset is the end of a transaction, which is not a record: we only know that nothing follows
    # once the broker has waited this long for more. Its default is half a second.
    "fetch.wait.max.ms": 20,
    "allow.auto.create.topics": False,
}


class EventsConnection:
    """How to reach the cluster `cluster`. The caller closes each client (a producer by flushing it)."""

    @classmethod
    def to(cls, cluster: Cluster) -> "EventsConnection":
        """Contacts nothing yet. Raises EstateError when a secret cannot be resolved."""
        return cls(
            cluster=cluster.name,
            properties=client_properties(cluster.kafka),
            timeout_seconds=cluster.kafka.timeout_seconds,
            on_confluent_cloud=cluster.on_confluent_cloud,
        )

    def __init__(
        self,
        *,
        cluster: str,
        properties: Mapping[str, str],
        timeout_seconds: float,
        on_confluent_cloud: bool = False,
    ) -> None:
        self.cluster = cluster
        self.timeout_seconds = timeout_seconds
        self._properties = properties
        self._endpoint = Endpoint(properties, on_confluent_cloud=on_confluent_cloud)
        self.log = ConnectionLog(self._endpoint)

    def admin(self) -> AdminClient:
        client: AdminClient = self._make(AdminClient, {})
        return client

    def producer(
        self,
        *,
        timeout_seconds: float,
        statistics: Callable[[str], None],
        transactional_id: str | None = None,
    ) -> Producer:
        """A producer that gives up on a message `timeout_seconds` after it was handed over.

        `transactional_id`: among producers with the same one, the newest to call `init_transactions` shuts
        out the others for good.
        """
        # 0 would mean "never".
        timeout_ms = max(1000, int(timeout_seconds * 1000))
        transactional: dict[str, Any] = (
            {}
            if transactional_id is None
            else {"transactional.id": transactional_id, "transaction.timeout.ms": timeout_ms}
        )
        client: Producer = self._make(
            Producer,
            {**_PRODUCER, "message.timeout.ms": timeout_ms, "stats_cb": statistics, **transactional},
        )
        return client

    def consumer(self) -> Consumer:
        client: Consumer = self._make(Consumer, _CONSUMER)
        return client

    def failure(self, error: KafkaError, *, doing: str, right: str) -> PlatformError:
        """The error that a failed call means."""
        if self.log.refusal:
            return authentication_refused(self._endpoint, self.log.refusal)
        return from_kafka_error(
            error,
            endpoint=self._endpoint,
            doing=doing,
            right=right,
            cause=explain(self._endpoint, self.log.failure) if self.log.failure else None,
        )

    def _make(self, factory: Callable[[dict[str, Any]], Any], fixed: Mapping[str, Any]) -> Any:
        configuration = {
            **_UNLESS_SET,
            **self._properties,
            **fixed,
            "error_cb": self.log.on_error,
            "logger": self.log,
        }
        try:
            return factory(configuration)
        except KafkaException as error:
            said = self._endpoint.redact(error.args[0].str())
            raise EstateError(f"the Kafka settings of {self.cluster} are not valid: {said}") from None


def carrier_of(estate: Estate, name: str) -> Cluster:
    """The cluster that carries the events about the cluster `name`: itself, or the one that `events.cluster`
    in the estate names."""
    return estate.clusters[estate.events.cluster or name]
