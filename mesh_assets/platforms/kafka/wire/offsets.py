"""The earliest and latest offsets of partitions: ListOffsets, one request per leader and kind.

Only its leader knows a partition's offsets. If the leader has moved or does not answer, we look it up and ask
again until time is up.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import NamedTuple, Self

import numpy as np
from confluent_kafka import KafkaError
from msgspec import structs

from mesh_assets.platforms.kafka.errors import AUTHENTICATION, item_error
from mesh_assets.platforms.kafka.values import (
    ClusterMetadata,
    EndsReading,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    for_alike,
)
from mesh_assets.platforms.kafka.wire.forms import BrokerError, Connections, MalformedError, together
from mesh_assets.platforms.kafka.wire.offset_messages import (
    EARLIEST,
    EARLIEST_LOCAL,
    LATEST,
    Found,
    list_offsets,
)
from mesh_assets.platforms.kafka.wire.partition_columns import (
    MISSING,
    Edges,
    Numbers,
    Partitions,
    PartitionsAsked,
    Rows,
    in_parts,
)
from mesh_assets.platforms.kafka.wire.topics import list_topics

PARTITIONS_A_REQUEST = 20_000
PATIENCE_SECONDS = 10.0
"""A dead broker is detected after 9 s (`broker.session.timeout.ms`); then its partitions get other
leaders."""

_RIGHT = "DESCRIBE on the topic"

# The leader has changed, or is not ready yet, or did not answer.
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

_NO_LEADER = -1

Place = tuple[str, int]
"""Topic and partition."""


class LeaderAsked(NamedTuple):
    """What one leader is asked for, and its rows among the wanted ones."""

    leader: int
    asked: PartitionsAsked
    rows: Rows


async def read_offsets(
    connections: Connections,
    partitions_by_topic: Mapping[str, Collection[int]],
    metadata: ClusterMetadata | None = None,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> OffsetsReading:
    """The offsets of every named partition; None and the error if they could not be read.

    `metadata`: as read before, which saves asking for the leaders. `patience_seconds`: how long we follow
    leaders that move. The latest offsets are read first, to be as close to one moment as possible. Raises
    BrokerError when no broker answered.
    """
    wanted = Partitions(partitions_by_topic)
    read_at, earliest, latest = await _both(connections, wanted, metadata, patience_seconds)
    errors = earliest.errors | latest.errors
    rows = [
        PartitionOffsets(partition=number, earliest=begins, latest=ends)
        for number, begins, ends in zip(
            wanted.numbers, earliest.known_offsets(), latest.known_offsets(), strict=True
        )
    ]
    topics = {topic: tuple(ones) for topic, ones in wanted.by_topic(rows)}
    for topic in {topic for topic, _ in errors}:
        topics[topic] = tuple(
            structs.replace(one, error=error_text(errors.get((topic, one.partition))))
            for one in topics[topic]
        )
    return OffsetsReading(read_at=read_at, topics=topics)


async def read_edges(
    connections: Connections,
    partitions_by_topic: Mapping[str, Collection[int]],
    metadata: ClusterMetadata | None = None,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Edges:
    """Like `read_offsets`, as columns and without the errors."""
    wanted = Partitions(partitions_by_topic)
    read_at, earliest, latest = await _both(connections, wanted, metadata, patience_seconds)
    return Edges(read_at, wanted, earliest.offsets, latest.offsets)


async def _both(
    connections: Connections, wanted: Partitions, metadata: ClusterMetadata | None, patience_seconds: float
) -> "tuple[datetime, Reading, Reading]":
    """When the latest offsets were requested, the earliest, and the latest."""
    leaders = Leaders(connections, metadata)
    end = time.monotonic() + patience_seconds
    read_at = datetime.now(UTC)
    latest = await Reading(leaders, wanted, LATEST).read(end)
    # Without a latest offset, we do not ask for a partition's earliest: a hanging broker would hold that up
    # as well.
    earliest = await Reading(leaders, wanted, EARLIEST, rows=latest.found()).read(end)
    return read_at, earliest, latest


async def read_ends(
    connections: Connections,
    partitions_by_topic: Mapping[str, Collection[int]],
    metadata: ClusterMetadata | None = None,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> EndsReading:
    """Like `read_offsets`, but only the latest offsets."""
    wanted = Partitions(partitions_by_topic)
    end, read_at = time.monotonic() + patience_seconds, datetime.now(UTC)
    latest = await Reading(Leaders(connections, metadata), wanted, LATEST).read(end)
    topics = {
        topic: dict(zip(numbers, ends, strict=True))
        for (topic, numbers), (_, ends) in zip(
            wanted.by_topic(wanted.numbers), wanted.by_topic(latest.known_offsets()), strict=True
        )
    }
    return EndsReading(read_at=read_at, topics=topics)


def _leaders(partitions: Sequence[PartitionMetadata]) -> dict[int, int | None]:
    return {one.partition: one.leader for one in partitions}


def error_text(error: KafkaError | None) -> str | None:
    return item_error(error, _RIGHT) if error is not None else None


class Leaders:
    """Which broker leads each partition, as it was last seen."""

    def __init__(self, connections: Connections, metadata: ClusterMetadata | None) -> None:
        self.connections = connections
        topics = metadata.topics if metadata is not None else ()
        self._listed = {topic.name: topic for topic in topics if topic.error is None}
        self._leaders: dict[str, dict[int, int | None]] = {}
        self._of = for_alike(_leaders)
        self._errors: dict[str, KafkaError] = {}
        self._column: tuple[Partitions, Rows] | None = None
        self._planned: tuple[Partitions, list[LeaderAsked]] | None = None

    async def look(self, topics: Collection[str]) -> None:
        """Looks up again who leads these topics. Raises BrokerError."""
        listed = await list_topics(self.connections, topics)
        for name, topic in listed.topics.items():
            self._listed[name] = topic
            self._leaders.pop(name, None)
            self._errors.pop(name, None)
        self._errors |= {topic: KafkaError(code) for topic, code in listed.codes.items()}
        self._column = self._planned = None
        known = {None, *(broker.id for broker in await self.connections.brokers())}
        if any(leader not in known for topic in topics for leader in self.of(topic).values()):
            await self.connections.refreshed()

    def of(self, topic: str) -> dict[int, int | None]:
        """The topic's partitions with their leaders; None: it currently has none."""
        leaders = self._leaders.get(topic)
        if leaders is None:
            listed = self._listed.get(topic)
            leaders = self._leaders[topic] = self._of(listed.partitions if listed is not None else ())
        return leaders

    def column(self, wanted: Partitions) -> Rows:
        """The leader of each row; -1: it currently has none."""
        if self._column is not None and self._column[0] is wanted:
            return self._column[1]
        leaders: list[int | None] = []
        for topic, numbers in wanted.by_topic(wanted.numbers):
            leaders.extend(map(self.of(topic).get, numbers))
        column = np.array([_NO_LEADER if one is None else one for one in leaders], np.intp)
        self._column = wanted, column
        return column

    def requests(self, wanted: Partitions, rows: Rows) -> tuple[list[LeaderAsked], Rows]:
        """Which brokers to ask for what, and the rows without a leader. Several things are asked about all
        rows, one after the other; the brokers to ask are determined only once."""
        every = len(rows) == len(wanted)
        if every and self._planned is not None and self._planned[0] is wanted:
            return self._planned[1], rows[:0]
        leaders = self.column(wanted)[rows]
        requests = []
        for leader in sorted({*leaders.tolist()} - {_NO_LEADER}):
            of_leader, at = rows[leaders == leader], 0
            for part in in_parts(wanted.places(of_leader), PARTITIONS_A_REQUEST):
                asked = PartitionsAsked(part)
                size = sum(map(len, asked.numbers))
                requests.append(LeaderAsked(leader, asked, of_leader[at : at + size]))
                at += size
        unled = rows[leaders == _NO_LEADER]
        if every and not len(unled):
            self._planned = wanted, requests
        return requests, unled

    def error(self, topic: str, partition: int) -> KafkaError:
        """Why there is nobody to ask about the partition."""
        if topic in self._errors:
            return self._errors[topic]
        exists = partition in self.of(topic)
        return KafkaError(KafkaError.LEADER_NOT_AVAILABLE if exists else KafkaError.UNKNOWN_TOPIC_OR_PART)


