"""The stand-in's answers have the shapes that Confluent publishes, and so have Confluent's own examples."""

from typing import Any

import pytest

from mesh_assets.sandbox.estate.clusters import CLUSTER_ID, ENVIRONMENT_ID, REGISTRY_ID
from mesh_assets_tests.sandbox.cloud.asking import CONNECTORS, EXPANDED, LINKS, REGISTRY, StandIn
from mesh_assets_tests.sandbox.cloud.shapes import departures, examples

APIS = ("connect-v1", "cmk-v2", "srcm-v3", "org-v2", "metrics-v2", "kafka-rest-v3")
ONE = f"{CONNECTORS}/DatagenSourceConnector_users"
ENVIRONMENT = f"environment={ENVIRONMENT_ID}"

ANSWERS = [
    ("connect-v1", "names", CONNECTORS, 200),
    ("connect-v1", "expanded list", EXPANDED, 200),
    ("connect-v1", "connector", ONE, 200),
    ("connect-v1", "status", f"{ONE}/status", 200),
    ("connect-v1", "config", f"{ONE}/config", 200),
    ("connect-v1", "404", f"{CONNECTORS}/nobody", 404),
    ("connect-v1", "404", "/connect/v1/environments/env-other/clusters/lkc-nd1ng3/connectors", 404),
    ("cmk-v2", "clusters", f"/cmk/v2/clusters?{ENVIRONMENT}", 200),
    ("cmk-v2", "cluster", f"/cmk/v2/clusters/{CLUSTER_ID}?{ENVIRONMENT}", 200),
    ("cmk-v2", "400", "/cmk/v2/clusters", 400),
    ("srcm-v3", "clusters", f"/srcm/v3/clusters?{ENVIRONMENT}", 200),
    ("org-v2", "environments", "/org/v2/environments", 200),
    ("org-v2", "organizations", "/org/v2/organizations", 200),
    ("metrics-v2", "descriptors", "/v2/metrics/cloud/descriptors/metrics", 200),
    ("metrics-v2", "error", "/v2/metrics/cloud/export", 400),
    ("metrics-v2", "error", "/v2/metrics/cloud/export?resource.kafka.id=lkc-other", 403),
]


LINKED = [
    {
        "name": "from-afar",
        "source": "lkc-afar",
        "config": {"bootstrap.servers": "afar:9092", "sasl.jaas.config": "never shown"},
        "state": "UNAVAILABLE",
        "error": "AUTHENTICATION_ERROR",
        "mirrors": [{"topic": "users", "status": "SOURCE_UNAVAILABLE", "lags": [0, 7]}],
    }
]


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("answer", "path", "status"),
    [
        ("links", LINKS, 200),
        ("link", f"{LINKS}/from-afar", 200),
        ("configs", f"{LINKS}/from-afar/configs", 200),
        ("mirrors", f"{LINKS}/-/mirrors", 200),
        ("mirrors", f"{LINKS}/from-afar/mirrors?mirror_status=PAUSED", 200),
        ("error", f"{LINKS}/nobody", 404),
        ("error", "/kafka/v3/clusters/lkc-other/links", 404),
    ],
)
def test_announced_links_are_returned_in_the_published_shapes(
    cloud: StandIn, answer: str, path: str, status: int
) -> None:
    assert cloud.get(LINKS).json()["data"] == []
    cloud.tell("links", LINKED)
    response = cloud.get(path)

    assert response.status_code == status
    assert departures("kafka-rest-v3", answer, response.json()) == []
    assert "never shown" not in response.text


@pytest.mark.parametrize("api", APIS)
def test_the_published_examples_have_the_published_shapes(api: str) -> None:
    assert {name: departures(api, name, example) for name, example in examples(api).items()} == {
        name: [] for name in examples(api)
    }


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (
            "status",
            {
                "name": "a",
                "connector": {"state": "RUNNING", "worker_id": 3, "trace": ""},
                "tasks": [],
                "type": "source",
            },
        ),
        (
            "status",
            {
                "name": "a",
                "connector": {"state": "RUNNING", "worker_id": "a", "invented": ""},
                "tasks": [],
                "type": "source",
            },
        ),
        ("names", {"a": {}}),
    ],
)
def test_a_departure_from_a_shape_is_noticed(answer: str, content: Any) -> None:
    assert departures("connect-v1", answer, content)


