"""CPU seconds of a fleet's processes, each with everything it started."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import psutil


@dataclass
class Costs:
    """By name and process, as first and last seen: for a killed one, what it had spent at the last look."""

    seen: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)

    def look(self, pids: Mapping[str, int]) -> None:
        for name, pid in pids.items():
            with suppress(psutil.NoSuchProcess):
                spent = cpu_seconds(psutil.Process(pid))
                first, last = self.seen.get((name, pid), (None, 0.0))
                if first is None:  # a restarted process has spent all of it within the day
                    first = spent if all(known != name for known, _ in self.seen) else 0.0
                self.seen[name, pid] = first, max(last, spent)

    def by_name(self) -> dict[str, float]:
        """What each has spent since the first look at it."""
        found: dict[str, float] = {}
        for (name, _), (first, last) in self.seen.items():
            found[name] = found.get(name, 0.0) + last - first
        return found


def cpu_seconds(process: psutil.Process) -> float:
    """Its own, that of ended children, and that of running ones. Raises psutil.NoSuchProcess."""
    own = process.cpu_times()
    spent = own.user + own.system + own.children_user + own.children_system
    for child in process.children():
        with suppress(psutil.NoSuchProcess):
            spent += cpu_seconds(child)
    return spent
