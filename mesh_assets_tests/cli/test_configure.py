"""The command on real files; Confluent Cloud's answers come from test_plans.py."""

import json
import stat
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from mesh_assets.cli.configure import configure
from mesh_assets.errors import RefusedError
from mesh_assets.estate.file import load_estate
from mesh_assets.platforms.confluent_cloud import control_plane
from mesh_assets.platforms.confluent_cloud.control_plane import ControlPlaneClient
from mesh_assets.platforms.secrets import resolve
from mesh_assets_tests.configuration.outputs import PLAIN, SECRETS, outputs_json


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MESH_ESTATE", "MESH_STORE", "CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "outputs.json").write_text(outputs_json())
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(configure, arguments)


def test_from_terraform_to_an_estate_that_loads_with_its_secrets(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("--from-terraform", "../outputs.json")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in project.iterdir()) == [".env", ".mcp.json", "estate.yaml"]
    assert stat.S_IMODE((project / ".env").stat().st_mode) == 0o600
    for text in (result.output, (project / "estate.yaml").read_text(), (project / ".mcp.json").read_text()):
        assert not any(secret in text for secret in SECRETS.values())
    # load_estate sets the variables of `.env`; the test unsets them.
    for name in (
        line.partition("=")[0] for line in (project / ".env").read_text().splitlines() if "=" in line
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    cluster = load_estate(project / "estate.yaml").clusters["data-mesh-cluster"]
    assert resolve(cluster.kafka.password or "") == SECRETS["discovery_agent_cluster_api_secret"]
    assert cluster.schema_registry is not None
    assert resolve(cluster.schema_registry.password or "") == SECRETS["discovery_agent_sr_api_secret"]
    server = json.loads((project / ".mcp.json").read_text())["mcpServers"]["mesh-assets"]
    assert server["env"]["MESH_ESTATE"] == str(project / "estate.yaml")
    assert result.output.endswith("Next: mesh-assets estate check --cluster data-mesh-cluster\n")


def test_a_variable_set_for_terraform_that_would_win_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFLUENT_CLOUD_API_KEY", "THE-ADMINISTRATORS")
    monkeypatch.setenv("KAFKA_API_KEY", SECRETS["discovery_agent_cluster_api_key"])
    result = run("--from-terraform", "../outputs.json")
    assert (
        "CONFLUENT_CLOUD_API_KEY is set to something else here (for Terraform?), which wins over .env: unset"
        in result.output
    )
    assert "THE-ADMINISTRATORS" not in result.output


def test_a_second_time_changes_nothing_and_a_new_key_needs_force(project: Path) -> None:
    assert run("--from-terraform", "../outputs.json").exit_code == 0
    before = {path.name: path.read_text() for path in project.iterdir()}
    assert run("--from-terraform", "../outputs.json").output.count("(unchanged") == 3
    rotated = {"sensitive": True, "type": "string", "value": "n3w"}
    (project.parent / "outputs.json").write_text(outputs_json(discovery_agent_cluster_api_secret=rotated))
    refused = run("--from-terraform", "../outputs.json")
    assert "KAFKA_API_SECRET with a different value; --force replaces it" in str(refused.exception)
    assert {path.name: path.read_text() for path in project.iterdir()} == before
    assert run("--from-terraform", "../outputs.json", "--force").exit_code == 0
    assert "KAFKA_API_SECRET=n3w\n" in (project / ".env").read_text()


def test_a_dry_run_writes_nothing(project: Path) -> None:
    result = run("--from-terraform", "../outputs.json", "--dry-run")
    assert "data-mesh-cluster:" in result.output
    assert result.output.endswith("Nothing was written (--dry-run).\n")
    assert list(project.iterdir()) == []


def test_in_aws_the_keys_stay_in_ssm_and_the_queue_is_named(project: Path) -> None:
    result = run("--from-terraform", "../outputs.json", "--aws", "--mcp-client", "none", "--name", "mesh")
    assert result.exit_code == 0, result.output
    assert [path.name for path in project.iterdir()] == ["estate.yaml"]
    estate = load_estate(project / "estate.yaml")
    assert estate.clusters["mesh"].kafka.username == "ssm:/discovery-agent/cluster-api-key"
    assert estate.triggers is not None
    assert estate.triggers.queue_url == PLAIN["trigger_queue_url"]
    assert f"export MESH_STORE={PLAIN['store']}" in result.output


def test_an_mcp_clients_entry_is_printed_and_written_only_on_request(project: Path) -> None:
    printed = run("--mcp-client", "vscode")
    assert list(json.loads(printed.stdout)["servers"]) == ["mesh-assets"]
    assert list(project.iterdir()) == []
    assert run("--mcp-client", "vscode", "--write").exit_code == 0
    assert json.loads((project / ".vscode" / "mcp.json").read_text()) == json.loads(printed.stdout)


def test_a_cloud_key_that_is_not_set_is_named() -> None:
    result = run("--confluent-environment", "env-7zpqx1")
    assert "set CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET" in str(result.exception)


def test_an_environment_is_listed_with_the_cloud_key_and_its_clusters_are_written(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".env").write_text(
        "CONFLUENT_CLOUD_API_KEY=CLOUDKEY\nCONFLUENT_CLOUD_API_SECRET=cloud-s3cr3t\n"
    )
    # `.env` sets them; monkeypatch knows them and so unsets them after the test.
    for name in ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    transport = httpx.MockTransport(confluent_cloud)
    monkeypatch.setattr(control_plane, "ControlPlaneClient", partial(ControlPlaneClient, transport=transport))
    result = run("--confluent-environment", "env-7zpqx1")
    assert result.exit_code == 0, result.output
    cluster = load_estate(project / "estate.yaml").clusters["data-mesh-cluster"]
    assert (cluster.cluster_id, cluster.kafka.bootstrap_servers) == (
        "lkc-nd1ng3",
        "pkc-00000.confluent.cloud:9092",
    )
    assert cluster.schema_registry is not None
    assert cluster.schema_registry.url == "https://psrc-00000.confluent.cloud"
    assert "Confluent Cloud does not hand out" in result.output
    assert "cloud-s3cr3t" not in result.output
    (project / ".env").write_text("CONFLUENT_CLOUD_API_KEY=CLOUDKEY\nCONFLUENT_CLOUD_API_SECRET=wrong\n")
    monkeypatch.delenv("CONFLUENT_CLOUD_API_SECRET")
    refused = run("--confluent-environment", "env-7zpqx1")
    assert isinstance(refused.exception, RefusedError)
    assert "expected a Cloud key" in str(refused.exception)


def confluent_cloud(request: httpx.Request) -> httpx.Response:
    """Its control plane in its published shape, as far as `configure` uses it."""
    if request.headers["authorization"] != httpx.BasicAuth("CLOUDKEY", "cloud-s3cr3t")._auth_header:
        return httpx.Response(401, json={"errors": [{"status": "401", "detail": "Invalid API key"}]})
    lists: dict[str, list[Any]] = {
        "/org/v2/environments": [{"id": "env-7zpqx1", "display_name": "agentic-data-mesh"}],
        "/cmk/v2/clusters": [
            {
                "id": "lkc-nd1ng3",
                "spec": {
                    "display_name": "data-mesh-cluster",
                    "kafka_bootstrap_endpoint": "SASL_SSL://pkc-00000.confluent.cloud:9092",
                    "config": {"kind": "Standard"},
                    "environment": {"id": "env-7zpqx1"},
                },
                "status": {"phase": "PROVISIONED"},
            }
        ],
        "/srcm/v3/clusters": [
            {
                "id": "lsrc-8wrx70",
                "spec": {"http_endpoint": "https://psrc-00000.confluent.cloud", "package": "ESSENTIALS"},
            }
        ],
    }
    return httpx.Response(200, json={"metadata": {}, "data": lists[request.url.path]})


def test_no_source_and_two_sources_are_refused() -> None:
    assert "give a source" in run().output
    assert "give one of them" in run("--from-terraform", "x", "--confluent-environment", "env-1").output
