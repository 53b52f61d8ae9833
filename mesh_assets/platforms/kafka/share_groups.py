"""Share groups: their members, and which records of a topic they are done with.

librdkafka consumes in share groups (KIP-932), but cannot describe them: to its descriptions they are dead, and
to its offsets empty. So DescribeShareGroupOffsets and ShareGroupDescribe are written here, in the form that
Kafka's message definitions state.
"""

import ssl
import struct
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from confluent_kafka import KafkaError

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.errors import Endpoint, from_kafka_error
from mesh_assets.platforms.kafka.group_listing import NOT_READY
from mesh_assets.platforms.kafka.protocol import (
    NO_TAGS,
    AnsweredError,
    BrokerConnection,
    array,
    compact,
    connection,
)
from mesh_assets.platforms.kafka.values import GroupMember

_FIND_COORDINATOR, _SHARE_GROUP_DESCRIBE, _DESCRIBE_SHARE_GROUP_OFFSETS = 10, 77, 90
_ABSENT = frozenset({KafkaError.GROUP_ID_NOT_FOUND})
_AGAIN_SECONDS = 0.2
_DOING, _RIGHT = "reading a share group", "DESCRIBE on the group and on its topics"


class SharePartition(NamedTuple):
    """`start`: no record before it is delivered any more; None before the group's first record. `lag_records`:
    records from there on that it is not done with (KIP-1226); None with brokers that do not count them (before 4.2)."""

    start: int | None
    lag_records: int | None


class ShareGroup(NamedTuple):
    """The members that read the topic, and the topic's partitions that the group has begun."""

    members: tuple[GroupMember, ...]
    partitions: Mapping[int, SharePartition]


def read_share_group(
    properties: Mapping[str, Any], group: str, topic: str, *, timeout_seconds: float
) -> ShareGroup:
    """The group on one topic; without members and partitions when there is none.

    Raises RefusedError for a refused login or right, UnreachableError when nobody answers, EstateError for
    settings that only librdkafka understands, UnexpectedAnswerError for anything else.
    """
    endpoint = Endpoint(properties)
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            return _read(endpoint, properties, group, topic, timeout_seconds)
        except AnsweredError as error:
            # As after a broker's start, or before its first group.
            if error.code in NOT_READY and time.monotonic() < deadline:
                time.sleep(_AGAIN_SECONDS)
                continue
            raise from_kafka_error(
                KafkaError(error.code, error.said or None), endpoint=endpoint, doing=_DOING, right=_RIGHT
            ) from None


def _read(
    endpoint: Endpoint, properties: Mapping[str, Any], group: str, topic: str, timeout_seconds: float
) -> ShareGroup:
    failures: list[str] = []
    for server in endpoint.servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with connection((host.strip("[]"), int(port)), properties, timeout_seconds) as broker:
                where = _coordinator(broker, group)
            with connection(where, properties, timeout_seconds) as broker:
                members = _members(broker, group, topic)
                return ShareGroup(members, _partitions(broker, group, topic))
        except (OSError, EOFError) as error:
            failures.append(f"{server.strip()}: {_said(error)}")
        except (struct.error, ValueError) as error:
            raise UnexpectedAnswerError(
                f"Kafka at {endpoint.servers} gave no answer of Kafka's protocol while {_DOING} ({type(error).__name__})"
            ) from None
    raise UnreachableError(
        f"Kafka at {endpoint.servers} could not be reached while {_DOING}: {'; '.join(failures)}"
    )


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate could not be verified: {error.verify_message}"
    if isinstance(error, EOFError):
        return "the broker hung up"
    return str(getattr(error, "strerror", None) or type(error).__name__)


# --- the requests


def _coordinator(broker: BrokerConnection, group: str) -> tuple[str, int]:
    answer = broker.ask(_FIND_COORDINATOR, 3, compact(group) + b"\0" + NO_TAGS)
    answer.int32()
    code, said = answer.int16(), answer.text()
    answer.int32()
    host, port = answer.text() or "", answer.int32()
    if code:
        raise AnsweredError(code, said or "")
    return host, port


def _members(broker: BrokerConnection, group: str, topic: str) -> tuple[GroupMember, ...]:
    answer = broker.ask(_SHARE_GROUP_DESCRIBE, 1, array([compact(group)]) + b"\0" + NO_TAGS)
    answer.int32()

    def assigned() -> tuple[str, tuple[int, ...]]:
        answer.skip(16)
        name, numbers = answer.text() or "", tuple(answer.items(answer.int32))
        answer.tags()
        return name, numbers

    def member() -> GroupMember:
        member_id, _, _ = answer.text() or "", answer.text(), answer.int32()
        client_id, host = answer.text() or "", answer.text() or ""
        answer.items(answer.text)
        assignment = dict(answer.items(assigned))
        answer.tags()
        answer.tags()
        return GroupMember(
            member_id=member_id,
            client_id=client_id,
            group_instance_id=None,
            host=host.removeprefix("/"),
            assignment=assignment,
        )

    def described() -> tuple[GroupMember, ...]:
        code, said = answer.int16(), answer.text()
        answer.text()
        answer.text()
        answer.skip(8)
        answer.text()
        members = tuple(answer.items(member))
        answer.skip(4)
        answer.tags()
        if code and code not in _ABSENT:
            raise AnsweredError(code, said or "")
        return members

    [found] = answer.items(described)
    return tuple(one for one in found if topic in one.assignment)


def _partitions(broker: BrokerConnection, group: str, topic: str) -> dict[int, SharePartition]:
    version = min(1, broker.newest(_DESCRIBE_SHARE_GROUP_OFFSETS))
    # Null: every topic that the group has begun.
    asked = array([compact(group) + b"\0" + NO_TAGS]) + NO_TAGS
    answer = broker.ask(_DESCRIBE_SHARE_GROUP_OFFSETS, version, asked)
    answer.int32()
    found: dict[int, SharePartition] = {}

    def partition() -> tuple[int, SharePartition, int, str]:
        number, start, _ = answer.int32(), answer.int64(), answer.int32()
        lag = answer.int64() if version >= 1 else -1
        code, said = answer.int16(), answer.text() or ""
        answer.tags()
        known = SharePartition(start if start >= 0 else None, lag if lag >= 0 else None)
        return number, known, code, said

    def of_topic() -> None:
        name = answer.text()
        answer.skip(16)
        for number, known, code, said in answer.items(partition):
            if name == topic:
                if code:
                    raise AnsweredError(code, f"partition {number}: {said}")
                found[number] = known
        answer.tags()

    def of_group() -> None:
        answer.text()
        answer.items(of_topic)
        code, said = answer.int16(), answer.text()
        answer.tags()
        if code and code not in _ABSENT:
            raise AnsweredError(code, said or "")

    answer.items(of_group)
    return found
