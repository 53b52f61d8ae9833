"""How topics are stored, as optional parts of the section: each needs its own right or version, and one that cannot be
read leaves the section fresh and the part unknown, with the reason."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from mesh_assets.collecting.phases import Phases
from mesh_assets.errors import PlatformError, RefusedError, UnsupportedError
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.storage_records import (
    EligibleLeaders,
    LogDirectory,
    Reassignment,
    TieredPartition,
    TopicStorage,
)
from mesh_assets.inventory.wording import counted, listed
from mesh_assets.platforms.kafka import (
    ClusterMetadata,
    KafkaReader,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    TopicConfigs,
    TopicMetadata,
    for_alike,
)
from mesh_assets.platforms.kafka.storage import RecordTimes, StorageReading, TopicSize, moment

Result = TypeVar("Result")


class ReadStorage(Protocol):
    """`StorageCollection.finish` for what was begun."""

    def __call__(
        self,
        *,
        configs: Mapping[str, TopicConfigs],
        offsets: OffsetsReading,
        previous: Mapping[str, Topic],
    ) -> "CollectedStorage": ...


_TIERED = "remote.storage.enable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedStorage:
    """`topics` and `sizes`: by topic, for `topic_records`. `directories` None: no broker reported its own. `unknown`: part →
    why it, or some of it, could not be read. `failed`: those of its sentences with a cause other than a missing right or
    version, which must not go unnoticed."""

    topics: Mapping[str, TopicStorage]
    sizes: Mapping[str, TopicSize]
    directories: tuple[LogDirectory, ...] | None
    unknown: dict[str, str]
    failed: tuple[str, ...]


@dataclass(slots=True)
class StorageCollection:
    """One collection: parts that need only the metadata are requested at once, the rest when configs and offsets are known."""

    _kafka: KafkaReader
    _metadata: ClusterMetadata
    _topics: Sequence[TopicMetadata]
    _phases: Phases
    _unknown: dict[str, str] = field(default_factory=dict)
    _failed: list[str] = field(default_factory=list)

    def begin(self, pool: ThreadPoolExecutor) -> "Begun":
        is_short = for_alike(_is_short)
        short = [topic.name for topic in self._topics if topic.error is None and is_short(topic.partitions)]
        return Begun(
            log_dirs=pool.submit(self._part, "log_directories", self._log_dirs),
            reassignments=pool.submit(self._part, "reassignments", self._kafka.reassignments),
            # There can be any only where a replica is out of sync.
            eligible=pool.submit(
                self._part,
                "eligible_leaders",
                lambda: dict(self._kafka.eligible_leaders(short)) if short else {},
            ),
            short=frozenset(short),
        )

    def finish(
        self,
        begun: "Begun",
        *,
        configs: Mapping[str, TopicConfigs],
        offsets: OffsetsReading,
        previous: Mapping[str, Topic],
    ) -> CollectedStorage:
        tiered = _with_tiered_storage(self._topics, configs)
        known: dict[str, _AgesKnown] = {}
        for topic in self._topics:
            edges = offsets.topics.get(topic.name, ())
            if ages := _ages_known(topic, previous.get(topic.name), configs.get(topic.name), edges):
                known[topic.name] = ages
        times = self._part("record_times", lambda: self._times(offsets, tiered, known=known))
        away = self._part("tiered", lambda: self._away(offsets, tiered)) if tiered else {}
        reading, moves = begun.log_dirs.result(), begun.reassignments.result()
        eligible = begun.eligible.result()
        if reading is not None and reading.errors:
            which = "; ".join(f"broker {broker}: {error}" for broker, error in reading.errors.items())
            self._note(
                "log_directories", f"those of {counted(len(reading.errors), 'broker')}: {which}", failed=True
            )
        sizes = {} if reading is None else reading.topics

        def storage(topic: TopicMetadata) -> TopicStorage:
            size = sizes.get(topic.name)
            of_topic = None if times is None else times.get(topic.name)
            config = configs.get(topic.name)
            oldest = None if of_topic is None else moment(of_topic.oldest_ms)
            newest = None if of_topic is None else moment(of_topic.newest_ms)
            if ages := known.get(topic.name):
                oldest, unmoved = ages.oldest, ages.newest
                newest = (newest and max(unmoved, newest)) if ages.moved else unmoved
            return TopicStorage(
                leader_bytes=None if size is None else size.leader_bytes,
                replica_bytes=None if size is None else size.replica_bytes,
                future_bytes=None if size is None else size.future_bytes,
                oldest_record_at=oldest,
                newest_record_at=newest,
                reassignments=None if moves is None else moves.get(topic.name, ()),
                eligible_leaders=_eligible(topic.name, eligible, begun.short),
                tiered=None
                if config is None or config.values is None or away is None
                else away.get(topic.name, None if topic.name in tiered else ()),
            )

        return CollectedStorage(
            topics={topic.name: storage(topic) for topic in self._topics if topic.error is None},
            sizes=sizes,
            directories=None if reading is None else reading.directories,
            unknown=dict(sorted(self._unknown.items())),
            failed=tuple(self._failed),
        )

    def _log_dirs(self) -> StorageReading:
        with self._phases.phase("kafka log dirs"):
            return self._kafka.log_dirs(self._metadata)

    def _times(
        self, offsets: OffsetsReading, tiered: frozenset[str], *, known: "Mapping[str, _AgesKnown]"
    ) -> Mapping[str, RecordTimes]:
        with_records: dict[str, Sequence[int]] = {
            topic.name: known[topic.name].moved
            if topic.name in known
            else [
                one.partition
                for one in offsets.topics.get(topic.name, ())
                if one.earliest is not None and one.latest is not None and one.earliest < one.latest
            ]
            for topic in self._topics
        }
        wanted = {topic: numbers for topic, numbers in with_records.items() if numbers}
        with self._phases.phase("kafka record times"):
            times = (
                self._kafka.record_times(wanted, tiered=tiered, newest_only=known.keys()) if wanted else {}
            )
        errors: dict[str, list[str]] = {}
        for topic, one in times.items():
            for error in dict.fromkeys((one.oldest_error, one.newest_error)):
                if error is not None:
                    errors.setdefault(error, []).append(topic)
        if errors:
            self._note(
                "record_times", "; ".join(f"for {_some(topics)}: {why}" for why, topics in errors.items())
            )
        return times

    def _away(
        self, offsets: OffsetsReading, tiered: frozenset[str]
    ) -> dict[str, tuple[TieredPartition, ...]]:
        wanted = {
            topic: [one.partition for one in offsets.topics.get(topic, ()) if one.latest is not None]
            for topic in sorted(tiered)
        }
        return dict(self._kafka.tiered(wanted))

    def _part(self, part: str, read: Callable[[], Result]) -> Result | None:
        try:
            return read()
        except PlatformError as error:
            self._note(part, str(error), failed=not isinstance(error, RefusedError | UnsupportedError))
            return None

    def _note(self, part: str, why: str, *, failed: bool = False) -> None:
        self._unknown[part] = why
        if failed:
            self._failed.append(f"{part.replace('_', ' ')}: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Futures of what was requested at once; None for a part that could not be read. `short`: the topics that have a
    replica out of sync."""

    log_dirs: Future[StorageReading | None]
    reassignments: Future[Mapping[str, tuple[Reassignment, ...]] | None]
    eligible: Future[dict[str, tuple[EligibleLeaders, ...] | None] | None]
    short: frozenset[str]


