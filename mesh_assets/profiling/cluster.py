"""The profiles of one cluster's topics: sampled one after another, so that at most two samples are in
memory."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import zip_longest
from random import Random

from msgspec.structs import replace

from mesh_assets.collecting.clients import cluster_id_of
from mesh_assets.collecting.samples import RecordDecoder
from mesh_assets.errors import PlatformError
from mesh_assets.estate.expectations import ProfilingSettings
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.document import Document
from mesh_assets.platforms.kafka import (
    KafkaReader,
    PartitionOffsets,
    TopicMetadata,
    WireReader,
    client_properties,
    leading_partitions,
)
from mesh_assets.platforms.kafka.slices import SliceReader
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets.profiling.decoding import ValueDecoder
from mesh_assets.profiling.known import KnownTopic, known_topics
from mesh_assets.profiling.overlaps import KeySketch, find_overlaps
from mesh_assets.profiling.records import KeyOverlap, TopicProfile, TrendPoint
from mesh_assets.profiling.sample import OnSample
from mesh_assets.profiling.sampling import RawSample, TopicSampler
from mesh_assets.profiling.topic import TopicFacts, profile_topic
from mesh_assets.readings.reading import series_name
from mesh_assets.readings.usual_gaps import UsualGap
from mesh_assets.store.fingerprints import FingerprintKey

MOST_POINTS = 30
"""How many earlier profiles a trend keeps."""
_SILENT_TOPICS = 3
"""After this many topics in a row that returned nothing in time, the rest are not waited for."""
_GIVEN_UP = "was not sampled: the topics before it returned nothing in the time allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilingClients:
    """`schemas` None: the estate names no registry."""

    kafka: KafkaReader
    slices: SliceReader
    schemas: RecordDecoder | None


OpenProfiling = Callable[[Cluster], AbstractContextManager[ProfilingClients]]
"""Makes the clients of a cluster: `open_profiling`, or a test's fakes."""


