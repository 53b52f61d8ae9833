"""The export's text as samples: OpenMetrics, or Prometheus' older form, by what the answer says it is.

Only lines of the metrics that are wanted are parsed, and of those the samples and their type: Confluent's own
published example has a UNIT line of another metric, which a strict parser refuses. 45,000 samples take 1.6 s
of CPU (bench/metrics.py).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mesh_assets.platforms.http import Answer

_MILLISECONDS_FROM = 100_000_000_000.0
"""A time above this is in milliseconds: the published examples have both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`at`: the begin of the minute it speaks of; None where it has no time."""

    name: str
    labels: dict[str, str]
    value: float
    at: datetime | None


def read_samples(answer: Answer, wanted: frozenset[str]) -> list[Sample]:
    """The samples of the metrics of these names. Raises the fitting PlatformError, also when the text does
    not come to its end."""
    if not answer.ok:
        raise answer.error()
    strict = "openmetrics" in answer.headers.get("content-type", "").lower()
    try:
        text = answer.body.decode()
        lines = [line for line in text.splitlines() if _name(line) in wanted]
        # An empty metric of a name that is known need not be there; the end must.
        if strict and text.rstrip().rpartition("\n")[2] not in ("# EOF", "#EOF"):
            raise answer.unexpected("with a text that is cut off before its end")
        return [
            Sample(
                name=sample.name,
                labels=sample.labels,
                value=float(sample.value),
                at=_moment(sample.timestamp),
            )
            for family in _parser(strict=strict)("\n".join([*lines, "# EOF\n"] if strict else [*lines, ""]))
            for sample in family.samples
        ]
    except (ValueError, KeyError, OverflowError) as error:
        raise answer.unexpected(f"with something that is no metrics text ({_shortened(error)})") from error


def _name(line: str) -> str:
    """The metric a line speaks of: of a sample, or of its TYPE."""
    if line.startswith("# TYPE "):
        return line[7:].partition(" ")[0]
    return "" if line.startswith("#") else line.partition("{")[0].partition(" ")[0]


def _parser(*, strict: bool) -> Callable[[str], Iterable[Any]]:
    if strict:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

        return openmetrics
    from prometheus_client.parser import text_string_to_metric_families as prometheus

    return prometheus


def _moment(timestamp: Any) -> datetime | None:
    if timestamp is None:
        return None
    seconds = float(timestamp)
    return datetime.fromtimestamp(seconds / 1000 if seconds > _MILLISECONDS_FROM else seconds, UTC)


def _shortened(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
