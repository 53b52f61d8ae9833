"""Any input from outside, odd or huge, ends in a value or a MeshError, and a megabyte of it within a CPU second.

    python -m mesh_assets_tests.hostile.test_hostile [SECONDS [KIND …]]

searches longer: by default a minute for each kind (`make fuzz`).
"""

import logging
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from mesh_assets.errors import MeshError
from mesh_assets_tests.hostile.kinds import KINDS, Kind

pytestmark = [pytest.mark.slow, pytest.mark.long]
CPU_SECONDS = 1.0
EXAMPLES = settings().max_examples


def seconds_here() -> float:
    """How long a CPU second is on this machine now, relative to a machine that counts 30 million numbers in one."""
    started = time.process_time()
    for _ in range(5_000_000):
        pass
    return max(1.0, (time.process_time() - started) * 6)


def read(kind: Kind, given_: Any) -> float:
    """The CPU seconds it took, on all threads: wall time includes other processes."""
    started = took = time.process_time()
    with suppress(MeshError):
        value = kind.read(given_)
        took = time.process_time()
        kind.use(value)
    return (took if took > started else time.process_time()) - started


def searching(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )


@pytest.mark.parametrize("name", KINDS)
def test_odd_input_is_read_or_refused(name: str) -> None:
    @searching(int(EXAMPLES * KINDS[name].share))
    @given(KINDS[name].odd)
    def search(given_: Any) -> None:
        read(KINDS[name], given_)

    search()


@pytest.mark.parametrize("name", KINDS)
def test_a_megabyte_takes_less_than_a_second(name: str) -> None:
    @searching(5)
    @given(KINDS[name].huge)
    def search(given_: Any) -> None:
        # Read again if slow: the first time may include imports or other load on the machine.
        assert (
            read(KINDS[name], given_) < CPU_SECONDS
            or read(KINDS[name], given_) < CPU_SECONDS * seconds_here()
        )

    search()


# --- the long search


def search_for(seconds: float, kind: Kind) -> tuple[int, dict[str, str]]:
    """How many inputs were read, and what they broke: the first offending input by place."""
    found: dict[str, str] = {}
    count = 0
    ends_at = time.monotonic() + seconds

    def look(given_: Any) -> None:
        nonlocal count
        if time.monotonic() > ends_at:
            return
        count += 1
        try:
            took = read(kind, given_)
            if took > CPU_SECONDS:  # as in the test above
                took = min(read(kind, given_) for _ in range(2)) / seconds_here()
            where = f"takes {took:.1f} s of CPU" if took > CPU_SECONDS else None
        except Exception as error:
            places = [f"{one.filename}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
            ours = [place for place in places if "/mesh_assets/" in place]
            where = f"{type(error).__name__}: {str(error)[:160]} at {(ours or places)[-1]}"
            key = f"{type(error).__name__} {(ours or places)[-1]}"
            found.setdefault(key, f"{where}\n    {_shown(given_)}")
        else:
            if where is not None:
                found.setdefault("slow", f"{where}\n    {_shown(given_)}")

    while time.monotonic() < ends_at:
        for examples, inputs in ((100, kind.odd), (5, kind.huge)):
            with_settings = settings(searching(examples), phases=[Phase.generate])
            with_settings(given(inputs)(look))()
    return count, found


def _shown(given_: Any) -> str:
    if isinstance(given_, Mapping):
        given_ = {
            key: (one.status_code, one.content) if isinstance(one, httpx.Response) else one
            for key, one in given_.items()
        }
    text = repr(given_)
    return text if len(text) < 3_000 else f"{text[:1_500]} … {text[-1_500:]}"


def main() -> int:
    logging.disable()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    broken = 0
    for name in sys.argv[2:] or KINDS:
        count, found = search_for(seconds, KINDS[name])
        broken += len(found)
        print(f"{name}: {count:,} inputs, {len(found)} faults", *found.values(), sep="\n  ", flush=True)  # noqa: T201
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
