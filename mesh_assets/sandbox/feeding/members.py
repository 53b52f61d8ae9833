"""The live consumers: members of real groups that commit less than they read, so their lag is real and bounded."""

import logging
from collections import deque

from confluent_kafka import Consumer, KafkaException, TopicPartition

from mesh_assets.sandbox.estate.clusters import LiveGroup
from mesh_assets.sandbox.kafka_admin import Login, quiet_settings

_log = logging.getLogger(__name__)
_MOST_A_STEP = 500


class Member:
    """One consumer of a group."""

    def __init__(
        self, bootstrap_servers: str, group: LiveGroup, number: int, *, login: Login | None = None
    ) -> None:
        self.name = f"{group.name}-{number}"
        self._lag_records = group.lag_records // group.members
        self._read: deque[tuple[str, int, int]] = deque()
        settings = {
            **quiet_settings(bootstrap_servers, login),
            "group.id": group.name,
            "client.id": self.name,
            "group.protocol": group.protocol,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            # Few, large fetches and a short queue: a sandbox should not keep the machine busy.
            "fetch.min.bytes": 10_000,
            "fetch.wait.max.ms": 2_000,
            "queued.min.messages": 500,
            # A broker that returns from a kill denies at first that any topic exists; members ask again after this long.
            "topic.metadata.refresh.interval.ms": 5_000,
        }
        if group.protocol == "classic":
            settings |= {
                "session.timeout.ms": 10_000,
                "heartbeat.interval.ms": 3_000,
                "partition.assignment.strategy": "cooperative-sticky",
            }
        self._consumer = Consumer(settings)
        self._consumer.subscribe(
            list(group.topics), on_assign=self._assigned, on_revoke=self._gone, on_lost=self._gone
        )

    def read(self) -> None:
        """Read what has arrived. This also serves the group's protocol, so it must be called every second."""
        for message in self._consumer.consume(_MOST_A_STEP, timeout=0):
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            if message.error() is None and topic is not None and partition is not None and offset is not None:
                self._read.append((topic, partition, offset))

    def commit(self) -> None:
        """Commit everything read but the newest records, which make up the lag."""
        done: dict[tuple[str, int], int] = {}
        while len(self._read) > self._lag_records:
            topic, partition, offset = self._read.popleft()
            done[topic, partition] = offset + 1
        if done:
            offsets = [
                TopicPartition(topic, partition, offset) for (topic, partition), offset in done.items()
            ]
            try:
                self._consumer.commit(offsets=offsets, asynchronous=True)
            except KafkaException as error:
                # The next commit covers this one.
                _log.warning("%s could not commit: %s", self.name, error)

    @property
    def partitions(self) -> int:
        return len(self._consumer.assignment())

    def close(self) -> None:
        self._consumer.close()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:  # noqa: ARG002 - librdkafka's callback
        _log.info("%s was given %d partitions", self.name, len(partitions))

    def _gone(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:  # noqa: ARG002 - librdkafka's callback
        _log.info("%s gave up %d partitions", self.name, len(partitions))
        lost = {(p.topic, p.partition) for p in partitions}
        self._read = deque(r for r in self._read if (r[0], r[1]) not in lost)
