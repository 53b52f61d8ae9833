"""A small version of `python -m bench.fleet`, for as long as it takes to kill each role once."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.long
def test_a_fleet_with_hanging_and_failing_clusters_loses_and_doubles_nothing_whatever_is_killed() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.fleet", "--kill"),
            *("--clusters", "30", "--hanging", "3", "--failing", "3", "--topics", "20"),
            *("--minutes", "9", "--speed", "10"),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )

    # Lateness depends on what else the machine does; `sensing/test_rounds.py` checks it with a clock of its own.
    assert "nothing lost, nothing doubled" in done.stdout, done.stdout[-6_000:] + done.stderr[-3_000:]
