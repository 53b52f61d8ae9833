"""Servers that run regardless of the estate, and discoveries under changing estates."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from mesh_assets.collecting.clients import ClusterClients
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.diff import diff_documents
from mesh_assets.estate.connections import KafkaConnectEndpoint
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.sections import SECTION_NAMES, SectionName
from mesh_assets.joining.join import join_sections
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets_tests.collecting.cluster_fakes import CLUSTER_ID, FakeKafka, a_cluster, a_worker
from mesh_assets_tests.collecting.collected import a_kafka_group
from mesh_assets_tests.platforms.http.fakes import FakeTime
from mesh_assets_tests.platforms.schema_registry.fakes import Confluent

SINK = {"connector.class": "FileStreamSink", "topics": "orders"}
ONE, OTHER = "http://one.test:8083", "http://other.test:8083"


@dataclass
class Servers:
    """What runs, regardless of the estate. `workers` and `registries`: by URL; a missing worker answers only with errors."""

    kafka: FakeKafka = field(
        default_factory=lambda: FakeKafka(
            topics={"orders": [1], "tmp-1": [1], "users": [1]},
            consumer_groups=(a_kafka_group(group_id="app"), a_kafka_group(group_id="console-1")),
        )
    )
    workers: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    registries: dict[str, Confluent] = field(default_factory=dict)

    @contextmanager
    def clients(self, cluster: Cluster) -> Iterator[ClusterClients]:
        connect = [
            KafkaConnectClient(endpoint, transport=self._worker(endpoint.url), clock=FakeTime().clock)
            for endpoint in cluster.named_connect
            if isinstance(endpoint, KafkaConnectEndpoint)
        ]
        registry = cluster.schema_registry
        yield ClusterClients(
            kafka=self.kafka,
            registry=None
            if registry is None
            else SchemaRegistryClient(
                registry,
                transport=httpx.MockTransport(self.registries[registry.url]),
                clock=FakeTime().clock,
            ),
            connect=connect,
        )

    def _worker(self, url: str) -> httpx.MockTransport:
        if url not in self.workers:
            return httpx.MockTransport(lambda _: httpx.Response(500, text="boom"))
        return a_worker(self.workers[url])

    def discover(
        self, previous: Document | None = None, *, without: Sequence[SectionName] = (), **estate: Any
    ) -> Document:
        """Under an estate whose cluster has the fields `estate`."""
        sections = collect_sections(
            a_cluster(**estate),
            [name for name in SECTION_NAMES if name not in without],
            previous=lambda _: previous,
            clients=self.clients,
            sleep=lambda _: None,
        )
        return join_sections(
            sections,
            previous=previous,
            environment=EnvironmentIdentity(id=None, name=None),
            cluster=ClusterIdentity(id=CLUSTER_ID, name="warehouse"),
            now=datetime.now(UTC),
            sequence=1 if previous is None else previous.sequence + 1,
            run_id="run",
        )


def endpoint(url: str, name: str | None = None) -> dict[str, str]:
    return {"kind": "kafka_connect", "url": url, **({} if name is None else {"name": name})}


def forty(prefix: str = "sink") -> dict[str, dict[str, str]]:
    return {f"{prefix}-{number:02}": SINK for number in range(40)}


def kinds(before: Document, after: Document) -> list[tuple[str, str, str]]:
    return [(c.kind, c.resource_type, c.resource) for c in diff_documents(before, after)]