class Reading:
    """The `wanted` partitions at one timestamp: an offset or an error for each of the named rows, or for all.
    `timestamps`: those of the records at the offsets; for the latest and earliest, brokers give none (-1)."""

    def __init__(
        self, leaders: Leaders, wanted: Partitions, timestamp: int, *, rows: Rows | None = None
    ) -> None:
        self.offsets: Numbers = np.full(len(wanted), MISSING)
        self.timestamps: Numbers = np.full(len(wanted), -1)
        self.errors: dict[Place, KafkaError] = {}
        self._leaders = leaders
        self._wanted = wanted
        self._rows = np.arange(len(wanted)) if rows is None else rows
        self._timestamp = timestamp
        self._silence: BrokerError | None = None

    def found(self) -> Rows:
        """Which rows have an offset."""
        return np.flatnonzero(self.offsets != MISSING)

    def known_offsets(self) -> list[int | None]:
        """None: it could not be read."""
        offsets: list[int | None] = self.offsets.tolist()
        for at in np.flatnonzero(self.offsets == MISSING).tolist():
            offsets[at] = None
        return offsets

    async def read(self, end: float) -> Self:
        """Raises BrokerError when nobody answered."""
        if not len(self._rows):
            return self
        pending = self._rows
        unled = pending[self._leaders.column(self._wanted)[pending] == _NO_LEADER]
        if len(unled):
            await self._leaders.look(self._wanted.topics_at(unled))
        for turn, pause in enumerate(chain(_PAUSES_SECONDS, repeat(_PAUSES_SECONDS[-1]))):
            failed = await self._ask_leaders(pending)
            self.errors |= {self._place(at): error for at, error in failed.items()}
            again = [at for at, error in failed.items() if _may_pass(error, turn)]
            if not again or time.monotonic() + pause > end:
                break
            await asyncio.sleep(pause)
            pending = np.array(sorted(again), np.intp)
            if not await self._look_again(self._wanted.topics_at(pending)):
                break
            for at in again:
                del self.errors[self._place(at)]
        if self._silence is not None and not len(self.found()):
            raise self._silence
        return self

    def _place(self, at: int) -> Place:
        return self._wanted.topics[self._wanted.topic_of[at]], self._wanted.numbers[at]

    async def _look_again(self, topics: Collection[str]) -> bool:
        """False: the current leaders cannot be determined, so what was read stays, and the rest keeps its
        errors."""
        try:
            await self._leaders.connections.refreshed()
            await self._leaders.look(topics)
        except BrokerError as error:
            if error.code in AUTHENTICATION:
                raise
            self._silence = error
            return False
        return True

    async def _ask_leaders(self, pending: Rows) -> dict[int, KafkaError]:
        """Takes in the leaders' answers; returns the failures, by row."""
        failed: dict[int, KafkaError] = {}
        requests, unled = self._leaders.requests(self._wanted, pending)
        for at in unled.tolist():
            place = self._place(at)
            error = self._leaders.error(*place)
            # The brokers have just said, when asked who leads it, that there is none.
            if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                self.errors[place] = error
            else:
                failed[at] = error
        await together(self._ask(one, failed) for one in requests)
        return failed

    async def _ask(self, one: LeaderAsked, failed: dict[int, KafkaError]) -> None:
        request = list_offsets(one.asked, self._timestamp)
        try:
            found = await self._leaders.connections.ask(request, broker=one.leader)
        except BrokerError as error:
            if error.code in AUTHENTICATION:
                raise
            self._silence = error
            silence = _no_offset("no answer from the partition's broker")
            failed |= dict.fromkeys(one.rows.tolist(), silence)
            return
        rows, found = _rows_of(found, one)
        # There may be no record at a time; an edge always exists.
        lowest = 0 if self._timestamp in (LATEST, EARLIEST, EARLIEST_LOCAL) else -1
        good = (found.codes == 0) & (found.offsets >= lowest)
        self.offsets[rows[good]] = found.offsets[good]
        self.timestamps[rows[good]] = found.timestamps[good]
        for at, code in zip(rows[~good].tolist(), found.codes[~good].tolist(), strict=True):
            if code:
                failed[at] = KafkaError(code)
            else:
                self.errors[self._place(at)] = _no_offset("the partition's broker gave none")


