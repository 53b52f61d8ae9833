"""Queries of the Metrics API: one aggregation over intervals, filtered and grouped by labels, in pages of groups."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mesh_assets.sandbox.cloud.control_plane import page_start, token_of_page
from mesh_assets.sandbox.cloud.metric_names import METRICS, Metric
from mesh_assets.sandbox.cloud.readings import MINUTE_SECONDS, Point

_GRANULARITIES = {
    "PT1M": 1,
    "PT5M": 5,
    "PT15M": 15,
    "PT30M": 30,
    "PT1H": 60,
    "PT4H": 240,
    "PT6H": 360,
    "PT12H": 720,
    "P1D": 1440,
}
_LONGEST = {
    "PT1M": timedelta(hours=6),
    "PT5M": timedelta(days=1),
    "PT15M": timedelta(days=4),
    "PT30M": timedelta(days=7),
}
_DEFAULT_LIMIT, _LARGEST_LIMIT = 100, 1000
_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")
_OFFSETS = re.compile(r"([+-])(\d+)([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class QueryError(ValueError):
    """A query that the API refuses; the message says why."""


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """`resources`: by kind, the ids in the filter, for which the key needs rights."""

    body: dict[str, Any]
    resources: dict[str, set[str]] = field(default_factory=dict)


def answer_query(
    asked: Any, every: Sequence[Point], *, now: datetime, page_token: str | None = None
) -> QueryAnswer:
    """The answer to `asked` from these points, in the published form. Raises `QueryError`."""
    if not isinstance(asked, dict):
        raise QueryError("the body must be an object")
    metric = _metric(asked)
    group_by = [str(label) for label in asked.get("group_by", [])]
    if unknown := [label for label in group_by if label not in _labels(metric)]:
        raise QueryError(f"{metric.name} cannot be grouped by {', '.join(unknown)}")
    resources: dict[str, set[str]] = defaultdict(set)
    accepts = _filter(asked.get("filter"), resources)
    if not resources:
        raise QueryError("a filter on a resource is required, e.g. resource.kafka.id")
    granularity = str(asked.get("granularity"))
    if granularity not in _GRANULARITIES and granularity != "ALL":
        raise QueryError(f"granularity {granularity} is not supported")
    intervals = _intervals(asked, granularity, now)
    limit = int(asked.get("limit", _DEFAULT_LIMIT))
    if not 1 <= limit <= _LARGEST_LIMIT:
        raise QueryError(f"limit must be between 1 and {_LARGEST_LIMIT}")
    groups: dict[tuple[str, ...], dict[int, dict[int, float]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(float))
    )
    for point in every:
        values = _values(point)
        if (
            point.metric == metric
            and accepts(values)
            and any(start <= point.minute < end for start, end in intervals)
        ):
            # First the sum over all other labels, minute by minute; then over time.
            bucket = _bucket(point.minute, granularity, intervals)
            groups[tuple(values[label] for label in group_by)][bucket][point.minute] += point.value
    names = sorted(groups)
    start = _position(page_token)
    chosen = names[start : start + limit]
    rows = {
        name: [
            {"timestamp": _time(bucket), "value": _over_time(metric, minutes)}
            for bucket, minutes in sorted(groups[name].items())
        ]
        for name in chosen
    }
    body: dict[str, Any] = {"data": _formed(rows, group_by, grouped=asked.get("format") == "GROUPED")}
    pagination: dict[str, Any] = {"page_size": limit}
    if granularity != "ALL" and start + limit < len(names):
        pagination["next_page_token"] = token_of_page(start + limit)
    body["meta"] = {"pagination": pagination}
    return QueryAnswer(body, dict(resources))


def _metric(asked: dict[str, Any]) -> Metric:
    aggregations = asked.get("aggregations")
    if not isinstance(aggregations, list) or len(aggregations) != 1 or not isinstance(aggregations[0], dict):
        raise QueryError("exactly one aggregation is supported")
    name = aggregations[0].get("metric")
    found = next((metric for metric in METRICS if metric.name == name), None)
    if found is None:
        raise QueryError(f"there is no metric {name}")
    return found


def _labels(metric: Metric) -> tuple[str, ...]:
    return (f"resource.{metric.resource}.id", *(f"metric.{label}" for label in metric.labels))


def _values(point: Point) -> dict[str, str]:
    return dict(zip(_labels(point.metric), (point.resource, *point.labels), strict=True))


def _filter(given: Any, resources: dict[str, set[str]]) -> Callable[[dict[str, str]], bool]:
    if given is None:
        return lambda values: True  # noqa: ARG005
    if not isinstance(given, dict):
        raise QueryError("filter must be an object")
    operator = given.get("op")
    if operator in ("AND", "OR"):
        parts = [_filter(part, resources) for part in given.get("filters", [])]
        return (
            (lambda values: all(p(values) for p in parts))
            if operator == "AND"
            else (lambda values: any(p(values) for p in parts))
        )
    if operator == "NOT":
        inner = _filter(given.get("filter"), {})
        return lambda values: not inner(values)
    label, value = str(given.get("field")), str(given.get("value"))
    if operator == "EQ":
        if label.startswith("resource.") and label.endswith(".id"):
            resources.setdefault(label.split(".")[1], set()).add(value)
        return lambda values: values.get(label) == value
    if operator == "GT":
        return lambda values: values.get(label, "") > value
    if operator == "GTE":
        return lambda values: values.get(label, "") >= value
    raise QueryError(f"the operator {operator} is not supported")


def _intervals(asked: dict[str, Any], granularity: str, now: datetime) -> list[tuple[int, int]]:
    given = asked.get("intervals")
    if not isinstance(given, list) or not given:
        raise QueryError("at least one interval is required")
    found = [_interval(str(one), now) for one in given]
    longest = _LONGEST.get(granularity)
    if longest is not None and any(end - start > longest for start, end in found):
        raise QueryError(f"with granularity {granularity} an interval may be {longest} long at most")
    return [(int(start.timestamp()), int(end.timestamp())) for start, end in found]


def _interval(text: str, now: datetime) -> tuple[datetime, datetime]:
    first, slash, second = text.partition("/")
    if not slash:
        raise QueryError(f"{text} is not an interval of the form <start>/<end>")
    start, end = _duration(first), _duration(second)
    if start is not None and end is None:
        until = _moment(second, now)
        return until - start, until
    since = _moment(first, now)
    return since, since + end if end is not None else _moment(second, now)


def _duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    if match is None or len(text) < 3:
        return None
    return timedelta(**{unit: int(number) for unit, number in match.groupdict().items() if number})


def _moment(text: str, now: datetime) -> datetime:
    if text.startswith("now"):
        rest, _, truncation = text[3:].partition("|")
        moment = now
        for sign, amount, unit in _OFFSETS.findall(rest):
            moment += _UNITS[unit] * int(amount) * (-1 if sign == "-" else 1)
        return _truncated(moment, truncation) if truncation else moment
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise QueryError(f"{text} is not an ISO 8601 time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _truncated(moment: datetime, unit: str) -> datetime:
    moment = moment.replace(second=0, microsecond=0)
    if unit == "m":
        return moment
    moment = moment.replace(minute=0)
    return moment if unit == "h" else moment.replace(hour=0)


def _bucket(minute: int, granularity: str, intervals: list[tuple[int, int]]) -> int:
    if granularity == "ALL":
        return min(start for start, _ in intervals)
    seconds = _GRANULARITIES[granularity] * MINUTE_SECONDS
    return minute // seconds * seconds


def _over_time(metric: Metric, minutes: dict[int, float]) -> float:
    return sum(minutes.values()) if metric.counter else sum(minutes.values()) / len(minutes)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _formed(
    rows: dict[tuple[str, ...], list[dict[str, Any]]], group_by: list[str], *, grouped: bool
) -> list[dict[str, Any]]:
    named = [(dict(zip(group_by, name, strict=True)), values) for name, values in rows.items()]
    if grouped:
        return [{**labels, "points": values} for labels, values in named]
    return [{**value, **labels} for labels, values in named for value in values]


def _position(token: str | None) -> int:
    try:
        return page_start(token or "")
    except ValueError as error:
        raise QueryError("page_token is not one of mine") from error
