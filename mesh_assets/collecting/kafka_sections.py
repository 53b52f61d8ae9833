"""The sections read from the brokers, using shared readings: metadata, offsets, configs, groups."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from msgspec.structs import replace

from mesh_assets.collecting.collection import Collection
from mesh_assets.collecting.group_records import group_records, known_before
from mesh_assets.collecting.kafka_records import topic_defaults, topic_records
from mesh_assets.collecting.metrics_section import Ground, collect_metrics
from mesh_assets.collecting.phases import cost_of, requests_about
from mesh_assets.collecting.scopes import patterns_scope
from mesh_assets.collecting.section_parts import (
    CollectParts,
    collect_access,
    collect_brokers,
    collect_transactions,
)
from mesh_assets.collecting.topic_storage import ReadStorage, StorageCollection
from mesh_assets.collecting.vanished import (
    confirm_groups_gone,
    confirm_no_topics,
    confirm_topics_gone,
    refused_topics,
    unlisted_groups,
)
from mesh_assets.inventory.records import Connector
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    ConsumerGroupsSection,
    Section,
    SectionCost,
    SectionName,
    SectionState,
    TopicsSection,
)
from mesh_assets.inventory.wording import counted, plural
from mesh_assets.joining.counts import with_transactions
from mesh_assets.joining.hidden import with_hidden
from mesh_assets.joining.join import stale_section
from mesh_assets.joining.silent_brokers import with_offline_directories
from mesh_assets.metrics.positions import (
    Positions,
    positions_of,
    read_lags,
    read_positions,
    without_producers,
)
from mesh_assets.metrics.time_lag import TimeLags
from mesh_assets.platforms.kafka import (
    GroupsReading,
    OffsetsReading,
    TopicConfigs,
    TopicMetadata,
    ends_after,
    leading_partitions,
)

NEED_METADATA = frozenset[SectionName](("topics", "consumer_groups", "metrics"))
_IN_PARTS: dict[SectionName, CollectParts] = {"brokers": collect_brokers, "access": collect_access}
FROM_BROKERS = NEED_METADATA.union(_IN_PARTS, ("transactions",))


class KafkaSections:
    """Those of one collection."""

    def __init__(self, collection: Collection) -> None:
        self._of = collection
        self._kafka = collection.clients.kafka
        self._selected: list[TopicMetadata] = [
            topic for topic in collection.metadata.topics if collection.cluster.topics.selects(topic.name)
        ]

    def collect(
        self, pool: ThreadPoolExecutor, connectors: "Future[Section] | None", wanted: Sequence[SectionName]
    ) -> dict[SectionName, Section]:
        """Reads only what the wanted sections need: metrics need everything, topics no groups, groups no configs."""
        everything = "metrics" in wanted
        offsets = pool.submit(self._offsets) if not NEED_METADATA.isdisjoint(wanted) else None
        parts = {
            name: pool.submit(self._part, name, collect)
            for name, collect in _IN_PARTS.items()
            if name in wanted
        }
        if "transactions" in wanted:
            parts["transactions"] = pool.submit(self._transactions, offsets)
        storage = (
            StorageCollection(self._kafka, self._of.metadata, self._selected, self._of.phases)
            if everything or "topics" in wanted
            else None
        )
        begun = None if storage is None else storage.begin(pool)
        configs = pool.submit(self._configs) if everything or "topics" in wanted else None
        reading = pool.submit(self._groups) if everything or "consumer_groups" in wanted else None
        again: Callable[[], Positions] | None = None
        if everything and offsets is not None and reading is not None:
            again = partial(self._again, offsets, reading)
            if self._of.previous is None:  # there is nothing yet that rates could be made with
                again = pool.submit(again).result
        # While topics wait for the ages of their records, the groups need not, and neither do their time lags.
        groups = (
            pool.submit(
                self._of.or_stale, "consumer_groups", partial(self._consumer_groups, reading, offsets)
            )
            if reading is not None and offsets is not None
            else None
        )
        lags = None if again is None or groups is None else pool.submit(self._lags, groups)
        found: dict[SectionName, Section] = {}
        if configs is not None and offsets is not None and storage is not None and begun is not None:
            found["topics"] = self._of.or_stale(
                "topics", lambda: self._topics(configs, offsets, partial(storage.finish, begun))
            )
        if groups is not None:
            found["consumer_groups"] = groups.result()
        if again is not None and lags is not None:
            found["metrics"] = self._metrics(
                found["topics"], found["consumer_groups"], connectors, lags.result(), again
            )
        found = {**{name: section.result() for name, section in parts.items()}, **found}
        if "topics" in found:
            topics = with_offline_directories(found["topics"], self._of.previous)
            found["topics"] = with_transactions(topics, found.get("transactions"), self._of.previous)
        # Everything asked meanwhile and afterwards, so that the sum is what went over the wire.
        last, section = found.popitem()
        rest = sum(self._kafka.requests.values()) - sum(
            section.cost.kafka_requests for section in found.values()
        )
        return {**found, last: replace(section, cost=replace(section.cost, kafka_requests=rest))}

    def _configs(self) -> dict[str, TopicConfigs]:
        with self._of.phases.phase("kafka configs"):
            return self._kafka.configs([topic.name for topic in self._selected])

    def _offsets(self) -> OffsetsReading:
        # All topics, whatever the patterns say: a group's lag on a topic that is left out still belongs to the
        # group.
        with self._of.phases.phase("kafka offsets"):
            return self._kafka.offsets(leading_partitions(self._of.metadata))

    def _groups(self) -> GroupsReading:
        with self._of.phases.phase("kafka consumer groups"):
            return self._kafka.groups(self._of.cluster.consumer_groups.selects)

    def _again(
        self, reading_offsets: Future[OffsetsReading], reading_groups: Future[GroupsReading]
    ) -> Positions:
        """Where everything stands a moment after the offsets were read. While groups cannot be read, topics can be."""
        read_at = reading_offsets.result().read_at
        groups = () if reading_groups.exception() is not None else reading_groups.result().groups
        with self._of.phases.phase("kafka second reading"):
            return read_positions(self._kafka, self._selected, groups, since=read_at, sleep=self._of.sleep)

    def _part(self, name: SectionName, collect: CollectParts) -> Section:
        about = (self._kafka, self._of.cluster_id, self._of.previous, self._of.phases)
        return self._of.or_stale(name, lambda: collect(*about))

    def _transactions(self, reading_offsets: Future[OffsetsReading] | None) -> Section:
        """After the offsets, so that what a producer writes since then moves an end that is known."""
        idle: frozenset[str] = frozenset()
        if reading_offsets is not None and reading_offsets.exception() is None:
            idle = without_producers(self._of.previous, self._selected, reading_offsets.result())
        chosen = self._of.cluster.topics.selects
        collect = partial(collect_transactions, selects=lambda name: name not in idle and chosen(name))
        return self._part("transactions", collect)

    def _topics(
        self,
        reading_configs: Future[dict[str, TopicConfigs]],
        reading_offsets: Future[OffsetsReading],
        read_storage: ReadStorage,
    ) -> TopicsSection:
        offsets, configs = reading_offsets.result(), reading_configs.result()
        if not self._of.metadata.topics:
            confirm_no_topics(self._kafka, self._of.cluster)
        old = {topic.name: topic for topic in self._of.previous.topics} if self._of.previous else {}
        confirm_topics_gone(
            self._kafka,
            self._of.cluster,
            old.values(),
            listed={topic.name for topic in self._of.metadata.topics},
        )
        stored = read_storage(configs=configs, offsets=offsets, previous=old)
        return TopicsSection(
            cluster_id=self._of.cluster_id,
            state=SectionState(
                status="fresh",
                collected_at=offsets.read_at,
                scope=patterns_scope(self._of.cluster.topics),
                error="; ".join(stored.failed) or None,
            ),
            records=topic_records(
                self._selected,
                configs=configs,
                offsets=offsets,
                previous=old,
                storage=stored.topics,
                sizes=stored.sizes,
            ),
            log_directories=stored.directories,
            unknown=stored.unknown,
            topic_defaults=topic_defaults(
                configs.values(), self._of.previous.topic_defaults if self._of.previous else None
            ),
            excluded=len(self._of.metadata.topics) - len(self._selected),
            cost=self._kafka_cost(
                "topics",
                *("kafka metadata", "kafka configs", "kafka offsets", "kafka log dirs", "kafka record times"),
            ),
        )

    def _consumer_groups(
        self, reading_groups: Future[GroupsReading], reading_offsets: Future[OffsetsReading]
    ) -> ConsumerGroupsSection:
        offsets, groups = reading_offsets.result(), reading_groups.result()
        selects = self._of.cluster.consumer_groups.selects
        known = [
            group
            for group in (self._of.previous.consumer_groups if self._of.previous else ())
            if selects(group.group_id)
        ]
        listed = {group.group_id for group in groups.groups}
        kept = unlisted_groups(known, groups.unlisted, listed=listed)
        confirm_groups_gone(
            self._kafka,
            self._of.cluster,
            (group for group in known if group.group_id not in kept),
            listed=listed,
        )
        topics = self._of.metadata.topics
        before = known_before(self._of.previous, now=topics)
        read = group_records(groups.groups, offsets=ends_after(self._kafka, offsets, groups), before=before)
        seen = {topic.name for topic in topics}
        read = with_hidden(read, before.groups, seen=seen, refused=partial(refused_topics, self._kafka))
        return ConsumerGroupsSection(
            cluster_id=self._of.cluster_id,
            state=SectionState(
                status="fresh",
                collected_at=offsets.read_at,
                scope=patterns_scope(self._of.cluster.consumer_groups),
                error=None
                if groups.unlisted is None
                else f"{groups.unlisted.reason}; {counted(len(kept), 'known group')} of them {plural(len(kept), 'is', 'are')} kept",
            ),
            records=(*read, *kept.values()),
            excluded=groups.excluded,
            cost=self._kafka_cost("consumer_groups", "kafka consumer groups"),
        )

    def _lags(self, reading: Future[Section]) -> tuple[Positions | None, TimeLags, str | None]:
        """The positions in the latest document, and what `read_lags` finds."""
        before = positions_of(self._of.previous)
        groups = reading.result()
        assert isinstance(groups, ConsumerGroupsSection)
        read_at = groups.state.collected_at
        if groups.state.status != "fresh" or read_at is None:
            return before, TimeLags(groups={}, topics={}), None
        ids = {topic.name: topic.id for topic in self._of.metadata.topics}
        kept = self._of.history(self._of.cluster_id)
        with self._of.phases.phase("time lag"):
            return before, *read_lags(groups.records, ids, read_at=read_at, before=before, kept=kept)

    def _metrics(
        self,
        topics: Section,
        groups: Section,
        connectors: "Future[Section] | None",
        lags: tuple[Positions | None, TimeLags, str | None],
        again: Callable[[], Positions],
    ) -> Section:
        """Fresh when the topics are. Groups that could not be read lose only their own figures: partition health
        matters most when `__consumer_offsets` has lost some."""
        assert isinstance(topics, TopicsSection)
        assert isinstance(groups, ConsumerGroupsSection)
        if topics.state.status != "fresh":
            error = topics.state.error or "the offsets could not be read"
            return stale_section("metrics", self._of.cluster_id, self._of.previous, error)
        assert topics.state.collected_at is not None
        ground = Ground(
            cluster_id=self._of.cluster_id,
            read_at=topics.state.collected_at,
            metadata=self._of.metadata,
            topics=topics.records,
            log_directories=topics.log_directories,
            unknown=topics.unknown,
            groups=groups.records if groups.state.status == "fresh" else None,
            groups_error=groups.state.error,
            connectors=self._known_connectors(connectors),
            lags=lags,
            again=again,
        )
        reader = self._of.clients.metrics
        return self._of.or_stale(
            "metrics",
            lambda: collect_metrics(self._of.cluster, ground, reader=reader, phases=self._of.phases),
        )

    def _known_connectors(self, connectors: "Future[Section] | None") -> tuple[Connector, ...]:
        """Those of this run, or of the latest document when this run does not read them."""
        if connectors is None:
            return self._of.previous.connectors if self._of.previous else ()
        section = connectors.result()
        assert isinstance(section, ConnectorsSection)
        return section.records

    def _kafka_cost(self, section: SectionName, *phases: str) -> SectionCost:
        return cost_of(
            self._of.phases.seconds(*phases),
            kafka_requests=requests_about(section, self._kafka.requests),
        )
