"""`deploy/compose.yaml` as processes on this machine: the same commands, environment, files and health checks, without
containers."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mesh_assets.sandbox.state import choose_free
from mesh_assets_tests.deploy.helm import DEPLOY

COMPOSE = DEPLOY / "compose.yaml"
PORTS = {"code": 4000, "webserver": 3000, "mcp": 8000, "service": 8080}
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_HEALTHY_SECONDS = 300.0


def services(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file as Compose reads it. Raises KeyError for a missing required variable, which Compose would refuse."""

    def value(match: re.Match[str]) -> str:
        name, kind, other = match.groups()
        if name in variables:
            return variables[name]
        if kind != "-":
            raise KeyError(f"{name} {other or 'is not set'}")
        return str(other)

    return dict(yaml.safe_load(_VARIABLE.sub(value, COMPOSE.read_text(encoding="utf-8")))["services"])


@dataclass(frozen=True, slots=True)
class Composed:
    """`folder` plays the containers' files: `state` is the volume, `etc` is /etc/mesh-assets. `database`: a port."""

    folder: Path
    database: int
    variables: Mapping[str, str]
    more: Mapping[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PORTS, 0))

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    @contextmanager
    def running(self, *names: str) -> Iterator[None]:
        """These services, started in that order, each once those before it are healthy."""
        described = services(self.variables)
        self._lay_files()
        for name in PORTS:
            self.ports[name] = choose_free(self.ports.values())
        (self.folder / "etc" / "workspace.yaml").write_text(
            (DEPLOY / "workspace.yaml")
            .read_text()
            .replace("host: code", "host: 127.0.0.1")
            .replace("port: 4000", f"port: {self.ports['code']}")
        )
        with ExitStack() as until_the_end:
            for name in names:
                process = until_the_end.enter_context(self._process(name, described[name]))
                self._wait_until_healthy(name, described[name], process)
            yield

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _lay_files(self) -> None:
        for folder in ("state", "etc", "tmp"):
            (self.folder / folder).mkdir(exist_ok=True)
        text = (DEPLOY / "dagster.yaml").read_text()
        (self.folder / "state" / "dagster.yaml").write_text(self._here(text))

    @contextmanager
    def _process(self, name: str, service: Mapping[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
        program, *arguments = [self._here(part) for part in service["command"]]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [Path(sys.executable).parent / program, *arguments],
                cwd=self.folder / "tmp",
                env=self._environment(service),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # what it starts ends with it
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    def _wait_until_healthy(
        self, name: str, service: Mapping[str, Any], process: subprocess.Popen[bytes]
    ) -> None:
        """By the file's own check, except for the daemon, whose health no service waits for."""
        if name == "daemon":
            return
        kind, program, *arguments = [self._here(part) for part in service["healthcheck"]["test"]]
        assert kind == "CMD"
        deadline = time.monotonic() + _HEALTHY_SECONDS
        while True:
            done = subprocess.run(
                [Path(sys.executable).parent / program, *arguments],
                env=self._environment(service),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if done.returncode == 0:
                return
            assert process.poll() is None, f"{name} ended: {self.log(name)[-3_000:]}"
            assert time.monotonic() < deadline, (
                f"{name} is not healthy: {done.stderr[-500:]}\n{self.log(name)[-3_000:]}"
            )
            time.sleep(0.5)

    def _environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        own = {key: self._here(str(value)) for key, value in service["environment"].items()}
        if "DAGSTER_PG_HOST" in own:
            own |= {"DAGSTER_PG_HOST": "127.0.0.1", "DAGSTER_PG_PORT": str(self.database)}
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        with_estate = self.more if "MESH_ESTATE" in own else {}
        return {**own, **with_estate, "PATH": path, "PYTHONPATH": str(DEPLOY.parent)}

    def _here(self, text: str) -> str:
        """With this machine's files and ports in place of the containers'."""
        text = text.replace("/var/lib/mesh-assets", str(self.folder / "state"))
        text = text.replace("/etc/mesh-assets", str(self.folder / "etc"))
        text = "127.0.0.1" if text == "0.0.0.0" else text
        text = str(self.folder / "tmp") if text == "/tmp" else text
        for name, port in PORTS.items():
            text = re.sub(rf"(?<!\d){port}(?!\d)", str(self.ports[name]), text)
        return text
