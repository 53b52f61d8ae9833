from dataclasses import replace
from pathlib import Path

import pytest

from mesh_assets.configuration.plans import Plan, plan_from_environment
from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.connections import ConfluentCloudConnectEndpoint
from mesh_assets.estate.file import parse_estate
from mesh_assets.platforms.confluent_cloud.control_plane import (
    CloudEnvironment,
    KafkaCluster,
    SchemaRegistryCluster,
)

ENVIRONMENT = CloudEnvironment(id="env-7zpqx1", name="agentic-data-mesh", crn=None)
MESH = KafkaCluster(
    id="lkc-nd1ng3",
    name="data-mesh-cluster",
    environment_id="env-7zpqx1",
    kind="STANDARD",
    availability="HIGH",
    cloud="AWS",
    region="eu-central-1",
    bootstrap_servers="pkc-00000.eu-central-1.aws.confluent.cloud:9092",
    http_endpoint=None,
    crn=None,
    phase="PROVISIONED",
)
ORDERS = replace(
    MESH,
    id="lkc-222222",
    name="Orders (EU)",
    kind="BASIC",
    bootstrap_servers="pkc-22222.confluent.cloud:9092",
)
UNFINISHED = replace(MESH, id="lkc-333333", name="later", bootstrap_servers=None, phase="PROVISIONING")
REGISTRY = SchemaRegistryCluster(
    id="lsrc-8wrx70",
    name=None,
    environment_id="env-7zpqx1",
    package="ESSENTIALS",
    cloud="AWS",
    region="eu-central-1",
    url="https://psrc-00000.confluent.cloud",
    private_url=None,
    crn=None,
    phase="PROVISIONED",
)


class FakeControlPlane:
    def __init__(
        self,
        *clusters: KafkaCluster,
        registry: SchemaRegistryCluster | None = REGISTRY,
        url: str = "https://api.confluent.cloud",
    ):
        self.url = url
        self.stand_in = None if url.startswith("https:") else "not Confluent Cloud"
        self._clusters = clusters
        self._registry = registry

    def environments(self) -> tuple[CloudEnvironment, ...]:
        return (CloudEnvironment(id="env-1", name="other", crn=None), ENVIRONMENT)

    def kafka_clusters(self, environment_id: str) -> tuple[KafkaCluster, ...]:
        return self._clusters if environment_id == ENVIRONMENT.id else ()

    def schema_registries(self, environment_id: str) -> tuple[SchemaRegistryCluster, ...]:
        return () if self._registry is None or environment_id != ENVIRONMENT.id else (self._registry,)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return tmp_path / "estate.yaml"


def plan(
    control_plane: FakeControlPlane, estate: Path, *, environment: str = "env-7zpqx1", force: bool = False
) -> Plan:
    return plan_from_environment(control_plane, environment, estate=estate, force=force)


def test_all_clusters_of_an_environment_become_entries_with_their_own_keys(estate: Path) -> None:
    made = plan(FakeControlPlane(MESH, ORDERS, UNFINISHED), estate)
    assert made.clusters == ("data-mesh-cluster", "Orders-EU")
    (file,) = made.files
    clusters = parse_estate(file.text, source="x").clusters
    assert [cluster.kafka.password for cluster in clusters.values()] == [
        "${KAFKA_API_SECRET_DATA_MESH_CLUSTER}",
        "${KAFKA_API_SECRET_ORDERS_EU}",
    ]
    assert {cluster.schema_registry and cluster.schema_registry.url for cluster in clusters.values()} == {
        "https://psrc-00000.confluent.cloud"
    }
    unfinished, basic, keys = sorted(made.notes, key=lambda note: ("later" not in note, "Basic" not in note))
    assert unfinished == "later (lkc-333333) has no bootstrap servers yet (PROVISIONING) and is left out"
    assert basic.startswith("Orders-EU is a Basic cluster")
    assert keys.endswith(
        "KAFKA_API_KEY_DATA_MESH_CLUSTER, KAFKA_API_SECRET_DATA_MESH_CLUSTER, SCHEMA_REGISTRY_API_KEY, SCHEMA_REGISTRY_API_SECRET, "
        "CONFLUENT_CLOUD_API_KEY, CONFLUENT_CLOUD_API_SECRET, KAFKA_API_KEY_ORDERS_EU, KAFKA_API_SECRET_ORDERS_EU"
    )


def test_a_single_cluster_has_plain_variables_like_terraforms(estate: Path) -> None:
    (file,) = plan(FakeControlPlane(MESH), estate).files
    assert (
        parse_estate(file.text, source="x").clusters["data-mesh-cluster"].kafka.username == "${KAFKA_API_KEY}"
    )


def test_clusters_with_the_same_name_are_called_by_their_ids(estate: Path) -> None:
    assert plan(FakeControlPlane(MESH, replace(ORDERS, name="data mesh cluster")), estate).clusters == (
        "lkc-nd1ng3",
        "lkc-222222",
    )


def test_a_cluster_in_the_estate_stays_as_it_is_unless_forced(estate: Path) -> None:
    text = "clusters:\n  mesh:\n    cluster_id: lkc-nd1ng3\n    kafka: {bootstrap_servers: other:9092}\n"
    estate.write_text(text)
    made = plan(FakeControlPlane(MESH, ORDERS), estate)
    assert made.clusters == ("Orders-EU",)
    assert made.files[0].text.startswith(text)
    assert any(note.startswith(f"mesh (lkc-nd1ng3) is already in {estate} and stays") for note in made.notes)
    forced = parse_estate(plan(FakeControlPlane(MESH, ORDERS), estate, force=True).files[0].text, source="x")
    assert forced.clusters["mesh"].kafka.bootstrap_servers == MESH.bootstrap_servers
    with pytest.raises(ConfigurationError, match=r"^there is nothing to write for env-7zpqx1: mesh "):
        plan(FakeControlPlane(MESH), estate)


def test_an_invisible_registry_is_left_out_and_reported(estate: Path) -> None:
    made = plan(FakeControlPlane(MESH, registry=None), estate)
    assert parse_estate(made.files[0].text, source="x").clusters["data-mesh-cluster"].schema_registry is None
    assert any("the Cloud key sees no Schema Registry in env-7zpqx1" in note for note in made.notes)


def test_a_stand_in_is_named_and_reached_without_tls(estate: Path) -> None:
    made = plan(FakeControlPlane(MESH, url="http://127.0.0.1:9990"), estate)
    cluster = parse_estate(made.files[0].text, source="x").clusters["data-mesh-cluster"]
    assert cluster.kafka.security_protocol == "SASL_PLAINTEXT"
    [connect] = cluster.connect
    assert isinstance(connect, ConfluentCloudConnectEndpoint)
    assert connect.url == "http://127.0.0.1:9990"
    assert "http://127.0.0.1:9990 is a stand-in: not Confluent Cloud" in made.notes


def test_an_invisible_environment_and_one_without_clusters_are_refused(estate: Path) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"sees no environment env-9; it sees: env-1 \(other\), env-7zpqx1 \(agentic-data-mesh\)",
    ):
        plan(FakeControlPlane(MESH), estate, environment="env-9")
    with pytest.raises(
        ConfigurationError,
        match="sees no Kafka cluster in env-1; its owner needs the role Operator on the environment",
    ):
        plan(FakeControlPlane(MESH), estate, environment="env-1")
