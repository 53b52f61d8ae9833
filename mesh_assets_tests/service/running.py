"""The service as a process, as tests start it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from mesh_assets_tests.service.asked import CI, HASHES

SECONDS = 120


@contextmanager
def service(
    variables: Mapping[str, str], *options: str
) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """A client of a service on a free port, and its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mesh_assets.cli.main", "serve", "--port", "0", *options],
        env={**os.environ, "MESH_SERVICE_TOKEN_SHA256": " ".join(HASHES), **variables},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "service at http://127.0.0.1:" in said, said + process.stderr.read()
        with httpx.Client(base_url=said.split()[-1], timeout=SECONDS, headers=CI) as client:
            yield client, process
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)
