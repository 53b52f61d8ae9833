"""Chooses and reads a topic's records: by strategy, and within bounds of records, bytes and seconds."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from mesh_assets.estate.expectations import ProfilingSettings
from mesh_assets.inventory.wording import counted
from mesh_assets.platforms.kafka import PartitionMetadata, PartitionOffsets
from mesh_assets.platforms.kafka.slices import SampledRecord, Slice, SliceReader
from mesh_assets.platforms.kafka.storage import RecordTimes
from mesh_assets.profiling.records import PartitionWindow

RUNS = 10
"""How many runs of records the strategies `random` and `stratified` read per partition: each costs a request,
and neighbours are alike."""
_FURTHER = 4
_NO_LEADER = "has no leader, so it cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSample:
    """What was read of one topic: records by partition and offset, and the windows they come from."""

    records: Sequence[SampledRecord]
    windows: tuple[PartitionWindow, ...]
    bytes: int


@dataclass(slots=True)
class _Partition:
    earliest: int
    latest: int
    begun: int = 0
    records: list[SampledRecord] = field(default_factory=list)


class TopicSampler:
    """Samples topics of one cluster, one after another. `times`: each topic's, for the strategy
    `stratified`."""

    def __init__(
        self,
        reader: SliceReader,
        settings: ProfilingSettings,
        *,
        rng: Random,
        timeout_seconds: float,
        times: Mapping[str, RecordTimes] | None = None,
    ) -> None:
        self._reader = reader
        self._settings = settings
        self._rng = rng
        self._timeout_seconds = timeout_seconds
        self._times = times or {}

    def sample(
        self, topic: str, partitions: Sequence[PartitionMetadata], offsets: Sequence[PartitionOffsets]
    ) -> RawSample:
        """A sample of the topic, which has these partitions; `offsets`: of those with a leader. A partition
        that could not be read at all is in `windows` with the reason. Raises PlatformError when the topic
        cannot be read."""
        deadline = time.monotonic() + self._settings.seconds
        edges = {one.partition: one for one in offsets}
        errors: dict[int, str] = {}
        read: dict[int, _Partition] = {}
        for one in partitions:
            edge = edges.get(one.partition)
            if edge is None:
                errors[one.partition] = one.error or _NO_LEADER
            elif edge.earliest is None or edge.latest is None:
                errors[one.partition] = edge.error or "its offsets could not be read"
            elif edge.latest > edge.earliest:
                read[one.partition] = _Partition(edge.earliest, edge.latest)
        chosen = self._chosen(read, errors)
        most = min(self._settings.records_per_partition, self._settings.records // max(1, len(chosen)))
        size = self._read(topic, chosen, most, errors, deadline)
        records = [record for number in sorted(chosen) for record in chosen[number].records]
        windows = tuple(
            _window(
                one.partition, edges.get(one.partition), chosen.get(one.partition), errors.get(one.partition)
            )
            for one in partitions
        )
        return RawSample(records=records, windows=windows, bytes=size)

    def _chosen(self, read: Mapping[int, _Partition], errors: dict[int, str]) -> dict[int, _Partition]:
        """All partitions with offsets; if there are more of them than records may be read, that many, evenly
        spread."""
        most = self._settings.records
        if len(read) <= most:
            return dict(read)
        numbers = sorted(read)
        taken = {numbers[place * len(numbers) // most] for place in range(most)}
        errors |= dict.fromkeys(
            read.keys() - taken,
            f"left out: a sample has at most {counted(most, 'record')}, fewer than partitions",
        )
        return {number: read[number] for number in taken}

    def _read(
        self,
        topic: str,
        chosen: dict[int, _Partition],
        most: int,
        errors: dict[int, str],
        deadline: float,
    ) -> int:
        slices = self._slices(topic, chosen, most)
        size = 0
        while slices:
            found = self._reader.read(
                topic, slices, most_bytes=self._settings.bytes - size, deadline=deadline
            )
            size += found.bytes
            errors |= found.errors
            new: defaultdict[int, list[SampledRecord]] = defaultdict(list)
            for record in found.records:
                new[record.partition].append(record)
            for number, records in new.items():
                partition = chosen[number]
                partition.records = sorted((*records, *partition.records), key=lambda one: one.offset)[-most:]
            slices = self._further(chosen, most, errors, left=self._settings.bytes - size, deadline=deadline)
        return sum(
            len(record.key or b"") + len(record.value or b"")
            for partition in chosen.values()
            for record in partition.records
        )

    def _slices(self, topic: str, chosen: Mapping[int, _Partition], most: int) -> dict[int, list[Slice]]:
        starts: dict[int, list[int]] = {}
        whole = {number for number, one in chosen.items() if one.latest - one.earliest <= most}
        if self._settings.strategy != "latest":
            rest = {number: one for number, one in chosen.items() if number not in whole}
            starts = (
                self._at_times(topic, rest)
                if self._settings.strategy == "stratified"
                else self._at_random(rest, most)
            )
        found: dict[int, list[Slice]] = {}
        for number, one in chosen.items():
            if number in starts:
                begins = starts[number]
                one.begun = (
                    one.earliest
                )  # there is nothing earlier to search: the runs are spread over everything
                share = -(-most // len(begins))
                found[number] = [
                    Slice(begin, stop, share)
                    for begin, stop in zip(begins, [*begins[1:], one.latest], strict=True)
                ]
            else:
                one.begun = max(one.earliest, one.latest - most)
                found[number] = [Slice(one.begun, one.latest, most)]
        return found

    def _further(
        self,
        chosen: Mapping[int, _Partition],
        most: int,
        errors: Mapping[int, str],
        *,
        left: int,
        deadline: float,
    ) -> dict[int, list[Slice]]:
        """Reads further back if the newest offsets hold fewer records than asked for: compaction, transaction
        markers and rolled-back transactions leave gaps. Each round reaches four times as far."""
        found: dict[int, list[Slice]] = {}
        if left <= 0 or time.monotonic() >= deadline:
            return found
        for number, one in chosen.items():
            if len(one.records) < most and one.begun > one.earliest and number not in errors:
                begin = max(one.earliest, one.latest - _FURTHER * (one.latest - one.begun))
                found[number] = [Slice(begin, one.begun, one.begun - begin)]
                one.begun = begin
        return found

    def _at_random(self, chosen: Mapping[int, _Partition], most: int) -> dict[int, list[int]]:
        runs = min(RUNS, most)
        length = -(-most // runs)
        return {
            number: sorted(
                set(
                    self._rng.sample(
                        range(one.earliest, max(one.earliest + runs, one.latest - length + 1)), runs
                    )
                )
            )
            for number, one in chosen.items()
        }

    def _at_times(self, topic: str, chosen: Mapping[int, _Partition]) -> dict[int, list[int]]:
        """Offsets at even distances between the times of the topic's first and newest records; if no record
        has a time, all runs begin at the partition's start."""
        times = self._times.get(topic)
        starts = {number: {one.earliest} for number, one in chosen.items()}
        if times is not None and times.oldest_ms is not None and times.newest_ms is not None and chosen:
            step = (times.newest_ms - times.oldest_ms) / RUNS
            for run in range(1, RUNS):
                at = self._reader.offsets_at(
                    topic,
                    sorted(chosen),
                    int(times.oldest_ms + run * step),
                    timeout_seconds=self._timeout_seconds,
                )
                for number, offset in at.items():
                    if offset is not None and offset < chosen[number].latest:
                        starts[number].add(max(offset, chosen[number].earliest))
        return {number: sorted(several) for number, several in starts.items()}


def _window(
    number: int, edge: PartitionOffsets | None, read: _Partition | None, error: str | None
) -> PartitionWindow:
    records = [] if read is None else read.records
    return PartitionWindow(
        partition=number,
        earliest=None if edge is None else edge.earliest,
        latest=None if edge is None else edge.latest,
        first=records[0].offset if records else None,
        last=records[-1].offset if records else None,
        records=len(records),
        error=error,
    )
