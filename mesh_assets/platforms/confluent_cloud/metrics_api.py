"""Confluent Cloud's Metrics API v2: the newest minute of everything in one request, and history by query.

Source: Confluent's OpenAPI of the Metrics API (`/v2/metrics/cloud/export`, `/query`). A counter's value
covers one minute. The export lags about three minutes behind, and a principal may ask for each resource 160
times an hour.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from mesh_assets.errors import RefusedError
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.importing import importing
from mesh_assets.platforms.confluent_cloud.service import METRICS_KEY, ConfluentCloudClient
from mesh_assets.platforms.http import Answer

NAME = "Confluent Cloud Metrics"

MOST_POINTS = 60_000
"""The export's limit of points for one metric and kind of resource; it silently leaves out the rest."""

# An id is a parameter of its own (`resource.connector.id=lcc-xxxxxx&`, 33 characters): every version of the
# API takes that form, and 200 of them stay below the 8 kB that servers commonly allow a request line. No
# limit is published.
_CONNECTORS_A_REQUEST = 200
_OPENMETRICS = "application/openmetrics-text;version=1.0.0, text/plain;version=0.0.4;q=0.5"
_ACCESS = "confluent_scrape_resource_access_error"

Granularity = Literal["PT1M", "PT5M", "PT15M", "PT30M", "PT1H"]
LONGEST_INTERVAL: Mapping[Granularity, timedelta] = {
    "PT1M": timedelta(hours=6),
    "PT5M": timedelta(days=1),
    "PT15M": timedelta(days=4),
    "PT30M": timedelta(days=7),
}
"""The longest interval of a query."""

_GROUPS_A_PAGE = 1000

