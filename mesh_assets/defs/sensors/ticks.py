"""How often sensors look."""

import os
from collections.abc import Mapping

from mesh_assets.errors import MeshError

INTERVAL_VARIABLE = "MESH_SENSOR_INTERVAL_SECONDS"

# After a failed run, unless the intervals are shortened.
_PAUSE_SECONDS = 60.0
_PAUSE_BY_INTERVAL = 5


def interval_seconds(default: int, *, environment: Mapping[str, str] | None = None) -> int:
    """The interval of a sensor: `default`, or for all sensors what MESH_SENSOR_INTERVAL_SECONDS says (demo,
    tests)."""
    shortened = _override(os.environ if environment is None else environment)
    return default if shortened is None else shortened


def pause_unit_seconds(*, environment: Mapping[str, str] | None = None) -> float:
    """The first pause after a failed run: a minute, less where the intervals are shortened."""
    shortened = _override(os.environ if environment is None else environment)
    return _PAUSE_SECONDS if shortened is None else min(_PAUSE_SECONDS, shortened / _PAUSE_BY_INTERVAL)


def _override(environment: Mapping[str, str]) -> int | None:
    text = environment.get(INTERVAL_VARIABLE)
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise MeshError(f"{INTERVAL_VARIABLE} is {text!r}; expected a whole number of seconds, 1 or more")
    return int(text)
