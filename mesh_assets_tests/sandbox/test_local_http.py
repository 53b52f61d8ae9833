"""Requests that fill the sandbox's servers."""

import httpx
import pytest

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox import local_http
from mesh_assets.sandbox.local_http import send


def client(*answers: httpx.Response | httpx.HTTPError) -> httpx.Client:
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        first = left.pop(0)
        if isinstance(first, httpx.HTTPError):
            raise first
        first.request = request
        return first

    return httpx.Client(base_url="http://registry/v7", transport=httpx.MockTransport(answer))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_http, "_RETRY_SECONDS", 0.0)


@pytest.mark.parametrize("silence", [httpx.ReadTimeout("30 s"), httpx.ConnectTimeout("30 s")])
def test_a_request_that_a_busy_server_did_not_answer_is_sent_again(silence: httpx.HTTPError) -> None:
    asked = client(silence, httpx.Response(200, json={"id": 1}))
    assert send(asked, "POST", "/subjects/a/versions", {}).json() == {"id": 1}


def test_silence_past_the_deadline_is_reported_with_the_address() -> None:
    with pytest.raises(
        SandboxError, match=r"^POST http://registry/v7/subjects/a/versions failed: ReadTimeout$"
    ):
        send(client(httpx.ReadTimeout("30 s")), "POST", "/subjects/a/versions", {}, seconds=-1)


def test_a_refused_connection_is_reported_at_once() -> None:
    with pytest.raises(SandboxError, match="ConnectError"):
        send(client(httpx.ConnectError("refused")), "GET", "/connectors")


def test_only_the_named_statuses_are_tried_again() -> None:
    assert (
        send(client(httpx.Response(409), httpx.Response(201)), "PUT", "/c", {}, retry=(409,)).status_code
        == 201
    )
    with pytest.raises(SandboxError, match="was answered 422: no schema"):
        send(client(httpx.Response(422, text="no schema")), "POST", "/c", {}, retry=(409,))
