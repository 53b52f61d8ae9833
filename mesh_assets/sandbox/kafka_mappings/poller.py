"""Pollers: real consumers in the mappings' groups that read, filter, invoke and commit, each while its mapping is enabled."""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    ShareConsumer,
    TopicPartition,
)

from mesh_assets.sandbox.kafka_mappings.batches import Delivery, Read, StoppedError, passes, send_given_up
from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping, UnreachableSourceError, client_settings
from mesh_assets.sandbox.kafka_mappings.msk import MskService
from mesh_assets.sandbox.kafka_mappings.refusals import FaultBoard
from mesh_assets.sandbox.kafka_mappings.registry import registry_of
from mesh_assets.sandbox.kafka_mappings.roles import Accounts

_log = logging.getLogger(__name__)

_AGAIN_SECONDS = 0.5
# A batch is gathered in steps, so that stopping does not have to wait for a long window.
_STEP_SECONDS = 0.2

_SAID = {
    KafkaError._AUTHENTICATION: "PROBLEM: SASL authentication failed.",
    KafkaError._SSL: "PROBLEM: Server failed to authenticate Lambda, or Lambda the server: the TLS handshake failed.",
    KafkaError._RESOLVE: "PROBLEM: The provided Kafka broker endpoints cannot be resolved.",
    KafkaError._TRANSPORT: "PROBLEM: Connection error. Please check your event source connection configuration.",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "PROBLEM: Cluster failed to authorize Lambda.",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "PROBLEM: Cluster failed to authorize Lambda.",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "PROBLEM: The topic does not exist.",
}

Settings = Callable[[], dict[str, Any]]


