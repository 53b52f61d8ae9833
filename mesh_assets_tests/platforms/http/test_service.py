"""What a caller of an HTTP service gets: a value, or one clear sentence."""

import gzip
import json
import logging
from collections.abc import Iterator

import httpx
import pytest

from mesh_assets.errors import (
    EstateError,
    PlatformError,
    RefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from mesh_assets.estate.connections import HttpConnection
from mesh_assets.platforms.http import HttpService
from mesh_assets_tests.platforms.http.fakes import URL, service_of

OK = httpx.Response(200, json={"version": "4.3.1"})


def test_a_json_answer_is_its_value() -> None:
    service, script = service_of(OK)
    assert service.get_json("/", params={"expand": ["info", "status"]}) == {"version": "4.3.1"}
    assert str(script.requests[0].url) == f"{URL}/?expand=info&expand=status"


def test_the_path_of_the_address_is_kept() -> None:
    service, script = service_of(OK, url=f"{URL}/apis/ccompat/v7/")
    service.get_json("/subjects")
    assert script.requests[0].url.path == "/apis/ccompat/v7/subjects"


def test_a_compressed_answer_is_read() -> None:
    service, _ = service_of(
        lambda _: httpx.Response(
            200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(gzip.compress(b"[1]"))
        )
    )
    assert service.get_json("/") == [1]


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (
            httpx.Response(200, content=b""),
            UnexpectedAnswerError,
            "answered GET /x with an empty body; expected JSON",
        ),
        (
            httpx.Response(200, html="<html><title>Sign in</title></html>"),
            UnexpectedAnswerError,
            "answered GET /x with an HTML page; is the url right?",
        ),
        (
            httpx.Response(200, content=b"hello"),
            UnexpectedAnswerError,
            "answered GET /x with something that is not JSON",
        ),
        (
            httpx.Response(200, content=b"\xff\xfe"),
            UnexpectedAnswerError,
            "answered GET /x with something that is not JSON",
        ),
        (
            httpx.Response(200, content=b"[" * 100_000),
            UnexpectedAnswerError,
            "answered GET /x with something that is not JSON",
        ),
        (httpx.Response(404, content=b""), UnexpectedAnswerError, "answered GET /x with 404"),
        (
            httpx.Response(404, json="Not Found"),
            UnexpectedAnswerError,
            "answered GET /x with 404: Not Found; is the url right?",
        ),
        (
            httpx.Response(404, html="<HTML><title>Error 404\n Not Found</title></HTML>"),
            UnexpectedAnswerError,
            "answered GET /x with 404: an HTML page, 'Error 404\\n Not Found'",
        ),
        (
            httpx.Response(404, json={"error_code": 40401, "message": "Subject 'a'\nnot found."}),
            UnexpectedAnswerError,
            "answered GET /x with 404: Subject 'a' not found. (code 40401)",
        ),
        (
            httpx.Response(404, json={"title": "no such path", "status": 404}),
            UnexpectedAnswerError,
            "answered GET /x with 404: no such path; is the url right?",
        ),
        (
            httpx.Response(400, json={"error": {"code": 400, "message": "bad request"}}),
            UnexpectedAnswerError,
            "answered GET /x with 400: bad request",
        ),
        (
            httpx.Response(302, headers={"Location": "https://login.test/in?token=abc"}),
            UnexpectedAnswerError,
            "answered GET /x with 302: moved to https://login.test/in; is the url right?",
        ),
        (
            httpx.Response(401, json={"error_code": 401, "message": "Unauthorized"}),
            RefusedError,
            "refused an anonymous reader (401): Unauthorized; check the credential and its rights (GET /x)",
        ),
        (
            httpx.Response(403),
            RefusedError,
            "refused an anonymous reader (403); check the credential and its rights (GET /x)",
        ),
        (
            httpx.Response(503, content=b"busy"),
            UnreachableError,
            "cannot answer now: GET /x returned 503: busy (8 tries in 17.8 s)",
        ),
        (
            httpx.Response(500, json={"error_code": 50001, "message": "store"}),
            UnexpectedAnswerError,
            "answered GET /x with 500: store (code 50001)",
        ),
    ],
)
def test_an_answer_that_is_not_json_is_one_sentence_with_service_address_status_and_message(
    answer: httpx.Response, error: type[PlatformError], sentence: str
) -> None:
    service, _ = service_of(answer)
    with pytest.raises(error) as raised:
        service.get_json("/x")
    assert str(raised.value).startswith(f"Kafka Connect at {URL} {sentence}")
    assert "\n" not in str(raised.value)


def test_a_long_message_is_shortened_to_a_line_without_control_characters() -> None:
    service, _ = service_of(httpx.Response(400, json={"message": "\x1b[31m" + "very bad " * 1000}))
    with pytest.raises(UnexpectedAnswerError) as raised:
        service.get_json("/")
    assert len(str(raised.value)) < 400
    assert str(raised.value).isprintable()


def test_an_endless_answer_is_cut_at_the_limit() -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b"x" * 1000

    service, script = service_of(lambda _: httpx.Response(200, content=endless()), max_body_bytes=10_000)
    with pytest.raises(UnexpectedAnswerError, match="with more than 10,000 bytes; reading stopped there"):
        service.get_json("/")
    assert (sent, len(script.requests)) == (11_000, 1)


def test_an_endless_error_page_is_cut_and_still_says_its_status() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 1000

    service, _ = service_of(lambda _: httpx.Response(404, content=endless()))
    with pytest.raises(UnexpectedAnswerError, match="with 404: x"):
        service.get_json("/")