@contextmanager
def open_profiling(cluster: Cluster) -> Iterator[ProfilingClients]:
    """Contacts nothing before the first read. Raises EstateError if a reference cannot be resolved, PlatformError if AWS does
    not return the brokers of a cluster that the estate names by ARN."""
    properties = client_properties(cluster.kafka)
    on_confluent_cloud = cluster.on_confluent_cloud
    with ExitStack() as stack:
        registry = (
            None
            if cluster.schema_registry is None
            else stack.enter_context(SchemaRegistryClient(cluster.schema_registry))
        )
        yield ProfilingClients(
            kafka=stack.enter_context(
                WireReader(
                    properties,
                    timeout_seconds=cluster.kafka.timeout_seconds,
                    on_confluent_cloud=on_confluent_cloud,
                )
            ),
            slices=stack.enter_context(SliceReader(properties, on_confluent_cloud=on_confluent_cloud)),
            schemas=None if registry is None else RecordDecoder(registry.schema_by_id, registry.version),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterProfiles:
    """By topic; `not_allowed`: topics that the estate does not allow to be read."""

    profiles: tuple[TopicProfile, ...]
    overlaps: tuple[KeyOverlap, ...]
    not_allowed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is known about the cluster when profiling begins. `document` None: it was never discovered.
    `profiles`: the last ones, by topic. `gaps`: how long topics usually wait, by series."""

    document: Document | None = None
    profiles: Mapping[str, TopicProfile] = field(default_factory=dict)
    gaps: Mapping[str, UsualGap] = field(default_factory=dict)


def profile_cluster(
    cluster: Cluster,
    settings: ProfilingSettings,
    *,
    before: Before,
    key: FingerprintKey,
    now: Callable[[], datetime],
    on_sample: OnSample,
    open_clients: OpenProfiling = open_profiling,
    rng: Random | None = None,
) -> ClusterProfiles:
    """Profiles of the topics under `allow_message_reading` and the estate's patterns. A topic that cannot be sampled has a
    profile with its `error`. It joins no group and commits nothing. Raises PlatformError when the cluster
    cannot be read, EstateError as `open_profiling` and when it is not the cluster that the estate names."""
    with open_clients(cluster) as clients:
        metadata = clients.kafka.metadata()
        cluster_id = cluster_id_of(cluster, metadata.cluster_id)
        selected = [one for one in metadata.topics if not one.internal and cluster.topics.selects(one.name)]
        topics = [one for one in selected if cluster.may_read(one.name)]
        leading = leading_partitions(metadata)
        wanted = {one.name: leading.get(one.name, ()) for one in topics}
        taken_at = now()  # samples end where the topics end now, however long sampling takes
        offsets = clients.kafka.offsets({name: numbers for name, numbers in wanted.items() if numbers})
        times = (
            clients.kafka.record_times(
                {
                    name: [
                        one.partition for one in ones if one.latest is not None and one.latest != one.earliest
                    ]
                    for name, ones in offsets.topics.items()
                    if any(one.latest is not None and one.latest != one.earliest for one in ones)
                },
                tiered=(),
            )
            if settings.strategy == "stratified"
            else {}
        )
        sampler = TopicSampler(
            clients.slices,
            settings,
            rng=rng or Random(),
            timeout_seconds=cluster.kafka.timeout_seconds,
            times=times,
        )
        decoder = ValueDecoder(clients.schemas)
        known = known_topics(before.document)
        profiles: list[TopicProfile] = []
        sketches: list[KeySketch] = []
        with closing(_samples(sampler, topics, offsets.topics)) as samples:
            for topic, raw in samples:
                facts = TopicFacts(
                    cluster=cluster.name,
                    cluster_id=cluster_id,
                    topic=topic.name,
                    topic_id=topic.id,
                    taken_at=taken_at,
                    strategy=settings.strategy,
                    known=known.get(topic.name, KnownTopic()),
                    usual_gap=_usual_gap(before.gaps, topic),
                    named=lambda path, name=topic.name: _may_name(settings, name, path),  # type: ignore[misc]
                    hashed=lambda path, text, name=topic.name: key.of(cluster_id, name, path, text)[:16],  # type: ignore[misc]
                    key=key.key,
                )
                trend = _trend(before.profiles.get(topic.name), topic)
                if isinstance(raw, str):
                    profiles.append(_failed(facts, raw, trend))
                    continue
                nothing = _nothing_came(raw)
                made = profile_topic(raw, facts, decoder)
                profiles.append(_with_trend(made.profile, trend, nothing=nothing))
                sketches += made.sketches
                if not nothing:
                    on_sample(made.sample)
    return ClusterProfiles(
        profiles=tuple(profiles),
        overlaps=tuple(find_overlaps(cluster.name, sketches)),
        not_allowed=len(selected) - len(topics),
    )


def _samples(
    sampler: TopicSampler,
    topics: Sequence[TopicMetadata],
    offsets: Mapping[str, Sequence[PartitionOffsets]],
) -> Generator[tuple[TopicMetadata, RawSample | str], None, None]:
    """Each topic and its sample, or why there is none. The next topic is read meanwhile: reading waits for
    brokers, computing figures does not."""

    def read(topic: TopicMetadata) -> RawSample | str:
        try:
            return sampler.sample(topic.name, topic.partitions, offsets.get(topic.name, ()))
        except PlatformError as error:
            return str(error)

    def begin(topic: TopicMetadata | None) -> Future[RawSample | str] | None:
        if topic is None or topic.error is not None or silent >= _SILENT_TOPICS:
            return None
        return pool.submit(read, topic)

    silent = 0
    with ThreadPoolExecutor(1, thread_name_prefix="sampling") as pool:
        begun = begin(next(iter(topics), None))
        for topic, following in zip_longest(topics, topics[1:]):
            raw = topic.error or _GIVEN_UP if begun is None else begun.result()
            if not isinstance(raw, str):
                silent = silent + 1 if _nothing_came(raw) else 0
            begun = begin(following)
            yield topic, raw


def _nothing_came(raw: RawSample) -> bool:
    """There are records, but none could be read."""
    return not raw.records and any(one.error and one.latest != one.earliest for one in raw.windows)


def _usual_gap(gaps: Mapping[str, UsualGap], topic: TopicMetadata) -> UsualGap | None:
    return None if topic.id is None else gaps.get(series_name(topic.name, topic.id))


def _may_name(settings: ProfilingSettings, topic: str, path: str) -> bool:
    return any(fnmatchcase(f"{topic}/{path}", pattern) for pattern in settings.name_values)


def _trend(before: TopicProfile | None, topic: TopicMetadata) -> tuple[TrendPoint, ...]:
    """The earlier points plus the last profile as the newest one; a profile that failed adds no point. Empty if the topic has
    been recreated since."""
    if before is None or (None not in (before.topic_id, topic.id) and before.topic_id != topic.id):
        return ()
    if before.error is not None:
        return before.trend
    point = TrendPoint(
        taken_at=before.taken_at,
        sampled_records=before.sampled_records,
        decoded_share=before.decoded_share,
        null_key_share=before.null_key_share,
        tombstone_share=before.tombstone_share,
        duplicate_key_share=before.duplicate_key_share,
        age_seconds=None if before.freshness is None else before.freshness.age_seconds,
        completeness={
            one.path: one.completeness
            for one in before.fields
            if one.completeness is not None and one.completeness < 1
        },
    )
    return (*before.trend, point)[-MOST_POINTS:]


def _with_trend(profile: TopicProfile, trend: tuple[TrendPoint, ...], *, nothing: bool) -> TopicProfile:
    """`nothing`: there are records, but none could be read; the topic is not empty."""
    if not nothing:
        return replace(profile, trend=trend if profile.error else tuple(_of_fields(profile, trend)))
    reasons = Counter(one.error for one in profile.windows if one.error is not None)
    return replace(
        profile,
        trend=trend,
        error=f"none of its records could be read: {reasons.most_common(1)[0][0]}",
        freshness=None,
        inferred=None,
    )


def _of_fields(profile: TopicProfile, trend: Sequence[TrendPoint]) -> Iterator[TrendPoint]:
    """Of fields that the topic has no more, or that are now known to be data, nothing is kept."""
    paths = {one.path for one in profile.fields}
    for point in trend:
        yield replace(
            point, completeness={path: one for path, one in point.completeness.items() if path in paths}
        )


def _failed(facts: TopicFacts, problem: str, trend: tuple[TrendPoint, ...]) -> TopicProfile:
    return TopicProfile(
        cluster=facts.cluster,
        cluster_id=facts.cluster_id,
        topic=facts.topic,
        topic_id=facts.topic_id,
        taken_at=facts.taken_at,
        strategy=facts.strategy,
        error=problem,
        trend=trend,
    )
