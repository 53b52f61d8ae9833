"""The metrics section with a platform that measures itself: combined, and honest when that platform is unavailable."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from mesh_assets.collecting.clients import ClusterClients
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.errors import PlatformError, UnreachableError
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import ClusterLoad, ConnectorRate, Metrics, MetricsSource, TopicRate
from mesh_assets.inventory.sections import MetricsSection, SectionState
from mesh_assets.metrics.measurements import Asked, Measurement, RecordCounts
from mesh_assets.metrics.offsets import offset_metrics
from mesh_assets.metrics.positions import Positions
from mesh_assets.platforms.kafka.values import ClusterMetadata
from mesh_assets_tests.collecting.cluster_fakes import (
    FakeCloudConnect,
    FakeKafka,
    a_cluster,
    opened,
)
from mesh_assets_tests.documents import a_connector, a_document, a_topic

CLOUD = ConfluentCloudMetrics(kind="confluent_cloud", username="K", password="${HOME}")


@dataclass
class FakeReader:
    answer: Measurement | PlatformError
    asked: list[Asked] = field(default_factory=list)
    requests: int = 1
    stand_in: str | None = "stand-in for tests"

    def measure(self, asked: Asked) -> Measurement:
        self.asked.append(asked)
        if isinstance(self.answer, PlatformError):
            raise self.answer
        return self.answer

    def record_counts(
        self, asked: Asked, *, begin: datetime, end: datetime, step_seconds: int
    ) -> RecordCounts:
        raise NotImplementedError


def with_reader(
    reader: FakeReader, kafka: FakeKafka
) -> Callable[[Cluster], AbstractContextManager[ClusterClients]]:
    inner = opened(kafka, cloud=FakeCloudConnect(states={"orders": "RUNNING"}))

    @contextmanager
    def clients(cluster: Cluster) -> Iterator[ClusterClients]:
        with inner(cluster) as found:
            yield replace(found, metrics=reader)

    return clients


def metrics_of(reader: FakeReader, *, previous: Document | None = None, only: bool = False) -> MetricsSection:
    wanted = ["metrics"] if only else ["connectors", "metrics"]
    sections = collect_sections(
        a_cluster(metrics=CLOUD),
        wanted,  # type: ignore[arg-type]
        previous=lambda _: previous,
        clients=with_reader(reader, FakeKafka(topics={"orders": [10]}, growth=5)),
        sleep=lambda _: None,
    )
    section = sections["metrics"]
    assert isinstance(section, MetricsSection)
    return section


UNTOLD = "retained bytes and disk usage of brokers: refused reading the log directories; needs DESCRIBE on the cluster"


def read(section: MetricsSection) -> Metrics:
    assert section.records is not None
    return section.records


MEASURED = Measurement(
    source=MetricsSource(name="confluent_cloud", figures=("topics.bytes_in_per_second",)),
    topics=(
        TopicRate(topic="orders", records_in_per_second=999.0, message_count=None, bytes_in_per_second=100.0),
    ),
    connectors=(ConnectorRate(connector="orders", connect="main", records_out_per_second=3.0),),
    cluster=ClusterLoad(load_percent=12.0),
    not_available=("load of single brokers: none",),
)


def test_each_figure_has_its_source_and_those_of_both_come_from_the_offsets() -> None:
    section = metrics_of(FakeReader(MEASURED))
    metrics = read(section)
    (orders,) = metrics.topics
    assert orders.message_count == 10
    assert orders.bytes_in_per_second == 100.0
    assert orders.records_in_per_second not in (None, 999.0)
    assert metrics.cluster == ClusterLoad(load_percent=12.0)
    assert metrics.connectors == MEASURED.connectors
    assert (metrics.source, [source.name for source in metrics.sources]) == (
        "offsets, confluent_cloud",
        ["offsets", "confluent_cloud"],
    )
    assert "topics.records_in_per_second" in metrics.sources[0].figures
    assert metrics.not_available == ("load of single brokers: none", UNTOLD)
    assert section.cost.http_requests == 1
    assert section.stand_in == "stand-in for tests"


def test_positions_of_a_fast_clock_give_no_rates_and_a_second_reading_does() -> None:
    ahead = SectionState(status="fresh", collected_at=datetime.now(UTC) + timedelta(hours=3))
    previous = a_document(topics=(a_topic("orders"),), sections={"topics": ahead, "consumer_groups": ahead})

    metrics = read(metrics_of(FakeReader(MEASURED), previous=previous))

    assert metrics.window_seconds is not None
    assert 0 < metrics.window_seconds < 60
    assert metrics.topics[0].records_in_per_second is not None


def test_the_platform_is_asked_about_the_connectors_of_this_run() -> None:
    reader = FakeReader(MEASURED)
    metrics_of(reader, previous=a_document(connectors=(a_connector("old", id="lcc-old"),)))
    assert [connector.id for connector in reader.asked[0].connectors] == ["lcc-orders"]
    assert (reader.asked[0].topics, reader.asked[0].brokers) == (("orders",), (1,))


def test_without_connectors_in_this_run_those_of_the_latest_document_are_used() -> None:
    reader = FakeReader(MEASURED)
    metrics_of(reader, previous=a_document(connectors=(a_connector("old", id="lcc-old"),)), only=True)
    assert [connector.id for connector in reader.asked[0].connectors] == ["lcc-old"]


def test_an_unavailable_platform_leaves_the_offsets_fresh_and_its_own_figures_unknown() -> None:
    section = metrics_of(FakeReader(UnreachableError("the Metrics API is busy")))
    metrics = read(section)
    assert section.state.status == "fresh"
    assert metrics.topics[0].records_in_per_second is not None
    assert metrics.topics[0].bytes_in_per_second is None
    assert metrics.cluster is None
    assert metrics.errors == ("the Metrics API is busy",)
    assert metrics.sources[1] == MetricsSource(name="confluent_cloud", error="the Metrics API is busy")
    assert metrics.not_available == (
        "the metrics of confluent_cloud: they could not be read in this run (the Metrics API is busy)",
        UNTOLD,
    )


def test_no_broker_is_called_the_controller_since_kraft_gives_clients_a_random_one() -> None:
    assert read(metrics_of(FakeReader(MEASURED))).controller is None


@pytest.mark.parametrize(
    ("replicas", "in_sync", "minimum", "under"),
    [(1, 1, "2", 0), (3, 2, "5", 1), (3, 3, "5", 0), (3, 1, "2", 1), (3, 2, "2", 0), (3, 0, "1", 1)],
)
def test_under_min_isr_counts_partitions_that_refuse_acks_all(
    replicas: int, in_sync: int, minimum: str, under: int
) -> None:
    """Kafka's rule: the smaller of setting and replicas (Partition.effectiveMinIsr)."""
    brokers = tuple(range(1, replicas + 1))
    topic = a_topic("orders", replicas=brokers, config={"min.insync.replicas": minimum})
    topic = structs.replace(
        topic, partitions=tuple(structs.replace(one, isr=brokers[:in_sync]) for one in topic.partitions)
    )
    metrics = offset_metrics(
        ClusterMetadata(cluster_id="c", brokers=(), topics=()),
        (topic,),
        (),
        before=None,
        after=Positions(read_at=datetime.now(UTC), ends={}, committed={}, topic_ids={}),
    )

    assert metrics.partition_health.under_min_isr == under
