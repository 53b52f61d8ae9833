"""Metrics API v2: the newest minute's export, queries over the minutes since the stand-in started, and descriptors."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from mesh_assets.sandbox.cloud.metric_names import METRICS, Metric
from mesh_assets.sandbox.cloud.query import QueryError, answer_query
from mesh_assets.sandbox.cloud.readings import MINUTE_SECONDS, Point, Readings, points
from mesh_assets.sandbox.cloud.refusals import error_answer

_OPENMETRICS = "application/openmetrics-text;version=1.0.0;charset=utf-8"
_PROMETHEUS = "text/plain;version=0.0.4"
_UNITS = {"By": "bytes"}
_RESOURCES = ("kafka", "connector", "schema_registry")


class MetricsApi:
    """The endpoints. `known_ids`: by kind of resource, those whose metrics this key may read."""

    def __init__(
        self,
        readings: Readings,
        *,
        known_ids: Callable[[], dict[str, set[str]]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._readings = readings
        self._known_ids = known_ids
        self._clock = clock

    def export(self, request: Request, body: bytes) -> Response:  # noqa: ARG002 - the form of an endpoint
        asked = {kind: set(request.query_params.getlist(f"resource.{kind}.id")) for kind in _RESOURCES}
        if not any(asked.values()):
            return error_answer("metrics", 400, "At least one resource must be given, as resource.<type>.id")
        if (foreign := self._foreign(asked)) is not None:
            return foreign
        chosen = [point for point in self._newest() if point.resource in asked[point.metric.resource]]
        if "openmetrics" in request.headers.get("accept", ""):
            return PlainTextResponse("".join(_openmetrics(chosen)), media_type=_OPENMETRICS)
        return PlainTextResponse("".join(_prometheus(chosen)), media_type=_PROMETHEUS)

    def query(self, request: Request, body: bytes) -> Response:
        try:
            asked = json.loads(body)
            token = request.query_params.get("page_token")
            answer = answer_query(
                asked,
                points(self._readings.all()),
                now=datetime.fromtimestamp(self._clock(), UTC),
                page_token=token,
            )
        except json.JSONDecodeError:
            return error_answer("metrics", 400, "the body is not JSON")
        except QueryError as error:
            return error_answer("metrics", 400, str(error))
        return self._foreign(answer.resources) or JSONResponse(answer.body)

    def metric_descriptors(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        data = [
            {
                "name": metric.name,
                "description": metric.description,
                "type": "COUNTER_INT64" if metric.counter else "GAUGE_INT64",
                "unit": metric.unit,
                "lifecycle_stage": "GENERAL_AVAILABILITY",
                "exportable": True,
                "resources": [metric.resource],
                "labels": [
                    {"key": label, "description": label, "exportable": True} for label in metric.labels
                ],
            }
            for metric in METRICS
        ]
        return JSONResponse(
            {
                "data": data,
                "meta": {"pagination": {"page_size": len(data), "total_size": len(data)}},
                "links": {},
            }
        )

    def _foreign(self, asked: dict[str, set[str]]) -> Response | None:
        known = self._known_ids()
        strange = sorted(
            f"{kind}.id:{number}" for kind, ids in asked.items() for number in ids - known.get(kind, set())
        )
        if not strange:
            return None
        return error_answer(
            "metrics", 403, f"Not authorized to read metrics of the following resources: {', '.join(strange)}"
        )

    def _newest(self) -> list[Point]:
        """The points of the newest complete minute, or of the current one while a fresh sandbox has no other."""
        every = points(self._readings.all())
        running = int(self._clock() // MINUTE_SECONDS) * MINUTE_SECONDS
        over = {point.minute for point in every if point.minute < running}
        # The first minute is not complete: the stand-in started in the middle of it.
        minute = max(over) if len(over) > 1 else max({point.minute for point in every}, default=0)
        return [point for point in every if point.minute == minute]


def _by_metric(chosen: Sequence[Point]) -> Iterator[tuple[Metric, list[Point]]]:
    for metric in METRICS:
        found = [point for point in chosen if point.metric == metric]
        if found:
            yield metric, found


def _openmetrics(chosen: Sequence[Point]) -> Iterator[str]:
    for metric, found in _by_metric(chosen):
        # These counters are deltas, so OpenMetrics must call them gauges.
        yield f"# TYPE {metric.export_name} gauge\n"
        if metric.unit in _UNITS:
            yield f"# UNIT {metric.export_name} {_UNITS[metric.unit]}\n"
        yield f"# HELP {metric.export_name} {metric.description}\n"
        for point in found:
            yield f"{_series(point)} {point.value:.1f} {point.minute}.000\n"
    yield "# EOF\n"


def _prometheus(chosen: Sequence[Point]) -> Iterator[str]:
    for metric, found in _by_metric(chosen):
        yield f"# HELP {metric.export_name} {metric.description}\n# TYPE {metric.export_name} gauge\n"
        for point in found:
            yield f"{_series(point)} {point.value:.1f} {point.minute * 1000}\n"


def _series(point: Point) -> str:
    pairs = [
        (point.metric.resource_label, point.resource),
        *zip(point.metric.labels, point.labels, strict=True),
    ]
    labels = ",".join(f'{name}="{value}"' for name, value in pairs)
    return f"{point.metric.export_name}{{{labels}}}"
