"""CPU seconds of a fleet's processes, each with all that it started."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import psutil


@dataclass
class Costs:
    """By name and process, as first and as last seen: of one that was killed, what it had spent at the look before."""

    seen: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)

    def look(self, pids: Mapping[str, int]) -> None:
        for name, pid in pids.items():
            with suppress(psutil.NoSuchProcess):
                spent = cpu_seconds(psutil.Process(pid))
                first, last = self.seen.get((name, pid), (None, 0.0))
                if first is None:  # a process that was started anew has spent all of it in the day
                    first = spent if all(known != name for known, _ in self.seen) else 0.0
                self.seen[name, pid] = first, max(last, spent)

    def by_name(self) -> dict[str, float]:
        """What each has spent since it was first looked at."""
        found: dict[str, float] = {}
        for (name, _), (first, last) in self.seen.items():
            found[name] = found.get(name, 0.0) + last - first
        return found


def cpu_seconds(process: psutil.Process) -> float:
    """Its own, that of the children that have ended, and that of those that run. Raises psutil.NoSuchProcess."""
    own = process.cpu_times()
    spent = own.user + own.system + own.children_user + own.children_system
    for child in process.children():
        with suppress(psutil.NoSuchProcess):
            spent += cpu_seconds(child)
    return spent
