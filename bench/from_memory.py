"""One discovery with Kafka from memory, timed part by part: run by `bench/discover.py`; imports nothing before it is timed."""

# ruff: noqa: T201, ARG002  (it prints its result, and takes arguments that it does not use)
import importlib
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mesh_assets.inventory.storage_records import EligibleLeaders, Reassignment, TieredPartition
    from mesh_assets.platforms import Presence
    from mesh_assets.platforms.kafka.storage import RecordTimes, StorageReading
    from mesh_assets.platforms.kafka.values import (
        AccessReading,
        BrokersReading,
        ClusterMetadata,
        EndsReading,
        GroupsReading,
        OffsetsReading,
        PartitionOffsets,
        TopicConfigs,
        TopicMetadata,
        TransactionsReading,
    )

TOPICS, PARTITIONS, GROUPS, TOPICS_A_GROUP = 9_000, 4, 2_199, 4

CLUSTER_ID = "bench-cluster-of-memory"
_RECORDS, _COMMITTED = 3, 1
CONFIGS: dict[str, str | None] = {
    **{f"config.number.{number:02}": f"value-{number}" for number in range(31)},
    "cleanup.policy": "delete",
    "min.insync.replicas": "1",
}
"""Those of a topic that sets none itself."""


class CpuPhases:
    """CPU seconds of this process, over all threads, by phase; time in an inner phase counts only there."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside = [0.0]

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.process_time()
        self._inside.append(0.0)
        try:
            yield
        finally:
            took = time.process_time() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + took - self._inside.pop()
            self._inside[-1] += took

    def measured(self, module: str, name: str, phase: str) -> None:
        """From now on, calls of that function (or `Class.method`) through that module count as that phase."""
        holder: Any = importlib.import_module(module)
        *path, attribute = name.split(".")
        for part in path:
            holder = getattr(holder, part)
        function = getattr(holder, attribute)

        @wraps(function)
        def timed(*arguments: Any, **keywords: Any) -> Any:
            with self.phase(phase):
                return function(*arguments, **keywords)

        setattr(holder, attribute, timed)


class MemoryKafka:
    """Three brokers' topics and groups, as `bench/three_brokers.py` makes them."""

    def __init__(self, *, topics: int, partitions: int, groups: int) -> None:
        from mesh_assets.platforms.kafka.values import (
            CommittedPartition,
            ConsumerGroup,
            PartitionMetadata,
            PartitionOffsets,
            TopicConfigs,
            TopicMetadata,
        )

        self.requests: Counter[str] = Counter()
        self.read_at: datetime | None = None  # None: the clock's time
        kinds = [CONFIGS, *({**CONFIGS, "retention.ms": str(days * 86_400_000)} for days in range(1, 8))]
        placed = [
            PartitionMetadata(
                partition=number, leader=1 + number % 3, replicas=(1 + number % 3,), isr=(1 + number % 3,)
            )
            for number in range(partitions)
        ]
        self._offsets = tuple(
            PartitionOffsets(partition=number, earliest=0, latest=_RECORDS) for number in range(partitions)
        )
        self._metadata = self._metadata_of(
            tuple(
                TopicMetadata(
                    name=f"bench-topic-{number:05}",
                    id=f"{number:022}",
                    internal=False,
                    partitions=tuple(placed),
                )
                for number in range(topics)
            )
        )
        self._configs = {
            topic.name: TopicConfigs(
                topic=topic.name,
                values=kinds[0] if number % 10 else kinds[1 + number // 10 % 7],
                overridden=() if number % 10 else ("retention.ms",),
            )
            for number, topic in enumerate(self._metadata.topics)
        }
        self._groups = tuple(
            ConsumerGroup(
                group_id=f"bench-group-{number:05}",
                type="classic",
                protocol_type="",
                state="Empty",
                coordinator=1 + number % 3,
                members=(),
                offsets=tuple(
                    CommittedPartition(
                        topic=self._metadata.topics[topic].name, partition=one, committed=_COMMITTED
                    )
                    for topic in range(number * TOPICS_A_GROUP, (number + 1) * TOPICS_A_GROUP)
                    for one in range(partitions)
                ),
            )
            for number in range(groups)
        )

    @staticmethod
    def _metadata_of(topics: "tuple[TopicMetadata, ...]") -> "ClusterMetadata":
        from mesh_assets.platforms.kafka.values import BrokerNode, ClusterMetadata

        return ClusterMetadata(
            cluster_id=CLUSTER_ID,
            brokers=tuple(BrokerNode(id=one, host="127.0.0.1", port=9091 + one) for one in (1, 2, 3)),
            topics=topics,
        )

    def _offsets_of(self, topic: str) -> "tuple[PartitionOffsets, ...]":
        return self._offsets

    def read_cluster_id(self) -> str | None:
        return CLUSTER_ID

    def metadata(self) -> "ClusterMetadata":
        return self._metadata

    def configs(self, topics: Iterable[str]) -> "dict[str, TopicConfigs]":
        return {name: self._configs[name] for name in topics}

    def offsets(self, partitions_by_topic: Mapping[str, Collection[int]]) -> "OffsetsReading":
        from mesh_assets.platforms.kafka.values import OffsetsReading

        return OffsetsReading(
            read_at=self.read_at or datetime.now(UTC),
            topics={name: self._offsets_of(name) for name in partitions_by_topic},
        )

    def ends(self, partitions_by_topic: Mapping[str, Collection[int]]) -> "EndsReading":
        from mesh_assets.platforms.kafka.values import EndsReading

        return EndsReading(
            read_at=self.read_at or datetime.now(UTC),
            topics={
                name: {one.partition: one.latest for one in self._offsets_of(name)}
                for name in partitions_by_topic
            },
        )

    def commits(self, coordinators: Mapping[str, int]) -> dict[str, dict[str, dict[int, int]]]:
        found: dict[str, dict[str, dict[int, int]]] = {}
        for group in self._groups:
            if group.group_id in coordinators:
                by_topic = found[group.group_id] = {}
                for one in group.offsets or ():
                    if one.committed is not None:
                        by_topic.setdefault(one.topic, {})[one.partition] = one.committed
        return found

    def groups(self, selects: Callable[[str], bool]) -> "GroupsReading":
        from mesh_assets.platforms.kafka.values import GroupsReading

        return GroupsReading(
            read_at=self.read_at or datetime.now(UTC),
            groups=tuple(one for one in self._groups if selects(one.group_id)),
        )

    def log_dirs(self, metadata: "ClusterMetadata") -> "StorageReading":
        from mesh_assets.inventory.storage_records import LogDirectory
        from mesh_assets.platforms.kafka.storage import StorageReading, TopicSize

        return StorageReading(
            directories=tuple(
                LogDirectory(broker=one.id, path="/logs", replicas=1, bytes=1, total_bytes=2, usable_bytes=1)
                for one in metadata.brokers
            ),
            topics={
                topic.name: TopicSize(
                    partitions=tuple(1_000_000 + one.partition for one in topic.partitions),
                    leader_bytes=1_000_000 * len(topic.partitions),
                    replica_bytes=1_000_000 * len(topic.partitions),
                    future_bytes=0,
                )
                for topic in metadata.topics
            },
            errors={},
        )

    def reassignments(self) -> "dict[str, tuple[Reassignment, ...]]":
        return {}

    def eligible_leaders(self, topics: Collection[str]) -> "dict[str, tuple[EligibleLeaders, ...] | None]":
        return dict.fromkeys(topics, ())

    def record_times(
        self,
        partitions_by_topic: Mapping[str, Collection[int]],
        *,
        tiered: Collection[str],
        newest_only: Collection[str] = (),
    ) -> "dict[str, RecordTimes]":
        from mesh_assets.platforms.kafka.storage import RecordTimes

        assert not tiered
        return {
            topic: RecordTimes(oldest_ms=1_700_000_000_000 + number, newest_ms=1_790_000_000_000 + number)
            for number, topic in enumerate(partitions_by_topic)
        }

    def tiered(
        self, partitions_by_topic: Mapping[str, Collection[int]]
    ) -> "dict[str, tuple[TieredPartition, ...]]":
        return dict.fromkeys(partitions_by_topic, ())

    def brokers(self) -> "BrokersReading":
        from mesh_assets.errors import UnreachableError

        raise UnreachableError("not part of this estate")

    def access(self) -> "AccessReading":
        from mesh_assets.errors import UnreachableError

        raise UnreachableError("not part of this estate")

    def transactions(self, selects: Callable[[str], bool]) -> "TransactionsReading":
        from mesh_assets.errors import UnreachableError

        raise UnreachableError("not part of this estate")

    def topic_presence(self, names: Sequence[str]) -> "dict[str, Presence]":
        return dict.fromkeys(names, "gone")

    def group_presence(self, names: Sequence[str]) -> "dict[str, Presence]":
        return dict.fromkeys(names, "gone")

    def close(self) -> None:
        """Holds nothing."""

    def __enter__(self) -> "MemoryKafka":
        return self

    def __exit__(self, *_: object) -> None:
        """Holds nothing."""


class TakingPublisher:
    """Encodes the events and reports that the brokers have them."""

    http_requests = 0
    notes: tuple[str, ...] = ()

    def prepare(self, cached: Any) -> Any:
        return cached

    def look(self, *_: Any, **__: Any) -> None:
        """Only from this store; nothing takes time."""

    prepare_ahead = take_over = look

    def publish_snapshot(self, event: Any, *, changes: Any, claimed: Any, timeout_seconds: float) -> Any:
        from mesh_assets.events.model import PublishedEvent
        from mesh_assets.store.pointers import EventPosition

        # As the publisher calls it, with its clock.
        encode = sys.modules["mesh_assets.snapshot.publisher"].encode_discovery_event
        value = encode(event, 1)
        position = EventPosition(topic="discovery-events", partition=0, offset=event.sequence)
        return PublishedEvent(position=position, bytes=len(value), compressed_bytes=None, claim_check=False)

    def newest_change(self, cluster_id: str, *, timeout_seconds: float) -> str | None:
        return None

    def publish_changes(self, events: Any, *, timeout_seconds: float) -> None:
        for _ in events:
            pass


# Where each part is called from, so that the clock can intercept it.
_PARTS = (
    ("mesh_assets.discovering.discovery", "collect_sections", "collecting"),
    ("mesh_assets.discovering.discovery", "unreported_of", "what the UI should show"),
    ("mesh_assets.store.inventories", "InventoryStore.latest_document", "the previous document, read"),
    ("mesh_assets.store.inventories", "InventoryStore.read_document", "the previous document, read"),
    ("mesh_assets.snapshot.discovery", "join_sections", "joining"),
    ("mesh_assets.snapshot.commit", "encode_document", "JSON"),
    ("mesh_assets.snapshot.commit", "diff_documents", "comparing"),
    ("mesh_assets.snapshot.publisher", "encode_discovery_event", "Avro"),
    ("mesh_assets.tables.written", "write_tables", "tables"),
    ("mesh_assets.snapshot.discovery", "report_of", "the report"),
    ("mesh_assets.store.folder", "FolderStore.put_new", "files"),
    ("mesh_assets.store.folder", "FolderStore.put", "files"),
    ("mesh_assets.store.folder", "FolderStore.put_if", "files"),
)


def put_in_place(phases: CpuPhases, kafka: MemoryKafka) -> None:
    """Puts memory in place of Kafka's brokers, and sets up the clocks."""
    from mesh_assets.collecting import clients
    from mesh_assets.discovering import discovery as discovering
    from mesh_assets.snapshot import ahead

    @contextmanager
    def publisher(*_: Any, **__: Any) -> Iterator[TakingPublisher]:
        yield TakingPublisher()

    places: list[tuple[Any, str, Any]] = [
        (clients, "WireReader", lambda *_, **__: kafka),
        (ahead, "open_publisher", publisher),
        (discovering, "newest_sequence", lambda *_, **__: None),
    ]
    for module, name, instead in places:
        setattr(module, name, instead)
    for module_name, name, phase in _PARTS:
        phases.measured(module_name, name, phase)


def _in_profile(profile: Any) -> None:
    """A profile sees only one thread: the one that discovers the cluster."""
    command: Any = importlib.import_module("mesh_assets.cli.discover")
    discover_cluster = command.discover_cluster
    command.discover_cluster = lambda *given, **named: profile.runcall(discover_cluster, *given, **named)


def from_memory(scale: float) -> MemoryKafka:
    groups = round(GROUPS * scale)
    topics = max(round(TOPICS * scale), groups * TOPICS_A_GROUP)
    return MemoryKafka(topics=topics, partitions=PARTITIONS, groups=groups)


def discover(make: Callable[[], MemoryKafka], *, profiled: bool) -> None:
    """One whole `mesh-assets discover` in this process, and what it cost, as JSON on the last line."""
    phases = CpuPhases()
    with phases.phase("the command line, imported"):
        import click

        from mesh_assets.cli.main import cli
        from mesh_assets.cli.main import main as run

        cli.get_command(click.Context(cli), "discover")
        importlib.import_module("mesh_assets.tables.written")  # which it imports while the brokers answer
    with phases.phase(_MADE_UP):
        put_in_place(phases, make())
    if profiled:
        import cProfile
        import pstats

        profile = cProfile.Profile()
        _in_profile(profile)
    with phases.phase("everything else"):
        try:
            run(["discover"])
        except SystemExit as end:
            if end.code:
                raise
    if profiled:
        said = pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)
        said.sort_stats("cumulative").print_stats(90)
    used = resource.getrusage(resource.RUSAGE_SELF)
    whole = used.ru_utime + used.ru_stime
    phases.seconds["Python itself, started"] = whole - sum(phases.seconds.values())
    whole -= phases.seconds[_MADE_UP]
    print(json.dumps({**phases.seconds, "CPU s": whole, "peak MB": used.ru_maxrss / 1024}))


_MADE_UP = "the estate, made up"

if __name__ == "__main__":
    discover(lambda: from_memory(float(sys.argv[1])), profiled="profile" in sys.argv[2:])