class Poller:
    """The poller of one mapping. `settings`: the client's, read afresh for each connection. `authority`: a
    file with an authority that may have signed a schema registry's certificate."""

    def __init__(
        self,
        mapping: KafkaMapping,
        accounts: Accounts,
        faults: FaultBoard,
        settings: Settings,
        authority: Path,
    ) -> None:
        self._mapping = mapping
        self._accounts = accounts
        self._faults = faults
        self._settings = settings
        self._stopped = threading.Event()
        self._servers = ""
        self._registry = registry_of(mapping, authority)
        self._thread = threading.Thread(target=self._run, name=f"poll-{mapping.uuid[:8]}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave the group; a batch in progress is not committed."""
        self._stopped.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._poll(self._settings())
            except UnreachableSourceError as error:
                self._mapping.last_result = str(error)
            except StoppedError:
                return
            except (KafkaException, ClientError, BotoCoreError, httpx.HTTPError, ValueError) as error:
                _log.exception("the poller of %s is restarting", self._mapping.uuid)
                self._mapping.last_result = f"PROBLEM: {type(error).__name__}"
            self._stopped.wait(_AGAIN_SECONDS)

    def _poll(self, settings: dict[str, Any]) -> None:
        self._servers = str(settings["bootstrap.servers"])
        identity = {
            **settings,
            "group.id": self._mapping.group,
            # AWS's own form is unknown; this one names the mapping.
            "client.id": f"lambda-{self._mapping.uuid}",
        }
        if self._mapping.queue:
            self._share(identity, settings)
            return
        consumer = Consumer(
            {
                **identity,
                "auto.offset.reset": "earliest"
                if self._mapping.settings.get("StartingPosition") == "TRIM_HORIZON"
                else "latest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6000,
                # A member learns from a heartbeat that another one came or went.
                "heartbeat.interval.ms": 300,
                "error_cb": self._heard,
            }
        )
        try:
            consumer.subscribe([self._mapping.topic], on_assign=self._assigned)
            while not self._stopped.is_set():
                batch = self._gather(consumer)
                if batch:
                    self._process(batch, settings)
                    self._commit(consumer, batch)
        finally:
            consumer.close()

    def _share(self, identity: dict[str, Any], settings: dict[str, Any]) -> None:
        """In queue mode: as a member of a share group, which acknowledges each record and commits no offset.

        Records not acknowledged when the mapping stops are delivered again once their lock has expired.
        """
        consumer = ShareConsumer(
            {**identity, "share.acknowledgement.mode": "explicit", "error_cb": self._heard}
        )
        try:
            consumer.subscribe([self._mapping.topic])
            while not self._stopped.is_set():
                messages = [] if self._faults.now.stuck else list(consumer.poll(_STEP_SECONDS))
                taken = []
                for message in messages:
                    error = message.error()
                    if error is None:
                        taken.append(message)
                    else:
                        self._heard(error)
                if taken:
                    self._process([_read(message) for message in taken], settings)
                    for message in taken:
                        consumer.acknowledge(message)
                    consumer.commit_sync(30.0)
                    self._mapping.last_result = "OK"
        finally:
            consumer.close()

    def _heard(self, error: KafkaError) -> None:
        if error.code() in _SAID:
            self._mapping.last_result = _SAID[error.code()]

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        since = self._mapping.settings.get("StartingPositionTimestamp")
        if since is not None:
            committed = {one.partition: one.offset for one in consumer.committed(partitions, timeout=10)}
            fresh = [
                TopicPartition(one.topic, one.partition, int(float(since) * 1000))
                for one in partitions
                if committed[one.partition] < 0
            ]
            found = (
                {one.partition: one.offset for one in consumer.offsets_for_times(fresh, timeout=10)}
                if fresh
                else {}
            )
            for one in partitions:
                one.offset = found.get(one.partition, committed[one.partition])
            consumer.assign(partitions)

    def _gather(self, consumer: Consumer) -> list[Read]:
        """A batch: as many records as fit, or those that came within the window."""
        if self._faults.now.stuck:
            # Paused, it is polled and stays a member, but gets nothing.
            consumer.pause(consumer.assignment())
            consumer.poll(_STEP_SECONDS)
            return []
        consumer.resume(consumer.assignment())
        most = int(self._mapping.setting("BatchSize"))
        window = (
            float(self._mapping.setting("MaximumBatchingWindowInSeconds")) or self._faults.now.window_seconds
        )
        deadline = time.monotonic() + window
        batch: list[Read] = []
        while len(batch) < most and (left := deadline - time.monotonic()) > 0 and not self._stopped.is_set():
            for message in consumer.consume(most - len(batch), timeout=min(left, _STEP_SECONDS)):
                error = message.error()
                if error is not None:
                    self._heard(error)
                else:
                    batch.append(_read(message))
        return batch

    def _process(self, batch: list[Read], settings: dict[str, Any]) -> None:
        now = self._faults.now
        if now.slow_seconds:
            self._stopped.wait(now.slow_seconds)
        self._count("PolledEventCount", len(batch))
        batch = self._deserialized(batch, settings)
        filters = (self._mapping.setting("FilterCriteria") or {}).get("Filters") or ()
        kept = [read for read in batch if passes(filters, _for_filters(read))]
        if len(kept) < len(batch):
            self._count("FilteredOutEventCount", len(batch) - len(kept))
        if now.drop:
            self._count("InvokedEventCount", len(kept))
        elif not now.commit_without_invoking:
            self._deliver(kept, settings)

    def _commit(self, consumer: Consumer, batch: list[Read]) -> None:
        nexts: dict[int, int] = {}
        for read in batch:
            nexts[read.partition] = read.offset + 1
        consumer.commit(
            offsets=[TopicPartition(self._mapping.topic, p, offset) for p, offset in nexts.items()],
            asynchronous=False,
        )
        self._count("CommittedEventCount", len(batch))
        self._mapping.last_result = "OK"

    def _deserialized(self, batch: list[Read], settings: dict[str, Any]) -> list[Read]:
        """The records that the mapping's registry can read, if it has one; the others are given up."""
        if self._registry is None:
            return batch
        reasons = [self._registry.refuses(read) for read in batch]
        for reason in sorted({reason for reason in reasons if reason is not None}):
            refused = [read for read, other in zip(batch, reasons, strict=True) if other == reason]
            self._give_up(refused, reason, settings)
        return [read for read, reason in zip(batch, reasons, strict=True) if reason is None]

    def _give_up(self, reads: Sequence[Read], condition: str, settings: dict[str, Any]) -> None:
        def produce(topic: str, records: Sequence[Read]) -> None:
            _produce(settings, topic, records)

        sent = send_given_up(
            self._mapping,
            reads,
            condition,
            accounts=self._accounts,
            bootstrap_servers=self._servers,
            produce=produce,
        )
        self._count("OnFailureDestinationDeliveredEventCount" if sent else "DroppedEventCount", len(reads))

    def _deliver(self, kept: Sequence[Read], settings: dict[str, Any]) -> None:
        Delivery(
            mapping=self._mapping,
            faults=self._faults,
            stopped=self._stopped,
            bootstrap_servers=self._servers,
            invoke=self._invoke,
            give_up=lambda reads, condition: self._give_up(reads, condition, settings),
            count=self._count,
        ).bring(kept)

    def _invoke(self, event: dict[str, Any]) -> str | None:
        client = self._accounts.client(self._mapping.account, "lambda")
        answer = client.invoke(FunctionName=self._mapping.function_arn, Payload=json.dumps(event).encode())
        payload: str = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            self._mapping.last_result = "PROBLEM: Function call failed"
            return None
        return payload

    def _count(self, metric: str, number: int) -> None:
        """Count as in CloudWatch, if the mapping asks for metrics."""
        if self._faults.now.no_metrics or "EventCount" not in (
            self._mapping.setting("MetricsConfig") or {}
        ).get("Metrics", ()):
            return
        self._accounts.client(self._mapping.account, "cloudwatch").put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {
                    "MetricName": metric,
                    "Dimensions": [{"Name": "EventSourceMappingUUID", "Value": self._mapping.uuid}],
                    "Value": float(number),
                    "Unit": "Count",
                }
            ],
        )


