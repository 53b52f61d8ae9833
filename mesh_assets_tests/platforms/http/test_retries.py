"""When a request is retried, how long that may take, and the error when it did not help."""

import ssl
from email.utils import formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.errors import PlatformError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.http import Clock, RetryPolicy
from mesh_assets.platforms.http.retries import asked_wait_seconds
from mesh_assets_tests.platforms.http.fakes import URL, FakeTime, Script, service_of

OK = httpx.Response(200, json="fine")
REFUSED = httpx.ConnectError("[Errno 111] Connection refused")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_transient_failure_shows_only_in_time_and_count(status: int) -> None:
    time = FakeTime()
    service, _ = service_of(httpx.Response(status), httpx.Response(status), OK, time=time)
    assert service.get_json("/") == "fine"
    assert (service.requests, time.sleeps) == (3, [0.25, 0.5])


@pytest.mark.parametrize(
    "failure",
    [REFUSED, httpx.ReadError("reset"), httpx.RemoteProtocolError("closed"), httpx.ReadTimeout("slow")],
)
def test_a_failed_connection_is_tried_again(failure: Exception) -> None:
    service, _ = service_of(failure, OK)
    assert (service.get_json("/"), service.requests) == ("fine", 2)


def test_a_service_that_is_down_is_given_up_within_seconds() -> None:
    time = FakeTime()
    service, script = service_of(REFUSED, time=time)
    with pytest.raises(UnreachableError) as raised:
        service.get_json("/connectors")
    assert str(raised.value) == (
        f"Kafka Connect at {URL} cannot be reached (Connection refused; 4 tries in 1.8 s); is it running, and is the url right?"
    )
    assert (time.sleeps, len(script.requests)) == ([0.25, 0.5, 1.0], 4)


def test_a_silent_service_is_asked_again_only_within_the_budget() -> None:
    time = FakeTime()
    limits: list[float] = []

    def silent(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        time.pass_by(limits[-1])
        raise httpx.ReadTimeout("timed out")

    service, _ = service_of(silent, time=time)
    with pytest.raises(
        UnreachableError, match=r"did not answer GET / in time \(timed out; 2 tries in 20\.0 s\)"
    ):
        service.get_json("/")
    assert limits == [15.0, 4.75]


def test_an_answer_that_trickles_ends_with_the_budget() -> None:
    time = FakeTime()

    def trickle() -> httpx.Response:
        def body() -> object:
            while True:
                time.pass_by(1.0)
                yield b" "

        return httpx.Response(200, content=body())  # type: ignore[arg-type]

    service, _ = service_of(lambda _: trickle(), time=time)
    with pytest.raises(UnreachableError, match="was still sending its answer to GET / after 20 s"):
        service.get_json("/")


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (
            ssl.SSLCertVerificationError(1, "self-signed certificate"),
            "has no certificate this machine trusts (self-signed certificate)",
        ),
        (
            ssl.SSLError(1, "[SSL] wrong version number"),
            "does not speak TLS as expected ([SSL] wrong version number)",
        ),
    ],
)
def test_a_failed_handshake_is_not_tried_again(cause: ssl.SSLError, sentence: str) -> None:
    failure = httpx.ConnectError(str(cause))
    failure.__cause__ = cause
    service, script = service_of(failure)
    with pytest.raises(UnreachableError) as raised:
        service.get_json("/")
    assert sentence in str(raised.value)
    assert len(script.requests) == 1


def test_a_server_error_is_retried_only_twice() -> None:
    service, script = service_of(httpx.Response(500))
    with pytest.raises(UnexpectedAnswerError):
        service.get_json("/")
    assert len(script.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 501])
def test_an_answer_that_will_not_change_is_not_requested_again(status: int) -> None:
    service, script = service_of(httpx.Response(status))
    with pytest.raises(PlatformError):
        service.get_json("/")
    assert len(script.requests) == 1


def test_a_status_can_mean_not_now_for_one_service() -> None:
    service, _ = service_of(httpx.Response(409), OK)
    assert service.get_json("/", also_retry=frozenset({409})) == "fine"


