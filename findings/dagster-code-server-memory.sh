#!/usr/bin/env bash
# Why a Dagster code server grows although nothing in it leaks, and what keeps it level.
#
# Seen with dagster 1.13.27, CPython 3.11 and glibc 2.36. A code server sends its whole repository as one string, several MB for 2,000
# assets, whenever somebody loads the location; the daemon does that every 60 s for each code server that the workspace names
# (RELOAD_WORKSPACE_INTERVAL in dagster/_daemon/controller.py), whether anything changed or not. With 2,000 assets, after 36
# answers, three at a time, the server had grown from 165 MB to 295; with a fixed threshold (below) from 149 to 174. In an
# installation it grew for as long as we looked, and Python's own count of allocated blocks stayed what it was at first.
#
# It is glibc: the first large block comes from mmap and is given back, and with that the threshold above which blocks come from mmap
# rises to the block's size (up to 32 MB, mallopt(3)). The next answers are cut from the heap, whose gaps are soon broken up by
# smaller things that live longer. The usual remedy, MALLOC_ARENA_MAX=2, does not help: with 1,000 assets the server grew by 23 % with it,
# by 24 % without, and by 9 % with MALLOC_MMAP_THRESHOLD_=1048576, which keeps the threshold where it is.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27 psutil==7.2.2
cd "$folder"
cat > things.py <<'PYTHON'
import dagster as dg

defs = dg.Definitions(
    assets=[
        dg.AssetSpec(
            ["cluster", f"topic-{number}"],
            deps=[["cluster", f"topic-{other}"] for other in range(max(0, number - 3), number)],
            description=f"A topic of {number} partitions. " * 8,
            metadata={f"key {key}": f"value {key} of {number}" * 3 for key in range(12)},
        )
        for number in range(1_500)
    ]
)
PYTHON
cat > grown.py <<'PYTHON'
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from platform import libc_ver, python_version

import psutil
from dagster import DagsterInstance
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin

ANSWERS, AT_ONCE = 24, 3


def grown(**settings):
    """By how much of its size, once it has answered a first time, a code server grows."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "dagster", "api", "grpc", "-f", "things.py", "-h", "127.0.0.1", "-p", str(port)],
        env=environment | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 180
        while True:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.5)
        origin = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=port, location_name="things")

        def load(_=0):
            origin.create_location(instance).cleanup()

        load()
        first = psutil.Process(server.pid).memory_info().rss
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(load, range(ANSWERS)))
        last = psutil.Process(server.pid).memory_info().rss
        print(f"{settings or 'as it is'}: {first / 1e6:.0f} MB after the first answer, {last / 1e6:.0f} after {ANSWERS} more", flush=True)
        return last / first - 1
    finally:
        server.terminate()
        server.wait(30)


print("dagster", version("dagster"), "Python", python_version(), *libc_ver())
with DagsterInstance.ephemeral() as instance:
    usual, fixed = grown(), grown(MALLOC_MMAP_THRESHOLD_="1048576")
print(f"grown by {usual:.0%}, with a fixed threshold by {fixed:.0%}")
assert usual > 0.15, usual
assert fixed < 0.6 * usual, (usual, fixed)
PYTHON
PYTHONWARNINGS=ignore "$folder/venv/bin/python" grown.py