def _read(message: Message) -> Read:
    kind, milliseconds = message.timestamp()
    known = {TIMESTAMP_CREATE_TIME: "CREATE_TIME", TIMESTAMP_LOG_APPEND_TIME: "LOG_APPEND_TIME"}
    headers = cast(list[tuple[str, Any]], message.headers() or [])
    return Read(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        timestamp_ms=milliseconds,
        timestamp_type=known.get(kind, "NO_TIMESTAMP_TYPE"),
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=tuple((str(name), _bytes(value) or b"") for name, value in headers),
    )


def _bytes(content: Any) -> bytes | None:
    return content.encode() if isinstance(content, str) else content


def _for_filters(read: Read) -> dict[str, Any]:
    told: dict[str, Any] = {
        "topic": read.topic,
        "partition": read.partition,
        "offset": read.offset,
        "timestamp": read.timestamp_ms,
    }
    for name, content in (("key", read.key), ("value", read.value)):
        if content is not None:
            text = content.decode("utf-8", errors="replace")
            try:
                told[name] = json.loads(text)
            except ValueError:
                told[name] = text
    return told


def _produce(settings: dict[str, Any], topic: str, records: Sequence[Read]) -> None:
    failures: list[str] = []
    producer = Producer(settings)
    for read in records:
        producer.produce(
            topic,
            key=read.key,
            value=read.value,
            headers=list(read.headers),
            on_delivery=lambda error, _: failures.append(error.str()) if error is not None else None,
        )
    if producer.flush(30) or failures:
        raise ValueError(f"the on-failure topic {topic} did not accept the records: {failures[:1]}")


# Not while it is being changed: the change may concern how brokers are reached, so the poller restarts afterwards.
_POLLING = ("Enabled",)
# For all together; a member that has not left by then drops out of its group after the session timeout.
_LEAVE_SECONDS = 3.0


class Pollers:
    def __init__(self, accounts: Accounts, faults: FaultBoard, msk: MskService, *, authority: Path) -> None:
        self._accounts = accounts
        self._faults = faults
        self._msk = msk
        self._authority = authority
        self._lock = threading.Lock()
        self._running: dict[str, Poller] = {}

    def watch(self, mapping: KafkaMapping, *, lives: bool) -> None:
        """Called at every tick: start or stop the mapping's poller, depending on its state."""
        wanted = lives and mapping.state in _POLLING
        with self._lock:
            poller = self._running.get(mapping.uuid)
            if wanted and poller is None:
                self._running[mapping.uuid] = Poller(
                    mapping, self._accounts, self._faults, lambda: self._settings(mapping), self._authority
                )
            elif not wanted and poller is not None:
                poller.stop()
                del self._running[mapping.uuid]

    def stop(self) -> None:
        with self._lock:
            for poller in self._running.values():
                poller.stop()
            deadline = time.monotonic() + _LEAVE_SECONDS
            for poller in self._running.values():
                poller.join(max(0.0, deadline - time.monotonic()))

    def _settings(self, mapping: KafkaMapping) -> dict[str, Any]:
        brokers = self._msk.brokers(str(mapping.settings.get("EventSourceArn", "")))
        named = {name[:1].upper() + name[1:]: address for name, address in brokers.items()}
        return client_settings(mapping, self._accounts, named, self._authority)