def _is_short(partitions: Sequence[PartitionMetadata]) -> bool:
    return any(len(one.isr) < len(one.replicas) for one in partitions)


def _with_tiered_storage(
    topics: Iterable[TopicMetadata], configs: Mapping[str, TopicConfigs]
) -> frozenset[str]:
    return frozenset(
        topic.name
        for topic in topics
        if topic.error is None
        and (config := configs.get(topic.name)) is not None
        and (config.values or {}).get(_TIERED) == "true"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _AgesKnown:
    """What was known about a topic's ages. `moved`: the partitions that have received records since."""

    oldest: datetime
    newest: datetime
    moved: tuple[int, ...]


def _ages_known(
    topic: TopicMetadata, before: Topic | None, config: TopicConfigs | None, edges: Sequence[PartitionOffsets]
) -> _AgesKnown | None:
    """None unless nothing was removed. With compaction or a new leader, the log's edges do not show that; brokers look ages
    up on disk, so avoiding the question is worthwhile."""
    if before is None or before.storage is None or topic.id is None or topic.id != before.id:
        return None
    policy = None if config is None or config.values is None else config.values.get("cleanup.policy")
    oldest, newest = before.storage.oldest_record_at, before.storage.newest_record_at
    if oldest is None or newest is None or not policy == before.details.cleanup_policy == "delete":
        return None
    if len(before.partitions) != min(len(edges), len(topic.partitions)):
        return None
    moved = []
    for then, now, place in zip(before.partitions, edges, topic.partitions, strict=False):
        if then.partition != now.partition or then.earliest != now.earliest or then.leader != place.leader:
            return None
        if then.latest is None or now.latest is None or now.earliest is None or now.latest < then.latest:
            return None
        if now.latest > then.latest:
            moved.append(now.partition)
    return _AgesKnown(oldest=oldest, newest=newest, moved=tuple(moved))


def _eligible(
    topic: str, eligible: Mapping[str, tuple[EligibleLeaders, ...] | None] | None, short: frozenset[str]
) -> tuple[EligibleLeaders, ...] | None:
    if topic not in short:
        return ()
    return None if eligible is None else eligible.get(topic)


def _some(topics: Sequence[str]) -> str:
    return f"{counted(len(topics), 'topic')} ({listed(list(topics))})"
