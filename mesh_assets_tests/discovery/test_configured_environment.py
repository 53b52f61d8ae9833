"""From a Cloud key to a discovery: the entries that `configure` writes really work, against the stand-in for Confluent
Cloud."""

import shutil
from pathlib import Path

import pytest

from mesh_assets.sandbox.credentials import sandbox_keys
from mesh_assets.sandbox.estate.clusters import CLUSTER, CLUSTER_ID, ENVIRONMENT_ID
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.workplace import PROJECT, Workplace

pytestmark = pytest.mark.sandbox


def test_an_environment_is_configured_with_a_cloud_key_and_discovered_with_the_keys_it_requires(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    keys, url = sandbox_keys(sandbox.folder), sandbox.endpoints().cloud_url
    assert url is not None
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    workplace = Workplace(
        tmp_path,
        tmp_path / "estate.yaml",
        cluster=CLUSTER,
        variables={"CONFLUENT_CLOUD_API_KEY": keys.cloud.id, "CONFLUENT_CLOUD_API_SECRET": keys.cloud.secret},
    )
    configured = workplace.mesh_assets(
        "configure", "--confluent-environment", ENVIRONMENT_ID, "--confluent-url", url
    )
    assert configured.returncode == 0, configured.stderr
    assert f"{url} is a stand-in" in configured.stdout
    assert keys.cloud.secret not in configured.stdout + workplace.estate.read_text()

    told = "KAFKA_API_KEY, KAFKA_API_SECRET, SCHEMA_REGISTRY_API_KEY, SCHEMA_REGISTRY_API_SECRET"
    assert told in configured.stdout
    (tmp_path / ".env").write_text(
        f"KAFKA_API_KEY={keys.kafka.id}\nKAFKA_API_SECRET={keys.kafka.secret}\n"
        f"SCHEMA_REGISTRY_API_KEY={keys.schema_registry.id}\nSCHEMA_REGISTRY_API_SECRET={keys.schema_registry.secret}\n"
    )
    report = workplace.discover()
    assert report["cluster_id"] == CLUSTER_ID
    assert {
        name: report["summary"][name]
        for name in ("total_topics", "total_partitions", "total_connectors", "total_schemas")
    } == {
        "total_topics": 37,
        "total_partitions": 222,
        "total_connectors": 37,
        "total_schemas": 37,
    }
