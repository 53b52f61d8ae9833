"""The processes of an installation: code server, daemon, webserver, the one that forks workers; on a real Postgres."""

import json
import os
import socket
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import yaml

from bench.fleet.workers import order
from mesh_assets.sandbox.state import choose_free
from mesh_assets_tests.postgres import Postgres, a_postgres
from mesh_assets_tests.processes import CommandProcess, heed_interrupts

TREE = Path(__file__).parents[2]
_SECONDS = 180.0
# Seven sensors tick at the same time, and each may take most of a minute: Dagster's own number of threads, of CPUs and four, would
# leave none for the daemon's other questions.
_GRPC_WORKERS = 32


@dataclass
class Role:
    """One process, forked from one that has imported everything, in a group of its own. Whoever kills it
    restarts it, as Kubernetes would."""

    name: str
    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: CommandProcess = field(init=False)

    def start(self) -> None:
        self.process = CommandProcess(
            self.arguments,
            folder=self.log.parent,
            environment=self.environment,
            module=self.module,
            log=self.log,
            apart=True,
        )

    def kill(self) -> None:
        for one in self._processes():
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.stop(within_seconds=0)

    def stop(self) -> None:
        children = self._processes()[1:]
        self.process.stop(within_seconds=15)
        for one in children:
            with suppress(psutil.NoSuchProcess):
                one.kill()

    def memory(self) -> int:
        """Bytes that it and its children hold. Raises psutil.NoSuchProcess while it is being killed."""
        return sum(one.memory_info().rss for one in self._processes())

    def _processes(self) -> list[psutil.Process]:
        try:
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


class Installation:
    """`folder`: DAGSTER_HOME, with the estate, the store and all logs."""

    def __init__(self, folder: Path, postgres: Postgres, *, interval: int, runs_at_once: int) -> None:
        self.folder = folder
        self.postgres = postgres
        self.looks = folder / "looks.jsonl"
        self.socket = str(folder / "workers.socket")
        self.port = choose_free((postgres.port,))
        self.web = choose_free((postgres.port, self.port))
        (folder / "dagster.yaml").write_text(self._settings(runs_at_once))
        server = {"host": "127.0.0.1", "port": self.port, "location_name": "mesh_assets"}
        (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(TREE),
            "DAGSTER_HOME": str(folder),
            "MESH_ESTATE": str(folder / "estate.yaml"),
            "MESH_STORE": str(folder / "store"),
            "MESH_SENSOR_INTERVAL_SECONDS": str(interval),
            "FLEET_LOOKS": str(self.looks),
            "PYTHONWARNINGS": "ignore",
        }
        workspace = ("-w", str(folder / "workspace.yaml"))
        code = ("api", "grpc", "--module-name", "bench.fleet.probe", "--working-directory", str(TREE))
        code += ("--host", "127.0.0.1", "--port", str(self.port), "--max-workers", str(_GRPC_WORKERS))
        self.roles = {
            name: Role(name, module, arguments, self.environment, folder / f"{name.replace(' ', '-')}.log")
            for name, module, arguments in (
                ("workers", "bench.fleet.workers", (self.socket, str(folder / "runs.log"))),
                ("code server", "dagster", code),
                ("daemon", "dagster._daemon", ("run", *workspace)),
                ("webserver", "dagster_webserver", ("-h", "127.0.0.1", "-p", str(self.web), *workspace)),
            )
        }

    def _settings(self, runs_at_once: int) -> str:
        """The project's own, on Postgres, with the bench's workers, which are checked more often than every 2
        minutes."""
        settings = yaml.safe_load((TREE / "dagster.yaml").read_text())
        # The driver by name: SQLAlchemy 2.1 takes psycopg 3 for `postgresql:`, with which Dagster 1.13
        # launches no runs at all (its `NOTIFY run_events, $1` is a syntax error there).
        url = f"postgresql+psycopg2://postgres@127.0.0.1:{self.postgres.port}/postgres"
        settings["storage"] = {"postgres": {"postgres_url": url}}
        settings["concurrency"]["runs"]["max_concurrent_runs"] = runs_at_once
        settings["run_monitoring"]["poll_interval_seconds"] = 15
        settings["run_launcher"] = {
            "module": "bench.fleet.workers",
            "class": "ForkedWorkers",
            "config": {"socket": self.socket},
        }
        return yaml.safe_dump(settings)

    def schedule_every(self, every: int, *, minutes: float) -> None:
        """The schedule of a day that begins soon: its first tick comes after a fifth of the day, since a
        compressed day may be shorter than the time between two ticks; later ones at regular intervals. For
        roles started from now on."""
        first = datetime.now(UTC) + timedelta(minutes=max(3.0, minutes / 5))
        last = max(1, min(59, int(minutes * 4 / 5)))
        ticks = sorted((first.minute + after) % 60 for after in range(0, last, every))
        self.environment["FLEET_CRON"] = f"{','.join(map(str, ticks))} * * * *"

    @contextmanager
    def running(self) -> Iterator[None]:
        heed_interrupts()
        with ExitStack() as until_the_end:
            for name, role in self.roles.items():
                role.start()
                until_the_end.callback(role.stop)
                if name == "workers":
                    self._wait(lambda: Path(self.socket).exists(), role)
                if name == "code server":
                    self._wait(self._code_server_answers, role)
            self._wait(lambda: self.ask("{ version }") is not None, self.roles["webserver"])
            yield

    def _code_server_answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    @staticmethod
    def _wait(found: Any, role: Role) -> None:
        deadline = time.monotonic() + _SECONDS
        while not found():
            if not role.process.runs or time.monotonic() > deadline:
                raise SystemExit(f"the {role.name} does not answer:\n{role.log.read_text()[-3_000:]}")
            time.sleep(0.5)

    def ask(self, question: str) -> Any:
        """The webserver's answer; None when it does not answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}/graphql",
            json.dumps({"query": question}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except OSError:
            return None

    @property
    def pids(self) -> dict[str, int]:
        """Of the roles and of Postgres, if they are running."""
        found = {name: role.process.pid for name, role in self.roles.items()}
        return found if self.postgres.pid is None else {**found, "Postgres": self.postgres.pid}

    def workers(self) -> dict[str, int]:
        """The process of each run that is under way."""
        found = order(self.socket, {"what": "list"})
        return dict(found)


@contextmanager
def installation(folder: Path, *, interval: int, runs_at_once: int) -> Iterator[Installation]:
    """With its Postgres, and nothing else started."""
    with a_postgres(folder / "postgres.log", settings=("max_connections=200",)) as postgres:
        yield Installation(folder, postgres, interval=interval, runs_at_once=runs_at_once)
