"""A cluster with made-up readings, one every five minutes by default, kept and judged as in a tick, without any waiting."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mesh_assets.anomalies.anomaly import Anomaly
from mesh_assets.anomalies.watch import Watch, Watched
from mesh_assets.estate.monitoring import AnomalyThresholds
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.records import Connector
from mesh_assets.readings.history import ReadingHistory
from mesh_assets.readings.reading import Reading, series_name
from mesh_assets.store.inbox import Inbox
from mesh_assets_tests.collecting.cluster_fakes import CLUSTER_ID, a_cluster
from mesh_assets_tests.documents import a_document
from mesh_assets_tests.snapshot.world import World

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
RateAt = Callable[[datetime], float]


class Observed:
    """`rates`: records per second of each topic at a moment; `consumed`: of each group. Other topics and groups have no
    readings."""

    def __init__(self, *, interval_seconds: float = 300.0, seed: int = 1, **thresholds: object) -> None:
        self._world = World()
        self.objects = self._world.objects
        self.store = self._world.store
        self.cluster = a_cluster(anomalies=AnomalyThresholds.model_validate(thresholds))
        self.interval_seconds = interval_seconds
        self.now = MONDAY
        self.rates: dict[str, RateAt] = {}
        self.consumed: dict[str, RateAt] = {}
        self.reads: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.running: frozenset[str] | None = frozenset()
        self.unreadable: set[str] = set()
        self.unlisted: set[str] = set()
        self.begun: list[Anomaly] = []
        self.ended: list[Anomaly] = []
        self.random = random.Random(seed)
        self._ends: dict[str, float] = {}
        self._commits: dict[str, float] = {}

    # --- time passes

    def tick(self) -> Watched:
        """One interval later, a reading."""
        self.pass_by(self.interval_seconds)
        return self.watch()

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.tick()

    def pass_by(self, seconds: float) -> None:
        """Records arrive without a reading."""
        self.now += timedelta(seconds=seconds)
        for topic, rate in self.rates.items():
            self._ends[topic] = self._ends.get(topic, 0.0) + max(0.0, rate(self.now)) * seconds
        for group, rate in self.consumed.items():
            most = self._ends.get(self.reads.get(group, ""), float("inf"))
            self._commits[group] = min(
                most, self._commits.get(group, 0.0) + max(0.0, rate(self.now)) * seconds
            )

    def watch(self) -> Watched:
        watch = Watch(self.cluster, CLUSTER_ID, self.store, interval_seconds=self.interval_seconds)
        early = watch.early(self.now)
        if early is not None:
            return Watched(skipped=early)
        watched = watch.judge(self.reading(), running=lambda: self.running)
        watched.keep()
        self.begun += watched.begun
        self.ended += watched.ended
        return watched

    def reading(self) -> Reading:
        return Reading(
            read_at=self.now,
            ends={
                series_name(topic, self.ids.get(topic, "")): int(end)
                for topic, end in self._ends.items()
                if topic in self.rates and topic not in self.unreadable
            },
            commits={series_name(group, "all"): int(offset) for group, offset in self._commits.items()},
            lags={
                group: int(self._ends[topic] - self._commits[group])
                for group, topic in self.reads.items()
                if group in self._commits and group not in self.unlisted
            },
            topics=frozenset(self.rates),
            groups=frozenset(self.consumed.keys() - self.unlisted),
            unlisted=frozenset(self.unlisted),
        )

    def connectors(self, *connectors: Connector) -> None:
        """Publishes a document with these connectors."""
        self._world.publish(lambda _, sequence: a_document(connectors=connectors, sequence=sequence))

    def recreate(self, topic: str) -> None:
        """Deleted and created again under the same name."""
        self.ids[topic] = f"another {self.ids.get(topic, '')}"
        self._ends[topic] = 0.0

    # --- the outcome

    @property
    def reported(self) -> list[Trigger]:
        return [waiting.trigger for waiting in Inbox(self.objects).waiting(CLUSTER_ID)]

    @property
    def history(self) -> ReadingHistory:
        return ReadingHistory(self.objects, CLUSTER_ID)

    def kinds(self) -> list[tuple[str, str]]:
        return [(anomaly.kind, anomaly.resource) for anomaly in self.begun]


def constant(rate: float) -> RateAt:
    return lambda _: rate
