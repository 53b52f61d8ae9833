import io
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from mesh_assets.configuration.entries import (
    entry_from_terraform,
    in_parameters,
    in_variables,
    variables_from_terraform,
)
from mesh_assets.configuration.terraform_outputs import parse_terraform_outputs
from mesh_assets.configuration.texts import merged_env, merged_estate, shown_env
from mesh_assets.errors import ConfigurationError, EstateError
from mesh_assets.estate.file import parse_estate
from mesh_assets_tests.configuration.outputs import SECRETS, outputs_json

ESTATE = """\
# Ours since 2024.
clusters:
  warehouse:            # in the cellar
    kafka: {bootstrap_servers: "127.0.0.1:9092"}   # no TLS there
    connect:
      - {kind: kafka_connect, url: "http://127.0.0.1:8083"}

    # TODO: a registry

events: {cluster: warehouse}
"""


@pytest.fixture
def entry() -> dict[str, Any]:
    return entry_from_terraform(parse_terraform_outputs(outputs_json(), source="x"), in_variables())


def test_a_new_file_loads(entry: dict[str, Any]) -> None:
    estate = parse_estate(
        merged_estate(None, {"data-mesh-cluster": entry}, source="estate.yaml"), source="estate.yaml"
    )
    cluster = estate.clusters["data-mesh-cluster"]
    assert (cluster.cluster_id, cluster.environment and cluster.environment.name) == (
        "lkc-nd1ng3",
        "agentic-data-mesh",
    )
    assert cluster.kafka.bootstrap_servers == "pkc-00000.eu-central-1.aws.confluent.cloud:9092"
    assert (cluster.kafka.username, cluster.kafka.password) == ("${KAFKA_API_KEY}", "${KAFKA_API_SECRET}")
    assert cluster.schema_registry is not None
    assert (cluster.schema_registry.id, cluster.schema_registry.password) == (
        "lsrc-8wrx70",
        "${SCHEMA_REGISTRY_API_SECRET}",
    )
    assert [endpoint.kind for endpoint in cluster.connect] == ["confluent_cloud"]
    assert cluster.control_plane is not None
    assert cluster.metrics.kind == "confluent_cloud"


def test_an_entry_is_added_and_every_other_line_stays(entry: dict[str, Any]) -> None:
    merged = merged_estate(ESTATE, {"data-mesh-cluster": entry}, source="estate.yaml")
    added = merged_estate(None, {"data-mesh-cluster": entry}, source="x").partition("clusters:\n")[2]
    assert added in merged
    assert merged.replace(added, "") == ESTATE
    assert list(parse_estate(merged, source="estate.yaml").clusters) == ["warehouse", "data-mesh-cluster"]
    assert merged_estate(merged, {"data-mesh-cluster": entry}, source="estate.yaml") is merged


@pytest.mark.parametrize(("mapping", "dash"), [("  ", ""), ("    ", "  "), ("    ", "    "), ("    ", "")])
def test_a_file_with_another_indentation_keeps_it(entry: dict[str, Any], mapping: str, dash: str) -> None:
    kafka = f"{mapping * 2}kafka: {{bootstrap_servers: b:9092}}\n"
    connect = f'{mapping * 2}connect:\n{mapping * 2}{dash}- {{kind: kafka_connect, url: "http://c:8083"}}\n'
    text = f"clusters:\n{mapping}warehouse:\n{kafka}{connect}"
    merged = merged_estate(text, {"data-mesh-cluster": entry}, source="x")
    assert merged.startswith(text)
    assert f"\n{mapping}data-mesh-cluster:\n" in merged


def test_an_existing_cluster_is_replaced_only_by_force(entry: dict[str, Any]) -> None:
    merged = merged_estate(ESTATE, {"data-mesh-cluster": entry}, source="estate.yaml")
    other = entry | {"kafka": entry["kafka"] | {"username": "${OTHER}"}}
    with pytest.raises(
        ConfigurationError, match="already has a cluster data-mesh-cluster; --force replaces its entry"
    ):
        merged_estate(merged, {"data-mesh-cluster": other}, source="estate.yaml")
    forced = parse_estate(
        merged_estate(merged, {"data-mesh-cluster": other}, source="x", force=True), source="x"
    )
    assert forced.clusters["data-mesh-cluster"].kafka.username == "${OTHER}"
    with pytest.raises(ConfigurationError, match="already has the cluster lkc-nd1ng3, as data-mesh-cluster"):
        merged_estate(merged, {"second-name": entry}, source="estate.yaml", force=True)


