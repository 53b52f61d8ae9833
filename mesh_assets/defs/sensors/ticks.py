"""What the sensors share: how often they tick, for which clusters, and how they explain a skipped tick."""

import os
from collections.abc import Callable, Mapping, Sequence

import dagster as dg

from mesh_assets.errors import MeshError
from mesh_assets.estate.model import Cluster, Estate

DISCOVERY_JOB = "discovery"
INTERVAL_VARIABLE = "MESH_SENSOR_INTERVAL_SECONDS"

# After a failed run, unless the intervals are shortened.
_PAUSE_SECONDS = 60.0
_PAUSE_BY_INTERVAL = 5

# The UI shows the reason of a skip on one line; it must stay one with tens of clusters.
_REASONS_SHOWN = 10
_REASON_CHARACTERS = 200


def discovery_sensor(
    *, name: str, interval_seconds: int, description: str
) -> Callable[[Callable[..., dg.SensorResult]], dg.SensorDefinition]:
    """A decorator: a sensor that runs unless it is switched off, and launches the job `discovery`."""
    return dg.sensor(
        name=name,
        job_name=DISCOVERY_JOB,
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )


def interval_seconds(default: int, *, environment: Mapping[str, str] | None = None) -> int:
    """`default`, unless MESH_SENSOR_INTERVAL_SECONDS sets one interval for all sensors (demo, tests).

    Raises MeshError when the variable is not a whole number of seconds.
    """
    shortened = _override(os.environ if environment is None else environment)
    return default if shortened is None else shortened


def pause_unit_seconds(*, environment: Mapping[str, str] | None = None) -> float:
    """The first pause after a failed run: a minute, or less where the intervals are shortened.

    Raises MeshError as `interval_seconds` does.
    """
    shortened = _override(os.environ if environment is None else environment)
    return _PAUSE_SECONDS if shortened is None else min(_PAUSE_SECONDS, shortened / _PAUSE_BY_INTERVAL)


def clusters_with_partition(estate: Estate, partitions: dg.StaticPartitionsDefinition) -> dict[str, Cluster]:
    """A cluster added to the estate file since the definitions loaded has no partition to run on."""
    return {
        name: estate.clusters[name] for name in partitions.get_partition_keys() if name in estate.clusters
    }


def reasons_text(reasons: Mapping[str, Sequence[str]]) -> list[str]:
    """From reasons by cluster: `cluster: reason; reason` for the first ones, and how many more there are."""
    shown = [
        f"{name}: {_shortened('; '.join(texts))}" for name, texts in sorted(reasons.items())[:_REASONS_SHOWN]
    ]
    more = len(reasons) - len(shown)
    if more > 0:
        different = len({text for texts in reasons.values() for text in texts})
        shown.append(f"and {more} more clusters ({different} different reasons)")
    return shown


def _override(environment: Mapping[str, str]) -> int | None:
    text = environment.get(INTERVAL_VARIABLE)
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise MeshError(f"{INTERVAL_VARIABLE} is {text!r}; expected a whole number of seconds, 1 or more")
    return int(text)


def _shortened(text: str) -> str:
    return text if len(text) <= _REASON_CHARACTERS else f"{text[: _REASON_CHARACTERS - 1]}…"
