"""Connectors that fail again and again: the first failure and the first recovery are told, further ones are
counted and held.

A window opens with a failure and lasts the quiet period. What fails once more within it is flapping: nothing
more is told until the window ends, then one trigger says how often it failed. While it goes on, each further
window ends with one trigger. What a sensor cannot see (a failure and a recovery between two ticks) is not
counted.
"""

from datetime import timedelta
from typing import Literal

from msgspec.structs import replace

from mesh_assets.inventory.observing.cursor import Flaps

Verdict = Literal["tell", "hold", "flapped"]
"""`tell`: what the comparison says. `hold`: nothing now. `flapped`: one trigger with the number of failures,
`flaps.failures`."""


def judge(
    flaps: Flaps | None, *, failed: bool, changed: bool, now: float, quiet: timedelta
) -> tuple[Verdict, Flaps | None]:
    """What to say of a connector, and what to remember of it. `changed`: it failed or recovered since the
    latest document."""
    if flaps is None:
        return "tell", Flaps(since=now, failures=1, failed=True) if failed and changed else None
    fails_again = failed and not flaps.failed
    current = replace(flaps, failures=flaps.failures + fails_again, failed=failed)
    if now < flaps.since + quiet.total_seconds():
        return "hold" if _flaps(current) else "tell", current
    if current.failures > (0 if flaps.flapping else 1):
        return "flapped", Flaps(since=now, failed=failed, flapping=True)
    return judge(None, failed=failed, changed=changed, now=now, quiet=quiet)


def _flaps(flaps: Flaps) -> bool:
    return flaps.flapping or flaps.failures > 1
