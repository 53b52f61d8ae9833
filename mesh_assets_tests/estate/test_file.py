"""The estate file as a whole: its content, its defaults, and what is refused with its line."""

from pathlib import Path

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.estate.connections import ConfluentCloudConnectEndpoint
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.monitoring import CloudWatchMetrics, ConfluentCloudMetrics, OffsetMetrics
from mesh_assets_tests.estates import findings

WHOLE = """
clusters:
  data-mesh-cluster:
    cluster_id: lkc-nd1ng3
    environment: {id: env-7zpqx1, name: agentic-data-mesh}
    kafka:
      bootstrap_servers: pkc-1.example:9092
      security_protocol: SASL_SSL
      sasl_mechanism: PLAIN
      username: "${KEY}"
      password: ssm:/discovery-agent/cluster-api-secret
      properties: {client.rack: a}
    schema_registry: {url: https://psrc-1.example, id: lsrc-12345, username: "${SR_KEY}", password: "${SR_SECRET}"}
    connect: [{kind: confluent_cloud, username: "${CLOUD_KEY}", password: "${CLOUD_SECRET}"}]
    control_plane: {kind: confluent_cloud, username: "${CLOUD_KEY}", password: "${CLOUD_SECRET}"}
    metrics: {kind: confluent_cloud, username: "${CLOUD_KEY}", password: "${CLOUD_SECRET}"}
  warehouse:
    kafka: {bootstrap_servers: "127.0.0.1:9092"}
    schema_registry: {url: "http://127.0.0.1:8081"}
    connect: [{kind: kafka_connect, url: "http://127.0.0.1:8083"}]
    metrics: {kind: offsets}
    topics: {include: ["orders*"]}
events: {cluster: warehouse}
"""


def test_a_whole_estate_is_read_with_names_references_and_defaults() -> None:
    estate = parse_estate(WHOLE, source="estate.yaml")

    assert list(estate.clusters) == ["data-mesh-cluster", "warehouse"]
    cloud = estate.clusters["data-mesh-cluster"]
    assert cloud.name == "data-mesh-cluster"
    assert cloud.kafka.password == "ssm:/discovery-agent/cluster-api-secret"
    [connect] = cloud.connect
    assert isinstance(connect, ConfluentCloudConnectEndpoint)
    assert (connect.url, connect.environment_id, connect.cluster_id) == (
        "https://api.confluent.cloud",
        "env-7zpqx1",
        "lkc-nd1ng3",
    )
    assert cloud.control_plane is not None
    assert cloud.control_plane.url == "https://api.confluent.cloud"
    assert isinstance(cloud.metrics, ConfluentCloudMetrics)
    assert cloud.metrics.url == "https://api.telemetry.confluent.cloud"
    assert estate.events.cluster == "warehouse"


def test_internal_topics_and_the_projects_own_are_excluded_unless_the_estate_says_otherwise() -> None:
    warehouse = parse_estate(WHOLE, source="estate.yaml").clusters["data-mesh-cluster"]

    names = [
        "orders",
        "__consumer_offsets",
        "_schemas",
        "connect-configs",
        EVENTS_TOPIC,
        CHANGES_TOPIC,
        "_private",
    ]
    assert warehouse.topics.select(names) == ["_private", "orders"]


def test_exclusion_wins_over_inclusion_and_case_matters() -> None:
    cluster = parse_estate(
        WHOLE.replace('include: ["orders*"]', 'include: ["orders*"], exclude: ["*-tmp"]'), source="e"
    ).clusters["warehouse"]

    assert cluster.topics.select(["orders", "orders-tmp", "Orders", "users"]) == ["orders"]


def test_a_misspelt_field_is_named_with_its_line() -> None:
    assert findings(WHOLE.replace("metrics: {kind: offsets", "metriks: {kind: offsets")) == [
        "estate.yaml:21: clusters.warehouse.metriks: is not a field here; check its spelling or remove it"
    ]


