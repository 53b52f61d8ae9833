"""The real servers start, stay off the network, and survive faults."""

import subprocess
from collections.abc import Iterator

import psutil
import pytest

from mesh_assets.sandbox.artifacts import download
from mesh_assets.sandbox.estate import EXPECTED
from mesh_assets.sandbox.java import java_runtime
from mesh_assets.sandbox.progress import Lines, silent
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets.sandbox.state import LOOPBACK
from mesh_assets_tests.sandbox.live import (
    get,
    lines_in_feeds,
    records_in_topics,
    schema_ids,
    wait_until_all_run,
)

pytestmark = pytest.mark.sandbox


@pytest.fixture
def restored(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, for tests that damage it; started again afterwards."""
    yield sandbox
    sandbox.start()


def test_all_servers_answer(sandbox: Sandbox) -> None:
    assert {s.name: s.state for s in sandbox.status()} == {
        "broker": "running",
        "cloud-broker": "running",
        "registry": "running",
        "cloud": "running",
        "connect": "running",
        "feed": "running",
    }


def test_every_listener_is_on_loopback(sandbox: Sandbox) -> None:
    listeners = {
        (status.name, connection.laddr[0])
        for status in sandbox.status()
        for process in (psutil.Process(status.pid), *psutil.Process(status.pid).children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listeners == {
        ("broker", LOOPBACK),
        ("cloud-broker", LOOPBACK),
        ("cloud", LOOPBACK),
        ("connect", LOOPBACK),
        ("registry", LOOPBACK),
    }


def test_a_second_start_changes_nothing(sandbox: Sandbox) -> None:
    before = [(s.name, s.pid) for s in sandbox.status()]
    lines: list[str] = []
    sandbox.start(progress=Lines(lines.append))
    assert [(s.name, s.pid) for s in sandbox.status()] == before
    assert not [
        line for line in lines if line.startswith(("starting", "creating", "registering", "downloading"))
    ]


def test_with_a_full_cache_nothing_is_downloaded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - fills it
    def no_network(*arguments: object) -> None:
        raise AssertionError(f"something would be downloaded: {arguments}")

    monkeypatch.setattr(f"{java_runtime.__module__}.{download.__name__}", no_network)
    assert java_runtime(silent()).kafka_jars


@pytest.mark.long
def test_a_restarted_sandbox_is_the_same_estate(restored: Sandbox) -> None:
    """Records, schema ids and connectors are the same; nothing is delivered twice."""
    with restored.quiet():
        lines, records, ids = lines_in_feeds(restored), records_in_topics(restored), schema_ids(restored)
    surplus = sum(records.values()) - sum(lines.values())
    endpoints = restored.endpoints()
    assert restored.stop() == ("feed", "connect", "cloud", "registry", "cloud-broker", "broker")
    assert not [s for s in restored.status() if s.state != "stopped"]
    assert restored.start() == endpoints
    wait_until_all_run(restored)
    assert schema_ids(restored) == ids
    with restored.quiet():
        lines, records = lines_in_feeds(restored), records_in_topics(restored)
    assert sum(records.values()) - sum(lines.values()) == surplus


# The broker under all others that run on, and all others at once.
@pytest.mark.parametrize("servers", [("broker",), ("cloud-broker", "registry", "cloud", "connect", "feed")])
@pytest.mark.long
def test_killed_servers_are_reported_and_come_back(restored: Sandbox, servers: tuple[str, ...]) -> None:
    for server in servers:
        restored.kill(server)
        (status,) = restored.status([server])
        assert status.state == "died"
    restored.start(servers)
    restored.start()
    assert not [s for s in restored.status() if s.state != "running"]
    wait_until_all_run(restored)
    assert set(get(f"{restored.endpoints().registry_url}/subjects")) >= set(EXPECTED.subjects)


def test_a_paused_server_does_not_answer_until_it_is_resumed(sandbox: Sandbox) -> None:
    with sandbox.paused("registry"):
        (status,) = sandbox.status(["registry"])
        assert (status.state, status.said) == ("not answering", "ReadTimeout")
    (status,) = sandbox.status(["registry"])
    assert status.state == "running"


def test_kafkas_own_tools_run(sandbox: Sandbox) -> None:
    broker = sandbox.endpoints().bootstrap_servers
    listed = subprocess.run(
        sandbox.kafka_tool(
            "org.apache.kafka.tools.TopicCommand",
            "--list",
            "--exclude-internal",
            "--bootstrap-server",
            broker,
        ),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert set(listed.stdout.split()) >= set(EXPECTED.topics)