def test_a_small_answer_that_unpacks_to_more_than_the_limit_is_cut() -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    service, _ = service_of(
        lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(bomb))
    )
    with pytest.raises(UnexpectedAnswerError, match="more than 1,000,000 bytes"):
        service.get_json("/")


def test_a_broken_compression_is_an_unexpected_answer() -> None:
    service, _ = service_of(
        lambda _: httpx.Response(
            200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")
        )
    )
    with pytest.raises(UnexpectedAnswerError, match="with broken compression"):
        service.get_json("/")


def test_a_refusal_names_the_username_and_nothing_shows_the_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"message": "no user 'agent' with password hunter2 (YWdlbnQ6aHVudGVyMg==)"}
    service, script = service_of(httpx.Response(401, json=echo), username="agent", password="hunter2")
    with pytest.raises(RefusedError) as raised:
        service.get_json("/connectors")
    assert str(raised.value) == (
        f"Kafka Connect at {URL} refused username agent (401): no user 'agent' with password *** (***); "
        "check the credential and its rights (GET /connectors)"
    )
    assert script.requests[0].headers["Authorization"] == "Basic YWdlbnQ6aHVudGVyMg=="
    assert "hunter2" not in caplog.text + repr(service) + str(service)


def test_a_username_kept_with_its_password_is_used_and_shown_as_its_reference() -> None:
    echo = {"message": "no user 'agent'"}
    service, script = service_of(
        httpx.Response(401, json=echo), username="agent", password="hunter2", shown_username="ssm:/agent/key"
    )
    with pytest.raises(RefusedError) as raised:
        service.get_json("/connectors")
    assert "refused username ssm:/agent/key (401): no user '***'" in str(raised.value)
    assert service.identity == "ssm:/agent/key"
    assert script.requests[0].headers["Authorization"] == "Basic YWdlbnQ6aHVudGVyMg=="


def test_a_password_at_the_cut_of_a_long_message_is_not_partly_shown() -> None:
    service, _ = service_of(
        httpx.Response(400, content="x" * 295 + "hunter2" + "y" * 100), username="agent", password="hunter2"
    )
    with pytest.raises(UnexpectedAnswerError) as raised:
        service.get_json("/")
    assert "hunt" not in str(raised.value)


def test_credentials_in_the_address_are_used_but_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service, script = service_of(httpx.Response(401), url="https://agent:hunter2@service.test/base")
    with pytest.raises(RefusedError) as raised:
        service.get_json("/connectors")
    assert str(raised.value).startswith(
        "Kafka Connect at https://service.test/base refused username agent (401)"
    )
    assert script.requests[0].headers["Authorization"] == "Basic YWdlbnQ6aHVudGVyMg=="
    assert "hunter2" not in caplog.text + repr(service)


@pytest.mark.parametrize(
    "url",
    [
        "service:8083",
        "ftp://service",
        "http://",
        "http://host:port",
        "https://host/?token=hunter2",
        "http://[::1",
    ],
)
def test_a_wrong_address_is_an_estate_error_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(EstateError, match="the url of Kafka Connect must look like") as raised:
        HttpService(url, name="Kafka Connect")
    assert "hunter2" not in str(raised.value)


def test_an_unreadable_ca_file_is_an_estate_error() -> None:
    with pytest.raises(
        EstateError, match=r"ca_location of Registry: /nowhere/ca\.pem cannot be read as certificates"
    ):
        HttpService("https://registry.test", name="Registry", ca_location="/nowhere/ca.pem")


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "Invalid value jdbc:x://h;user=a;password=0ther-1 for configuration connection.url"}',
        b"<html><title>cannot log in with token=0ther-1</title>",
        b"Authorization: Bearer 0ther-1-and-more was refused",
    ],
)
def test_foreign_credentials_quoted_by_a_service_are_masked(body: bytes) -> None:
    service, _ = service_of(httpx.Response(400, content=body))
    with service, pytest.raises(UnexpectedAnswerError) as raised:
        service.ask("GET", "/x").json()
    assert "0ther-1" not in str(raised.value)
    assert "********" in str(raised.value)


def test_secret_references_are_resolved_when_the_service_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = HttpConnection(url="${SR_URL}", username="agent", password="${SR_SECRET}")
    with pytest.raises(EstateError, match="SR_URL"):
        HttpService.open(connection, name="Registry")
    monkeypatch.setenv("SR_URL", "http://registry.test")
    monkeypatch.setenv("SR_SECRET", "hunter2")
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json=[])

    with HttpService.open(connection, name="Registry", transport=httpx.MockTransport(answer)) as service:
        assert (service.url, service.get_json("/subjects"), seen) == (
            "http://registry.test",
            [],
            ["Basic YWdlbnQ6aHVudGVyMg=="],
        )


def test_a_post_is_json_of_the_services_kind() -> None:
    seen: list[tuple[str, str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.headers["Content-Type"], json.loads(request.content)))
        return httpx.Response(200, json={"id": 1})

    service = HttpService(
        URL, name="Registry", media_type="application/vnd.x+json", transport=httpx.MockTransport(answer)
    )
    assert service.post_json("/a", {"schema": "é"}) == service.put_json("/b", [1]) == {"id": 1}
    assert seen == [
        ("POST", "application/vnd.x+json", {"schema": "é"}),
        ("PUT", "application/vnd.x+json", [1]),
    ]
