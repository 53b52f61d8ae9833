"""A workplace whose daemon runs: sensors look every few seconds, and what they notice becomes snapshots."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # exported, but not declared so

from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.daemon.events import Events
from mesh_assets_tests.discovery.conftest import PROJECT, Workplace
from mesh_assets_tests.estates import estate_of

INTERVAL_SECONDS = 5
DAEMON_LOG = "daemon.log"

TOPIC = "daemon-test-orders"
SUBJECT = f"{TOPIC}-value"
SINK = "daemon-test-sink"


@contextmanager
def _what_will_change(endpoints: Endpoints, folder: Path) -> Iterator[None]:
    """A topic, a subject, and a sink that fails when it reads what is no JSON: there before the first discovery."""
    admin = AdminClient({"bootstrap.servers": endpoints.bootstrap_servers})
    subject, connector = f"{endpoints.registry_url}/subjects/{SUBJECT}", f"{endpoints.connect_url}/connectors/{SINK}"
    admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])[TOPIC].result(30)
    try:
        httpx.put(f"{endpoints.registry_url}/config/{SUBJECT}", json={"compatibility": "NONE"}).raise_for_status()
        register(endpoints, 1)
        httpx.put(f"{connector}/config", json=sink_config(folder), timeout=30).raise_for_status()
        yield
    finally:
        httpx.delete(connector, timeout=30)
        _delete_group(admin, f"connect-{SINK}")
        httpx.delete(subject)
        httpx.delete(subject, params={"permanent": "true"})
        admin.delete_topics([TOPIC])[TOPIC].result(30)


def _delete_group(admin: AdminClient, group_id: str) -> None:
    """As soon as the sink's consumer has left it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            admin.delete_consumer_groups([group_id])[group_id].result(10)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NON_EMPTY_GROUP:
                return
            time.sleep(0.2)
        else:
            return


def sink_config(folder: Path, **more: str) -> dict[str, str]:
    return {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "tasks.max": "1",
        "topics": TOPIC,
        "file": str(folder / "sink.txt"),
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        **more,
    }


def register(endpoints: Endpoints, version: int) -> None:
    schema = f'{{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"T{version}"}}'
    content = {"schemaType": "JSON", "schema": schema}
    httpx.post(f"{endpoints.registry_url}/subjects/{SUBJECT}/versions", json=content).raise_for_status()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("daemon")


@pytest.fixture(scope="module")
def events(sandbox: Sandbox, folder: Path) -> Iterator[Events]:
    """The events that appear while the daemon runs."""
    endpoints = sandbox.endpoints()
    shutil.copy(PROJECT / "dagster.yaml", folder)
    workplace = Workplace(folder, estate_of(endpoints, folder, "warehouse"))
    with _what_will_change(endpoints, folder):
        workplace.discover()
        with Events(endpoints) as events, _daemon(workplace):
            yield events


def wait_for_skipped_ticks(folder: Path, sensor: str, saying: str, *, count: int, within_seconds: float) -> None:
    """Until the daemon has skipped so many ticks of the sensor from now on with a reason that has `saying` in it."""

    def seen() -> int:
        lines = (folder / DAEMON_LOG).read_text().splitlines()
        return sum(1 for line in lines if f"Sensor {sensor} skipped" in line and saying in line)

    before, deadline = seen(), time.monotonic() + within_seconds
    while seen() - before < count:
        assert time.monotonic() < deadline, f"{sensor} skipped {seen() - before} of {count} ticks saying {saying!r}"
        time.sleep(0.5)


@contextmanager
def _daemon(workplace: Workplace) -> Iterator[None]:
    log = workplace.folder / DAEMON_LOG
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "dagster-daemon"), "run", "--workspace", str(PROJECT / "workspace.yaml")],
            cwd=workplace.folder,
            env={**workplace.environment, "MESH_SENSOR_INTERVAL_SECONDS": str(INTERVAL_SECONDS), "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        if process.poll() is None:
            process.kill()
            process.wait(10)
