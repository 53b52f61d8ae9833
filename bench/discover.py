"""Where the CPU time of a whole `mesh-assets discover` goes, without brokers.

    python -m bench.discover                         9,000 topics, 36,000 partitions, 2,199 groups; all new, then unchanged
    python -m bench.discover --scale 0.1 --repeat 1  to try it
    python -m bench.discover --profile               with the functions that take the most time

Each discovery is the command line in a process of its own, with a store in a folder, and the event as it is
sent; only Kafka's answers come from memory, and the brokers accept whatever is published. CPU seconds hardly
depend on what else the machine does. `bench/estate.py` shows what reading over the wire costs.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

TREE = Path(__file__).parents[1]
_KINDS = ("all new", "unchanged")


def main() -> int:
    arguments = parse()
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in _KINDS}
    for number in range(arguments.repeat):
        with tempfile.TemporaryDirectory(prefix="bench-discover-") as folder:
            for kind in _KINDS:
                print(f"{number + 1} of {arguments.repeat}, {kind}", file=sys.stderr)
                found[kind].append(discover(Path(folder), arguments))
    print(table(found))
    return 0


def discover(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """One discovery in a process of its own: what it cost, in CPU seconds by phase, MB and what the store grew by."""
    (folder / "estate.yaml").write_text(
        yaml.safe_dump(
            {
                "clusters": {
                    "bench": {
                        "environment": {"id": "bench", "name": "bench"},
                        "kafka": {"bootstrap_servers": "127.0.0.1:1"},
                        "metrics": {"kind": "offsets"},
                    }
                }
            }
        )
    )
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",  # or each process would recompile the project, unlike any user's
        "PYTHONPATH": str(TREE),
        "MESH_ESTATE": str(folder / "estate.yaml"),
        "MESH_STORE": str(folder / "store"),
    }
    command = [sys.executable, "-m", "bench.from_memory", str(arguments.scale)]
    before, began, used = kept(folder / "store"), time.perf_counter(), cpu_of_children()
    process = subprocess.run(
        [*command, *(["profile"] if arguments.profile else [])],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    cost: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    whole = cpu_of_children() - used - cost.pop("the estate, made up")
    ended = whole - cost.pop("CPU s")
    return {
        **cost,
        "Python itself, ended": ended,
        "CPU s": whole,
        "wall s": time.perf_counter() - began,
        "store grows by MB": (kept(folder / "store") - before) / 1e6,
    }


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def kept(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(found: dict[str, list[dict[str, float]]]) -> str:
    names = list(dict.fromkeys(name for costs in found.values() for cost in costs for name in cost))
    lines = [f"{'medians':44}" + "".join(f"{kind:>14}" for kind in found)]
    for name in names:
        values = (statistics.median(cost.get(name, 0.0) for cost in costs) for costs in found.values())
        lines.append(f"{name:44}" + "".join(f"{value:14.3f}" for value in values))
    return "\n".join(lines)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of 9,000 topics and 2,199 groups")
    parser.add_argument("--profile", action="store_true", help="the most expensive functions, on stderr")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
