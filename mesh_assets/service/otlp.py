"""Pushes the metrics to an OpenTelemetry collector, for those who do not scrape: the same names, labels and
values.

The library (the extra `otlp`) sends them, as configured by its own variables: OTEL_EXPORTER_OTLP_HEADERS,
_TIMEOUT, _CERTIFICATE and so on (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). One family at
a time, so that 9,000 topics are not in memory as objects.
"""

import io
import logging
import re
import time
from collections.abc import Iterator
from typing import Any, Protocol

import anyio
import anyio.to_thread

from mesh_assets.errors import ConfigurationError, MeshError, UnreachableError
from mesh_assets.importing import importing
from mesh_assets.masking.unexpected import sentence, unexpected
from mesh_assets.service.scrape import Answer, unpacked

logger = logging.getLogger(__name__)

PUSH_SECONDS = 60.0
_POINTS_A_REQUEST = 2_000
"""A point takes about 200 bytes; collectors accept 4 MB by default."""
_ADDRESS = re.compile(r"https?://[^/?#\s]+", re.IGNORECASE)
_UNITS = {"seconds": "s", "bytes": "By", "ratio": "1"}


class Answers(Protocol):
    def answer(self) -> Answer: ...


class Pusher:
    """`endpoint`: the collector's address for metrics, `http://collector:4318/v1/metrics`. Raises
    ConfigurationError if it is not one, or the extra is not installed."""

    def __init__(self, endpoint: str, *, version: str) -> None:
        if not _ADDRESS.match(endpoint):
            raise ConfigurationError(
                f"--otlp {endpoint!r}: expected a collector's address for metrics, like http://collector:4318/v1/metrics"
            )
        with importing:
            try:
                from opentelemetry.exporter.otlp.proto.http import Compression
                from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
                from opentelemetry.sdk.resources import Resource
                from opentelemetry.sdk.util.instrumentation import InstrumentationScope
            except ImportError as error:
                raise ConfigurationError(
                    "--otlp needs OpenTelemetry's exporter; install it with: pip install 'mesh-assets[otlp]'"
                ) from error
        self._exporter = OTLPMetricExporter(endpoint=endpoint, compression=Compression.Gzip)
        self._resource = Resource.create({"service.name": "mesh-assets", "service.version": version})
        self._scope = InstrumentationScope("mesh-assets", version)
        self._endpoint = endpoint.partition("?")[0]

    def push(self, answer: Answer, *, now: float) -> int:
        """Sends every sample of the answer, as of `now` (seconds since 1970); returns how many. Raises
        UnreachableError if the collector did not accept some; earlier ones have then been sent."""
        with importing:
            from opentelemetry.sdk.metrics.export import (
                MetricExportResult,
                MetricsData,
                ResourceMetrics,
                ScopeMetrics,
            )

        sent = 0
        for metric in _metrics(answer, round(now * 1e9)):
            scope = ScopeMetrics(scope=self._scope, metrics=[metric], schema_url="")
            of_service = ResourceMetrics(resource=self._resource, scope_metrics=[scope], schema_url="")
            result = self._exporter.export(MetricsData(resource_metrics=[of_service]))
            if result is not MetricExportResult.SUCCESS:
                raise UnreachableError(
                    f"the collector at {self._endpoint} did not accept the metrics; the preceding log lines say why"
                )
            sent += len(metric.data.data_points)
        return sent

    def close(self) -> None:
        self._exporter.shutdown()

    async def keep_pushing(self, answers: Answers, *, every_seconds: float = PUSH_SECONDS) -> None:
        """Repeats until it is cancelled. A failure is logged; the next push tries again."""
        try:
            while True:
                try:
                    await anyio.to_thread.run_sync(lambda: self.push(answers.answer(), now=time.time()))
                except MeshError as error:
                    logger.warning("metrics were not pushed: %s", sentence(error))
                except Exception as error:  # at the edge: the next may succeed
                    logger.error("metrics were not pushed", exc_info=unexpected(error))
                await anyio.sleep(every_seconds)
        finally:
            self.close()


def _metrics(answer: Answer, time_unix_nano: int) -> Iterator[Any]:
    """Gauges of at most that many points, from what a scraper would read."""
    with importing:
        from opentelemetry.sdk.metrics.export import Gauge, Metric, NumberDataPoint
        from prometheus_client.openmetrics.parser import text_fd_to_metric_families

    text = io.StringIO(unpacked(answer).decode(), newline="\n")
    for family in text_fd_to_metric_families(text):  # type: ignore[no-untyped-call]
        for first in range(0, len(family.samples), _POINTS_A_REQUEST):
            points = [
                NumberDataPoint(
                    attributes=sample.labels,
                    start_time_unix_nano=0,
                    time_unix_nano=time_unix_nano,
                    value=float(sample.value),  # some collectors see a series that changes its type as two
                )
                for sample in family.samples[first : first + _POINTS_A_REQUEST]
            ]
            unit = _UNITS.get(family.unit, "")
            yield Metric(
                name=family.name, description=family.documentation, unit=unit, data=Gauge(data_points=points)
            )
