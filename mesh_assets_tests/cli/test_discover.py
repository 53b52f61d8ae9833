"""`mesh-assets discover`: several clusters at once, failures, and how it is stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from mesh_assets.cli.discover import discover
from mesh_assets.errors import EstateError, UnreachableError
from mesh_assets.snapshot.report import DiscoveryReport
from mesh_assets_tests.discovering.a_report import REPORT

ESTATE = """clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}
  payments: {kafka: {bootstrap_servers: "127.0.0.1:2"}}
"""


@pytest.fixture(autouse=True)
def _estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder without a Dagster project."""
    (tmp_path / "estate.yaml").write_text(ESTATE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("MESH_ESTATE", "estate.yaml")
    monkeypatch.setenv("MESH_STORE", "store")


def test_clusters_are_discovered_concurrently_and_reported_in_the_order_of_the_estate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both, payments_done = threading.Barrier(2, timeout=30), threading.Event()

    def discover_one(_estate: Any, name: str, **_: Any) -> DiscoveryReport:
        both.wait()
        if name == "payments":
            payments_done.set()
        else:
            assert payments_done.wait(30)
        return replace(REPORT, cluster=name)

    monkeypatch.setattr("mesh_assets.cli.discover.discover_cluster", discover_one)
    done = CliRunner().invoke(discover, ["--json"], catch_exceptions=False)

    assert done.exit_code == 0
    assert [report["cluster"] for report in json.loads(done.stdout)] == ["warehouse", "payments"]


def test_a_failing_cluster_stops_no_other_and_is_reported_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def discover_one(_estate: Any, name: str, **_: Any) -> DiscoveryReport:
        if name == "warehouse":
            raise UnreachableError("warehouse: 127.0.0.1:1 does not answer, password=s3cr3t-Value_42")
        return replace(REPORT, cluster=name)

    monkeypatch.setattr("mesh_assets.cli.discover.discover_cluster", discover_one)
    done = CliRunner().invoke(discover, [], catch_exceptions=False)

    assert done.exit_code == 1
    assert done.stdout.startswith("payments (")
    assert done.stderr == "mesh-assets: warehouse: 127.0.0.1:1 does not answer, password=********\n"


def test_servers_use_the_last_good_estate_and_people_use_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "mesh_assets.cli.discover.discover_cluster", lambda _estate, name, **_: replace(REPORT, cluster=name)
    )
    for_servers = ["--json", "--in-force", "--cluster", "payments"]  # as discover_in_process writes it
    CliRunner().invoke(discover, for_servers, catch_exceptions=False)
    Path("estate.yaml").write_text("clusters: [")

    done = CliRunner().invoke(discover, for_servers, catch_exceptions=False)
    assert [report["cluster"] for report in json.loads(done.stdout)] == ["payments"]
    assert isinstance(CliRunner().invoke(discover, ["--cluster", "payments"]).exception, EstateError)


def test_a_cluster_named_twice_is_discovered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def discover_one(_estate: Any, name: str, **_: Any) -> DiscoveryReport:
        asked.append(name)
        return replace(REPORT, cluster=name)

    monkeypatch.setattr("mesh_assets.cli.discover.discover_cluster", discover_one)
    CliRunner().invoke(discover, ["--cluster", "payments", "--cluster", "payments"], catch_exceptions=False)

    assert asked == ["payments"]


@pytest.mark.slow
def test_ctrl_c_ends_it_at_once_while_a_broker_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        Path("estate.yaml").write_text(
            f'clusters: {{warehouse: {{kafka: {{bootstrap_servers: "127.0.0.1:{port}"}}}}}}'
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "mesh_assets.cli.main", "discover"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A session started in the background ignores it, and its children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            connection, _ = silent.accept()
            with connection:
                assert connection.recv(1), "it is reading"
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=5)
        finally:
            process.kill()
            process.communicate()

    assert process.returncode == 130
    assert said == (
        "mesh-assets: stopped; if a snapshot was being published, the next discovery completes it\n"
    )
