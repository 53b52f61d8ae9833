"""Offsets of partitions, the earliest and latest: ListOffsets, one request a leader and kind.

Only its leader knows a partition's offsets. One whose leader has moved or does not answer is looked up and asked
for again until time is up.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Self

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.errors import AUTHENTICATION, item_error
from mesh_assets.platforms.kafka.values import ClusterMetadata, OffsetsReading, PartitionOffsets
from mesh_assets.platforms.kafka.wire.forms import BrokerError, Connections, MalformedError, together
from mesh_assets.platforms.kafka.wire.offset_messages import (
    CODE,
    EARLIEST,
    EARLIEST_LOCAL,
    LATEST,
    OFFSET,
    Places,
    Row,
    list_offsets,
)
from mesh_assets.platforms.kafka.wire.topics import list_topics

PARTITIONS_A_REQUEST = 20_000
PATIENCE_SECONDS = 10.0
"""A dead broker is known to be dead after 9 s (`broker.session.timeout.ms`); then its partitions get other leaders."""

_RIGHT = "DESCRIBE on the topic"

# The leader is another one now, or is not ready yet, or did not answer.
_MOVED = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)
# These usually last (all replicas are down, the topic is deleted), but an election takes a moment, and a new leader
# can be late to learn of its partition.
_LASTING = frozenset({KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART})
_TURNS_FOR_LASTING = 3
_PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)

Place = tuple[str, int]
"""Topic and partition."""


async def read_offsets(
    connections: Connections,
    partitions_by_topic: Mapping[str, Collection[int]],
    metadata: ClusterMetadata | None = None,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> OffsetsReading:
    """The offsets of every named partition; None and the error where they could not be read.

    `metadata`: as read before, which saves asking for the leaders. `patience_seconds`: how long leaders that move
    are followed. The latest offsets are read first, to be as close to one moment as possible. Raises BrokerError
    when no broker answered.
    """
    wanted = in_order(partitions_by_topic)
    leaders = Leaders(connections, metadata)
    end = time.monotonic() + patience_seconds
    read_at = datetime.now(UTC)
    latest = await Reading(leaders, wanted, LATEST).read(end)
    # Without a latest offset a partition is not asked for its earliest: a broker that hangs would hold up that as well.
    readable = {topic: sorted(rows) for topic, rows in latest.rows.items()}
    earliest = await Reading(leaders, readable, EARLIEST).read(end)
    errors = earliest.errors | latest.errors
    topics: dict[str, tuple[PartitionOffsets, ...]] = {}
    for topic, numbers in wanted.items():
        ends, begins = latest.rows[topic], earliest.rows[topic]
        topics[topic] = tuple(
            PartitionOffsets(
                partition=number,
                earliest=begins[number][OFFSET] if number in begins else None,
                latest=ends[number][OFFSET] if number in ends else None,
                error=error_text(errors.get((topic, number))) if errors else None,
            )
            for number in numbers
        )
    return OffsetsReading(read_at=read_at, topics=topics)


def error_text(error: KafkaError | None) -> str | None:
    return item_error(error, _RIGHT) if error is not None else None


def in_order(partitions_by_topic: Mapping[str, Collection[int]]) -> dict[str, list[int]]:
    return {topic: sorted(set(numbers)) for topic, numbers in sorted(partitions_by_topic.items())}


class Leaders:
    """Which broker leads each partition, as it was last seen."""

    def __init__(self, connections: Connections, metadata: ClusterMetadata | None) -> None:
        self.connections = connections
        topics = metadata.topics if metadata is not None else ()
        self._listed = {topic.name: topic for topic in topics if topic.error is None}
        self._leaders: dict[str, dict[int, int | None]] = {}
        self._errors: dict[str, KafkaError] = {}

    async def look(self, topics: Collection[str]) -> None:
        """Learns anew who leads these topics. Raises BrokerError."""
        listed = await list_topics(self.connections, topics)
        for name, topic in listed.topics.items():
            self._listed[name] = topic
            self._leaders.pop(name, None)
            self._errors.pop(name, None)
        self._errors |= {topic: KafkaError(code) for topic, code in listed.codes.items()}
        known = {None, *(broker.id for broker in await self.connections.brokers())}
        if any(leader not in known for topic in topics for leader in self.of(topic).values()):
            await self.connections.refreshed()

    def of(self, topic: str) -> dict[int, int | None]:
        """The topic's partitions with their leaders; None: it has none now."""
        leaders = self._leaders.get(topic)
        if leaders is None:
            listed = self._listed.get(topic)
            partitions = listed.partitions if listed is not None else ()
            leaders = self._leaders[topic] = {one.partition: one.leader for one in partitions}
        return leaders

    def error(self, topic: str, partition: int) -> KafkaError:
        """Why there is nobody to be asked for the partition."""
        if topic in self._errors:
            return self._errors[topic]
        exists = partition in self.of(topic)
        return KafkaError(KafkaError.LEADER_NOT_AVAILABLE if exists else KafkaError.UNKNOWN_TOPIC_OR_PART)


