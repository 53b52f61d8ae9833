"""The sections of a cluster, collected at the same time; each is fresh, or stale with the reason."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace

from mesh_assets.collecting.clients import ClusterClients, OpenClients, cluster_id_of, open_clients
from mesh_assets.collecting.connectors import collect_connectors
from mesh_assets.collecting.group_records import group_records, known_before
from mesh_assets.collecting.kafka_records import topic_defaults, topic_records
from mesh_assets.collecting.metrics_section import Ground, collect_metrics
from mesh_assets.collecting.phases import COLLECTING, Phases, cost_of, requests_about
from mesh_assets.collecting.schemas import collect_schemas, confirm_subjects_gone
from mesh_assets.collecting.scopes import (
    connectors_scope,
    expected_subjects,
    known_connectors,
    known_schemas,
    patterns_scope,
    schemas_scope,
)
from mesh_assets.collecting.section_parts import CollectParts, collect_access, collect_brokers
from mesh_assets.collecting.topic_storage import ReadStorage, StorageCollection
from mesh_assets.collecting.vanished import confirm_groups_gone, confirm_topics_gone, unlisted_groups
from mesh_assets.errors import PlatformError, UnexpectedAnswerError
from mesh_assets.estate.model import Cluster
from mesh_assets.importing import without_collector
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.join import empty_section, stale_section, with_stale_sources
from mesh_assets.inventory.records import Connector
from mesh_assets.inventory.sections import (
    Beginning,
    ConnectorsSection,
    ConsumerGroupsSection,
    SchemasSection,
    Section,
    SectionCost,
    SectionName,
    SectionState,
    TopicsSection,
)
from mesh_assets.inventory.wording import counted, plural
from mesh_assets.platforms.kafka import (
    ClusterMetadata,
    GroupsReading,
    OffsetsReading,
    TopicConfigs,
    TopicMetadata,
    ends_after,
    leading_partitions,
)
from mesh_assets.readings.ends import KeptEnds
from mesh_assets.store.fingerprints import FingerprintKey

History = Callable[[str], KeptEnds | None]
Begin = Callable[[str], Beginning]
GetKey = Callable[[], FingerprintKey | None]

_FROM_KAFKA = frozenset[SectionName](("topics", "consumer_groups", "metrics"))
_IN_PARTS: dict[SectionName, CollectParts] = {"brokers": collect_brokers, "access": collect_access}
_FROM_BROKERS = _FROM_KAFKA | _IN_PARTS.keys()


def collect_sections(
    cluster: Cluster,
    wanted: Sequence[SectionName],
    *,
    previous: Callable[[str], Document | None],
    history: History = lambda _: None,
    clients: OpenClients = open_clients,
    sleep: Callable[[float], None] = time.sleep,
    begin: Begin | None = None,
    fingerprint_key: GetKey = lambda: None,
) -> dict[SectionName, Section]:
    """The `wanted` sections of `cluster`.

    `previous` gives the latest document by cluster id. When a source fails, its section is the one in that
    document, marked `stale`, with the reason. `history` gives the kept ends by cluster id; time lags are read
    from them. `begin` is called with the cluster id before anything is read, so that the reading has its place
    among others; None: it is not published. `fingerprint_key`: the store's, for the secrets of connectors.

    Raises PlatformError when Kafka itself cannot be read, EstateError when the brokers belong to another
    cluster than the estate says or a secret cannot be resolved.
    """
    phases = Phases(cluster.name)
    with without_collector(), clients(cluster) as opened, phases.phase(COLLECTING):
        began, begun_for = None, None
        with phases.phase("kafka metadata"):
            if begin is not None:
                begun_for = cluster_id_of(cluster, opened.kafka.read_cluster_id())
                began = begin(begun_for)
            metadata = (
                opened.kafka.metadata()
                if not _FROM_KAFKA.isdisjoint(wanted)
                else ClusterMetadata(cluster_id=opened.kafka.read_cluster_id(), brokers=(), topics=())
            )
        cluster_id = cluster_id_of(cluster, metadata.cluster_id)
        if begun_for not in (None, cluster_id):
            raise UnexpectedAnswerError(
                f"{cluster.kafka.address} was cluster {begun_for} and a moment later {cluster_id}; its brokers must belong to one cluster: "
                "correct bootstrap_servers"
            )
        sections = _Collection(
            cluster,
            cluster_id,
            opened,
            metadata,
            previous(cluster_id),
            phases,
            history,
            sleep,
            fingerprint_key,
        ).sections(wanted)
    whole = phases.seconds(COLLECTING)
    return {
        name: replace(
            section,
            ticket=None if began is None else began.ticket,
            series="" if began is None else began.series,
            newest_known=None if began is None else began.newest_known,
            clock=None if began is None else began.clock,
            waiting=() if began is None else began.waiting,
            cost=replace(section.cost, phases={**section.cost.phases, **whole}),
        )
        for name, section in sections.items()
    }


class _Collection:
    """One collection of one cluster."""

    def __init__(
        self,
        cluster: Cluster,
        cluster_id: str,
        clients: ClusterClients,
        metadata: ClusterMetadata,
        previous: Document | None,
        phases: Phases,
        history: History,
        sleep: Callable[[float], None],
        fingerprint_key: GetKey,
    ) -> None:
        self._cluster = cluster
        self._cluster_id = cluster_id
        self._clients = clients
        self._metadata = metadata
        self._previous = previous
        self._phases = phases
        self._history = history
        self._sleep = sleep
        self._fingerprint_key = fingerprint_key
        self._selected: list[TopicMetadata] = [
            topic for topic in metadata.topics if cluster.topics.selects(topic.name)
        ]

    def sections(self, wanted: Sequence[SectionName]) -> dict[SectionName, Section]:
        with ThreadPoolExecutor(max_workers=10, thread_name_prefix=f"collect-{self._cluster.name}") as pool:
            connectors = pool.submit(self._connectors) if "connectors" in wanted else None
            schemas = pool.submit(self._schemas) if "schemas" in wanted else None
            found: dict[SectionName, Section] = {}
            if not _FROM_BROKERS.isdisjoint(wanted):
                found.update(self._kafka_sections(pool, connectors, wanted))
            if connectors is not None:
                found["connectors"] = connectors.result()
            if schemas is not None:
                found["schemas"] = schemas.result()
            return {name: found[name] for name in wanted}

    # --- from Kafka

    def _kafka_sections(
        self, pool: ThreadPoolExecutor, connectors: "Future[Section] | None", wanted: Sequence[SectionName]
    ) -> dict[SectionName, Section]:
        """Reads no more than the wanted ones need: metrics need everything, topics no groups, groups no configs."""
        everything = "metrics" in wanted
        parts = {name: pool.submit(self._parts, name) for name in _IN_PARTS if name in wanted}
        storage = (
            StorageCollection(self._clients.kafka, self._metadata, self._selected, self._phases)
            if everything or "topics" in wanted
            else None
        )
        begun = None if storage is None else storage.begin(pool)
        offsets = pool.submit(self._offsets) if not _FROM_KAFKA.isdisjoint(wanted) else None
        configs = pool.submit(self._configs) if everything or "topics" in wanted else None
        reading = pool.submit(self._groups) if everything or "consumer_groups" in wanted else None
        found: dict[SectionName, Section] = {}
        if configs is not None and offsets is not None and storage is not None and begun is not None:
            found["topics"] = self._or_stale(
                "topics", lambda: self._topics(configs, offsets, partial(storage.finish, begun))
            )
        if reading is not None and offsets is not None:
            found["consumer_groups"] = self._or_stale(
                "consumer_groups", lambda: self._consumer_groups(reading, offsets)
            )
        if everything:
            found["metrics"] = self._metrics(found["topics"], found["consumer_groups"], connectors)
        found = {**{name: section.result() for name, section in parts.items()}, **found}
        # Whatever was asked meanwhile and afterwards, so that the sum is what went over the wire.
        last, section = found.popitem()
        rest = sum(self._clients.kafka.requests.values()) - sum(
            section.cost.kafka_requests for section in found.values()
        )
        return {**found, last: replace(section, cost=replace(section.cost, kafka_requests=rest))}

    def _configs(self) -> dict[str, TopicConfigs]:
        with self._phases.phase("kafka configs"):
            return self._clients.kafka.configs([topic.name for topic in self._selected])

    def _offsets(self) -> OffsetsReading:
        # Of all topics, whatever the patterns say: a group's lag on a topic that is left out belongs to the
        # group.
        with self._phases.phase("kafka offsets"):
            return self._clients.kafka.offsets(leading_partitions(self._metadata))

    def _groups(self) -> GroupsReading:
        with self._phases.phase("kafka consumer groups"):
            return self._clients.kafka.groups(self._cluster.consumer_groups.selects)

    def _parts(self, name: SectionName) -> Section:
        return self._or_stale(
            name,
            lambda: _IN_PARTS[name](
                self._clients.kafka, cluster_id=self._cluster_id, previous=self._previous, phases=self._phases
            ),
        )

    def _topics(
        self,
        reading_configs: Future[dict[str, TopicConfigs]],
        reading_offsets: Future[OffsetsReading],
        read_storage: ReadStorage,
    ) -> TopicsSection:
        offsets, configs = reading_offsets.result(), reading_configs.result()
        old = {topic.name: topic for topic in self._previous.topics} if self._previous else {}
        confirm_topics_gone(
            self._clients.kafka,
            self._cluster,
            old.values(),
            listed={topic.name for topic in self._metadata.topics},
        )
        stored = read_storage(configs=configs, offsets=offsets)
        return TopicsSection(
            cluster_id=self._cluster_id,
            state=SectionState(
                status="fresh",
                collected_at=offsets.read_at,
                scope=patterns_scope(self._cluster.topics),
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
                configs.values(), self._previous.topic_defaults if self._previous else None
            ),
            excluded=len(self._metadata.topics) - len(self._selected),
            cost=self._kafka_cost(
                "topics",
                *("kafka metadata", "kafka configs", "kafka offsets", "kafka log dirs", "kafka record times"),
            ),
        )

    def _consumer_groups(
        self, reading_groups: Future[GroupsReading], reading_offsets: Future[OffsetsReading]
    ) -> ConsumerGroupsSection:
        offsets, groups = reading_offsets.result(), reading_groups.result()
        selects = self._cluster.consumer_groups.selects
        known = [
            group
            for group in (self._previous.consumer_groups if self._previous else ())
            if selects(group.group_id)
        ]
        listed = {group.group_id for group in groups.groups}
        kept = unlisted_groups(known, groups.unlisted, listed=listed)
        confirm_groups_gone(
            self._clients.kafka,
            self._cluster,
            (group for group in known if group.group_id not in kept),
            listed=listed,
        )
        read = group_records(
            groups.groups,
            offsets=ends_after(self._clients.kafka, offsets, groups),
            before=known_before(self._previous, now=self._metadata.topics),
        )
        return ConsumerGroupsSection(
            cluster_id=self._cluster_id,
            state=SectionState(
                status="fresh",
                collected_at=offsets.read_at,
                scope=patterns_scope(self._cluster.consumer_groups),
                error=None
                if groups.unlisted is None
                else f"{groups.unlisted.reason}; {counted(len(kept), 'known group')} of them {plural(len(kept), 'is', 'are')} kept",
            ),
            records=(*read, *kept.values()),
            excluded=groups.excluded,
            cost=self._kafka_cost("consumer_groups", "kafka consumer groups"),
        )

    def _metrics(self, topics: Section, groups: Section, connectors: "Future[Section] | None") -> Section:
        """Fresh when the topics are. Groups that could not be read take only their own figures with them:
        the health of partitions matters most when `__consumer_offsets` lost some."""
        assert isinstance(topics, TopicsSection)
        assert isinstance(groups, ConsumerGroupsSection)
        if topics.state.status != "fresh":
            error = topics.state.error or "the offsets could not be read"
            return stale_section("metrics", self._cluster_id, self._previous, error)
        assert topics.state.collected_at is not None
        ground = Ground(
            cluster_id=self._cluster_id,
            read_at=topics.state.collected_at,
            metadata=self._metadata,
            topics=topics.records,
            log_directories=topics.log_directories,
            unknown=topics.unknown,
            groups=groups.records if groups.state.status == "fresh" else None,
            groups_error=groups.state.error,
            connectors=self._known_connectors(connectors),
            previous=self._previous,
            kept=self._history(self._cluster_id),
        )
        return self._or_stale(
            "metrics",
            lambda: collect_metrics(
                self._cluster,
                ground,
                kafka=self._clients.kafka,
                reader=self._clients.metrics,
                phases=self._phases,
                sleep=self._sleep,
            ),
        )

    def _known_connectors(self, connectors: "Future[Section] | None") -> tuple[Connector, ...]:
        """Those of this run, or of the latest document when this run does not read them."""
        if connectors is None:
            return self._previous.connectors if self._previous else ()
        section = connectors.result()
        assert isinstance(section, ConnectorsSection)
        return section.records

    def _kafka_cost(self, section: SectionName, *phases: str) -> SectionCost:
        return cost_of(
            self._phases.seconds(*phases),
            kafka_requests=requests_about(section, self._clients.kafka.requests),
        )

    # --- over HTTP

    def _connectors(self) -> Section:
        if not self._clients.connect:
            return empty_section(
                "connectors", self._cluster_id, SectionState(status="not_configured", collected_at=None)
            )

        def read() -> ConnectorsSection:
            now, scope = datetime.now(UTC), connectors_scope(self._clients.connect)
            with self._phases.phase("connectors"):
                collected = collect_connectors(
                    self._clients.connect,
                    previous=known_connectors(self._previous, scope),
                    turn=self._previous.sequence if self._previous else 0,
                    fingerprint_key=self._fingerprint_key(),
                )
            section = ConnectorsSection(
                cluster_id=self._cluster_id,
                state=SectionState(status="fresh", collected_at=now, scope=scope),
                records=collected.records,
                fingerprints=collected.fingerprints,
            )
            return with_stale_sources(section, collected.failed, self._previous)

        section = self._or_stale("connectors", read)
        assert isinstance(section, ConnectorsSection)
        # Set on a stale section, too: the endpoints were asked, and they are what they are.
        return replace(
            section,
            stand_in=next((text for endpoint in self._clients.connect if (text := endpoint.stand_in)), None),
            cost=cost_of(
                self._phases.seconds("connectors"),
                http_requests=sum(endpoint.requests for endpoint in self._clients.connect),
            ),
        )

    def _schemas(self) -> Section:
        registry = self._clients.registry
        if registry is None:
            return empty_section(
                "schemas", self._cluster_id, SectionState(status="not_configured", collected_at=None)
            )

        def read() -> SchemasSection:
            now, scope = datetime.now(UTC), schemas_scope(registry)
            with self._phases.phase("schemas"):
                known = known_schemas(self._previous, scope)
                collected = collect_schemas(registry, previous=known, now=now)
                found = {schema.subject for schema in collected.records}
                confirm_subjects_gone(registry, expected_subjects(self._previous, scope) - found)
            return SchemasSection(
                cluster_id=self._cluster_id,
                state=SectionState(status="fresh", collected_at=now, scope=scope, error=collected.missing),
                records=collected.records,
                registry=collected.registry,
            )

        section = self._or_stale("schemas", read)
        assert isinstance(section, SchemasSection)
        cost = cost_of(self._phases.seconds("schemas"), http_requests=registry.requests)
        return replace(
            section, stand_in=registry.stand_in, cost=replace(cost, level_requests=registry.level_requests)
        )

    def _or_stale(self, name: SectionName, read: Callable[[], Section]) -> Section:
        try:
            return read()
        except PlatformError as error:
            return stale_section(name, self._cluster_id, self._previous, str(error))
