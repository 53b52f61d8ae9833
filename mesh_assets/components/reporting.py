"""Runless materializations of topics that received records, so that whatever depends on them can run.

A report is a materialization and not an observation: only the former satisfies a freshness policy and wakes
`AutomationCondition.eager()` downstream (measured with Dagster 1.13). Its data version consists of the topic's id and the
sum of its end offsets: it changes when records arrive, and when the topic is deleted and recreated. Transaction markers
also move the end offsets.

The store keeps what was reported, in `assets/reported/<Dagster's storage>/<cluster id>.bin`: asking Dagster for the last
version of 9,000 assets takes longer than a discovery.
"""

import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import dagster as dg
import msgspec

# Private, but nothing public reports an event without a run as of an earlier time (Dagster 1.13).
from dagster._core.events import (
    AssetObservationData,
    DagsterEvent,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID

from mesh_assets.components.mounted import Mounted, read_mounted
from mesh_assets.components.names import Key, asset_key
from mesh_assets.errors import ConflictError, MeshError, StoreError
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.sections import TopicsSection
from mesh_assets.inventory.wording import counted, one_line
from mesh_assets.masking.unexpected import masked, sentence
from mesh_assets.readings.reading import Reading, resource_of, series_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore

DATA_VERSION_TAG = "dagster/data_version"
_TRIES = 5
_REASON_CHARACTERS = 300


class TopicEnd(msgspec.Struct, frozen=True, gc=False):
    """Where a topic ended. `series`: its name with a checksum of its id (`series_name`). `end`: the sum of its end
    offsets. `read_at`: seconds since 1970."""

    series: str
    end: int
    read_at: float


class Ends(Record, frozen=True, kw_only=True):
    """`topics`: the names of all topics of the cluster, used to forget those that are gone; None: not all are known."""

    ends: tuple[TopicEnd, ...]
    topics: frozenset[str] | None


class Reported(Record, frozen=True, kw_only=True):
    """What a call reported. `waiting`: topics whose records remained to be reported when time ran out."""

    reported: int
    waiting: int


_decoder = msgspec.msgpack.Decoder(dict[str, TopicEnd])


def section_ends(section: TopicsSection) -> Ends:
    """The ends of every topic whose end offsets are known on all partitions. A stale section says nothing new."""
    if section.state.status != "fresh" or section.state.collected_at is None:
        return Ends(ends=(), topics=None)
    read_at = section.state.collected_at.timestamp()
    found = []
    for topic in section.records:
        ends = [partition.latest for partition in topic.partitions if partition.latest is not None]
        # Without a partition that could not be read, the sum would fall and rise again.
        if topic.error is None and ends and len(ends) == len(topic.partitions):
            found.append(TopicEnd(series_name(topic.name, topic.id or ""), sum(ends), read_at))
    return Ends(ends=tuple(found), topics=frozenset(topic.name for topic in section.records))


def reading_ends(reading: Reading) -> Ends:
    """The ends of every topic in the reading, which leaves out those that the estate does not watch for anomalies."""
    read_at = reading.read_at.timestamp()
    ends = tuple(TopicEnd(series, end, read_at) for series, end in reading.ends.items())
    return Ends(ends=ends, topics=None)


def report_records(
    instance: dg.DagsterInstance,
    objects: ObjectStore,
    ends: Callable[[], Ends],
    *,
    cluster: str,
    cluster_id: str,
    seconds: float,
    discovery: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> Reported:
    """Reports, for at most `seconds`, the topics that components show as assets and that have unreported records, those
    with the oldest report first. A later call reports what does not fit. `discovery`: whether a discovery has read the
    ends; otherwise a sensor has, and only components that want that are served.

    `ends` is only called when a component shows topics of the cluster. An empty topic is not reported until its first
    record. Raises StoreError, and MeshError when Dagster cannot keep a report.
    """
    mounted = [
        one
        for one in (read_mounted(objects) if seconds > 0 else ())
        if _shows(one, cluster) and (discovery or one.between_discoveries)
    ]
    if not mounted:
        return Reported(reported=0, waiting=0)
    kept = _Kept(objects, f"assets/reported/{safe(storage_id(instance))}/{safe(cluster_id)}.bin")
    read = ends()
    news = [
        (end, before, key)
        for end in read.ends
        for key in _keys(mounted, asset_key(cluster, "topics", resource_of(end.series)))
        if is_news(end, before := kept.reported.get("/".join(key)))
    ]
    news.sort(key=lambda one: 0.0 if one[1] is None else one[1].read_at)
    began = clock()
    done: dict[str, TopicEnd] = {}
    try:
        for end, before, key in news:
            if clock() - began >= seconds:
                break
            _report(instance, key, end, before)
            done["/".join(key)] = end
    finally:
        kept.keep(done, topics=read.topics)
    return Reported(reported=len(done), waiting=len(news) - len(done))


def wake_dependents(
    instance: dg.DagsterInstance,
    store: InventoryStore,
    ends: Callable[[], Ends],
    *,
    cluster: str,
    cluster_id: str,
    seconds: float,
    discovery: bool = True,
) -> str | None:
    """Like `report_records`, but never fails, since its caller's own work is already done. Returns a sentence for a person;
    None when there was nothing to report."""
    try:
        told = report_records(
            instance,
            store.objects,
            ends,
            cluster=cluster,
            cluster_id=cluster_id,
            seconds=seconds,
            discovery=discovery,
        )
    except MeshError as error:
        return f"{cluster}: not every topic with new records was reported to Dagster: {sentence(error)}"
    waiting = (
        f"; {told.waiting:,} wait for the next time, after {seconds:.0f} s (asset_reports in the estate)"
        if told.waiting
        else ""
    )
    reported = f"{cluster}: {counted(told.reported, 'topic')} with new records reported to Dagster{waiting}"
    return reported if told.reported or told.waiting else None


def is_news(end: TopicEnd, before: TopicEnd | None) -> bool:
    """Whether records came since the last report, which may be based on a later reading than this one: a discovery
    publishes what it read a while ago."""
    if before is None:
        return end.end > 0
    if before.series != end.series:
        return end.read_at > before.read_at
    return end.end > before.end


def data_version(end: TopicEnd) -> str:
    """`1c291ca3-18204`: the topic's identity and how far it goes."""
    return f"{end.series.rpartition('/')[2]}-{end.end}"


def _shows(mounted: Mounted, cluster: str) -> bool:
    clusters = mounted.selection.clusters
    return "topics" in mounted.selection.kinds and (clusters is None or cluster in clusters)


def _keys(mounted: Iterable[Mounted], key: Key) -> tuple[Key, ...]:
    """The keys under which components show the topic, each once."""
    return tuple({one.key_of(key): None for one in mounted if one.selection.selects_topic(key)})


def storage_id(instance: dg.DagsterInstance) -> str:
    """The id of the instance's storage: a different one does not know what was reported here. All of Dagster's own
    storages have an id."""
    read = getattr(instance.run_storage, "get_run_storage_id", None)
    return "other" if read is None else str(read())


def _report(instance: dg.DagsterInstance, key: Key, end: TopicEnd, before: TopicEnd | None) -> None:
    metadata: dict[str, int | dg.TimestampMetadataValue] = {
        "end_offsets": end.end,
        "read_at": dg.MetadataValue.timestamp(end.read_at),
    }
    if before is not None and before.series == end.series:
        metadata["new_offsets"] = end.end - before.end
    event = dg.AssetMaterialization(
        dg.AssetKey(key), metadata=metadata, tags={DATA_VERSION_TAG: data_version(end)}
    )
    keep_event(instance, event, f"that records came to {'/'.join(key)}")


def keep_event(
    instance: dg.DagsterInstance,
    event: dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation,
    what: str,
    *,
    at: datetime | None = None,
) -> None:
    """Keeps an event without a run. `at`: when it happened, if not now; freshness is judged by it. Whatever the instance's
    storage raises becomes a MeshError, masked."""
    reason = None
    try:
        if at is None:
            instance.report_runless_asset_event(event)
        else:
            _report_of_then(instance, event, at)
    except Exception as error:  # of whatever storage the instance has
        reason = f"{type(error).__name__}: {one_line(str(masked(error)), most=_REASON_CHARACTERS)}"
    if reason is not None:  # outside of the handler, or what may hold a password would be its context
        raise MeshError(f"Dagster could not keep {what}: {reason}")


def _report_of_then(
    instance: dg.DagsterInstance,
    event: dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation,
    at: datetime,
) -> None:
    """Like `report_runless_asset_event`, which does not accept a time."""
    kind, data = (
        (DagsterEventType.ASSET_CHECK_EVALUATION, event)
        if isinstance(event, dg.AssetCheckEvaluation)
        else (DagsterEventType.ASSET_OBSERVATION, AssetObservationData(event))
        if isinstance(event, dg.AssetObservation)
        else (DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(event))
    )
    happened = DagsterEvent(kind.value, job_name=RUNLESS_JOB_NAME, event_specific_data=data)
    instance.report_dagster_event(happened, run_id=RUNLESS_RUN_ID, timestamp=at.timestamp())


class _Kept:
    """What was reported about a cluster, by key. Raises StoreError."""

    def __init__(self, objects: ObjectStore, key: str) -> None:
        self._objects = objects
        self._key = key
        self.reported, self._version = self._read()

    def keep(self, done: Mapping[str, TopicEnd], *, topics: frozenset[str] | None) -> None:
        """Keeps what was reported, merged with what another process kept meanwhile, and forgets what is not among `topics`,
        unless that is most of it: then they may be hidden rather than gone, and would be reported again."""
        for _ in range(_TRIES):
            merged = {**self.reported, **done}
            if topics is not None:
                left = {key: end for key, end in merged.items() if resource_of(end.series) in topics}
                merged = left if 2 * len(left) >= len(merged) else merged
            if merged == self.reported:
                return
            data = zlib.compress(msgspec.msgpack.encode(merged), 1)
            try:
                if self._version is None:
                    self._objects.put_new(self._key, data)
                else:
                    self._objects.put_if(self._key, data, self._version)
                return
            except ConflictError:
                self.reported, self._version = self._read()
        raise StoreError(
            f"{self._objects.location(self._key)} is constantly being written by other processes; topics may be reported twice"
        )

    def _read(self) -> tuple[dict[str, TopicEnd], str | None]:
        found = self._objects.get(self._key)
        if found is None:
            return {}, None
        try:
            return _decoder.decode(zlib.decompress(found[0])), found[1]
        except (*UNDECODABLE, zlib.error) as error:
            raise StoreError(
                f"{self._objects.location(self._key)} does not say what was reported to Dagster: {error}; remove it, "
                "and every topic is reported again"
            ) from error