def test_a_missing_field_is_named_with_the_line_of_its_parent() -> None:
    assert findings("clusters:\n  a:\n    kafka: {bootstrap_servers: one}\n    environment: {name: a}\n") == [
        "estate.yaml:4: clusters.a.environment.id: is missing"
    ]


def test_a_secret_written_into_the_file_is_refused_and_not_repeated() -> None:
    [finding] = findings(WHOLE.replace("${SR_SECRET}", "hunter2"))

    assert finding.startswith(
        "estate.yaml:13: clusters.data-mesh-cluster.schema_registry.password: a secret must be named"
    )
    assert "hunter2" not in finding


@pytest.mark.parametrize(
    "name", ["ssl.keystore.password", "sasl.oauthbearer.assertion.private.key.passphrase"]
)
def test_a_librdkafka_property_that_holds_a_secret_is_refused(name: str) -> None:
    [finding] = findings(WHOLE.replace("client.rack: a", f"{name}: hunter2"))

    assert f"properties.{name} looks like a secret" in finding
    assert "hunter2" not in finding


def test_the_example_that_users_copy_is_a_complete_estate() -> None:
    example = Path(__file__).parents[2] / "mesh_assets/configuration/project/estate.yaml"
    assert list(parse_estate(example.read_text(), source="e").clusters) == ["payments", "data-mesh-cluster"]


def managed_connect(**fields: str) -> str:
    entry = {"kind": "confluent_cloud", "username": "K", "password": "'${S}'", **fields}
    listed = ", ".join(f"{name}: {value}" for name, value in entry.items() if value)
    return f"clusters:\n  a:\n    kafka: {{bootstrap_servers: x}}\n    connect:\n      - {{{listed}}}\n"


def test_a_managed_connect_endpoint_without_its_cluster_says_which_ids_are_missing() -> None:
    assert findings(managed_connect()) == [
        "estate.yaml:5: clusters.a.connect.0.environment_id: is not known; give it here, or give the cluster "
        "`environment: {id: env-…}`",
        "estate.yaml:5: clusters.a.connect.0.cluster_id: is not known; give it here, or give the cluster its `cluster_id: lkc-…`",
    ]


def test_a_managed_connect_endpoints_own_ids_win() -> None:
    [connect] = (
        parse_estate(managed_connect(environment_id="env-1", cluster_id="lkc-1"), source="e")
        .clusters["a"]
        .connect
    )
    assert isinstance(connect, ConfluentCloudConnectEndpoint)
    assert (connect.environment_id, connect.cluster_id) == ("env-1", "lkc-1")


def test_missing_fields_of_an_endpoint_are_named_as_in_the_file() -> None:
    assert findings(
        managed_connect(environment_id="env-1", cluster_id="lkc-1", username="", colour="red")
    ) == [
        "estate.yaml:5: clusters.a.connect.0.username: is missing",
        "estate.yaml:5: clusters.a.connect.0.colour: is not a field here; check its spelling or remove it",
    ]


def test_an_endpoint_of_an_unknown_kind_is_an_error_that_lists_the_kinds() -> None:
    [finding] = findings(managed_connect(kind="kafka-connect"))
    assert finding.startswith(
        "estate.yaml:5: clusters.a.connect.0.kind: 'kafka-connect' is not a kind; expected one of 'kafka_connect', "
    )
    assert findings(managed_connect(kind="")) == ["estate.yaml:5: clusters.a.connect.0.kind: is missing"]


def metrics_of(entry: str) -> object:
    text = f"clusters:\n  a:\n    kafka: {{bootstrap_servers: x}}\n    metrics: {{{entry}}}\n"
    return parse_estate(text, source="estate.yaml").clusters["a"].metrics


