"""Administering the sandbox's brokers: topics, and the offsets of groups."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AdminClient,
    OffsetSpec,
)

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.estate.expectations import EXPECTED
from mesh_assets.sandbox.estate.topic import PARTITIONS
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.folder import Folder, read_json

# Kafka clients for the sandbox's own use. They log nothing: here, a broker that is not up yet is expected.

# librdkafka otherwise writes every refused connection to stderr.
_silent = logging.getLogger("mesh_assets.sandbox.librdkafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in at a broker that asks for SASL/PLAIN."""

    username: str
    password: str = field(repr=False)


def quiet_settings(bootstrap_servers: str, login: Login | None = None) -> dict[str, Any]:
    """The settings that all of the sandbox's clients share.

    `broker.address.family` stays `any`: with `v4`, librdkafka cannot resolve even 127.0.0.1 on a machine
    whose only network is loopback.
    """
    return {
        "bootstrap.servers": bootstrap_servers,
        "logger": _silent,
        "log_level": 0,
        "error_cb": lambda _: None,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1000,
        **(_sasl(login) if login else {}),
    }


def _sasl(login: Login) -> dict[str, str]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": login.username,
        "sasl.password": login.password,
    }


def admin_client(bootstrap_servers: str, login: Login | None = None) -> AdminClient:
    return AdminClient(quiet_settings(bootstrap_servers, login))


def broker_answers(bootstrap_servers: str, *, seconds: float, login: Login | None = None) -> str | None:
    """None when a broker answers a metadata request, else what went wrong."""
    try:
        with admin_client(bootstrap_servers, login) as client:
            metadata = client.list_topics(timeout=seconds)
    except KafkaException as error:
        return str(error.args[0].str())
    return None if metadata.brokers else "it knows no broker yet"


# Offsets, read for the sandbox's own waiting; and the wait until none of them moves.

_SECONDS = 120.0
_POLL_SECONDS = 0.2
# A broker that has just started answers before it has loaded the groups it coordinates.
_STARTING = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)

Offsets = dict[tuple[str, int], int]
"""(topic, partition) → offset."""


def end_offsets(bootstrap_servers: str, topics: Sequence[str], *, login: Login | None = None) -> Offsets:
    """The offset of the next record in each partition. Raises `SandboxError` when the broker does not answer."""
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = {TopicPartition(topic, p): latest for topic in topics for p in range(PARTITIONS)}
    try:
        with admin_client(bootstrap_servers, login) as admin:
            futures = admin.list_offsets(asked, request_timeout=_SECONDS)
            return {
                (tp.topic, tp.partition): future.result(timeout=_SECONDS).offset
                for tp, future in futures.items()
            }
    except (KafkaException, TimeoutError) as error:
        raise SandboxError(
            f"the broker at {bootstrap_servers} did not return the offsets of its topics: {error}"
        ) from error


def committed_offsets(bootstrap_servers: str, group: str) -> Offsets:
    """What the group has committed on the estate's topics, without joining it; empty if nothing or if it is unknown.

    Raises `SandboxError` when the broker does not answer.
    """
    # Not by an admin client's list_consumer_group_offsets: from a broker that is starting, "not the coordinator" makes
    # librdkafka follow a null pointer, which ends the process (librdkafka issue 5040).
    consumer = Consumer({**quiet_settings(bootstrap_servers), "group.id": group, "enable.auto.commit": False})
    try:
        asked = [TopicPartition(topic.name, p) for topic in TOPICS for p in range(PARTITIONS)]
        answer = _committed(consumer, asked)
    except KafkaException as error:
        raise SandboxError(
            f"the broker at {bootstrap_servers} did not return the offsets of group {group}: {error}"
        ) from error
    finally:
        consumer.close()
    return {(tp.topic, tp.partition): tp.offset for tp in answer if tp.offset >= 0}


def _committed(consumer: Consumer, asked: list[TopicPartition]) -> list[TopicPartition]:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return consumer.committed(asked, timeout=_SECONDS)
        except KafkaException as error:
            if error.args[0].code() not in _STARTING or time.monotonic() > deadline:
                raise
        time.sleep(_POLL_SECONDS)


_QUIET_POLL_SECONDS = 1.0
# Sinks commit every 5 s: two intervals without a change mean that none will come.
_STILL_SECONDS = 12.0
# With every sink at the end there is nothing left to commit; this covers what is in flight.
_STILL_AT_END_SECONDS = 3.0


def wait_until_quiet(folder: Folder, bootstrap_servers: str, *, feed_runs: bool, seconds: float) -> None:
    """Wait until the feed has noticed and offsets have stopped moving, so that two readings must agree.

    In a quiet estate nothing is appended or committed, while the consumers stay members. Raises `SandboxError` when the
    estate is not quiet in time.
    """
    deadline = time.monotonic() + seconds
    asked_at = time.time()
    while feed_runs and not _feed_is_quiet(folder, since=asked_at):
        _sleep_or_give_up(deadline, "the feed did not become quiet")
    seen: tuple[Offsets, dict[str, Offsets]] | None = None
    still_since = time.monotonic()
    while True:
        ends = end_offsets(bootstrap_servers, EXPECTED.topics)
        committed = {group: committed_offsets(bootstrap_servers, group) for group in EXPECTED.groups}
        if (ends, committed) != seen:
            seen, still_since = (ends, committed), time.monotonic()
        at_end = all(
            ends[place] == offset
            for group in EXPECTED.sink_groups
            for place, offset in committed[group].items()
        )
        if time.monotonic() - still_since >= (_STILL_AT_END_SECONDS if at_end else _STILL_SECONDS):
            return
        _sleep_or_give_up(deadline, "offsets still move")


def _feed_is_quiet(folder: Folder, *, since: float) -> bool:
    report = read_json(folder.feed_report)
    return report is not None and report["quiet"] and report["at"] >= since


def _sleep_or_give_up(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise SandboxError(f"the estate did not become quiet in time: {what}")
    time.sleep(_QUIET_POLL_SECONDS)
