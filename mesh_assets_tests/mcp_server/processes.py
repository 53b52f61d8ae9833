"""The server as a process, as tests start it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mesh_assets_tests.mcp_server.served import Served

SECONDS = 120
COMMAND = ["-m", "mesh_assets.cli.main", "mcp"]
_ADDRESS = re.compile(r"(http://\S+/mcp)")


def environment(served: Served) -> dict[str, str]:
    return {
        **os.environ,
        "MESH_ESTATE": str(served.folder / "estate.yaml"),
        "MESH_STORE": str(served.folder / "store"),
    }


@contextmanager
def http_server(served: Served, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a server running on a free port, and its process."""
    process = subprocess.Popen(
        [
            sys.executable,
            *COMMAND,
            "--transport",
            "streamable-http",
            "--port",
            "0",
            "--audit-log",
            str(served.folder / "http.jsonl"),
            *options,
        ],
        env=environment(served),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        found = next((match for line in process.stderr if (match := _ADDRESS.search(line))), None)
        assert found is not None
        yield found[1], process
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)
