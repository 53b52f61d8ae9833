"""The feed, a process of its own: it keeps both clusters moving, with writers and group members."""

import json
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition

from mesh_assets.sandbox.credentials import cloud_login
from mesh_assets.sandbox.datagen import Appender, DatagenWriter
from mesh_assets.sandbox.estate.clusters import CLOUD_GROUPS, LIVE_GROUPS, LiveGroup
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.folder import Folder, locked, write_atomically
from mesh_assets.sandbox.kafka_admin import Login, quiet_settings
from mesh_assets.sandbox.process import asked_to_stop, log_to_stdout
from mesh_assets.sandbox.state import known_state

# The live consumers: members of real groups that commit less than they read, so their lag is real and
# bounded.

_members_log = logging.getLogger(__name__)
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
        """Commit everything read except the newest records, which make up the lag."""
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
                _members_log.warning("%s could not commit: %s", self.name, error)

    @property
    def partitions(self) -> int:
        return len(self._consumer.assignment())

    def close(self) -> None:
        self._consumer.close()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:  # noqa: ARG002 - librdkafka's callback
        _members_log.info("%s was given %d partitions", self.name, len(partitions))

    def _gone(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:  # noqa: ARG002 - librdkafka's callback
        _members_log.info("%s gave up %d partitions", self.name, len(partitions))
        lost = {(p.topic, p.partition) for p in partitions}
        self._read = deque(r for r in self._read if (r[0], r[1]) not in lost)


# The feed process: appends records, writes for the Datagen connectors, and runs the live consumers until
# told to stop.
#
# Run as `python -m mesh_assets.sandbox.feed FOLDER`. It waits for a broker that is down; anything unexpected
# ends it, and its supervisor restarts it.

_log = logging.getLogger("feed")
_STEP_SECONDS = 1.0
_COMMIT_EVERY_STEPS = 5


def run_feed(folder: Folder, stop: threading.Event) -> None:
    """Work until asked to stop or until the supervisor is gone. Raises `SandboxError` when the folder holds no sandbox."""
    state = known_state(folder)
    supervisor = os.getppid()
    # A second feed, left over from a crash, would write every record twice.
    with locked(folder.run / "feed.lock", timeout_seconds=30, what="the feed files"):
        appender = Appender(folder.feeds, TOPICS)
        login = cloud_login(folder)
        cloud_broker = state.address("cloud-broker")
        members = [
            Member(state.bootstrap_servers, group, n + 1)
            for group in LIVE_GROUPS
            for n in range(group.members)
        ]
        members += [
            Member(cloud_broker, group, n + 1, login=login)
            for group in CLOUD_GROUPS
            for n in range(group.members)
        ]
        datagen = DatagenWriter(folder, cloud_broker, login, state.registry_url)
        try:
            _work(folder, appender, datagen, members, stop, supervisor)
        finally:
            for member in members:
                member.close()
            datagen.close()
    _log.info("the feed ended after %d records", appender.appended)


def _work(
    folder: Folder,
    appender: Appender,
    datagen: DatagenWriter,
    members: Sequence[Member],
    stop: threading.Event,
    supervisor: int,
) -> None:
    last = time.monotonic()
    step = 0
    while not stop.wait(_STEP_SECONDS) and os.getppid() == supervisor:
        now = time.monotonic()
        quiet = folder.quiet_marker.exists()
        if quiet:
            datagen.settle(seconds=_STEP_SECONDS)
        else:
            appender.step(now - last)
            datagen.step(now - last)
        last = now
        for member in members:
            member.read()
            if not quiet and step % _COMMIT_EVERY_STEPS == 0:
                member.commit()
        step += 1
        _report(folder, appender, datagen, members, quiet=quiet)


def _report(
    folder: Folder, appender: Appender, datagen: DatagenWriter, members: Sequence[Member], *, quiet: bool
) -> None:
    partitions = {member.name: member.partitions for member in members}
    report = {
        "at": time.time(),
        "quiet": quiet,
        "appended": appender.appended,
        "partitions": partitions,
        "groups_ready": all(partitions.values()),
        "datagen_ready": datagen.ready,
    }
    write_atomically(folder.feed_report, json.dumps(report) + "\n")


def main() -> None:
    log_to_stdout()
    run_feed(Folder(Path(sys.argv[1])), asked_to_stop())


if __name__ == "__main__":
    main()
