"""From when, until when and where partitions retain records: ListOffsets at timestamps other than the edges'.

What brokers answer (Kafka 2.8 to 4.3): for the edges (-1, -2), never a timestamp. For a time, the first
record that is not older, with its timestamp: at 0, that is the very first record. For -3, the record with the
newest timestamp on the leader's own disk. So both ages are known without fetching a record. For -4 and -5,
offsets in tiered storage.
"""

import time
from collections.abc import Collection, Mapping

import numpy as np
from confluent_kafka import KafkaError

from mesh_assets.inventory.storage_records import TieredPartition
from mesh_assets.platforms.kafka.storage import RecordTimes
from mesh_assets.platforms.kafka.values import ClusterMetadata
from mesh_assets.platforms.kafka.wire.forms import Connections, UnsupportedError
from mesh_assets.platforms.kafka.wire.offset_messages import (
    EARLIEST_LOCAL,
    LATEST_TIERED,
    OF_THE_NEWEST_TIMESTAMP,
)
from mesh_assets.platforms.kafka.wire.offsets import (
    PATIENCE_SECONDS,
    Leaders,
    Reading,
    error_text,
)
from mesh_assets.platforms.kafka.wire.partition_columns import Partitions

OF_THE_FIRST = 0
_NEVER = 2**63 - 1
NOT_LOOKED_FOR = "it is in tiered storage, where we do not look: that would cost a read of a remote segment"


async def read_record_times(
    connections: Connections,
    partitions_by_topic: Mapping[str, Collection[int]],
    metadata: ClusterMetadata | None = None,
    *,
    tiered: Collection[str] = (),
    newest_only: Collection[str] = (),
    patience_seconds: float = PATIENCE_SECONDS,
) -> dict[str, RecordTimes]:
    """The timestamps of each topic's first records (the oldest of its partitions') and of its newest record.
    For the topics in `tiered` and `newest_only`, the first records are not read. Raises BrokerError when no
    broker answered."""
    wanted = Partitions(partitions_by_topic)
    leaders = Leaders(connections, metadata)
    end = time.monotonic() + patience_seconds
    of_first = None
    if tiered or newest_only:
        asked = [topic not in tiered and topic not in newest_only for topic in wanted.topics]
        of_first = np.flatnonzero(np.array(asked, bool)[wanted.topic_of])
    first = await Reading(leaders, wanted, OF_THE_FIRST, rows=of_first).read(end)
    newest: Reading | None = None
    unsupported: str | None = None
    try:
        newest = await Reading(leaders, wanted, OF_THE_NEWEST_TIMESTAMP).read(end)
    except UnsupportedError as error:
        unsupported = f"UNSUPPORTED_VERSION: {error}"
    first_errors, newest_errors = _by_topic(first), {} if newest is None else _by_topic(newest)
    oldest_ms, newest_ms = _times(first, wanted, np.minimum), _times(newest, wanted, np.maximum)
    times: dict[str, RecordTimes] = {}
    for topic in wanted.topics:
        oldest_error = (
            NOT_LOOKED_FOR if topic in tiered and topic not in newest_only else first_errors.get(topic)
        )
        newest_error = unsupported or newest_errors.get(topic)
        times[topic] = RecordTimes(
            oldest_ms=None if oldest_error else oldest_ms.get(topic),
            newest_ms=None if newest_error else newest_ms.get(topic),
            oldest_error=oldest_error,
            newest_error=newest_error,
        )
    return times


def _times(reading: Reading | None, wanted: Partitions, pick: np.ufunc) -> dict[str, int]:
    """For the topics that have any record with a timestamp."""
    if reading is None:
        return {}
    known = (reading.offsets >= 0) & (reading.timestamps >= 0)
    times = np.where(known, reading.timestamps, _NEVER if pick is np.minimum else -_NEVER)
    return {topic: time for topic, time in wanted.reduced(pick, times) if abs(time) != _NEVER}


def _by_topic(reading: Reading) -> dict[str, str]:
    """The first error of each topic that has any, ignoring those that say there is no such record."""
    errors: dict[str, str] = {}
    for (topic, _), error in sorted(reading.errors.items()):
        errors.setdefault(topic, _said(error))
    return errors


def _said(error: KafkaError) -> str:
    text = error_text(error)
    assert text is not None
    return text


async def read_tiered(
    connections: Connections,
    partitions_by_topic: Mapping[str, Collection[int]],
    metadata: ClusterMetadata | None = None,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> dict[str, tuple[TieredPartition, ...]]:
    """Which parts of these partitions, of topics with tiered storage, are local and which are tiered. Raises
    BrokerError when no broker answered, UnsupportedError with brokers before Kafka 3.9."""
    wanted = Partitions(partitions_by_topic)
    leaders = Leaders(connections, metadata)
    end = time.monotonic() + patience_seconds
    latest = await Reading(leaders, wanted, LATEST_TIERED).read(end)
    local = await Reading(leaders, wanted, EARLIEST_LOCAL).read(end)
    errors = local.errors | latest.errors
    rows = list(zip(wanted.numbers, local.known_offsets(), latest.known_offsets(), strict=True))
    return {
        topic: tuple(
            TieredPartition(
                partition=number,
                earliest_local=begins,
                latest_tiered=ends if ends is not None and ends >= 0 else None,
                error=error_text(errors.get((topic, number))),
            )
            for number, begins, ends in ones
        )
        for topic, ones in wanted.by_topic(rows)
    }
