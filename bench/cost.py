"""What one run of a program costs, itself and the three brokers that it asks."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.three_brokers import Brokers

TREE = Path(__file__).parents[1]


@dataclass(kw_only=True)
class Cost:
    """None: not known for this program. `brokers_work`: of their CPU seconds, those that idle brokers would not have
    spent in the same time."""

    wall: float
    cpu: float | None = None
    rss_mb: float | None = None
    brokers_cpu: float | None = None
    brokers_work: float | None = None
    requests: int | None = None

    def with_brokers(self, brokers: Brokers, before: float) -> "Cost":
        """`before`: their CPU seconds when it began."""
        self.brokers_cpu = brokers.cpu_seconds() - before
        self.brokers_work = self.brokers_cpu - brokers.idle_cpu * self.wall
        return self


Program = Callable[[], Mapping[str, Cost]]
"""Runs once; returns what it and parts of it cost."""


def process(
    brokers: Brokers, command: list[str], *, cwd: Path = TREE, environment: Mapping[str, str] | None = None
) -> tuple[Cost, str]:
    """What it costs, and what it printed."""
    before, began = brokers.cpu_seconds(), time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        # Bytecode is kept, or each process would recompile the project, unlike any user's.
        kept = {"PYTHONDONTWRITEBYTECODE": ""}
        child = subprocess.Popen(
            command, stdout=out, cwd=cwd, env={**os.environ, **kept, **(environment or {})}
        )
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            child.wait()
            raise
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if child.returncode:
        raise SystemExit(f"{' '.join(command[:6])} … ended with {child.returncode}: {said[-2_000:]}")
    cost = Cost(wall=wall, cpu=used.ru_utime + used.ru_stime, rss_mb=used.ru_maxrss / 1024)
    return cost.with_brokers(brokers, before), said
