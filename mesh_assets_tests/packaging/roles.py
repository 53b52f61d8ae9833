"""The image's roles, and how to see that each has started.

`python -m mesh_assets_tests.packaging.roles` builds the image and prints its size and how long each role takes to start.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path

import yaml

from mesh_assets_tests.packaging.image import Image, build_image, role, why_not_here
from mesh_assets_tests.workplace import PROJECT

START_SECONDS = 300
ESTATE = 'clusters: {warehouse: {cluster_id: lkc-1, kafka: {bootstrap_servers: "127.0.0.1:1"}}}\n'
DAEMON = "daemon"
"""It does not listen: Dagster's own probe shows that it is alive."""
SERVICE = ("service",) if find_spec("mesh_assets.cli.serve") else ()
"""From the version on that has it."""
NAMES = ("code server", "webserver", DAEMON, "mcp", *SERVICE)
"""In the order of their dependencies."""


def free_ports(count: int) -> list[int]:
    """Each free a moment ago."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def commands(ports: Mapping[str, int]) -> dict[str, list[str]]:
    """Of each role, on loopback."""
    workspace = ("-w", "/etc/mesh-assets/workspace.yaml")
    words = {
        "code server": [
            *("dagster", "code-server", "start", "-h", "127.0.0.1"),
            *("-p", str(ports["code server"]), "-m", "mesh_assets.definitions"),
        ],
        "webserver": ["dagster-webserver", "-h", "127.0.0.1", "-p", str(ports["webserver"]), *workspace],
        DAEMON: ["dagster-daemon", "run", *workspace],
        "mcp": ["mesh-assets", "mcp", "--transport", "streamable-http", "--port", str(ports["mcp"])],
    }
    return words | {name: ["mesh-assets", "serve", "--port", str(ports[name])] for name in SERVICE}


def write_settings(folder: Path, image: Image, code_server: int) -> tuple[Path, Path]:
    """Dagster's home, which the image's user may write, and the folder of the estate."""
    state, settings = folder / "state", folder / "settings"
    state.mkdir()
    settings.mkdir()
    shutil.copy(PROJECT / "dagster.yaml", state)
    user, _, group = image.user.partition(":")
    for path in (state, *state.iterdir()):
        os.chown(path, int(user), int(group))
    (settings / "estate.yaml").write_text(ESTATE)
    location = {"host": "127.0.0.1", "port": code_server, "location_name": "mesh_assets"}
    (settings / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"grpc_server": location}]}))
    return state, settings


def run_once(
    image: Image, command: Sequence[str], *, state: Path, settings: Path, log: Path
) -> tuple[int, str]:
    """Its exit code, and all it printed."""
    with role(image, command, state=state, settings=settings, log=log) as process:
        code = process.wait(START_SECONDS)
    return code, log.read_text("utf-8", errors="replace")


def started_after(
    name: str, process: subprocess.Popen[bytes], port: int, *, image: Image, places: Mapping[str, Path]
) -> float:
    """Seconds until it answers. Fails when it ends, or does not answer in time. `places`: state and settings."""
    began = time.monotonic()
    while time.monotonic() < began + START_SECONDS:
        assert process.poll() is None, f"{name} ended"
        if name == DAEMON:
            log = places["state"].parent / "liveness.log"
            code, _ = run_once(image, ["dagster-daemon", "liveness-check"], log=log, **places)
            if code == 0:
                return time.monotonic() - began
        else:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return time.monotonic() - began
        time.sleep(0.1)
    raise AssertionError(f"{name} did not answer within {START_SECONDS} s")


def main() -> None:
    if refused := why_not_here():
        sys.exit(f"the image cannot be built here: {refused}")
    with tempfile.TemporaryDirectory(prefix="image-") as made, ExitStack() as running:
        folder = Path(made)
        began = time.monotonic()
        image = build_image(folder)
        print(f"{image.megabytes()} MB, built in {time.monotonic() - began:.0f} s")  # noqa: T201 - what it is for
        ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
        state, settings = write_settings(folder, image, ports["code server"])
        places = {"state": state, "settings": settings}
        for name, command in commands(ports).items():
            process = running.enter_context(role(image, command, log=folder / f"{name}.log", **places))
            seconds = started_after(name, process, ports[name], image=image, places=places)
            print(f"{name}: {seconds:.1f} s")  # noqa: T201 - as above


if __name__ == "__main__":
    main()
