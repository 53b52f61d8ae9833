"""The metrics pushed to a collector: it receives what a scraper reads."""

import gzip
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from mesh_assets.errors import ConfigurationError, UnreachableError
from mesh_assets.service import otlp
from mesh_assets.service.otlp import Pusher
from mesh_assets.service.scrape import unpacked
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.service.a_cluster import a_full_document
from mesh_assets_tests.service.estate_of_metrics import Scraped, a_scrape, a_world


class Collector:
    """Accepts what is pushed, or answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[ExportMetricsServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
                assert self.path == "/v1/metrics"
                if collector.status == 200:
                    request = ExportMetricsServiceRequest()
                    request.ParseFromString(body)
                    collector.requests.append(request)
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """No one reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/metrics"

    def points(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        found = {}
        for request in self.requests:
            for metric in request.resource_metrics[0].scope_metrics[0].metrics:
                for point in metric.gauge.data_points:
                    labels = frozenset((one.key, one.value.string_value) for one in point.attributes)
                    found[metric.name, labels] = point.as_double
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.02,))
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def test_a_collector_gets_every_sample_that_a_scraper_reads(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "_POINTS_A_REQUEST", 3)
    answer = a_scrape(a_world(a_full_document())).answer()
    pusher = Pusher(collector.url, version="1.2")
    sent = pusher.push(answer, now=1_700_000_000.5)
    pusher.close()
    read = Scraped(unpacked(answer).decode())
    expected = {
        (family, frozenset(labels.items())): value
        for family, samples in read.samples.items()
        for labels, value in samples
    }
    assert collector.points() == expected
    assert sent == len(expected)
    resource = collector.requests[0].resource_metrics[0].resource
    assert ("service.name", "mesh-assets") in {
        (one.key, one.value.string_value) for one in resource.attributes
    }
    metrics = [one.resource_metrics[0].scope_metrics[0].metrics[0] for one in collector.requests]
    assert {metric.unit for metric in metrics} == {"", "s", "By", "1"}
    assert {point.time_unix_nano for point in metrics[0].gauge.data_points} == {1_700_000_000_500_000_000}


def test_a_missing_extra_comes_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'mesh-assets\[otlp\]'"):
        Pusher("http://127.0.0.1:1/v1/metrics", version="1")


def test_what_a_collector_refuses_is_reported(collector: Collector) -> None:
    collector.status = 400
    pusher = Pusher(collector.url, version="1")
    with pytest.raises(UnreachableError, match="did not accept the metrics"):
        pusher.push(a_scrape(a_world(a_document())).answer(), now=1.0)
    pusher.close()


def test_after_a_failed_push_the_next_is_tried(collector: Collector) -> None:
    collector.status = 400
    scrape = a_scrape(a_world(a_document(topics=(a_topic(),))))

    async def run() -> None:
        async with anyio.create_task_group() as tasks:

            async def push() -> None:
                await Pusher(collector.url, version="1").keep_pushing(scrape, every_seconds=0.05)

            tasks.start_soon(push)
            await anyio.sleep(0.2)
            collector.status = 200
            with anyio.fail_after(10):
                while not collector.requests:
                    await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()

    anyio.run(run)
    assert collector.points()
