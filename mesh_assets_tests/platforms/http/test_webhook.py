import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from mesh_assets.errors import (
    EstateError,
    PlatformError,
    RefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from mesh_assets.platforms.http.webhook import Webhook
from mesh_assets_tests.platforms.http.fakes import FakeTime, Script

SECRET = "T000/B000/s3cr3tPath"
URL = f"https://hooks.slack.test/services/{SECRET}"


def a_webhook(*answers: httpx.Response | Exception, time: FakeTime | None = None) -> tuple[Webhook, Script]:
    script = Script(answers)
    return Webhook(URL, transport=httpx.MockTransport(script), clock=(time or FakeTime()).clock), script


def test_the_text_is_posted_as_slack_expects_it() -> None:
    webhook, script = a_webhook(httpx.Response(200, content=b"ok"))

    webhook.post("héllo\nworld")

    [request] = script.requests
    assert (request.method, str(request.url), request.headers["content-type"]) == (
        "POST",
        URL,
        "application/json",
    )
    assert json.loads(request.content) == {"text": "héllo\nworld"}


def test_a_post_is_retried_with_growing_pauses_and_as_long_as_requested() -> None:
    time = FakeTime()
    webhook, script = a_webhook(
        httpx.Response(503),
        httpx.ConnectError("refused"),
        httpx.Response(429, headers={"Retry-After": "3"}),
        httpx.Response(200),
        time=time,
    )

    webhook.post("x")

    assert len(script.requests) == 4
    assert time.sleeps == [0.5, 1.0, 4.0]


def test_a_post_gives_up_within_its_time() -> None:
    time = FakeTime()
    webhook, script = a_webhook(httpx.Response(503), time=time)

    with pytest.raises(
        UnreachableError, match=r"the webhook at hooks\.slack\.test answered 503 \(5 tries in 7\.5 s\)"
    ):
        webhook.post("x")

    assert (len(script.requests), time.elapsed) == (5, 7.5)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(404), RefusedError),
        (httpx.Response(403), RefusedError),
        (httpx.Response(410), RefusedError),
        (httpx.Response(302, headers={"Location": "https://elsewhere.test"}), UnexpectedAnswerError),
        (httpx.Response(400), UnexpectedAnswerError),
        (httpx.ConnectError(f"cannot reach {URL}"), UnreachableError),
        (httpx.ReadTimeout(f"no answer of {URL}"), UnreachableError),
    ],
)
def test_the_address_appears_in_no_message_and_no_log(
    answer: httpx.Response | Exception, kind: type[PlatformError], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook, _ = a_webhook(answer)

    with pytest.raises(kind) as caught:
        webhook.post("x")

    shown = f"{caught.value} {caught.value.__cause__} {webhook} {webhook!r} {caplog.text}"
    assert "hooks.slack.test" in shown
    assert "s3cr3t" not in shown
    assert caught.value.__cause__ is None


def test_a_malformed_address_is_an_error_that_does_not_repeat_it() -> None:
    with pytest.raises(EstateError) as caught:
        Webhook(SECRET)
    assert SECRET not in str(caught.value)


@contextmanager
def a_server_on_loopback(status: int) -> Iterator[tuple[str, list[str]]]:
    """Its address and the requested paths. It repeats each path in a header."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            paths.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Location", f"http://elsewhere.test{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name in the library
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", paths
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [200, 302, 404])
@pytest.mark.parametrize("path", ["/services/T000/s3cr3t", "/hook?token=s3cr3t", "/\u00fcber/s3cr3t"])
def test_no_log_record_of_a_post_over_the_network_holds_the_secret_part_of_the_address(
    path: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "mesh_assets"):
        caplog.set_level(logging.NOTSET + 1, logger=name)

    with a_server_on_loopback(status) as (address, paths):
        webhook = Webhook(address + path)
        if status == 200:
            webhook.post("x")
        else:
            with pytest.raises(PlatformError):
                webhook.post("x")

    assert len(paths) == 1
    assert "s3cr3t" in paths[0]
    loggers = {record.name.partition(".")[0] for record in caplog.records}
    assert {"httpx", "httpcore"} <= loggers
    assert any("POST http://127.0.0.1" in record.getMessage() for record in caplog.records)
    for record in caplog.records:
        assert "s3cr3t" not in f"{record.getMessage()} {vars(record)}", record.name


def test_other_log_records_afterwards_are_untouched(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    webhook, _ = a_webhook(httpx.Response(200))
    webhook.post("x")
    logging.getLogger("httpx").info("about %s", URL)
    assert caplog.messages[-1] == f"about {URL}"
