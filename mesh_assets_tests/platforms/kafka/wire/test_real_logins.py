"""Every login method, at the listeners of real brokers."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire.forms import Connections
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets.sandbox.credentials import WarehouseAccess, warehouse_access
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.access_checks.broker_with_acls import Tokens, broker_with_acls

pytestmark = pytest.mark.sandbox

# More than twice the second that a broker requires between two logins on a connection, even on a busy machine.
LIFE_SECONDS = 4.0


def brokers(servers: str, properties: Mapping[str, Any], *, seconds: float = 0.0) -> tuple[BrokerNode, ...]:
    """The brokers, requested repeatedly for that long over one connection."""

    async def read(kafka: Connections) -> Any:
        until = time.monotonic() + seconds
        found = await kafka.brokers()
        while time.monotonic() < until:
            assert await kafka.refreshed() == found
        return found

    running = RunningCluster({"bootstrap.servers": servers, **properties}, 15)
    try:
        found: tuple[BrokerNode, ...] = running.run(read, doing="connecting", right="DESCRIBE on the cluster")
        assert running.requests["ApiVersions"] == 1
        return found
    finally:
        running.close()


def failure_of(servers: str, properties: Mapping[str, Any]) -> PlatformError:
    with pytest.raises(PlatformError) as raised:
        brokers(servers, properties)
    assert str(properties.get("sasl.password", "-")) not in str(raised.value).replace("-", "")
    return raised.value


@pytest.fixture
def access(stand_ins: Sandbox) -> WarehouseAccess:
    return warehouse_access(stand_ins.folder)


@pytest.mark.parametrize(
    "way",
    ["PLAINTEXT", "TLS", "TLS, unverified", "MTLS", "MTLS, texts", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
)
def test_the_warehouse_lets_its_user_in(way: str, broker: Endpoints, access: WarehouseAccess) -> None:
    servers, properties = _way(way, broker, access)
    [node] = brokers(servers, properties)
    assert f"{node.host}:{node.port}" == servers


def _way(way: str, broker: Endpoints, access: WarehouseAccess) -> tuple[str, dict[str, str]]:
    tls = {"security.protocol": "SSL", "ssl.ca.location": str(access.authority)}
    files = {
        "ssl.certificate.location": str(access.certificate),
        "ssl.key.location": str(access.key),
    }
    texts = {"ssl.certificate.pem": access.certificate.read_text(), "ssl.key.pem": access.key.read_text()}
    match way:
        case "PLAINTEXT":
            return broker.bootstrap_servers, {}
        case "TLS":
            return _listener(broker, "tls"), tls
        case "TLS, unverified":
            return _listener(broker, "tls"), {
                "security.protocol": "SSL",
                "enable.ssl.certificate.verification": "false",
            }
        case "MTLS":
            return _listener(broker, "mtls"), tls | files
        case "MTLS, texts":
            return _listener(broker, "mtls"), tls | texts
        case _:
            return _listener(broker, "sasl"), {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": way,
                "sasl.username": access.username,
                "sasl.password": access.password,
                "ssl.ca.location": str(access.authority),
            }


def _listener(broker: Endpoints, name: str) -> str:
    address = getattr(broker, f"{name}_bootstrap_servers")
    assert address is not None
    return str(address)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_is_refused_in_a_sentence(
    mechanism: str, broker: Endpoints, access: WarehouseAccess
) -> None:
    servers, properties = _way(mechanism, broker, access)
    error = failure_of(servers, properties | {"sasl.password": "wrong"})
    assert type(error) is RefusedError
    assert str(error).startswith(
        f"Kafka at {servers} refused user {access.username} ({mechanism}): SASL authentication error: Authentication failed"
    )


def test_a_listener_of_another_kind_than_the_estate_says_is_reported(
    broker: Endpoints, access: WarehouseAccess
) -> None:
    plain, tls = broker.bootstrap_servers, _listener(broker, "tls")
    sasl, login = _way("PLAIN", broker, access)
    authority = {"ssl.ca.location": str(access.authority)}
    cases: list[tuple[str, dict[str, str], type[PlatformError], str]] = [
        (tls, {}, UnexpectedAnswerError, "expects TLS, but kafka.security_protocol is PLAINTEXT"),
        (
            plain,
            {"security.protocol": "SSL"},
            UnexpectedAnswerError,
            "speaks plain text, but kafka.security_protocol is SSL",
        ),
        (
            sasl,
            {"security.protocol": "SSL", **authority},
            UnexpectedAnswerError,
            "expects a SASL login, but kafka.security_protocol is SSL",
        ),
        (tls, login, RefusedError, "does not accept SASL logins, but kafka.security_protocol is SASL_SSL"),
        (
            sasl,
            {**login, "sasl.mechanism": "OAUTHBEARER", "oauth_cb": lambda _: ("a.b.c", time.time() + 60)},  # type: ignore[dict-item]
            RefusedError,
            "Unsupported SASL mechanism: broker's supported mechanisms: ",
        ),
        (
            _listener(broker, "mtls"),
            {"security.protocol": "SSL", **authority},
            RefusedError,
            "refused the client's certificate (certificate required); check kafka.ssl_certificate_location",
        ),
        (
            tls,
            {"security.protocol": "SSL"},
            UnreachableError,
            "the broker's certificate is from an authority that is not trusted here (check kafka.ssl_ca_location)",
        ),
    ]
    for servers, properties, kind, said in cases:
        error = failure_of(servers, properties)
        assert (type(error), said in str(error)) == (kind, True), str(error)


@pytest.fixture(scope="module")
def broker_with_tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with broker_with_acls(tmp_path_factory.mktemp("tokens"), ()) as running:
        yield running.bootstrap_servers


def test_a_token_login_is_renewed_during_a_reading(broker_with_tokens: str) -> None:
    """The broker closes connections with an expired token; here, one connection lasts throughout."""
    tokens = Tokens(LIFE_SECONDS)
    properties = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER", "oauth_cb": tokens}
    assert brokers(broker_with_tokens, properties, seconds=2.2 * LIFE_SECONDS)
    assert 3 <= tokens.asked <= 4


def test_a_token_of_an_unknown_issuer_is_refused(broker_with_tokens: str) -> None:
    properties = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "oauth_cb": lambda _: ("no.token.", time.time() + 60),
    }
    error = failure_of(broker_with_tokens, properties)
    assert type(error) is RefusedError
    assert "the OAUTHBEARER identity: SASL authentication error: " in str(error)