def test_keys_may_be_in_ssm_and_triggers_come_along() -> None:
    entry = entry_from_terraform(
        parse_terraform_outputs(outputs_json(), source="x"), in_parameters("/discovery-agent")
    )
    triggers = {"queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/q"}
    merged = merged_estate(None, {"data-mesh-cluster": entry}, triggers=triggers, source="x")
    estate = parse_estate(merged, source="x")
    assert estate.clusters["data-mesh-cluster"].kafka.password == "ssm:/discovery-agent/cluster-api-secret"
    assert estate.triggers is not None
    assert merged_estate(merged, {"data-mesh-cluster": entry}, triggers=triggers, source="x") == merged
    with pytest.raises(ConfigurationError, match=r"^x already has other triggers; --force replaces them$"):
        merged_estate(
            merged,
            {},
            triggers={"queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/other"},
            source="x",
        )


def test_a_file_that_is_not_an_estate_is_left_alone(entry: dict[str, Any]) -> None:
    with pytest.raises(EstateError, match=r"^estate.yaml:2: "):
        merged_estate("clusters:\n  a: {}\n", {"data-mesh-cluster": entry}, source="estate.yaml")


NAMES = [
    "CONFLUENT_CLOUD_API_KEY",
    "CONFLUENT_CLOUD_API_SECRET",
    "CONFLUENT_ENVIRONMENT_ID",
    "CONFLUENT_KAFKA_CLUSTER_ID",
    "CONFLUENT_SCHEMA_REGISTRY_ID",
    "KAFKA_BOOTSTRAP_ENDPOINT",
    "KAFKA_API_KEY",
    "KAFKA_API_SECRET",
    "SCHEMA_REGISTRY_ENDPOINT",
    "SCHEMA_REGISTRY_API_KEY",
    "SCHEMA_REGISTRY_API_SECRET",
]


def test_the_file_reads_back_as_what_terraform_said_and_shows_no_secret() -> None:
    variables = variables_from_terraform(parse_terraform_outputs(outputs_json(), source="x"))
    assert list(variables) == NAMES
    assert variables["KAFKA_BOOTSTRAP_ENDPOINT"] == "pkc-00000.eu-central-1.aws.confluent.cloud:9092"
    assert dict(dotenv_values(stream=io.StringIO(merged_env(None, variables, source=".env")))) == variables
    shown = shown_env(variables)
    assert not any(secret in shown for secret in SECRETS.values())
    assert shown.count("(hidden)") == len(SECRETS)


def test_a_second_cluster_has_its_own_variables() -> None:
    variables = variables_from_terraform(parse_terraform_outputs(outputs_json(), source="x"), suffix="ORDERS")
    assert list(variables) == [f"{name}_ORDERS" for name in NAMES]


def test_other_lines_stay_and_a_different_value_is_replaced_only_by_force() -> None:
    text = "# mine\nexport A=1\nKAFKA_API_KEY=old\n\nB='two words'\n"
    with pytest.raises(
        ConfigurationError, match="has KAFKA_API_KEY with a different value; --force replaces it"
    ) as caught:
        merged_env(text, {"KAFKA_API_KEY": "new"}, source=".env")
    assert "old" not in str(caught.value)
    assert "new" not in str(caught.value)
    assert merged_env(text, {"KAFKA_API_KEY": "new"}, source=".env", force=True) == (
        "# mine\nexport A=1\n\nB='two words'\nKAFKA_API_KEY=new\n"
    )


@pytest.mark.parametrize("value", ["a'b", 'a"b', "a#b", "a b", "a\\b", "$b", "", "=+/"])
def test_a_value_with_unusual_characters_survives(value: str) -> None:
    assert dotenv_values(stream=io.StringIO(merged_env(None, {"A": value}, source=".env")))["A"] == value


def test_a_value_that_the_reader_would_change_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^the value of A cannot be written to a \.env: it contains"
    ):
        merged_env(None, {"A": "x${HOME}"}, source=".env")


def test_a_file_that_only_includes_others_gets_its_own_clusters(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "more.yaml").write_text("clusters: {a: {kafka: {bootstrap_servers: 'a:1'}}}\n")
    source = str(tmp_path / "estate.yaml")

    text = merged_estate("include: more.yaml\n", {"data-mesh-cluster": entry}, source=source)

    assert text.startswith("include: more.yaml\n")
    assert list(parse_estate(text, source=source).clusters) == ["data-mesh-cluster", "a"]