_MILLISECONDS_FROM = 100_000_000_000.0
"""A time above this is in milliseconds: the published examples use both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one series. `at`: the start of the minute that it covers; None when the sample has no
    time."""

    name: str
    labels: dict[str, str]
    value: float
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The newest minute. `inaccessible`: connectors and registries, by id, that do not exist or that the key
    may not see. `unreadable`: metrics with samples left out because their value is not finite or their time
    is outside the calendar."""

    samples: tuple[Sample, ...]
    inaccessible: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


class MetricsApiClient(ConfluentCloudClient[ConfluentCloudMetrics]):
    """Reads metrics. Safe to use from many threads; changes nothing. Every method raises PlatformError."""

    service_name = NAME
    key = METRICS_KEY

    def export(
        self,
        kafka_id: str,
        *,
        connector_ids: Sequence[str] = (),
        schema_registry_id: str | None = None,
        wanted: frozenset[str],
    ) -> Export:
        """The newest minute of the cluster, its connectors and its registry: the metrics in `wanted`, by
        their exported names.

        One request for each 200 connectors. Raises RefusedError when the key may not see the cluster's
        metrics.
        """
        chunks = [
            connector_ids[start : start + _CONNECTORS_A_REQUEST]
            for start in range(0, len(connector_ids), _CONNECTORS_A_REQUEST)
        ]
        samples: list[Sample] = []
        unreadable: set[str] = set()
        for position, chunk in enumerate(chunks or [()]):
            params: dict[str, str | Sequence[str]] = {}
            if position == 0:
                params["resource.kafka.id"] = kafka_id
                if schema_registry_id is not None:
                    params["resource.schema_registry.id"] = schema_registry_id
            if chunk:
                params["resource.connector.id"] = list(chunk)
            answer = self._service.ask("GET", "/v2/metrics/cloud/export", params=params, accept=_OPENMETRICS)
            read = read_samples(answer, wanted | {_ACCESS})
            samples += [sample for sample in read if isinstance(sample, Sample)]
            unreadable.update(name for name in read if isinstance(name, str))
        denied = {
            sample.labels.get("resource_id", "")
            for sample in samples
            if sample.name == _ACCESS and sample.value
        }
        if kafka_id in denied:
            raise RefusedError(
                f"{self._service} shows this key no metrics of {kafka_id}; {METRICS_KEY.lacking}, and {kafka_id} must exist"
            )
        return Export(
            samples=tuple(sample for sample in samples if sample.name != _ACCESS),
            inaccessible=tuple(sorted(denied)),
            unreadable=tuple(sorted(unreadable)),
        )

    def query(
        self,
        metric: str,
        *,
        kafka_id: str,
        group_by: str,
        begin: datetime,
        end: datetime,
        granularity: Granularity,
    ) -> dict[str, dict[datetime, float]]:
        """The history of one metric for each value of the label `group_by` (`metric.topic`): values by the
        start of their step.

        A step without a value is missing. Raises ValueError when the interval is longer than the granularity
        allows.
        """
        longest = LONGEST_INTERVAL.get(granularity)
        if longest is not None and end - begin > longest:
            raise ValueError(f"an interval of {granularity} may be {longest} long, not {end - begin}")
        body = {
            "aggregations": [{"metric": metric}],
            "filter": {"field": "resource.kafka.id", "op": "EQ", "value": kafka_id},
            "group_by": [group_by],
            "granularity": granularity,
            # Absolute, because `now` would invalidate the page tokens.
            "intervals": [f"{_text(begin)}/{_text(end)}"],
            "limit": _GROUPS_A_PAGE,
            "format": "GROUPED",
        }
        found: dict[str, dict[datetime, float]] = {}

        def read(page: Mapping[str, str]) -> tuple[Answer, str | None]:
            answer = self._service.ask(
                "POST", "/v2/metrics/cloud/query", params=page, content=body, idempotent=True
            )
            return answer, _read_page(answer, group_by, found)

        self._follow_pages(read)
        return found


def _read_page(answer: Answer, group_by: str, found: dict[str, dict[datetime, float]]) -> str | None:
    """Adds the page's groups to `found` and returns the token of the next page, None after the last one."""
    value = answer.json()
    try:
        for group in value["data"]:
            points = found.setdefault(group[group_by], {})
            for point in group["points"]:
                value_then = float(point["value"])
                if not math.isfinite(value_then):
                    raise ValueError(f"the value {value_then}")
                points[datetime.fromisoformat(point["timestamp"])] = value_then
        pagination: Any = ((value.get("meta") or {}).get("pagination")) or {}
        token = pagination.get("next_page_token")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise answer.unexpected(
            f"with something other than a list of groups with points ({type(error).__name__}: {error})"
        ) from error
    return str(token) if token else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_samples(answer: Answer, wanted: frozenset[str]) -> list[Sample | str]:
    """The samples of the metrics named in `wanted`, from OpenMetrics or Prometheus' older format, as the
    answer declares; only the name for samples whose value is not finite or whose time is outside the
    calendar.

    Only lines of these metrics are parsed, and only samples and types: Confluent's published example has a
    UNIT line of another metric, which a strict parser refuses. 45,000 samples take 1.6 s of CPU
    (bench/metrics.py). Raises PlatformError, also when the text is cut off.
    """
    if not answer.ok:
        raise answer.error()
    strict = "openmetrics" in answer.headers.get("content-type", "").lower()
    try:
        text = answer.body.decode()
        lines = [line for line in text.splitlines() if _name(line) in wanted]
        # A known metric without samples may be missing; the end marker may not.
        if strict and text.rstrip().rpartition("\n")[2] not in ("# EOF", "#EOF"):
            raise answer.unexpected("with a text that is cut off before its end")
        return [
            _sample(sample)
            for family in _parser(strict=strict)("\n".join([*lines, "# EOF\n"] if strict else [*lines, ""]))
            for sample in family.samples
        ]
    except (ValueError, KeyError, OverflowError) as error:
        raise answer.unexpected(f"with something other than metrics ({_shortened(error)})") from error


def _sample(parsed: Any) -> Sample | str:
    value = float(parsed.value)
    try:
        at = _moment(parsed.timestamp)
    except (ValueError, OverflowError, OSError):
        return str(parsed.name)
    if not math.isfinite(value):
        return str(parsed.name)
    return Sample(name=parsed.name, labels=parsed.labels, value=value, at=at)


def _name(line: str) -> str:
    """The metric that a sample line or a TYPE line belongs to."""
    if line.startswith("# TYPE "):
        return line[7:].partition(" ")[0]
    return "" if line.startswith("#") else line.partition("{")[0].partition(" ")[0]


def _parser(*, strict: bool) -> Callable[[str], Iterable[Any]]:
    if strict:
        with importing:
            from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

        return openmetrics
    with importing:
        from prometheus_client.parser import text_string_to_metric_families as prometheus

    return prometheus


def _moment(timestamp: Any) -> datetime | None:
    if timestamp is None:
        return None
    seconds = float(timestamp)
    return datetime.fromtimestamp(seconds / 1000 if seconds > _MILLISECONDS_FROM else seconds, UTC)


def _shortened(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
