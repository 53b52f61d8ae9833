"""A user's workplace: a folder with its own store, Dagster instance and command line."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import chdir
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec

from mesh_assets.estate.fields import EVENTS_TOPIC
from mesh_assets.estate.file import load_estate
from mesh_assets.inventory.document import Document
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.delivery import EventProducer, Outgoing
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.estates import estate_of
from mesh_assets_tests.processes import CommandProcess

PROJECT = Path(__file__).parents[1]
COMMAND_SECONDS = 120


def workplace_in(folder: Path, endpoints: Endpoints, cluster: str = "warehouse") -> "Workplace":
    """With only that cluster of the sandbox in its estate, as if never published before."""
    shutil.copytree(_new_instance(), folder, dirs_exist_ok=True)
    workplace = Workplace(folder, estate_of(endpoints, folder, cluster), cluster=cluster)
    workplace.clear_topic()
    return workplace


@cache
def _new_instance() -> Path:
    """A folder with Dagster's settings and initial databases, which take a second to create: every workplace starts with a
    copy."""
    folder = Path(tempfile.mkdtemp(prefix="instance-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copy(PROJECT / "dagster.yaml", folder)
    with chdir(folder), dg.DagsterInstance.from_config(str(folder)) as instance:
        assert instance.get_runs_count() == 0
    return folder


@dataclass(frozen=True, slots=True)
class Workplace:
    """Runs commands like a user: in their own process, in this folder, on the sandbox's estate.

    `cluster`: the estate's only one. `variables`: changed environment variables; None: unset.
    """

    folder: Path
    estate: Path
    cluster: str = "warehouse"
    variables: dict[str, str | None] = field(default_factory=dict)

    def copied(self, folder: Path) -> "Workplace":
        """A copy in that folder with this one's progress, as if nothing had been published since."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        self.clear_topic()
        return replace(self, folder=folder, estate=folder / self.estate.name)

    def clear_topic(self) -> None:
        """Other workplaces' events belong to other stores, and this one would be refused. A tombstone without a sequence makes
        the topic as good as new."""
        connection = EventsConnection.to(load_estate(self.estate).clusters[self.cluster])
        consumer = connection.consumer()
        found = consumer.list_topics(timeout=30)
        consumer.close()
        if EVENTS_TOPIC not in found.topics:
            return
        with EventProducer(connection, cluster_id=None, timeout_seconds=30) as producer:
            tombstone = Outgoing(str(found.cluster_id), None)
            producer.deliver(EVENTS_TOPIC, [tombstone], deadline=time.monotonic() + 30)

    @property
    def environment(self) -> dict[str, str]:
        merged = {
            **os.environ,
            "MESH_ESTATE": str(self.estate),
            "MESH_STORE": str(self.folder / "store"),
            "DAGSTER_HOME": str(self.folder),
            **self.variables,
        }
        return {name: value for name, value in merged.items() if value is not None}

    @property
    def store(self) -> InventoryStore:
        return InventoryStore(open_store(str(self.folder / "store")))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m …`, as started in a shell."""
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def start(self, *arguments: str, environment: dict[str, str] | None = None) -> CommandProcess:
        return CommandProcess(arguments, folder=self.folder, environment=environment or self.environment)

    def dagster(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Dagster's own command line."""
        return CommandProcess(
            arguments, folder=self.folder, environment=self.environment, module="dagster"
        ).end(within_seconds=COMMAND_SECONDS)

    def mesh_assets(
        self, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return self.start(*arguments, environment=environment).end(within_seconds=COMMAND_SECONDS)

    def discover(self, *arguments: str) -> dict[str, Any]:
        """The report of a discovery that must succeed."""
        done = self.mesh_assets("discover", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        [report] = msgspec.json.decode(done.stdout)
        assert isinstance(report, dict)
        return report

    def latest(self) -> Document:
        cluster_id = self.store.cluster_id(self.cluster)
        assert cluster_id is not None, "nothing was discovered yet"
        document = self.store.latest_document(cluster_id)
        assert document is not None
        return document