def _rows_of(found: Found, one: LeaderAsked) -> tuple[Rows, Found]:
    """Which wanted rows the answer's rows belong to, and the answer with the partitions of each topic in
    order. Raises MalformedError if they are not the ones asked for."""
    topics, counts, asked_counts = found.topics, found.counts, one.asked.counts
    if len(topics) != len(asked_counts):
        raise MalformedError("an answer to ListOffsets about topics that were not asked for")
    if (counts != asked_counts[topics]).any():
        raise MalformedError("an answer to ListOffsets about partitions that were not asked for")
    begins = np.cumsum(asked_counts) - asked_counts
    in_topic = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(begins[topics], counts) + in_topic
    numbers = one.asked.column
    if (found.partitions != numbers[rows]).any():
        order = np.lexsort((found.partitions, np.repeat(np.arange(len(topics)), counts)))
        found = Found(found.topics, found.counts, *(column[order] for column in found[2:]))
        if (found.partitions != numbers[rows]).any():
            raise MalformedError("an answer to ListOffsets about partitions that were not asked for")
    return one.rows[rows], found


def _no_offset(why: str) -> KafkaError:
    return KafkaError(KafkaError.OFFSET_NOT_AVAILABLE, why)


def _may_pass(error: KafkaError, turn: int) -> bool:
    return error.code() in _MOVED or (error.code() in _LASTING and turn < _TURNS_FOR_LASTING)