class Reading:
    """The `wanted` partitions at one timestamp: a row or an error for each of them."""

    def __init__(self, leaders: Leaders, wanted: Places, timestamp: int) -> None:
        self.rows: dict[str, dict[int, Row]] = {topic: {} for topic in wanted}
        self.errors: dict[Place, KafkaError] = {}
        self._leaders = leaders
        self._wanted = {topic: numbers for topic, numbers in wanted.items() if numbers}
        self._timestamp = timestamp
        self._silence: BrokerError | None = None

    async def read(self, end: float) -> Self:
        """Raises BrokerError when nobody answered."""
        pending: Places = self._wanted
        leader_of = self._leaders.of
        unled = [topic for topic, numbers in pending.items() if None in map(leader_of(topic).get, numbers)]
        if unled:
            await self._leaders.look(unled)
        for turn, pause in enumerate(chain(_PAUSES_SECONDS, repeat(_PAUSES_SECONDS[-1]))):
            failed = await self._ask_leaders(pending)
            self.errors |= failed
            again = {place for place, error in failed.items() if _may_pass(error, turn)}
            if not again or time.monotonic() + pause > end:
                break
            await asyncio.sleep(pause)
            pending = _by_topic(again)
            if not await self._look_again(pending):
                break
            for place in again:
                del self.errors[place]
        if self._silence is not None and not any(self.rows.values()):
            raise self._silence
        return self

    async def _look_again(self, topics: Collection[str]) -> bool:
        """False: nobody can say who leads them now, so what was read stays, and what was not keeps its error."""
        try:
            await self._leaders.connections.refreshed()
            await self._leaders.look(topics)
        except BrokerError as error:
            if error.code in AUTHENTICATION:
                raise
            self._silence = error
            return False
        return True

    async def _ask_leaders(self, pending: Places) -> dict[Place, KafkaError]:
        """Takes in what the leaders answer; returns what failed."""
        failed: dict[Place, KafkaError] = {}
        led: dict[int, dict[str, list[int]]] = {}
        for topic, numbers in pending.items():
            leader_of = self._leaders.of(topic).get
            for number in numbers:
                leader = leader_of(number)
                if leader is not None:
                    led.setdefault(leader, {}).setdefault(topic, []).append(number)
                    continue
                error = self._leaders.error(topic, number)
                # That there is none, the brokers have just said when asked who leads it.
                absent = error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
                (self.errors if absent else failed)[topic, number] = error
        asked = [(leader, part) for leader, places in led.items() for part in _in_parts(places)]
        await together(self._ask(leader, part, failed) for leader, part in asked)
        return failed

    async def _ask(self, leader: int, places: Places, failed: dict[Place, KafkaError]) -> None:
        request = list_offsets(places, self._timestamp)
        try:
            answered = await self._leaders.connections.ask(request, broker=leader)
        except BrokerError as error:
            if error.code in AUTHENTICATION:
                raise
            self._silence = error
            failed |= dict.fromkeys(
                ((topic, number) for topic, numbers in places.items() for number in numbers),
                _no_offset("no answer from the partition's broker"),
            )
            return
        if answered.keys() != places.keys():
            raise MalformedError("an answer to ListOffsets about other topics than were asked for")
        # At a time there may be no record; an edge is always somewhere.
        lowest = 0 if self._timestamp in (LATEST, EARLIEST, EARLIEST_LOCAL) else -1
        for topic, rows in answered.items():
            answered_for = [row[0] for row in rows]
            if answered_for != places[topic] and sorted(answered_for) != places[topic]:
                raise MalformedError("an answer to ListOffsets about other partitions than were asked for")
            into = self.rows[topic]
            for number, row in zip(answered_for, rows, strict=True):
                if not row[CODE] and row[OFFSET] >= lowest:
                    into[number] = row
                elif row[CODE]:
                    failed[topic, number] = KafkaError(row[CODE])
                else:
                    self.errors[topic, number] = _no_offset("the partition's broker gave none")


def _no_offset(why: str) -> KafkaError:
    return KafkaError(KafkaError.OFFSET_NOT_AVAILABLE, why)


def _may_pass(error: KafkaError, turn: int) -> bool:
    return error.code() in _MOVED or (error.code() in _LASTING and turn < _TURNS_FOR_LASTING)


def _by_topic(places: Iterable[Place]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for topic, number in sorted(places):
        found.setdefault(topic, []).append(number)
    return found


def _in_parts(places: Places) -> Iterator[Places]:
    """What one request bears at a time, by whole topics."""
    part: dict[str, Sequence[int]] = {}
    room = PARTITIONS_A_REQUEST
    for topic, numbers in places.items():
        if part and len(numbers) > room:
            yield part
            part, room = {}, PARTITIONS_A_REQUEST
        part[topic] = numbers
        room -= len(numbers)
    yield part
