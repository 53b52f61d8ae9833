"""The service as a process, as a shell starts it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from mesh_assets.cli.serve import serve
from mesh_assets.errors import ConfigurationError
from mesh_assets.masking.unexpected import sentence
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.service.health import read_bounds
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.service.asked import TOKEN
from mesh_assets_tests.service.estate_of_metrics import Scraped, a_world
from mesh_assets_tests.service.running import SECONDS, service
from mesh_assets_tests.workplace import workplace_in


def ended(client: httpx.Client, follow: str) -> dict[str, Any]:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found: dict[str, Any] = client.get(follow).json()
        if found["status"] in ("published", "failed"):
            return found
        time.sleep(0.1)
    raise AssertionError(f"the discovery did not end: {found}")


@pytest.mark.slow
def test_a_service_answers_discovers_in_a_process_and_ends_on_request(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(
        'clusters:\n  warehouse:\n    kafka: {bootstrap_servers: "127.0.0.1:1", timeout_seconds: 1}\n'
    )
    a_world(a_document(topics=(a_topic("orders"),)), store=open_store(str(tmp_path / "store")))
    places = {"MESH_ESTATE": str(tmp_path / "estate.yaml"), "MESH_STORE": str(tmp_path / "store")}
    with service(places) as (client, process):
        assert Scraped(client.get("/metrics").text).label("mesh_topic_records", "topic") == ["orders"]
        assert client.get("/healthz").status_code == 200
        [asked] = client.post("/discover", json={"cluster": "warehouse"}).json()["discoveries"]
        failed = ended(client, asked["follow"])
        assert (failed["status"], "127.0.0.1:1" in failed["error"]) == ("failed", True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) in (
            0,
            -signal.SIGTERM,
        )  # uvicorn raises the signal again once it has ended


@pytest.mark.slow
def test_the_documented_commands_do_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(
        'clusters:\n  warehouse:\n    kafka: {bootstrap_servers: "127.0.0.1:1", timeout_seconds: 1}\n'
    )
    a_world(a_document(), store=open_store(str(tmp_path / "store")))
    places = {"MESH_ESTATE": str(tmp_path / "estate.yaml"), "MESH_STORE": str(tmp_path / "store")}
    page = (Path(__file__).parents[2] / "docs/service.md").read_text(encoding="utf-8")
    block = page[page.index("curl --silent http") :].partition("```")[0].replace("\\\n", " ")
    with service(places) as (client, _):
        commands = block.replace("http://127.0.0.1:8080", str(client.base_url).rstrip("/")).splitlines()
        said: list[str] = []
        for command in commands:
            asked = json.loads(said[-1])["discoveries"][0]["id"] if command.count("/ID ") else ""
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", command.replace("/ID ", f"/{asked} ")],
                env={**os.environ, "TOKEN": TOKEN},
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            said.append(done.stdout)
    metrics, alive, ready, _, followed = said
    assert 'mesh_section_status{cluster="warehouse",section="topics",status="fresh"} 1' in metrics
    assert (json.loads(alive), json.loads(ready)["status"]) == ({"status": "alive"}, "not ready")
    assert json.loads(followed)["requested_by"] == ["ci"]


@pytest.mark.sandbox
def test_a_requested_discovery_is_published_with_its_caller_and_its_metrics_can_be_scraped(
    endpoints: Endpoints, tmp_path: Path
) -> None:
    workplace = workplace_in(tmp_path, endpoints)
    places = {"MESH_ESTATE": str(workplace.estate), "MESH_STORE": str(tmp_path / ".mesh")}
    with service(places, "--refresh", "0.2") as (client, _):
        assert client.get("/readyz").status_code == 503, "nothing was discovered"
        asked = client.post("/discover", json={"cluster": "warehouse", "reason": "deployed"})
        published = ended(client, asked.json()["discoveries"][0]["follow"])
        assert (published["status"], published["sequence"]) == ("published", 1)
        time.sleep(0.7)  # three looks
        assert client.get("/readyz").json() == {"status": "ready"}
        read = Scraped(client.get("/metrics").text)
    assert (read.value("mesh_cluster_topics") or 0) > 30
    assert (read.value("mesh_cluster_active_connectors") or 0) > 30
    assert read.value("mesh_section_status", section="schemas", status="fresh") == 1
    assert len(read.values("mesh_topic_retained_bytes")) == read.value("mesh_cluster_topics")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "give MESH_SERVICE_TOKEN_SHA256 (or --token-sha256) or"),
        (["--token-sha256", "xyz"], "not a SHA-256"),
        (["--token-sha256", f"a b={'00' * 32}"], "name of a token"),
        (["--token-sha256", f"a={'00' * 32}", "--token-sha256", f"a={'11' * 32}"], "two tokens"),
        (["--oauth-issuer", "https://x.example"], "go together"),
        (["--max-age", "lab=soon"], "CLUSTER=HOURS"),
        (["--otlp", "collector:4318"], "like http://collector:4318/v1/metrics"),
    ],
)
def test_a_misconfigured_or_unprotected_service_does_not_start(options: list[str], says: str) -> None:
    done = CliRunner().invoke(serve, ["--port", "0", *options])
    assert isinstance(done.exception, ConfigurationError)
    assert says in sentence(done.exception), "as the command line prints it"


def test_bounds_apply_to_all_clusters_or_single_ones() -> None:
    bounds = read_bounds(["24", "lab=168"])
    assert [bounds.bound(name).total_seconds() / 3_600 for name in ("warehouse", "lab")] == [24, 168]
