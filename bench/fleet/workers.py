"""Runs in processes of their own, which outlive the code server, as on Kubernetes: forked from one that has
imported everything, since in reality another machine would pay for the start of a worker (four CPU seconds).

    python -m bench.fleet.workers SOCKET LOG

waits at a socket for orders, each a line of JSON: `launch`, `health` and `kill` a run, `list` the runs that are under way.
"""

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, serialize_value
from dagster._serdes.config_class import ConfigurableClassData


class ForkedWorkers(RunLauncher, ConfigurableClass):  # type: ignore[type-arg]
    """`dagster.yaml` names it as run launcher. `socket`: where the orders go."""

    def __init__(self, socket: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._socket = socket
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> Any:
        return {"socket": str}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> "ForkedWorkers":
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        arguments = ExecuteRunArgs(
            job_origin=context.dagster_run.job_code_origin,  # type: ignore[arg-type]
            run_id=context.dagster_run.run_id,
            instance_ref=self._instance.get_ref(),
            set_exit_code_on_failure=False,
        )
        order(
            self._socket,
            {"what": "launch", "run": context.dagster_run.run_id, "arguments": serialize_value(arguments)},
        )

    def terminate(self, run_id: str) -> bool:
        return bool(order(self._socket, {"what": "kill", "run": run_id}))

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        return CheckRunHealthResult(WorkerStatus(order(self._socket, {"what": "health", "run": run.run_id})))


def order(path: str, what: Mapping[str, str]) -> Any:
    """The answer. Raises OSError when nobody is listening."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(path)
        client.sendall(json.dumps(what).encode() + b"\n")
        return json.loads(client.makefile().readline())


def serve(path: str, log: str) -> None:
    pids: dict[str, int] = {}
    ended: dict[str, str] = {}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(64)
        while True:
            client, _ = server.accept()
            with client:
                asked = json.loads(client.makefile().readline())
                _reap(pids, ended)
                run = asked.get("run", "")
                answer: Any = None
                match asked["what"]:
                    case "launch":
                        if (pid := os.fork()) == 0:
                            server.close()
                            client.close()
                            _work(asked["arguments"], log)
                        pids[run] = pid
                        answer = pid
                    case "health":
                        answer = "RUNNING" if run in pids else ended.get(run, "NOT_FOUND")
                    case "kill":
                        answer = run in pids
                        if run in pids:
                            os.kill(pids[run], signal.SIGTERM)
                    case "list":
                        answer = pids
                with suppress(OSError):  # the caller has been killed
                    client.sendall(json.dumps(answer).encode() + b"\n")


def _reap(pids: dict[str, int], ended: dict[str, str]) -> None:
    for run, pid in list(pids.items()):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            del pids[run]
            ended[run] = "SUCCESS" if status == 0 else "FAILED"


def _work(arguments: str, log: str) -> NoReturn:
    """`dagster api execute_run`, in the forked process."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = 1
    try:
        from dagster._cli.api import execute_run_command

        execute_run_command.main([arguments], standalone_mode=False)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    import bench.fleet.probe  # noqa: F401 - what every run imports
    import mesh_assets_tests.loaded  # noqa: F401 - and what it imports while it works

    gc.freeze()
    serve(sys.argv[1], sys.argv[2])
