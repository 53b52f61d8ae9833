"""An in-memory cluster for profiles: topics with records, read in slices like a real one's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

from mesh_assets.collecting.samples import RecordDecoder
from mesh_assets.errors import MeshError
from mesh_assets.estate.expectations import ProfilingSettings
from mesh_assets.estate.model import Cluster
from mesh_assets.platforms.kafka import (
    ClusterMetadata,
    KafkaReader,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    TopicMetadata,
)
from mesh_assets.platforms.kafka.slices import SampledRecord, Slice, SliceReader, SlicesRead
from mesh_assets.platforms.kafka.storage import RecordTimes
from mesh_assets.platforms.schema_registry.records import SchemaText
from mesh_assets.profiling.cluster import Before, ClusterProfiles, ProfilingClients, profile_cluster
from mesh_assets.profiling.records import TopicProfile
from mesh_assets.profiling.sample import OnSample
from mesh_assets.store.fingerprints import FingerprintKey

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
CLUSTER_ID = "cluster-in-memory"
KEY = FingerprintKey(id="k", key=b"a key of the tests, of 32 bytes.")


def a_record(
    value: bytes | None, *, key: bytes | None = None, partition: int = 0, offset: int = 0, at: datetime = NOW
) -> SampledRecord:
    return SampledRecord(partition, offset, int(at.timestamp() * 1_000), key, value)


def numbered(records: Sequence[SampledRecord]) -> list[SampledRecord]:
    """The records with offsets that begin with 0 in each partition."""
    ends: dict[int, int] = {}
    found = []
    for one in records:
        offset = ends.get(one.partition, 0)
        ends[one.partition] = offset + 1
        found.append(one._replace(offset=offset))
    return found


@dataclass(slots=True)
class Log:
    """`errors`: by partition, how its reading ends. `latest`: by partition, where it lies beyond the last record, as
    transaction markers cause. `refused`: what any reading raises."""

    records: Sequence[SampledRecord]
    partitions: int = 1
    leaderless: frozenset[int] = frozenset()
    errors: Mapping[int, str] = field(default_factory=dict)
    latest: Mapping[int, int] = field(default_factory=dict)
    refused: MeshError | None = None
    error: str | None = None
    topic_id: str | None = None

    def edges(self, number: int) -> PartitionOffsets:
        offsets = [one.offset for one in self.records if one.partition == number]
        end = self.latest.get(number, max(offsets, default=-1) + 1)
        return PartitionOffsets(partition=number, earliest=min(offsets, default=end), latest=end)


@dataclass(slots=True)
class InMemory:
    """Stands in for the brokers and the registry. `asked`: the slices read, by topic."""

    logs: Mapping[str, Log]
    schemas: Mapping[int, SchemaText | MeshError] = field(default_factory=dict)
    versions: Mapping[tuple[str, int], Any] = field(default_factory=dict)
    has_registry: bool = True
    times: Mapping[str, RecordTimes] = field(default_factory=dict)
    asked: list[tuple[str, dict[int, list[Slice]]]] = field(default_factory=list)

    def metadata(self) -> ClusterMetadata:
        return ClusterMetadata(
            cluster_id=CLUSTER_ID,
            brokers=(),
            topics=tuple(
                TopicMetadata(
                    name=name,
                    id=log.topic_id or f"id-of-{name}",
                    internal=False,
                    partitions=tuple(
                        PartitionMetadata(
                            partition=number,
                            leader=None if number in log.leaderless else 1,
                            replicas=(1,),
                            isr=(1,),
                        )
                        for number in range(log.partitions)
                    ),
                    error=log.error,
                )
                for name, log in sorted(self.logs.items())
            ),
        )

    def offsets(self, wanted: Mapping[str, Sequence[int]]) -> OffsetsReading:
        return OffsetsReading(
            read_at=NOW,
            topics={name: tuple(map(self.logs[name].edges, numbers)) for name, numbers in wanted.items()},
        )

    def record_times(
        self, wanted: Mapping[str, Sequence[int]], *, tiered: Sequence[str]
    ) -> Mapping[str, RecordTimes]:
        assert not tiered
        return {name: self.times[name] for name in wanted}

    def offsets_at(
        self, topic: str, partitions: Sequence[int], timestamp_ms: int, *, timeout_seconds: float
    ) -> dict[int, int | None]:
        assert timeout_seconds > 0
        later = [one for one in self.logs[topic].records if (one.timestamp_ms or 0) >= timestamp_ms]
        return {
            number: min((one.offset for one in later if one.partition == number), default=None)
            for number in partitions
        }

    def read(
        self, topic: str, slices: Mapping[int, Sequence[Slice]], *, most_bytes: int, deadline: float
    ) -> SlicesRead:
        assert most_bytes > 0
        assert deadline > 0
        log = self.logs[topic]
        self.asked.append((topic, {number: list(several) for number, several in slices.items()}))
        if log.refused is not None:
            raise log.refused
        found = SlicesRead(errors=dict(log.errors))
        for number, several in slices.items():
            for one in several:
                inside = [
                    record
                    for record in log.records
                    if record.partition == number and one.start <= record.offset < one.stop
                ]
                found.records += inside[: one.most] if number not in log.errors else []
        found.bytes = sum(len(one.key or b"") + len(one.value or b"") for one in found.records)
        return found

    @contextmanager
    def open(self, cluster: Cluster) -> Iterator[ProfilingClients]:
        assert cluster.name
        yield ProfilingClients(
            kafka=cast(KafkaReader, self),
            slices=cast(SliceReader, self),
            schemas=RecordDecoder(
                self._schema, lambda subject, version: _or_raised(self.versions.get((subject, version)))
            )
            if self.has_registry
            else None,
        )

    def _schema(self, schema_id: int) -> SchemaText | None:
        return cast("SchemaText | None", _or_raised(self.schemas.get(schema_id)))


def _or_raised(found: Any) -> Any:
    if isinstance(found, MeshError):
        raise found
    return found


def a_cluster(*allowed: str) -> Cluster:
    return Cluster.model_validate(
        {
            "name": "memory",
            "kafka": {"bootstrap_servers": "b:1"},
            "allow_message_reading": allowed or ("*",),
        }
    )


def profile(
    world: InMemory,
    *,
    before: Before | None = None,
    settings: ProfilingSettings | None = None,
    on_sample: OnSample = lambda _: None,
    allowed: Sequence[str] = (),
    now: Callable[[], datetime] = lambda: NOW,
) -> ClusterProfiles:
    return profile_cluster(
        a_cluster(*allowed),
        settings or ProfilingSettings(),
        before=before or Before(),
        key=KEY,
        now=now,
        on_sample=on_sample,
        open_clients=world.open,
        rng=Random(1),
    )


def profile_values(*values: bytes | None, **world: Any) -> TopicProfile:
    """The profile of one topic with these values, under distinct keys."""
    records = numbered([a_record(value, key=b"%d" % place) for place, value in enumerate(values)])
    (found,) = profile(InMemory({"orders": Log(records)}, **world)).profiles
    return found
