"""Metrics of `data-mesh-cluster`, from its real broker's offsets and from the stand-in for Confluent's
Metrics API."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dotenv import dotenv_values

from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.clients import open_clients
from mesh_assets.inventory.collect import collect_sections
from mesh_assets.inventory.metrics.measuring import Asked
from mesh_assets.inventory.records import Metrics
from mesh_assets.inventory.sections import MetricsSection
from mesh_assets.sandbox.estate.cloud import CLUSTER, CLUSTER_ID
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.estates import estate_of

pytestmark = pytest.mark.sandbox

# The first minute of a fresh sandbox is that of its seeding, far above what the feed brings later.
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
    """What arrived in a second by the offsets, and in its minute by the Metrics API: the feed is steady, but
    a second is short."""
    offsets = sum(rate.records_in_per_second or 0.0 for rate in metrics.topics)
    assert metrics.cluster is not None
    return offsets > 0 and 1 / 3 < (metrics.cluster.records_in_per_second or 0.0) / offsets < 3


def test_the_metrics_api_and_the_offsets_tell_of_the_same_records(cluster: Cluster) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    metrics = metrics_of(cluster)
    while not agree(metrics) and time.monotonic() < deadline:
        metrics = metrics_of(cluster)
    assert agree(metrics)

    offsets, cloud = metrics.sources
    assert (offsets.name, offsets.error, cloud.name, cloud.error) == (
        "offsets",
        None,
        "confluent_cloud",
        None,
    )
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


def test_history_is_answered_in_steps_of_five_minutes(cluster: Cluster) -> None:
    end = datetime.fromtimestamp(time.time() // 300 * 300 + 300, UTC)
    with open_clients(cluster) as clients:
        assert clients.metrics is not None
        asked = Asked(cluster_id=CLUSTER_ID, topics=("clickstream",))
        counts = clients.metrics.record_counts(
            asked, begin=end - timedelta(hours=24), end=end, step_seconds=300
        )
    assert len(counts.ends_at) == 288
    assert sum(count or 0 for count in counts.topics["clickstream"]) > 0
