from typing import Any

import httpx
import pytest

from mesh_assets.access_checks import AccessCheck
from mesh_assets.access_checks.confluent_cloud import check_cloud_metrics
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import ConfluentCloudMetrics

URL = "https://api.telemetry.confluent.cloud"
OPENMETRICS = {"Content-Type": "application/openmetrics-text; version=1.0.0; charset=utf-8"}
TOPICS = "".join(
    f'confluent_kafka_server_retained_bytes{{kafka_id="lkc-1",topic="{topic}"}} 5.0 1767225600.000\n'
    for topic in ("orders", "users")
)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET", "s3cr3t")


def check(answer: httpx.Response, **fields: Any) -> tuple[AccessCheck, list[httpx.URL]]:
    asked: list[httpx.URL] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return answer

    cluster = Cluster.model_validate(
        {
            "name": "mesh",
            "cluster_id": "lkc-1",
            "kafka": {"bootstrap_servers": "b:9092"},
            "metrics": {"kind": "confluent_cloud", "username": "K", "password": "${CLOUD_SECRET}"},
            **fields,
        }
    )
    assert isinstance(cluster.metrics, ConfluentCloudMetrics)
    return check_cloud_metrics(cluster, cluster.metrics, transport=httpx.MockTransport(respond)), asked


def test_a_key_that_may_see_metrics_is_enough_and_one_request_shows_it() -> None:
    result, asked = check(httpx.Response(200, headers=OPENMETRICS, text=f"{TOPICS}# EOF\n"))
    assert result == AccessCheck(
        cluster="mesh",
        system="metrics",
        endpoint=URL,
        identity="Cloud key K",
        state="ok",
        facts={"topics_with_metrics": 2},
        rights="reads",
    )
    assert [str(url) for url in asked] == [f"{URL}/v2/metrics/cloud/export?resource.kafka.id=lkc-1"]


def test_a_key_without_the_role_learns_it_in_one_sentence() -> None:
    result, _ = check(
        httpx.Response(
            403, json={"errors": [{"status": "403", "detail": "must authorize kafka resource lkc-1"}]}
        )
    )
    assert result.state == "failed"
    assert result.missing[0].startswith(
        f"Confluent Cloud Metrics at {URL} refused Cloud key K (403): must authorize kafka resource lkc-1; the owner of this Cloud key "
        "needs the role MetricsViewer, granted on the organization"
    )


def test_without_a_cluster_id_no_request_is_made_and_the_check_says_so() -> None:
    result, asked = check(httpx.Response(500), cluster_id=None)
    assert (result.state, asked) == ("ok", [])
    assert result.notes[0].startswith("not checked: metrics are requested by cluster_id")
