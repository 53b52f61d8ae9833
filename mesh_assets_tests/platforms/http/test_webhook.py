import json
import logging

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


def test_it_posts_the_text_as_slack_expects_it() -> None:
    webhook, script = a_webhook(httpx.Response(200, content=b"ok"))

    webhook.post("héllo\nworld")

    [request] = script.requests
    assert (request.method, str(request.url), request.headers["content-type"]) == (
        "POST",
        URL,
        "application/json",
    )
    assert json.loads(request.content) == {"text": "héllo\nworld"}


def test_it_tries_again_with_growing_pauses_and_as_long_as_it_is_asked_to() -> None:
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


def test_it_gives_up_within_its_time() -> None:
    time = FakeTime()
    webhook, script = a_webhook(httpx.Response(503), time=time)

    with pytest.raises(UnreachableError, match=r"the webhook at hooks\.slack\.test answered 503 \(5 tries\)"):
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
def test_its_address_is_in_no_message_and_no_log(
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


def test_what_is_no_address_is_told_without_it() -> None:
    with pytest.raises(EstateError) as caught:
        Webhook(SECRET)
    assert SECRET not in str(caught.value)
