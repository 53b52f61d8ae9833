"""A Connect worker with Debezium and MirrorMaker 2, and a Postgres to read from, all of them real.

    python -m mesh_assets_tests.lineage.real_connectors pin

rewrites the list of what they take from Maven Central, with the SHA-256 of each file. Read the diff before committing it.
"""

import json
import logging
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

from mesh_assets.sandbox import pin
from mesh_assets.sandbox.artifacts import Artifact, download, ensure_artifacts, machine_cache, maven_context
from mesh_assets.sandbox.java import LOG4J, java_runtime
from mesh_assets.sandbox.progress import silent
from mesh_assets.sandbox.state import choose_free
from mesh_assets_tests.postgres import Postgres, a_postgres

Result = TypeVar("Result")

_LIST = Path(__file__).with_name("real_connectors.json")
DEBEZIUM = "3.6.1.Final"
_SECONDS = 180.0  # alone on two cores: 15


@dataclass(frozen=True, kw_only=True)
class Worker:
    """`kafka`: the address of its brokers. `postgres`: what Debezium reads from."""

    kafka: str
    postgres: Postgres
    client: httpx.Client

    def create(self, connectors: Mapping[str, Mapping[str, str]]) -> None:
        for name, config in connectors.items():
            answer = until(partial(self._created, name, config), f"{name} is not created")
            assert answer.is_success, answer.text

    def execute(self, statement: str) -> None:
        """A transaction of the database `postgres`."""
        self.postgres.execute(statement)

    def topics_of(self, connector: str) -> set[str]:
        """The topics that Connect has seen it write to."""
        told = self.client.get(f"/connectors/{connector}/topics").raise_for_status().json()
        return set(told[connector]["topics"])

    def states(self) -> dict[str, Any]:
        listed = self.client.get("/connectors", params={"expand": "status"}).raise_for_status().json()
        return {name: one["status"] for name, one in listed.items()}

    def _created(self, name: str, config: Mapping[str, str]) -> httpx.Response | None:
        answer = self.client.put(f"/connectors/{name}/config", json=dict(config))
        return None if answer.status_code == httpx.codes.CONFLICT else answer  # it is rebalancing


def until(look: Callable[[], Result | None], otherwise: str) -> Result:
    """The first result of `look`. Fails with `otherwise` when there is none in time."""
    deadline = time.monotonic() + _SECONDS
    while (seen := look()) is None:
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)
    return seen


@contextmanager
def worker(folder: Path, kafka: str, statements: str, *, mark: str) -> Iterator[Worker]:
    """Inside the block, the worker runs without a connector.

    `statements`: SQL that fills the database `postgres`. `mark`: names the worker's own topics and group.
    """
    _fetch()
    with (
        a_postgres(folder / "postgres.log", settings=("wal_level=logical",)) as postgres,
        _connect(folder, kafka, mark) as client,
    ):
        # Not in its single-user mode: what has been created there is never replicated.
        postgres.execute(statements)
        yield Worker(kafka=kafka, postgres=postgres, client=client)


def _fetch() -> None:
    if not all(one.path(machine_cache()).exists() for one in _listed()):
        # In its own process: tests have no network, and jgo leaves sockets open.
        subprocess.run([sys.executable, "-m", __name__, "fetch"], check=True, timeout=_SECONDS)


_PROPERTIES = """\
bootstrap.servers={kafka}
listeners=http://127.0.0.1:{port}
plugin.path={plugins}
plugin.discovery=service_load
group.id={mark}
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
config.storage.topic={mark}-configs
offset.storage.topic={mark}-offsets
status.storage.topic={mark}-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1
"""


@contextmanager
def _connect(folder: Path, kafka: str, mark: str) -> Iterator[httpx.Client]:
    plugins = folder / "plugins"
    for one in _listed():
        path = one.path(machine_cache())
        if one.part == "debezium":
            with tarfile.open(path) as plugin:
                plugin.extractall(plugins, filter="data")
        elif one.part == "mirror":
            (plugins / "mirror").mkdir(parents=True, exist_ok=True)
            (plugins / "mirror" / path.name).symlink_to(path)
    port, java = choose_free(()), java_runtime(silent())
    properties, log4j = folder / "connect.properties", folder / "log4j2.properties"
    properties.write_text(_PROPERTIES.format(kafka=kafka, port=port, plugins=plugins, mark=mark))
    log4j.write_text(LOG4J.format(target="SYSTEM_OUT", level="warn"))
    command = java.kafka_command(
        "org.apache.kafka.connect.cli.ConnectDistributed", str(properties), log4j=log4j
    )
    archive = java.archive_of("connect")
    command[1:1] = archive.use() if archive else ()
    with (
        (folder / "connect.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_SECONDS, trust_env=False) as client,
    ):

        def ready() -> bool | None:
            assert process.poll() is None, (folder / "connect.log").read_text()[-3_000:]
            try:
                return client.get("/health").is_success or None
            except httpx.TransportError:
                return None

        try:
            until(ready, "Connect does not answer")
            yield client
        finally:
            process.kill()  # its data is discarded


# --- the list


def _listed() -> tuple[Artifact, ...]:
    return tuple(Artifact(**entry) for entry in json.loads(_LIST.read_text()))


def _pinned(work: Path) -> list[Artifact]:
    context = maven_context(work)

    def pinned(part: str, group: str, name: str, version: str, *kind: str) -> Artifact:
        return pin._pin(context.project(group, name).at_version(version).artifact(*kind), part)

    return [
        pinned("debezium", "io.debezium", "debezium-connector-postgres", DEBEZIUM, "plugin", "tar.gz"),
        pinned("mirror", "org.apache.kafka", "connect-mirror", pin.KAFKA),
        pinned("mirror", "org.apache.kafka", "connect-mirror-client", pin.KAFKA),
    ]


def main() -> None:
    if sys.argv[1:] == ["fetch"]:
        ensure_artifacts(_listed(), cache=machine_cache(), download=download, progress=silent())
        return
    if sys.argv[1:] != ["pin"]:
        raise SystemExit(f"expected fetch or pin, not {' '.join(sys.argv[1:]) or 'nothing'}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as work:
        pinned = _pinned(Path(work))
    _LIST.write_text("[\n" + ",\n".join(f"  {json.dumps(asdict(one))}" for one in pinned) + "\n]\n")


if __name__ == "__main__":
    main()
