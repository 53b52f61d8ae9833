"""Posting events: what is sent, what is retried, and what a failure says."""

import json
from collections.abc import Callable

import httpx
import pytest

from mesh_assets.errors import EstateError, ExportError
from mesh_assets.exports.lineage_endpoint import LineageEndpoint
from mesh_assets_tests.platforms.http.fakes import FakeTime, Script

URL = "https://marquez.test/api/v1/lineage"
Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def an_endpoint(
    *answers: Answer, url: str = URL, api_key: str | None = None
) -> tuple[LineageEndpoint, Script]:
    script = Script(answers)
    transport = httpx.MockTransport(script)
    return LineageEndpoint(url, api_key=api_key, transport=transport, clock=FakeTime().clock), script


def some_events(number: int) -> list[bytes]:
    return [json.dumps({"number": one}).encode() for one in range(number)]


def test_each_event_is_its_own_post_with_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "s3cr3t")
    endpoint, script = an_endpoint(httpx.Response(201), api_key="${OPENLINEAGE_API_KEY}")
    endpoint.post(some_events(150))
    assert endpoint.accepted == 150
    assert sorted(json.loads(one.content)["number"] for one in script.requests) == list(range(150))
    assert {(one.method, str(one.url), one.headers["authorization"]) for one in script.requests} == {
        ("POST", URL, "Bearer s3cr3t")
    }
    assert "s3cr3t" not in repr(vars(endpoint)["_service"])


def test_a_batch_endpoint_takes_a_hundred_at_a_time() -> None:
    endpoint, script = an_endpoint(httpx.Response(204), url=f"{URL}/batch")
    endpoint.post(some_events(250))
    assert sorted(len(json.loads(one.content)) for one in script.requests) == [50, 100, 100]
    assert endpoint.accepted == 250


def test_a_busy_endpoint_is_tried_again() -> None:
    endpoint, script = an_endpoint(httpx.Response(503), httpx.ReadTimeout("slow"), httpx.Response(200))
    endpoint.post(some_events(1))
    assert (endpoint.accepted, len(script.requests)) == (1, 3)


def test_a_refusal_says_how_many_were_accepted_and_never_shows_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "s3cr3t")

    def answer(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content)["number"] < 64:  # the first round is through before the second begins
            return httpx.Response(201)
        return httpx.Response(403, json={"message": "key s3cr3t may not write"})

    endpoint, _ = an_endpoint(answer, api_key="${OPENLINEAGE_API_KEY}")
    with pytest.raises(ExportError) as refused:
        endpoint.post(some_events(65))
    assert str(refused.value) == (
        "64 events accepted, then: the lineage endpoint at https://marquez.test/api/v1/lineage refused the key "
        "${OPENLINEAGE_API_KEY} (403): key *** may not write; check what the key may write (POST); once that is fixed, run the "
        "export again: accepted events just replace themselves"
    )


def test_events_that_a_batch_could_not_process_are_a_failure_with_the_reason() -> None:
    body = {
        "status": "partial_success",
        "summary": {"received": 3, "successful": 1, "failed": 2},
        "failed_events": [{"index": 0, "reason": "Unsupported facets", "retriable": False}, {"index": 2}],
    }
    endpoint, _ = an_endpoint(httpx.Response(200, json=body), url=f"{URL}/batch")
    with pytest.raises(
        ExportError, match=r"^1 event accepted, then: .* could not process 2 events of a batch: Unsupported"
    ):
        endpoint.post(some_events(3))


@pytest.mark.parametrize(
    ("url", "api_key", "words"),
    [
        ("https://user:pass@marquez.test/lineage", None, "--url must not contain a user or password"),
        (URL, "s3cr3t", "--api-key: the key must be named, not written here"),
        (URL, "${NOT_SET_ANYWHERE}", "NOT_SET_ANYWHERE"),
        ("marquez.test", None, "lineage endpoint"),
    ],
)
def test_an_invalid_address_or_key_is_refused_before_anything_is_sent(
    url: str, api_key: str | None, words: str
) -> None:
    with pytest.raises(EstateError, match=words) as refused:
        LineageEndpoint(url, api_key=api_key)
    assert "s3cr3t" not in str(refused.value)
    assert "user:pass" not in str(refused.value)


def test_a_web_page_is_not_an_acceptance() -> None:
    page = httpx.Response(200, html="<html><title>Sign in</title></html>")
    endpoint, _ = an_endpoint(page)

    with pytest.raises(ExportError, match="with 200 and an HTML page, 'Sign in'; is the url right"):
        endpoint.post(some_events(1))

    assert endpoint.accepted == 0


def test_an_endpoint_that_wants_a_key_is_to_be_given_one() -> None:
    endpoint, _ = an_endpoint(httpx.Response(401))

    with pytest.raises(ExportError, match="name a key with --api-key"):
        endpoint.post(some_events(1))
