"""Logins with a provider's tokens and with Kerberos."""

import base64
import json
import ssl
import sys
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from confluent_kafka import KafkaError

from mesh_assets.errors import EstateError, MeshError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.wire import sasl
from mesh_assets.platforms.kafka.wire.forms import BrokerError
from mesh_assets_tests.platforms.kafka.wire.asking import HUSH, words


def test_a_token_serves_all_connections_for_most_of_its_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    asked: list[str] = []

    def ask(config: str) -> tuple[str, float]:
        asked.append(config)
        return f"token-{len(asked)}", now[0] + 100

    tokens = sasl.Tokens(ask, "some config")
    seen = []
    for seconds in (0, 40, 39, 2):
        now[0] += seconds
        seen.append(tokens.current()[0])
    assert (seen, asked) == (["token-1", "token-1", "token-1", "token-2"], ["some config"] * 2)


def test_a_bearer_token_is_sent_with_its_extensions() -> None:
    given = {
        "sasl.mechanism": "OAUTHBEARER",
        "oauth_cb": lambda _: ("abc", time.time() + 60, "principal", {"logicalCluster": "lkc-1"}),
    }
    assert words(given, b"") == [b"n,,\x01auth=Bearer abc\x01logicalCluster=lkc-1\x01\x01", None]


def test_a_refused_token_is_a_refusal_even_when_the_broker_forgets_to_say_so() -> None:
    given = {"sasl.mechanism": "OAUTHBEARER", "oauth_cb": lambda _: ("abc", time.time() + 60)}
    with pytest.raises(BrokerError) as raised:
        words(given, b'{"status":"invalid_token"}', b"")
    assert raised.value.code == KafkaError._AUTHENTICATION


OIDC = {
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.oauthbearer.method": "oidc",
    "sasl.oauthbearer.client.id": "reader",
    "sasl.oauthbearer.client.secret": HUSH,
    "sasl.oauthbearer.scope": "kafka",
    "sasl.oauthbearer.extensions": "logicalCluster=lkc-1, identityPoolId=pool-1",
    "sasl.oauthbearer.token.endpoint.url": "https://login.shop/token",
}


def jwt(**claims: Any) -> str:
    return (
        ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims)
        )
        + "."
    )


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[httpx.Response | Exception], list[httpx.Request]]:
    """Makes the token endpoint give an answer; yields its requests."""

    def answering(answer: httpx.Response | Exception) -> list[httpx.Request]:
        asked: list[httpx.Request] = []

        def serve(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            if isinstance(answer, Exception):
                raise answer
            return answer

        def post(url: str, *, verify: Any, **options: Any) -> httpx.Response:
            assert isinstance(verify, ssl.SSLContext)
            options.pop("follow_redirects")
            with httpx.Client(transport=httpx.MockTransport(serve)) as client:
                return client.post(url, **options)

        monkeypatch.setattr(httpx, "post", post)
        return asked

    return answering


def test_oidc_asks_the_provider_as_the_client_and_sends_what_it_got(
    endpoint: Callable[[httpx.Response], list[httpx.Request]],
) -> None:
    token = jwt(exp=time.time() + 60)
    asked = endpoint(httpx.Response(200, json={"access_token": token}))
    said = words(OIDC, b"")
    assert (
        said[0]
        == f"n,,\x01auth=Bearer {token}\x01logicalCluster=lkc-1\x01identityPoolId=pool-1\x01\x01".encode()
    )
    [request] = asked
    assert request.content == b"grant_type=client_credentials&scope=kafka"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"reader:hush-hush").decode()


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            httpx.Response(401, json={"error": "invalid_client", "error_description": HUSH}),
            RefusedError,
            "the token endpoint https://login.shop/token refused the client reader (HTTP 401, invalid_client); check "
            "sasl.oauthbearer.client.id, client.secret and scope",
        ),
        (httpx.Response(503, text=HUSH), UnreachableError, "returned no token (HTTP 503)"),
        (httpx.Response(200, text=HUSH), UnexpectedAnswerError, "returned no usable token"),
        (
            httpx.Response(200, json={"access_token": "opaque"}),
            UnexpectedAnswerError,
            "does not say when its token expires",
        ),
        (httpx.ConnectError(HUSH), UnreachableError, "could not be reached: ConnectError"),
    ],
)
def test_a_provider_that_gives_no_token_is_a_sentence(
    answer: httpx.Response | Exception,
    kind: type[MeshError],
    said: str,
    endpoint: Callable[[httpx.Response | Exception], list[httpx.Request]],
) -> None:
    endpoint(answer)
    with pytest.raises(MeshError) as raised:
        words(OIDC)
    assert type(raised.value) is kind
    assert said in str(raised.value)
    assert HUSH not in str(raised.value)


# --- Kerberos


@pytest.fixture
def kerberos(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A `gssapi` whose context takes two turns; yields its calls."""
    done: list[Any] = []

    class Context:
        def __init__(self, *, name: str, usage: str) -> None:
            done.append((name, usage))
            self.steps = 0

        @property
        def complete(self) -> bool:
            return self.steps == 2

        def step(self, token: bytes | None) -> bytes:
            self.steps += 1
            done.append(token)
            return b"ticket-%d" % self.steps

        def unwrap(self, wrapped: bytes) -> Any:
            if wrapped == b"bad":
                raise failure(" the clock\nis wrong ")
            return SimpleNamespace(message=wrapped)

        def wrap(self, message: bytes, encrypt: bool) -> Any:
            done.append((message, encrypt))
            return SimpleNamespace(message=b"wrapped")

    failure = type("GSSError", (Exception,), {})
    module = ModuleType("gssapi")
    vars(module).update(
        Name=lambda text, _: text,
        NameType=SimpleNamespace(hostbased_service=None),
        SecurityContext=Context,
        exceptions=SimpleNamespace(GSSError=failure),
    )
    monkeypatch.setitem(sys.modules, "gssapi", module)
    return done


def test_kerberos_shows_its_ticket_and_wants_no_layer(kerberos: list[Any]) -> None:
    said = words({"sasl.mechanism": "GSSAPI"}, b"go on", b"\x07\0\xff\xff", b"")
    assert said == [b"ticket-1", b"ticket-2", b"wrapped", None]
    assert kerberos == [("kafka@broker.shop", "initiate"), None, b"go on", (b"\x01\0\0\0", False)]


@pytest.mark.parametrize(
    ("offer", "said"),
    [(b"bad", "Kerberos: the clock is wrong"), (b"\x04\0\0\0", "the broker wants a security layer")],
)
@pytest.mark.usefixtures("kerberos")
def test_a_kerberos_failure_is_a_refusal(offer: bytes, said: str) -> None:
    with pytest.raises(BrokerError, check=lambda error: said in error.said):
        words({"sasl.mechanism": "GSSAPI"}, b"go on", offer)


def test_kerberos_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    with pytest.raises(EstateError, match="pip install gssapi"):
        words({"sasl.mechanism": "GSSAPI"})
