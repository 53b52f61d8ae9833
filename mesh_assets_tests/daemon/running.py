"""Dagster's daemon in a workplace: sensors look every few seconds, and what they notice becomes snapshots."""

import math
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Set
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.scheduler.instigation import TickStatus

from mesh_assets.store.inbox import Inbox
from mesh_assets_tests.daemon.changing import Changing
from mesh_assets_tests.daemon.events import Events
from mesh_assets_tests.daemon.queue import TriggerQueue
from mesh_assets_tests.doors import Door
from mesh_assets_tests.example import example_in
from mesh_assets_tests.processes import CommandProcess
from mesh_assets_tests.workplace import Workplace

# The daemon looks at its sensors every 5 s, however short their intervals are.
INTERVAL_SECONDS = 5
# The promise is one interval plus 30 s on an otherwise idle machine; a test only needs to know that it happens.
IN_TIME = 150
_START_SECONDS = 60
_LOG = "daemon.log"
_DONE = [TickStatus.SUCCESS, TickStatus.SKIPPED]


@dataclass(frozen=True, slots=True)
class Daemon:
    """`events`: from before its start on. `doors`: to the systems it can be cut off from, by name. `record_at`: just before the
    example's topic got a record, in seconds since 1970."""

    workplace: Workplace
    events: Events
    changing: Changing
    queue: TriggerQueue
    doors: Mapping[str, Door]
    record_at: float = math.inf

    def settle(self) -> None:
        """Until nothing waits in the inbox: a run under way would include what comes next in its own snapshot, without naming
        it."""
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
        """Until each sensor has skipped that many more ticks with a reason that contains the phrase."""

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

    def wait_for_evaluations(self, *, count: int, after: float) -> None:
        """Until the conditions of the example's assets have been evaluated that many times since."""
        deadline = time.monotonic() + IN_TIME
        while (evaluated := self._evaluations(after)) < count:
            assert time.monotonic() < deadline, f"evaluated {evaluated} times since {after}"
            time.sleep(0.5)

    def _evaluations(self, after: float) -> int:
        with self.instance() as instance:
            return sum(
                len(
                    instance.get_ticks(one.instigator_origin_id, one.selector_id, after=after, statuses=_DONE)
                )
                for one in instance.all_instigator_state()
                if one.instigator_name == "records_arrived"
            )

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Its folders are relative to where its commands run."""
        with chdir(self.workplace.folder), dg.DagsterInstance.from_config(str(self.workplace.folder)) as one:
            yield one


@contextmanager
def a_run_under_way(workplace: Workplace) -> Iterator[None]:
    """A run of the cluster that does nothing but keep any other from starting until the end of the block."""
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
    """For this project and, in its own code location, for another team's example."""
    environment = {**workplace.environment, "MESH_SENSOR_INTERVAL_SECONDS": str(INTERVAL_SECONDS)}
    workspace, example = workplace.folder / "workspace.yaml", workplace.folder / "downstream"
    with example_in(example, store=str(workplace.folder / "store")):
        pass
    with ExitStack() as until_the_end:
        origins = [
            until_the_end.enter_context(code_server(workplace, module, folder, environment))
            for module, folder in (
                ("mesh_assets.definitions", workplace.folder),
                ("downstream.definitions", example),
            )
        ]
        workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": origin} for origin in origins]}))
        # It would launch a run after each snapshot, which imports everything, and no test needs those.
        stopped = workplace.dagster(
            *("sensor", "stop", "analysis_sensor", "--location", "mesh_assets"), "--workspace", str(workspace)
        )
        assert stopped.returncode == 0, stopped.stderr
        daemon = CommandProcess(
            ["run", "--workspace", str(workspace)],
            folder=workplace.folder,
            environment=environment,
            module="dagster._daemon",
            log=workplace.folder / _LOG,
        )
        try:
            yield
        finally:
            daemon.stop(within_seconds=30)


@contextmanager
def code_server(
    workplace: Workplace, module: str, working_directory: Path, environment: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """A permanent one, named in `workspace.yaml`. For a module named there, the daemon would start another server every minute
    (Dagster 1.13: RELOAD_WORKSPACE_INTERVAL), each of which imports everything."""
    package = module.partition(".")[0]
    socket_file, log = workplace.folder / f"{package}.socket", workplace.folder / f"{package}.log"
    server = CommandProcess(
        [
            *("api", "grpc", "--lazy-load-user-code", "--socket", str(socket_file)),
            *("--module-name", module, "--working-directory", str(working_directory)),
        ],
        folder=workplace.folder,
        environment=environment,
        module="dagster",
        log=log,
    )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(socket_file):
            assert server.runs, log.read_text()
            assert time.monotonic() < deadline, f"the code server did not listen; its log: {log.read_text()}"
            time.sleep(0.1)
        yield {"socket": str(socket_file), "location_name": package}
    finally:
        server.stop(within_seconds=10)


def _listens(socket_file: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(socket_file))
        except OSError:
            return False
    return True