def test_metrics_come_from_offsets_unless_the_estate_names_a_cloud() -> None:
    assert (
        parse_estate("clusters: {a: {kafka: {bootstrap_servers: x}}}", source="e").clusters["a"].metrics
        == OffsetMetrics()
    )
    assert metrics_of("kind: offsets") == OffsetMetrics()
    assert metrics_of("kind: cloudwatch") == CloudWatchMetrics(kind="cloudwatch")
    assert metrics_of("kind: cloudwatch, region: eu-west-1, cluster_name: payments") == CloudWatchMetrics(
        kind="cloudwatch", region="eu-west-1", cluster_name="payments"
    )


def test_confluent_clouds_metrics_need_a_key() -> None:
    with pytest.raises(EstateError) as caught:
        metrics_of("kind: confluent_cloud")
    assert str(caught.value).splitlines() == [
        "estate.yaml:4: clusters.a.metrics.username: is missing",
        "estate.yaml:4: clusters.a.metrics.password: is missing",
    ]


def test_all_faults_of_an_estate_are_reported_at_once() -> None:
    text = "clusters:\n  a:\n    kafka: {bootstrap_servers: x, security_protocol: TLS}\n    schema_registry: {url: ftp://x}\n"

    assert [line.split(": ")[1] for line in findings(text)] == [
        "clusters.a.kafka.security_protocol",
        "clusters.a.schema_registry.url",
    ]


def test_incomplete_sasl_settings_name_what_is_missing() -> None:
    [finding] = findings(
        "clusters:\n  a:\n    kafka: {bootstrap_servers: x, security_protocol: SASL_SSL, username: u}\n"
    )

    assert (
        finding
        == "estate.yaml:3: clusters.a.kafka: security_protocol SASL_SSL needs sasl_mechanism, password"
    )


def test_events_on_an_unknown_cluster_are_refused() -> None:
    [finding] = findings(WHOLE.replace("cluster: warehouse}", "cluster: nowhere}"))

    assert "events.cluster names 'nowhere'" in finding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "estate.yaml:1: expected a mapping with `clusters:`, found an empty file"),
        ("- a\n", "estate.yaml:1: expected a mapping with `clusters:`, found a list"),
        ("clusters: {a: [\n", "estate.yaml:2: not YAML"),
        *(
            (
                f"clusters: {{}}\nfindings: {{mute: [{{until: {value}}}]}}\n",
                "estate.yaml:2: a value here looks like a date or a number, but is none; correct it, or put it in quotes",
            )
            for value in ("2027-13-01", "2027-02-30T00:00:00", "0x_", "!!int ''")
        ),
        ("clusters: " + "[" * 3_000, "estate.yaml:1: not YAML that can be read: it is nested too deeply"),
        (
            "clusters:\n  a: {kafka: {bootstrap_servers: x}}\n  a: {}\n",
            "estate.yaml:3: a appears here a second time",
        ),
        (
            "clusters:\n  a/b: {kafka: {bootstrap_servers: x}}\n",
            "estate.yaml:2: cluster name 'a/b' may only contain",
        ),
        ("clusters:\n  7: {kafka: {bootstrap_servers: x}}\n", "estate.yaml:2: cluster name 7 is not text"),
        (
            "clusters:\n  a...b: {kafka: {bootstrap_servers: x}}\n",
            "estate.yaml:2: cluster name 'a...b' may not contain '...', which Dagster takes for a range of partitions",
        ),
        (
            f"clusters:\n  {'ü' * 40}: {{kafka: {{bootstrap_servers: x}}}}\n",
            f"estate.yaml:2: cluster name {'ü' * 40!r} is too long for a file name",
        ),
        ("clusters: {}\n", "estate.yaml:1: clusters: "),
        ("clusters:\n  a: 3\n", "estate.yaml:2: clusters.a: "),
        (
            "clusters:\n  a: {kafka: {bootstrap_servers: x}}\nesm: {}\n",
            "estate.yaml:3: esm: names neither accounts nor secrets",
        ),
    ],
)
def test_a_faulty_estate_gets_one_sentence_with_its_line(text: str, expected: str) -> None:
    assert findings(text)[0].startswith(expected)
