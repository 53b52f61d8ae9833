"""Dagster's daemon in a workplace: sensors look every few seconds, and what they notice becomes snapshots."""

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Set
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from mesh_assets.store.inbox import Inbox
from mesh_assets_tests.daemon.changing import Changing
from mesh_assets_tests.daemon.events import Events
from mesh_assets_tests.daemon.queue import TriggerQueue
from mesh_assets_tests.doors import Door
from mesh_assets_tests.workplace import PROJECT, Workplace

# The daemon looks at its sensors every 5 s, however short their intervals are.
INTERVAL_SECONDS = 5
# What is promised is one interval and 30 s, on a machine that is not busy with other things; a test only
# needs to know that it happens.
IN_TIME = 150
_LOG = "daemon.log"


@dataclass(frozen=True, slots=True)
class Daemon:
    """`events`: those that appear since before it was started. `doors`: to the systems it can be cut off
    from, by name."""

    workplace: Workplace
    events: Events
    changing: Changing
    queue: TriggerQueue
    doors: Mapping[str, Door]

    def settle(self) -> None:
        """Until nothing waits in the inbox: a run under way would take what comes next into its own snapshot,
        without naming it."""
        store = self.workplace.store
        cluster_id = store.cluster_id(self.workplace.cluster)
        assert cluster_id is not None
        deadline = time.monotonic() + IN_TIME
        while waiting := Inbox(store.objects).waiting(cluster_id):
            assert time.monotonic() < deadline, waiting
            time.sleep(0.2)  # a run removes them after publishing

    def wait_for_causes(self, resources: Set[str]) -> None:
        """Until the inbox holds a trigger for each of them."""
        store = self.workplace.store
        cluster_id = store.cluster_id(self.workplace.cluster)
        assert cluster_id is not None
        deadline = time.monotonic() + IN_TIME
        while missing := resources - {
            one.trigger.resource for one in Inbox(store.objects).waiting(cluster_id)
        }:
            assert time.monotonic() < deadline, f"no sensor noticed {sorted(missing)}"
            time.sleep(0.2)

    def wait_for_ticks(self, *saying: tuple[str, str], count: int) -> None:
        """Until it has skipped so many more ticks of each sensor with a reason that has that phrase in it."""

        def seen() -> list[int]:
            lines = (self.workplace.folder / _LOG).read_text().splitlines()
            return [
                sum(f"Sensor {sensor} skipped" in line and phrase in line for line in lines)
                for sensor, phrase in saying
            ]

        before, deadline = seen(), time.monotonic() + IN_TIME
        while any(now - then < count for now, then in zip(seen(), before, strict=True)):
            assert time.monotonic() < deadline, (
                f"of {saying} the daemon skipped {before} ticks before and {seen()} now"
            )
            time.sleep(0.5)


@contextmanager
def a_run_under_way(workplace: Workplace) -> Iterator[None]:
    """A run of the cluster that does nothing and, until the end of the block, lets no other begin."""
    holding = dg.DagsterRun(
        job_name="discovery",
        run_id=str(uuid.uuid4()),
        status=dg.DagsterRunStatus.STARTED,
        tags={"dagster/partition": workplace.cluster},
    )
    # The instance's folders are relative to where its commands run.
    with chdir(workplace.folder), dg.DagsterInstance.from_config(str(workplace.folder)) as instance:
        instance.add_run(holding)
    yield
    with chdir(workplace.folder), dg.DagsterInstance.from_config(str(workplace.folder)) as instance:
        instance.delete_run(holding.run_id)


@contextmanager
def running_daemon(workplace: Workplace) -> Iterator[None]:
    log = workplace.folder / _LOG
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "dagster-daemon"),
                "run",
                "--workspace",
                str(PROJECT / "workspace.yaml"),
            ],
            cwd=workplace.folder,
            env={
                **workplace.environment,
                "MESH_SENSOR_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
                "PYTHONWARNINGS": "ignore",
            },
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
