"""A small in-memory estate: clusters whose fakes can change and fail, observed and discovered as in production."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from mesh_assets.collecting.clients import ClusterClients
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.estate.connections import KafkaConnectEndpoint, KafkaConnection
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import Sensing
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.sections import SECTION_NAMES, ConnectorsSection
from mesh_assets.joining.join import join_sections
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.platforms.kafka import ConsumerGroup, TopicConfigs
from mesh_assets.sensing.cursor import AT_REST, ClusterCursor
from mesh_assets.sensing.handover import begin_collection, noted_before, take_triggers
from mesh_assets.sensing.observations.observation import Cause, Observe, ObservedCluster, observe_cluster
from mesh_assets.store.fingerprints import fingerprint_key
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.known_state import keep_digest
from mesh_assets.store.layout import open_store
from mesh_assets_tests.collecting.cluster_fakes import FakeCloudConnect, FakeKafka
from mesh_assets_tests.documents import MOMENT
from mesh_assets_tests.platforms.http.fakes import FakeTime
from mesh_assets_tests.platforms.schema_registry.fakes import Apicurio, FakeRegistry
from mesh_assets_tests.snapshot.world import World

INTERVAL = 300.0


@dataclass
class Kafka(FakeKafka):
    """`overrides`: topic → configs that differ from the default. `asked`: the topics of each call for
    configs."""

    overrides: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)

    def configs(self, topics: Iterable[str]) -> dict[str, TopicConfigs]:
        names = list(topics)
        self.asked.append(names)
        found = super().configs(names)
        return {
            name: replace(
                read,
                values={**(read.values or {}), **self.overrides.get(name, {})},
                overridden=tuple(sorted({*read.overridden, *self.overrides.get(name, {})})),
            )
            for name, read in found.items()
        }


@dataclass
class Worker:
    """A Connect worker. `connectors`: by name, the states of the connector and its tasks, such as `RUNNING FAILED`.
    `config`: what the config of each has besides its class and topics."""

    connectors: dict[str, str] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    requests: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.url.path)
        instead = self.before(request)
        if instead is not None:
            return instead
        if request.url.path != "/connectors":
            return httpx.Response(404, json={"error_code": 404, "message": "not found"})
        return httpx.Response(
            200, json={name: self._entry(name, states.split()) for name, states in self.connectors.items()}
        )

    def _entry(self, name: str, states: list[str]) -> dict[str, Any]:
        status, *tasks = states
        config = {"connector.class": "FileStreamSink", "topics": "orders", **self.config}
        worker = {"worker_id": "worker:8083"}
        return {
            "info": {"name": name, "config": config, "tasks": [], "type": "sink"},
            "status": {
                "name": name,
                "type": "sink",
                "connector": {"state": status, **worker},
                "tasks": [
                    {
                        "id": number,
                        "state": state,
                        **worker,
                        **({"trace": "DataException: not json {\n\tat x"} if state == "FAILED" else {}),
                    }
                    for number, state in enumerate(tasks)
                ],
            },
        }


@dataclass
class FakeCluster:
    """One cluster of the estate. `opens`: called before its clients open, and may hang. `cloud`: instead of the worker.
    `estate`: further fields of its cluster in the estate."""

    name: str = "warehouse"
    kafka: Kafka = field(default_factory=Kafka)
    worker: Worker = field(default_factory=Worker)
    registry: FakeRegistry = field(default_factory=Apicurio)
    opens: Callable[[], None] = lambda: None
    quiet_minutes: float = 10.0
    cloud: FakeCloudConnect | None = None
    estate: dict[str, Any] = field(
        default_factory=lambda: {"connect": [{"kind": "kafka_connect", "url": "http://connect.test:8083"}]}
    )

    @property
    def cluster(self) -> Cluster:
        return Cluster(
            name=self.name,
            kafka=KafkaConnection(bootstrap_servers="127.0.0.1:9092"),
            sensors=Sensing(quiet_minutes=self.quiet_minutes),
            **self.estate,
        )

    @contextmanager
    def clients(self) -> Iterator[ClusterClients]:
        self.opens()
        (endpoint,) = self.cluster.named_connect
        assert isinstance(endpoint, KafkaConnectEndpoint)
        worker = KafkaConnectClient(
            endpoint, transport=httpx.MockTransport(self.worker), clock=FakeTime().clock
        )
        yield ClusterClients(
            kafka=self.kafka,
            registry=self.registry.client(),
            connect=[worker] if self.cloud is None else [self.cloud.client()],
        )


class Estate:
    """The clusters by name and the world they are discovered in. Its clock stands still unless it is moved."""

    def __init__(self, folder: Path, *clusters: FakeCluster) -> None:
        self.fakes = {cluster.name: cluster for cluster in clusters}
        self.world = World(store=open_store(str(folder / "store")))
        self.store = self.world.store
        self.inbox = Inbox(self.store.objects)

    @property
    def clusters(self) -> dict[str, Cluster]:
        return {name: fake.cluster for name, fake in self.fakes.items()}

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    def open_clients(self, cluster: Cluster) -> AbstractContextManager[ClusterClients]:
        return self.fakes[cluster.name].clients()

    def pass_by(self, **time: float) -> None:
        self.world.clock.time += timedelta(**time)

    def cluster_id(self, name: str) -> str:
        found = self.store.cluster_id(name)
        assert found is not None
        return found

    def latest(self, name: str = "warehouse") -> Document:
        document = self.store.latest_document(self.cluster_id(name))
        assert document is not None
        return document

    def discover(self, name: str = "warehouse") -> tuple[Trigger, ...]:
        """A discovery: collect, join, publish, take from the inbox. Returns the triggers it handled."""
        self.pass_by(seconds=1)
        sections = collect_sections(
            self.fakes[name].cluster,
            SECTION_NAMES,
            previous=self.store.latest_document,
            clients=self.open_clients,
            sleep=lambda _: None,
            begin=lambda cluster_id: begin_collection(
                self.store, name, cluster_id, newest_in_topic=lambda: None
            ),
            fingerprint_key=lambda: fingerprint_key(self.store.objects),
        )
        # The fakes read by the real clock.
        sections = {
            section: replace(
                read,
                state=replace(read.state, collected_at=self.now if read.state.status == "fresh" else MOMENT),
            )
            for section, read in sections.items()
        }
        cluster_id = sections["topics"].cluster_id
        taken = take_triggers(
            self.inbox.waiting(cluster_id),
            Trigger(type="manual"),
            from_inbox=True,
            noted=noted_before(sections),
        )

        def assemble(previous: Document | None, sequence: int) -> Document:
            return join_sections(
                sections,
                previous=previous,
                environment=EnvironmentIdentity(id=None, name=None),
                cluster=ClusterIdentity(id=cluster_id, name=name),
                now=self.now,
                sequence=sequence,
                run_id="run",
            )

        connectors = sections["connectors"]
        assert isinstance(connectors, ConnectorsSection)
        self.world.publish(
            assemble,
            cluster=name,
            cluster_id=cluster_id,
            triggers=taken.triggers,
            fingerprints=connectors.fingerprints,
        )
        latest = self.store.latest(cluster_id)
        assert latest is not None
        keep_digest(self.store, self.store.read_document(latest[0].document), latest[0].document)
        self.store.remember_cluster(name, cluster_id)
        self.inbox.remove(cluster_id, taken.ids)
        self.pass_by(seconds=1)
        return taken.triggers

    def observe(
        self,
        observe: Observe,
        name: str = "warehouse",
        *,
        cursor: ClusterCursor = AT_REST,
        interval_seconds: float = INTERVAL,
    ) -> ObservedCluster:
        return observe_cluster(
            self.fakes[name].cluster,
            observe,
            store=self.store,
            cursor=cursor,
            now=self.now,
            interval_seconds=interval_seconds,
            clients=self.open_clients,
        )


def reported(causes: Iterable[Cause]) -> list[tuple[str, str | None, str | None]]:
    """Type, resource and details of each cause, sorted."""
    return sorted(
        ((cause.trigger.type, cause.trigger.resource, cause.trigger.details) for cause in causes),
        key=lambda row: tuple(map(str, row)),
    )


def an_empty_group(name: str) -> ConsumerGroup:
    return ConsumerGroup(
        group_id=name,
        type="classic",
        protocol_type="consumer",
        state="Empty",
        coordinator=1,
        members=(),
        offsets=(),
    )