def test_an_endless_rebalance_is_a_service_that_cannot_answer_now() -> None:
    service, _ = service_of(httpx.Response(409, json={"message": "rebalance in process"}))
    with pytest.raises(
        UnreachableError, match=r"GET / returned 409: rebalance in process \(8 tries in 17\.8 s\)"
    ):
        service.get_json("/", also_retry=frozenset({409}))


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (httpx.Response(429), 2),
        (REFUSED, 2),
        (httpx.Response(503), 1),
        (httpx.Response(500), 1),
        (httpx.ReadTimeout("slow"), 1),
    ],
)
def test_a_post_is_repeated_only_where_nothing_can_have_happened(
    failure: httpx.Response | Exception, tries: int
) -> None:
    service, script = service_of(failure, OK)
    if tries == 2:
        assert service.post_json("/", {}) == "fine"
    else:
        with pytest.raises(PlatformError):
            service.post_json("/", {})
    assert len(script.requests) == tries


def test_a_post_that_is_idempotent_is_repeated_like_a_read() -> None:
    service, _ = service_of(httpx.Response(503), httpx.ReadError("reset"), OK)
    assert service.post_json("/", {}, idempotent=True) == "fine"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": formatdate(1_700_000_007, usegmt=True)}, 7.0),
        ({"Retry-After": formatdate(1_600_000_000, usegmt=True)}, 0.0),
        ({"rateLimit-reset": "7"}, 7.0),
        ({"X-RateLimit-Reset": "1700000007"}, 7.0),
        ({"Retry-After": "soon", "rateLimit-reset": "7"}, 7.0),
    ],
)
def test_the_requested_wait_is_kept_with_a_little_jitter(headers: dict[str, str], seconds: float) -> None:
    time = FakeTime()
    service, _ = service_of(httpx.Response(429, headers=headers), OK, time=time)
    assert service.get_json("/") == "fine"
    assert time.elapsed == pytest.approx(seconds + 0.25)


def test_a_wait_longer_than_the_budget_fails_at_once() -> None:
    time = FakeTime()
    service, script = service_of(httpx.Response(429, headers={"Retry-After": "3600"}), time=time)
    with pytest.raises(
        UnreachableError,
        match=r"returned 429 \(it asks for a wait of 3600 s, longer than the 20 s a call may take\)",
    ):
        service.get_json("/")
    assert (time.elapsed, len(script.requests)) == (0.0, 1)


def test_a_429_for_one_caller_holds_for_the_others() -> None:
    time = FakeTime()
    service, script = service_of(httpx.Response(429, headers={"Retry-After": "3600"}), OK, time=time)
    with pytest.raises(UnreachableError):
        service.get_json("/a")
    with pytest.raises(
        UnreachableError, match="asks to be left alone for another 3600 s, too long for GET /b; try later"
    ):
        service.get_json("/b")
    assert len(script.requests) == 1


def test_a_refusal_after_a_busy_answer_is_a_refusal() -> None:
    service, _ = service_of(httpx.Response(429), httpx.Response(404))
    with pytest.raises(UnexpectedAnswerError, match="answered GET / with 404"):
        service.get_json("/")


def test_requests_are_counted_by_kind() -> None:
    service, _ = service_of(httpx.Response(503), OK)
    service.get_json("/", kind="levels")
    service.get_json("/")
    assert (service.requests, service.requests_of("levels"), service.requests_of("read")) == (3, 2, 1)


@given(
    statuses=st.lists(st.sampled_from([200, 404, 429, 500, 503]), min_size=1, max_size=40),
    chance=st.floats(0, 1),
    wait=st.none() | st.integers(0, 30),
)
def test_whatever_a_service_answers_a_call_ends_within_its_budget(
    statuses: list[int], chance: float, wait: int | None
) -> None:
    time = FakeTime()
    clock = Clock(
        time.clock.monotonic,
        time.clock.wall,
        time.clock.sleep,
        lambda least, most: least + chance * (most - least),
    )
    script = Script(
        [
            httpx.Response(status, headers={} if wait is None else {"Retry-After": str(wait)})
            for status in statuses
        ]
    )
    time.clock = clock
    service, _ = service_of(script, time=time, policy=RetryPolicy(budget_seconds=20))
    service.ask("GET", "/")
    assert time.elapsed <= 20
    assert service.requests == len(script.requests) <= 20


@given(st.text(max_size=30))
def test_no_header_breaks_the_parsing_of_a_wait(text: str) -> None:
    wait = asked_wait_seconds({"retry-after": text}, now=0)
    assert wait is None or wait >= 0
