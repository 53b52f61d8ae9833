"""The Metrics API's minute in this project's vocabulary."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values

from mesh_assets.collecting.clients import open_clients
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.inventory.records import ClusterLoad, ConnectorRate, Metrics, MetricsSource, TopicRate
from mesh_assets.inventory.sections import MetricsSection
from mesh_assets.metrics.confluent_cloud import ConfluentCloudMetricsReader
from mesh_assets.metrics.measurements import Asked, Measurement
from mesh_assets.platforms.confluent_cloud.metrics_api import MetricsApiClient
from mesh_assets.sandbox.estate.clusters import CLUSTER, CLUSTER_ID
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.documents import a_connector
from mesh_assets_tests.estates import estate_of
from mesh_assets_tests.platforms.http.fakes import FakeTime, Script

AT = datetime(2026, 11, 23, 16, 37, tzinfo=UTC)
HEADERS = {"content-type": "application/openmetrics-text;version=1.0.0;charset=utf-8"}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET", "secret")


def an_export(samples: dict[str, dict[str, float]]) -> httpx.Response:
    """Metric → its labels as text → value."""
    lines = []
    for name, some in samples.items():
        lines.append(f"# TYPE confluent_kafka_{name} gauge")
        lines += [
            f"confluent_kafka_{name}{{{labels}}} {value} {AT.timestamp():.3f}"
            for labels, value in some.items()
        ]
    return httpx.Response(200, text="\n".join([*lines, "# EOF", ""]), headers=HEADERS)


def reader_of(*answers: httpx.Response) -> tuple[ConfluentCloudMetricsReader, Script]:
    script = Script(answers)
    connection = ConfluentCloudMetrics(
        kind="confluent_cloud", username="CLOUDKEY", password="${CLOUD_SECRET}"
    )
    client = MetricsApiClient(connection, transport=httpx.MockTransport(script), clock=FakeTime().clock)
    return ConfluentCloudMetricsReader(client, schema_registry_id="lsrc-1"), script


def measured(samples: dict[str, dict[str, float]]) -> Measurement:
    reader, _ = reader_of(an_export(samples))
    sink = a_connector("orders-sink", id="lcc-1")
    return reader.measure(
        Asked(cluster_id="lkc-1", topics=("orders", "users"), connectors=(sink, a_connector("self-managed")))
    )


def of_topic(name: str) -> str:
    return f'kafka_id="lkc-1",topic="{name}"'


WHOLE = {
    "server_received_bytes": {of_topic("orders"): 6000.0, of_topic("_confluent-internal"): 600.0},
    "server_sent_bytes": {of_topic("orders"): 12_000.0},
    "server_received_records": {of_topic("orders"): 120.0, of_topic("_confluent-internal"): 60.0},
    "server_sent_records": {of_topic("orders"): 240.0},
    "server_retained_bytes": {of_topic("orders"): 1e9, of_topic("users"): 5.0},
    "server_active_connection_count": {
        'kafka_id="lkc-1",principal_id="sa-1"': 3.0,
        'kafka_id="lkc-1",principal_id="sa-2"': 4.0,
    },
    "server_request_count": {
        'kafka_id="lkc-1",principal_id="sa-1",type="Fetch"': 90.0,
        'kafka_id="lkc-1",type="Produce"': 30.0,
    },
    "server_partition_count": {'kafka_id="lkc-1"': 222.0},
    "server_cluster_load_percent": {'kafka_id="lkc-1"': 0.342},
    "connect_received_records": {'connector_id="lcc-1"': 60.0},
    "connect_received_bytes": {'connector_id="lcc-1"': 600.0},
    "connect_dead_letter_queue_records": {'connector_id="lcc-1"': 2.0},
}


def test_counts_per_minute_become_rates_per_second_and_levels_stay() -> None:
    found = measured(WHOLE)
    assert found.topics == (
        TopicRate(
            topic="orders",
            records_in_per_second=None,  # the offsets show that on every platform
            message_count=None,
            records_out_per_second=4.0,
            bytes_in_per_second=100.0,
            bytes_out_per_second=200.0,
            retained_bytes=1_000_000_000,
        ),
        TopicRate(topic="users", records_in_per_second=None, message_count=None, retained_bytes=5),
    )
    assert found.connectors == (
        ConnectorRate(
            connector="orders-sink",
            connect="main",
            records_in_per_second=1.0,
            bytes_in_per_second=10.0,
            dead_letter_records=2,
        ),
    )


def test_the_cluster_includes_topics_that_the_estate_excludes() -> None:
    assert measured(WHOLE).cluster == ClusterLoad(
        load_percent=34.2,
        connections=7,
        requests_per_second=2.0,
        records_in_per_second=3.0,
        records_out_per_second=4.0,
        bytes_in_per_second=110.0,
        bytes_out_per_second=200.0,
        retained_bytes=1_000_000_005,
        partitions=222,
    )


def test_the_source_states_its_minute_and_which_figures_are_its_own() -> None:
    source = measured(WHOLE).source
    assert (source.name, source.window_start, source.window_seconds, source.error) == (
        "confluent_cloud",
        AT,
        60.0,
        None,
    )
    assert source.window_end == AT.replace(minute=38)
    assert "topics.bytes_in_per_second" in source.figures
    assert "connectors.dead_letter_records" in source.figures
    assert "cluster.load_percent" in source.figures
    assert "topics.records_in_per_second" not in source.figures


def test_things_without_traffic_are_unknown_with_a_note() -> None:
    found = measured({})
    assert found.source == MetricsSource(name="confluent_cloud")
    assert found.cluster == ClusterLoad()
    assert found.topics[0] == TopicRate(topic="orders", records_in_per_second=None, message_count=None)
    assert any("unknown, not zero" in text for text in found.not_available)
    assert "cluster load: reported for dedicated clusters only" in found.not_available


def test_connectors_that_the_key_may_not_see_make_the_source_incomplete() -> None:
    name = "confluent_scrape_resource_access_error"
    text = f'# TYPE {name} gauge\n{name}{{resource_id="lcc-1",resource_type="resource.connector.id"}} 1.0\n# EOF\n'
    reader, _ = reader_of(httpx.Response(200, text=text, headers=HEADERS))
    found = reader.measure(
        Asked(cluster_id="lkc-1", topics=(), connectors=(a_connector("orders-sink", id="lcc-1"),))
    )
    assert found.source.error == (
        "the metrics of orders-sink are not shown to this Cloud key; its owner needs the role MetricsViewer"
    )


def test_history_is_counts_per_step_and_a_step_without_a_value_is_left_out() -> None:
    points = [
        {"timestamp": "2026-11-23T16:00:00Z", "value": 10},
        {"timestamp": "2026-11-23T16:10:00Z", "value": 30.0},
    ]
    reader, _ = reader_of(
        httpx.Response(200, json={"data": [{"metric.topic": "orders", "points": points}], "meta": None})
    )
    begin, end = AT.replace(minute=0), AT.replace(minute=15)
    found = reader.record_counts(
        Asked(cluster_id="lkc-1", topics=("orders", "users")), begin=begin, end=end, step_seconds=300
    )
    assert found.topics == {"orders": (10, None, 30)}
    assert found.ends_at == tuple(AT.replace(minute=minute).timestamp() for minute in (5, 10, 15))


# Metrics of `data-mesh-cluster`, from its real broker's offsets and from the stand-in for Confluent's
# Metrics API.

pytestmark = pytest.mark.sandbox

# The first minute of a fresh sandbox contains its seeding, far more than the feed brings later.
_DEADLINE_SECONDS = 150.0


@pytest.fixture
def cluster(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    path = estate_of(sandbox.endpoints(), tmp_path, CLUSTER)
    for name, value in dotenv_values(tmp_path / ".env").items():
        monkeypatch.setenv(name, value or "")
    return load_estate(path).clusters[CLUSTER]


def metrics_of(cluster: Cluster) -> Metrics:
    section = collect_sections(cluster, ["connectors", "metrics"], previous=lambda _: None)["metrics"]
    assert isinstance(section, MetricsSection)
    assert section.stand_in is not None
    assert section.cost.http_requests == 1
    assert section.records is not None
    return section.records


def agree(metrics: Metrics) -> bool:
    """What arrived per second according to the offsets, and in that minute according to the Metrics API: the feed is steady,
    but a second is short."""
    offsets = sum(rate.records_in_per_second or 0.0 for rate in metrics.topics)
    assert metrics.cluster is not None
    return offsets > 0 and 1 / 3 < (metrics.cluster.records_in_per_second or 0.0) / offsets < 3


@pytest.mark.late
def test_the_metrics_api_and_the_offsets_describe_the_same_records(cluster: Cluster) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    metrics = metrics_of(cluster)
    while not agree(metrics) and time.monotonic() < deadline:
        metrics = metrics_of(cluster)
    assert agree(metrics)

    sources = {source.name: source for source in metrics.sources}
    assert {name: source.error for name, source in sources.items()} == {
        "offsets": None,
        "log_dirs": None,
        "confluent_cloud": None,
    }
    cloud = sources["confluent_cloud"]
    assert cloud.window_start is not None
    assert cloud.window_seconds == 60.0
    assert timedelta() < datetime.now(UTC) - cloud.window_start < timedelta(minutes=6)
    assert metrics.cluster is not None
    # The topics of the discovery's own events are among them.
    assert 222 <= (metrics.cluster.partitions or 0) <= 224
    assert len([rate for rate in metrics.topics if rate.retained_bytes]) == 37
    written = {rate.connector: rate.records_out_per_second for rate in metrics.connectors}
    assert len(written) == 37
    assert (written["DatagenSourceConnector_clickstream"] or 0.0) > 0


@pytest.mark.late  # before the stand-in's first whole minute, there is nothing to count
def test_history_comes_in_steps_of_five_minutes(cluster: Cluster) -> None:
    end = datetime.fromtimestamp(time.time() // 300 * 300 + 300, UTC)
    with open_clients(cluster) as clients:
        assert clients.metrics is not None
        asked = Asked(cluster_id=CLUSTER_ID, topics=("clickstream",))
        counts = clients.metrics.record_counts(
            asked, begin=end - timedelta(hours=24), end=end, step_seconds=300
        )
    assert len(counts.ends_at) == 288
    assert sum(count or 0 for count in counts.topics["clickstream"]) > 0


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_an_invalid_number_is_unknown_and_affects_no_other(odd: float) -> None:
    known = measured(WHOLE)
    found = measured({**WHOLE, "server_retained_bytes": {of_topic("orders"): odd, of_topic("users"): 5.0}})

    assert [topic.retained_bytes for topic in found.topics] == [None, 5]
    assert found.connectors == known.connectors
    assert found.source.error == (
        "values of confluent_kafka_server_retained_bytes are not numbers, or have no time, and are left out"
    )


def test_a_number_too_large_for_an_event_is_unknown() -> None:
    huge = {
        "server_retained_bytes": {of_topic("orders"): 1e19},
        "server_active_connection_count": {'kafka_id="lkc-1"': 3e9},
        "server_partition_count": {'kafka_id="lkc-1"': 222.0},
    }
    found = measured(huge)
    assert found.topics[0].retained_bytes is None
    assert found.cluster is not None
    assert (found.cluster.connections, found.cluster.partitions) == (None, 222)
