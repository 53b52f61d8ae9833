"""Watches a cluster for anomalies: takes a reading, keeps it, judges the newest ones, and puts new anomalies
into the inbox.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace

from mesh_assets.anomalies.anomaly import (
    Anomalies,
    Anomaly,
    get_anomalies,
    moved_on,
    put_anomalies,
)
from mesh_assets.anomalies.backfill import chunks_before, wanted_since
from mesh_assets.anomalies.connectors import ConnectorLink, connector_links
from mesh_assets.anomalies.judge import Judgement, Running
from mesh_assets.anomalies.usual import (
    Usuals,
    compute_usuals,
    get_usuals,
    must_be_computed,
    put_usuals,
)
from mesh_assets.collecting.clients import OpenClients, cluster_id_of, open_clients
from mesh_assets.collecting.connectors import ConnectReader, collect_connectors
from mesh_assets.errors import PlatformError
from mesh_assets.estate.model import Cluster
from mesh_assets.importing import without_collector
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.wording import duration
from mesh_assets.metrics.measurements import MetricsReader
from mesh_assets.readings.ends import KeptEnds
from mesh_assets.readings.history import Chunk, ChunkEntry, ReadingHistory
from mesh_assets.readings.reading import Reading
from mesh_assets.readings.taking import take_reading
from mesh_assets.readings.window import Cadence, Window, cadence_of
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.known_state import KnownState

SOURCE = "metrics_anomalies"

# The newest readings, which are judged: two hours at five minutes.
_CHUNKS_JUDGED = 3
# A whole cluster that stops is one event to its owner, and a tick has no time for thousands of objects in the
# inbox.
TOLD_ONE_BY_ONE = 100
_NAMED = 5

logger = logging.getLogger(__name__)


def watch_cluster(
    cluster: Cluster,
    store: InventoryStore,
    *,
    interval_seconds: float,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clients: OpenClients = open_clients,
) -> "Watched":
    """Takes a reading and judges it. Nothing is written before `Watched.keep`, so a call that nobody waits for
    any longer changes nothing.

    Raises PlatformError when Kafka cannot be read: then there is no reading and nothing is judged. Raises
    EstateError when a secret cannot be resolved or the estate names another cluster, StoreError when the
    store fails.
    """
    if not cluster.anomalies.enabled:
        return Watched(skipped="the estate switches anomalies off")
    with without_collector(), clients(cluster) as opened:
        metadata = opened.kafka.metadata()
        watch = Watch(
            cluster, cluster_id_of(cluster, metadata.cluster_id), store, interval_seconds=interval_seconds
        )
        early = watch.early(now())
        if early is not None:
            return Watched(skipped=early)
        reading = take_reading(cluster, opened.kafka, metadata)
        if opened.metrics is not None:
            watch.look_back(reading, opened.metrics)
        return watch.judge(reading, running=lambda: _running(cluster, opened.connect))


class Watched:
    """The outcome for one cluster. `skipped`: why no reading was taken; everything else is empty then. `cluster_id`:
    as the brokers gave it."""

    def __init__(
        self,
        *,
        begun: Sequence[Anomaly] = (),
        ended: Sequence[Anomaly] = (),
        skipped: str | None = None,
        writes: Sequence[Callable[[], None]] = (),
        reading: Reading | None = None,
        cluster_id: str = "",
    ) -> None:
        self.reading = reading
        self.cluster_id = cluster_id
        self.begun = tuple(begun)
        self.ended = tuple(ended)
        self.skipped = skipped
        self._writes = writes

    def keep(self) -> None:
        """Writes the reading and the state, then fills the inbox.

        A crash in between loses nothing: anything noticed but not reported is reported next time, under the same
        cause. Raises ConflictError when another process has kept a reading meanwhile (nothing is written
        then), StoreError when the store fails.
        """
        for write in self._writes:
            write()


class Watch:
    """The readings and anomalies of one cluster at one moment; use it once. Raises StoreError when the store
    fails.
    """

    def __init__(
        self, cluster: Cluster, cluster_id: str, store: InventoryStore, *, interval_seconds: float
    ) -> None:
        self._cluster = cluster
        self._cluster_id = cluster_id
        self._store = store
        self._history = ReadingHistory(store.objects, cluster_id)
        self._ends = KeptEnds(store.objects, cluster_id)
        self._cadence: Cadence = cadence_of(cluster.anomalies, interval_seconds=interval_seconds)
        self._entries = self._history.entries()
        self._newest = self._history.newest(self._entries)
        self._earlier: dict[str, Chunk] = {}

    def early(self, now: datetime) -> str | None:
        """Why it is too early for a reading; None when it is time."""
        if self._newest is None:
            return None
        seconds = now.timestamp() - self._newest.chunk.times[-1]
        if seconds >= self._cadence.closest_seconds:
            return None
        if seconds <= -self._cadence.closest_seconds:
            # There is no way to know which clock was wrong, so the history and its order are left alone.
            return (
                f"the last reading is {duration(-seconds)} ahead of this host's clock, which was set back or lags; the next is taken when "
                f"it has caught up, or at once if readings later than now are removed from {self._history.location}"
            )
        return f"the last reading is {seconds:.0f} s old; the next is taken {self._cadence.closest_seconds:.0f} s after it or later"

    def look_back(self, reading: Reading, platform: MetricsReader) -> None:
        """Fills a history that is too young to judge by from the platform's own; where that fails, it fills up
        over time.
        """
        oldest = self._entries[0].began_at if self._entries else None
        if not wanted_since(self._cadence, oldest=oldest, now=reading.read_at):
            return
        try:
            chunks = chunks_before(
                reading, platform, cluster_id=self._cluster_id, cadence=self._cadence, oldest=oldest
            )
        except PlatformError as error:
            logger.warning(
                "%s: cannot fill the history from the platform's metrics: %s", self._cluster.name, error
            )
            return
        self._earlier = {self._history.entry_of(chunk).key: chunk for chunk in chunks}

    def judge(self, reading: Reading, *, running: Running) -> Watched:
        """Judges the reading with the ones before it. `running` is asked only when a connector is suspected."""
        newest = self._history.extended(self._newest, reading)
        earlier = [self._history.entry_of(chunk) for chunk in self._earlier.values()]
        entries = [*earlier, *self._entries, *([] if newest.version is not None else [newest.entry])]

        def load(wanted: Sequence[ChunkEntry]) -> list[Chunk]:
            """The chunks in order of time: those from the platform first, the newest last."""
            filled = [self._earlier[entry.key] for entry in wanted if entry.key in self._earlier]
            stored = self._history.load(
                [entry for entry in wanted if entry != newest.entry and entry.key not in self._earlier]
            )
            return [*filled, *stored, *([newest.chunk] if newest.entry in wanted else [])]

        objects = self._store.objects
        before = get_anomalies(objects, self._cluster_id)
        usuals, old_usuals = self._usuals(load, entries, reading.read_at, before)
        judgement = Judgement(
            reading,
            Window(load(entries[-_CHUNKS_JUDGED:]), self._cadence),
            usuals,
            before,
            cadence=self._cadence,
            thresholds=self._cluster.anomalies,
        )
        judgement.judge(running)
        after = moved_on(before, begun=judgement.begun, ended=judgement.ended, now=reading.read_at)
        writes: list[Callable[[], None]] = [
            lambda: self._history.keep(newest),
            *self._ends.additions(reading),
        ]
        writes += [partial(self._history.insert, chunk) for chunk in self._earlier.values()]
        if newest.version is None:
            writes.append(lambda: self._history.prune(entries, now=reading.read_at))
        if usuals is not old_usuals:
            writes.append(lambda: put_usuals(objects, self._cluster_id, usuals))
        if judgement.begun or judgement.ended:
            writes.append(lambda: put_anomalies(objects, self._cluster_id, after))
        writes.append(lambda: self._tell(after, now=reading.read_at))
        return Watched(
            begun=judgement.begun,
            ended=judgement.ended,
            writes=writes,
            reading=reading,
            cluster_id=self._cluster_id,
        )

    def _usuals(
        self,
        load: Callable[[Sequence[ChunkEntry]], list[Chunk]],
        entries: Sequence[ChunkEntry],
        now: datetime,
        anomalies: Anomalies,
    ) -> tuple[Usuals, Usuals | None]:
        """What is usual now, and what the store holds."""
        known = get_usuals(self._store.objects, self._cluster_id)
        if known is not None and not must_be_computed(
            known, chunks=len(entries), cadence=self._cadence, now=now
        ):
            return known, known
        return compute_usuals(
            load,
            entries,
            cadence=self._cadence,
            now=now,
            before=known,
            connectors=self._connectors(),
            anomalies=anomalies,
        ), known

    def _connectors(self) -> list[ConnectorLink]:
        latest = self._store.latest(self._cluster_id)
        if latest is None:
            return []
        return connector_links(
            KnownState(self._store, self._cluster_id, latest[0].document).outline.connectors
        )

    def _tell(self, anomalies: Anomalies, *, now: datetime) -> None:
        untold = [anomaly for anomaly in anomalies.open if not anomaly.told]
        if not untold:
            return
        inbox = Inbox(self._store.objects)
        for trigger, cause in _triggers(untold):
            inbox.put(self._cluster_id, trigger, cause=cause, source=SOURCE, now=now)
        told = replace(anomalies, open=tuple(replace(anomaly, told=True) for anomaly in anomalies.open))
        put_anomalies(self._store.objects, self._cluster_id, told)


def _triggers(untold: Sequence[Anomaly]) -> Iterable[tuple[Trigger, str]]:
    if len(untold) <= TOLD_ONE_BY_ONE:
        for anomaly in untold:
            yield (
                Trigger(type="metrics_anomaly", resource=anomaly.resource, details=anomaly.sentence),
                anomaly.cause_id,
            )
        return
    counts = Counter(anomaly.kind.replace("_", " ") for anomaly in untold)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
    first = "; ".join(anomaly.sentence for anomaly in untold[:_NAMED])
    yield (
        Trigger(
            type="metrics_anomaly", details=f"{len(untold):,} anomalies at once: {kinds}. The first: {first}"
        ),
        "\n".join(anomaly.cause_id for anomaly in untold),
    )


def _running(cluster: Cluster, endpoints: Iterable[ConnectReader]) -> frozenset[str] | None:
    """The connectors that Connect says run with all their tasks now: the latest document may be hours old."""
    try:
        collected = collect_connectors(tuple(endpoints), previous=(), scope="list")
    except PlatformError as error:
        logger.warning(
            "%s: cannot judge connectors, because Connect does not say whether they run: %s",
            cluster.name,
            error,
        )
        return None
    for why in collected.failed.values():
        logger.warning("%s: cannot judge the connectors of one endpoint: %s", cluster.name, why)
    return frozenset(f"{one.connect}/{one.name}" for one in collected.records if one.active)
