"""What the tests cost in CPU seconds, by file and by process: wall time says little on a busy machine.

    python -m bench.tests mesh_assets_tests/diff                          a folder, like pytest
    python -m bench.tests -n 3 --dist loadgroup -m "not long"             as `make test` runs them
    python -m bench.tests -m "sandbox and not long" mesh_assets_tests/daemon

By file: pytest and the children that it waited for, with the part spent on collecting (once per worker). By
process: everything started meanwhile, including servers that outlive the test, recognized by an inherited
environment variable, so only on Linux. A process counts with what it had used when last seen, four times a
second.
"""

# ruff: noqa: T201  (it prints its result)
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

_SPENT, _MARK = "BENCH_TESTS_SPENT", "BENCH_TESTS_MARK"
_ROWS = 25
# How a command line shows what is running; the first that fits.
_KINDS = (
    r"kafka\.Kafka (?:\S*/)?(\S+)\.properties",
    r"\b(ConnectDistributed|StorageTool|apicurio|ministack)\b",
    r"\b(mesh_assets\.sandbox\.[\w.]+)",
    r"\b(dagster-daemon|dagster api grpc|dagster_webserver)\b",
    r"\b(multiprocessing\.\w+)",
    r"\bjava .* (\S+)$",
    r" -m ([\w.]+)",
)
_XDIST = "sys.stdin.readline"  # in the command line of its workers


# --- in pytest's processes, as its plugin


def _spent() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _measured(what: str) -> Iterator[None]:
    before = _spent()
    try:
        return (yield)
    finally:
        with Path(os.environ[_SPENT]).open("a") as out:
            out.write(json.dumps([what, _spent() - before]) + "\n")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    return (yield from _measured(item.nodeid.partition("::")[0]))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    return (yield from _measured("(collecting)"))


# --- around them


def _look(
    mark: str, seen: dict[tuple[int, float], tuple[str, float]], strangers: set[tuple[int, float]]
) -> None:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            key = (process.pid, process.create_time())
            if key in strangers:
                continue
            if key not in seen and process.environ().get(_MARK) != mark:
                strangers.add(key)
                continue
            used = process.cpu_times()
            seen[key] = (" ".join(process.cmdline()) or seen.get(key, ("", 0.0))[0], used.user + used.system)


def kind(command: str) -> str:
    if _XDIST in command:
        return "pytest, a worker"
    for pattern in _KINDS:
        if found := re.search(pattern, command):
            return found[1]
    return command[:60]


def _print(title: str, costs: dict[str, float], counts: Counter[str]) -> None:
    print(f"\n{title}: {sum(costs.values()):,.0f} CPU s")
    for name, seconds in sorted(costs.items(), key=lambda one: -one[1])[:_ROWS]:
        print(f"{seconds:8.1f}  {counts[name]:5}  {name}")


def main() -> int:
    seen: dict[tuple[int, float], tuple[str, float]] = {}
    strangers: set[tuple[int, float]] = set()
    with tempfile.TemporaryDirectory(prefix="bench-tests-") as folder:
        spent, mark = Path(folder, "spent"), str(uuid.uuid4())
        spent.touch()
        began = time.monotonic()
        tests = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "bench.tests", *sys.argv[1:]],
            env={**os.environ, _SPENT: str(spent), _MARK: mark},
        )
        while tests.poll() is None:
            _look(mark, seen, strangers)
            time.sleep(0.25)
        print(f"\n{time.monotonic() - began:,.0f} s of wall time")
        rows = [json.loads(line) for line in spent.read_text().splitlines()]
    files, tests_of = defaultdict[str, float](float), Counter[str]()
    for name, seconds in rows:
        files[name] += seconds
        tests_of[name] += 1
    _print("Files, with their tests", files, tests_of)
    processes, number = defaultdict[str, float](float), Counter[str]()
    for command, seconds in seen.values():
        processes[kind(command)] += seconds
        number[kind(command)] += 1
    _print("Processes, with their number", processes, number)
    return tests.returncode


if __name__ == "__main__":
    raise SystemExit(main())