@pytest.mark.sandbox
@pytest.mark.parametrize(("api", "answer", "path", "status"), ANSWERS, ids=lambda value: str(value))
def test_an_answer_has_the_published_shape_and_says_that_it_is_a_stand_in(
    cloud: StandIn, api: str, answer: str, path: str, status: int
) -> None:
    response = cloud.get(path)

    assert response.status_code == status
    assert departures(api, answer, response.json()) == []
    assert "stand-in for Confluent Cloud" in response.headers["x-mesh-stand-in"]


@pytest.mark.sandbox
def test_a_query_is_answered_in_the_published_shape(cloud: StandIn) -> None:
    query = {
        "aggregations": [{"metric": "io.confluent.kafka.server/retained_bytes"}],
        "filter": {"field": "resource.kafka.id", "op": "EQ", "value": CLUSTER_ID},
        "granularity": "PT1M",
        "group_by": ["metric.topic"],
        "intervals": ["PT1H/now"],
        "limit": 2,
    }
    response = cloud.ask("POST", "/v2/metrics/cloud/query", key=cloud.keys.cloud, json=query)

    assert response.status_code == 200, response.text
    assert {row["metric.topic"] for row in response.json()["data"]} == {"campaign_finance", "clickstream"}
    assert response.json()["meta"]["pagination"]["next_page_token"]


@pytest.mark.sandbox
def test_the_export_is_openmetrics_as_in_the_published_example(cloud: StandIn) -> None:
    """`# TYPE`, `# UNIT` and `# HELP` first, then series with the resource's id before the other labels and
    the time in seconds."""
    parameters = {"resource.kafka.id": CLUSTER_ID, "resource.schema_registry.id": REGISTRY_ID}
    response = cloud.get(
        "/v2/metrics/cloud/export", params=parameters, headers={"Accept": "application/openmetrics-text"}
    )

    assert response.headers["content-type"].startswith("application/openmetrics-text;version=1.0.0")
    lines = response.text.splitlines()
    assert lines[-1] == "# EOF"
    first = lines.index("# TYPE confluent_kafka_server_retained_bytes gauge")
    assert lines[first + 1] == "# UNIT confluent_kafka_server_retained_bytes bytes"
    assert lines[first + 2].startswith("# HELP confluent_kafka_server_retained_bytes ")
    assert lines[first + 3].startswith(
        f'confluent_kafka_server_retained_bytes{{kafka_id="{CLUSTER_ID}",topic="campaign_finance"}} '
    )
    value, at = lines[first + 3].split()[-2:]
    assert float(value) > 1000
    assert float(at) % 60 == 0
    counts = {line.split()[0]: float(line.split()[1]) for line in lines if "_count{" in line}
    assert counts[f'confluent_kafka_server_partition_count{{kafka_id="{CLUSTER_ID}"}}'] >= 222
    assert counts[f'confluent_kafka_schema_registry_schema_count{{schema_registry_id="{REGISTRY_ID}"}}'] >= 37


@pytest.mark.sandbox
def test_the_bulk_list_has_the_fields_confluent_documents(cloud: StandIn) -> None:
    rows = cloud.get(f"{REGISTRY}/schemas?latestOnly=true&subjectPrefix=:*:").json()

    optional = {"schemaType", "metadata", "ruleSet"}
    assert {frozenset(row.keys() - optional) for row in rows} == {
        frozenset({"subject", "version", "id", "schema"})
    }
    assert frozenset().union(*(row.keys() & optional for row in rows)) == optional
    assert [row["subject"] for row in rows] == sorted(row["subject"] for row in rows)
