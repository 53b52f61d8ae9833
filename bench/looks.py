"""What looks at the estate between discoveries: sensors, and agents that ask for a live list. For `bench/estate.py`.

The sensors' looks are the second ones of a process that lives on, as Dagster's does; the agent's lists are the
first and the second of a new MCP server, called by a real client over HTTP.
"""

# ruff: noqa: T201  (it prints its result)
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import anyio
import psutil

from bench.cost import TREE, Cost, Program, process
from bench.three_brokers import Brokers

# How far apart two looks of a sensor are here.
_INTERVAL_SECONDS = 2.0
_ADDRESS = re.compile(r"http://\S+/mcp")


def looks(folder: Path, brokers: Brokers) -> Program:
    """`folder`: of discoveries that have run (`discoveries` in `bench/estate.py`)."""

    def run() -> Mapping[str, Cost]:
        environment = {
            "PYTHONPATH": str(TREE),
            "MESH_ESTATE": str(folder / "estate.yaml"),
            "MESH_STORE": str(folder / "store"),
        }
        costs: dict[str, Cost] = {}
        for sensor in _SENSORS:
            command = [sys.executable, "-m", "bench.looks", sensor]
            _, said = process(brokers, command, environment=environment)
            costs[f"look of {sensor}"] = Cost(**json.loads(said))
        return costs | lists(folder, brokers, environment)

    return run


# --- agents


def lists(folder: Path, brokers: Brokers, environment: Mapping[str, str]) -> dict[str, Cost]:
    command = [sys.executable, "-m", "mesh_assets.cli.main", "mcp", "--transport", "streamable-http"]
    server = subprocess.Popen(
        [*command, "--port", "0", "--audit-log", str(folder / "audit.jsonl")],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        address = next((found[0] for line in server.stderr if (found := _ADDRESS.search(line))), None)
        if address is None:
            raise SystemExit(f"the MCP server ended with {server.wait()} before it gave an address")
        return anyio.run(_asked, address, psutil.Process(server.pid), brokers)
    finally:
        server.terminate()
        server.wait()


async def _asked(address: str, server: psutil.Process, brokers: Brokers) -> dict[str, Cost]:
    from mcp import Client

    costs: dict[str, Cost] = {}
    async with Client(address, read_timeout_seconds=300) as client:
        for name in ("list_topics, live", "list_topics, live, again"):
            before, began, cpu = brokers.cpu_seconds(), time.perf_counter(), sum(server.cpu_times()[:2])
            result = await client.call_tool("list_topics", {"source": "live"})
            cost = Cost(wall=time.perf_counter() - began, cpu=sum(server.cpu_times()[:2]) - cpu)
            if result.is_error:
                raise SystemExit(f"list_topics failed: {result.content}")
            peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text())
            cost.rss_mb = int(peak[1]) / 1024 if peak else None
            costs[name] = cost.with_brokers(brokers, before)
    return costs


# --- sensors, in a process of their own


def resource_changes() -> Callable[[], None]:
    from mesh_assets.estate.file import load_estate
    from mesh_assets.sensing.cursor import AT_REST
    from mesh_assets.sensing.observations.observation import observe_cluster
    from mesh_assets.sensing.observations.resources import observe_resources
    from mesh_assets.store.inventories import InventoryStore
    from mesh_assets.store.layout import open_store

    [cluster], cursor = load_estate().clusters.values(), AT_REST
    store = InventoryStore(open_store(os.environ["MESH_STORE"]))

    def look() -> None:
        nonlocal cursor
        observed = observe_cluster(
            cluster,
            observe_resources,
            store=store,
            cursor=cursor,
            now=datetime.now(UTC),
            interval_seconds=300,
        )
        cursor = observed.cursor
        if observed.notes:
            raise SystemExit(f"expected a look at everything: {observed.notes}")

    return look


def metrics_anomalies() -> Callable[[], None]:
    from mesh_assets.anomalies.watch import watch_cluster
    from mesh_assets.estate.file import load_estate
    from mesh_assets.store.inventories import InventoryStore
    from mesh_assets.store.layout import open_store

    [cluster] = load_estate().clusters.values()
    store = InventoryStore(open_store(os.environ["MESH_STORE"]))

    def look() -> None:
        watched = watch_cluster(cluster, store, interval_seconds=_INTERVAL_SECONDS)
        if watched.skipped:
            raise SystemExit(f"expected a reading: {watched.skipped}")
        watched.keep()

    return look


_SENSORS = {"resource_changes": resource_changes, "metrics_anomalies": metrics_anomalies}


def main() -> int:
    look = _SENSORS[sys.argv[1]]()
    look()
    time.sleep(_INTERVAL_SECONDS)
    began, cpu = time.perf_counter(), time.process_time()
    look()
    print(json.dumps({"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
