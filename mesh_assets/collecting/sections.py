"""Collects the sections of a cluster at the same time; each is fresh, or stale with the reason."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from msgspec.structs import replace

from mesh_assets.collecting.clients import OpenClients, cluster_id_of, open_clients
from mesh_assets.collecting.cluster_links import collect_cluster_links
from mesh_assets.collecting.collection import Collection, History
from mesh_assets.collecting.connectors import collect_connectors
from mesh_assets.collecting.kafka_sections import FROM_BROKERS, NEED_METADATA, KafkaSections
from mesh_assets.collecting.phases import COLLECTING, Phases, cost_of
from mesh_assets.collecting.schemas import collect_schemas, confirm_subjects_gone
from mesh_assets.collecting.scopes import (
    connectors_scope,
    expected_subjects,
    known_connectors,
    known_schemas,
    schemas_scope,
)
from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.estate.model import Cluster
from mesh_assets.importing import without_collector
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import (
    Beginning,
    ConnectorsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionState,
)
from mesh_assets.joining.join import empty_section, with_stale_sources
from mesh_assets.platforms.kafka import ClusterMetadata
from mesh_assets.store.fingerprints import FingerprintKey

Begin = Callable[[str], Beginning]
GetKey = Callable[[], FingerprintKey | None]


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
    document, marked `stale`, with the reason. `history` gives the kept end offsets by cluster id, from which time
    lags are read. `begin` is called with the cluster id before anything is read, so that the reading has its place
    in the order; None: it is not published. `fingerprint_key`: the store's, for the secrets of connectors.

    Raises PlatformError when Kafka itself cannot be read, EstateError when the brokers do not belong to the
    cluster that the estate names or a secret cannot be resolved.
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
                if not NEED_METADATA.isdisjoint(wanted)
                else ClusterMetadata(cluster_id=opened.kafka.read_cluster_id(), brokers=(), topics=())
            )
        cluster_id = cluster_id_of(cluster, metadata.cluster_id)
        if begun_for not in (None, cluster_id):
            raise UnexpectedAnswerError(
                f"{cluster.kafka.address} was cluster {begun_for} and a moment later {cluster_id}; its brokers must belong to one cluster: "
                "correct bootstrap_servers"
            )
        collection = Collection(
            cluster=cluster,
            cluster_id=cluster_id,
            clients=opened,
            metadata=metadata,
            previous=previous(cluster_id),
            phases=phases,
            history=history,
            sleep=sleep,
        )
        sections = _Sections(collection, fingerprint_key).collect(wanted)
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


class _Sections:
    """Those of one collection."""

    def __init__(self, collection: Collection, fingerprint_key: GetKey) -> None:
        self._of = collection
        self._fingerprint_key = fingerprint_key
        self._kafka = KafkaSections(collection)

    def collect(self, wanted: Sequence[SectionName]) -> dict[SectionName, Section]:
        with ThreadPoolExecutor(
            max_workers=16, thread_name_prefix=f"collect-{self._of.cluster.name}"
        ) as pool:
            connectors = pool.submit(self._connectors) if "connectors" in wanted else None
            schemas = pool.submit(self._schemas) if "schemas" in wanted else None
            links = pool.submit(self._cluster_links) if "cluster_links" in wanted else None
            found: dict[SectionName, Section] = {}
            if not FROM_BROKERS.isdisjoint(wanted):
                found.update(self._kafka.collect(pool, connectors, wanted))
            if connectors is not None:
                found["connectors"] = connectors.result()
            if schemas is not None:
                found["schemas"] = schemas.result()
            if links is not None:
                found["cluster_links"] = links.result()
            return {name: found[name] for name in wanted}

    # --- over HTTP

    def _connectors(self) -> Section:
        if not self._of.clients.connect:
            return empty_section(
                "connectors", self._of.cluster_id, SectionState(status="not_configured", collected_at=None)
            )

        def read() -> ConnectorsSection:
            now, scope = datetime.now(UTC), connectors_scope(self._of.clients.connect)
            with self._of.phases.phase("connectors"):
                collected = collect_connectors(
                    self._of.clients.connect,
                    previous=known_connectors(self._of.previous, scope),
                    turn=self._of.previous.sequence if self._of.previous else 0,
                    fingerprint_key=self._fingerprint_key(),
                )
            section = ConnectorsSection(
                cluster_id=self._of.cluster_id,
                state=SectionState(status="fresh", collected_at=now, scope=scope),
                records=collected.records,
                fingerprints=collected.fingerprints,
            )
            return with_stale_sources(section, collected.failed, self._of.previous)

        section = self._of.or_stale("connectors", read)
        assert isinstance(section, ConnectorsSection)
        # Also set on a stale section: these are the endpoints that were asked.
        return replace(
            section,
            stand_in=next(
                (text for endpoint in self._of.clients.connect if (text := endpoint.stand_in)), None
            ),
            cost=cost_of(
                self._of.phases.seconds("connectors"),
                http_requests=sum(endpoint.requests for endpoint in self._of.clients.connect),
            ),
        )

    def _schemas(self) -> Section:
        registry = self._of.clients.registry
        if registry is None:
            return empty_section(
                "schemas", self._of.cluster_id, SectionState(status="not_configured", collected_at=None)
            )

        def read() -> SchemasSection:
            now, scope = datetime.now(UTC), schemas_scope(registry)
            with self._of.phases.phase("schemas"):
                known = known_schemas(self._of.previous, scope)
                collected = collect_schemas(registry, previous=known, now=now)
                found = {schema.subject for schema in collected.records}
                confirm_subjects_gone(registry, expected_subjects(self._of.previous, scope) - found)
            return SchemasSection(
                cluster_id=self._of.cluster_id,
                state=SectionState(status="fresh", collected_at=now, scope=scope, error=collected.missing),
                records=collected.records,
                registry=collected.registry,
            )

        section = self._of.or_stale("schemas", read)
        assert isinstance(section, SchemasSection)
        cost = cost_of(self._of.phases.seconds("schemas"), http_requests=registry.requests)
        return replace(
            section, stand_in=registry.stand_in, cost=replace(cost, level_requests=registry.level_requests)
        )

    def _cluster_links(self) -> Section:
        reader, of = self._of.clients.links, self._of
        if reader is None:
            state = SectionState(status="not_configured", collected_at=None)
            return empty_section("cluster_links", of.cluster_id, state)
        about = (reader, of.cluster_id, of.previous, of.phases)
        return of.or_stale("cluster_links", lambda: collect_cluster_links(*about))
