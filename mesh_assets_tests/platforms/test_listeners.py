"""Kafka's clients and HTTP's name a listener of another protocol as such."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
import trustme

from mesh_assets.errors import PlatformError
from mesh_assets.platforms.http import HttpService
from mesh_assets.platforms.kafka import WireReader
from mesh_assets.platforms.listeners import spoken_at
from mesh_assets.sandbox.credentials import WarehouseAccess, warehouse_access
from mesh_assets.sandbox.servers import Endpoints, Sandbox

Answer = Callable[[socket.socket], None]


@contextmanager
def listening(answer: Answer) -> Iterator[int]:
    """A listener on loopback that gives each connection to `answer`; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(TimeoutError):
                    connection, _ = listener.accept()
                    connection.settimeout(5)
                    with closing(connection), suppress(OSError):
                        answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


def http(connection: socket.socket) -> None:
    """Like Jetty, which serves Connect and registries: anything it does not understand is a bad request."""
    understood = connection.recv(4096).startswith(b"GET /")
    status = b"200 OK" if understood else b"400 Bad Request"
    connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}" % status)


def hanging_up(connection: socket.socket) -> None:
    connection.recv(4096)


def silent(connection: socket.socket) -> None:
    connection.settimeout(3)
    while connection.recv(4096):
        pass


def over_tls(answer: Answer) -> Answer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            answer(encrypted)

    return serve


@pytest.mark.parametrize(
    ("answer", "spoken"),
    [
        (http, "HTTP"),
        (over_tls(http), "HTTPS"),
        (over_tls(hanging_up), "TLS"),
        (hanging_up, None),
        (silent, None),
    ],
    ids=["HTTP", "HTTPS", "TLS", "hangs up", "silent"],
)
def test_a_listener_is_probed_for_its_protocol(answer: Answer, spoken: str | None) -> None:
    with listening(answer) as port:
        assert spoken_at("127.0.0.1", port) == spoken


def test_without_a_listener_there_is_no_protocol() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert spoken_at("127.0.0.1", bound.getsockname()[1]) is None


def said_by_kafka(**properties: str) -> str:
    reader = WireReader(properties, 4.0)
    try:
        reader.metadata()
    except PlatformError as error:
        return str(error)
    finally:
        reader.close()
    raise AssertionError("it was read")


def said_by_http(url: str) -> str:
    with HttpService(url, name="Schema Registry", timeout_seconds=8) as service:
        try:
            service.get_json("/subjects")
        except PlatformError as error:
            return str(error)
    raise AssertionError("it was read")


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
@pytest.mark.parametrize("answer", [http, over_tls(http)], ids=["HTTP", "HTTPS"])
def test_an_http_port_given_as_a_broker(answer: Answer, protocol: str) -> None:
    spoken = "HTTP" if answer is http else "HTTPS"
    with listening(answer) as port:
        said = said_by_kafka(
            **{
                "bootstrap.servers": f"127.0.0.1:{port}",
                "security.protocol": protocol,
                "enable.ssl.certificate.verification": "false",
            }
        )
    assert said == (
        f"the address of Kafka, 127.0.0.1:{port}, answers in {spoken}, so it is not a broker's listener; "
        "correct kafka.bootstrap_servers (host and port)"
    )


def test_https_at_a_plain_port_and_vice_versa() -> None:
    with listening(http) as port:
        assert said_by_http(f"https://127.0.0.1:{port}").endswith(
            f"127.0.0.1:{port} answers in plain HTTP; write http:// in the url, or give its TLS port"
        )
    with listening(over_tls(http)) as port:
        assert said_by_http(f"http://127.0.0.1:{port}").endswith(
            f"127.0.0.1:{port} expects TLS; write https:// in the url"
        )


@pytest.fixture
def own(stand_ins: Sandbox) -> WarehouseAccess:
    return warehouse_access(stand_ins.folder)


@pytest.mark.parametrize(
    ("protocol", "listener", "sentence"),
    [
        ("SSL", "plain", "speaks plain text, but kafka.security_protocol is SSL; set PLAINTEXT, or"),
        (
            "SASL_SSL",
            "plain",
            "speaks plain text, but kafka.security_protocol is SASL_SSL; set SASL_PLAINTEXT, or",
        ),
        (
            "PLAINTEXT",
            "TLS",
            "expects TLS, but kafka.security_protocol is PLAINTEXT; set SSL or SASL_SSL, or",
        ),
        (
            "PLAINTEXT",
            "SASL",
            "expects TLS, but kafka.security_protocol is PLAINTEXT; set SSL or SASL_SSL, or",
        ),
        (
            "SASL_PLAINTEXT",
            "SASL",
            "expects TLS, but kafka.security_protocol is SASL_PLAINTEXT; set SASL_SSL, or",
        ),
        ("SSL", "SASL", "expects a SASL login, but kafka.security_protocol is SSL; set SASL_SSL with"),
        (
            "SASL_SSL",
            "TLS",
            "does not accept SASL logins, but kafka.security_protocol is SASL_SSL; set SSL, or",
        ),
        (
            "SASL_PLAINTEXT",
            "plain",
            "does not accept SASL logins, but kafka.security_protocol is SASL_PLAINTEXT; set PLAINTEXT, or",
        ),
    ],
)
def test_a_client_of_another_protocol_than_the_brokers_listener(
    broker: Endpoints, own: WarehouseAccess, protocol: str, listener: str, sentence: str
) -> None:
    address = {
        "plain": broker.bootstrap_servers,
        "TLS": str(broker.tls_bootstrap_servers),
        "SASL": str(broker.sasl_bootstrap_servers),
    }[listener]
    login = {"sasl.mechanism": "PLAIN", "sasl.username": own.username, "sasl.password": own.password}

    said = said_by_kafka(
        **{"bootstrap.servers": address, "security.protocol": protocol},
        **({"ssl.ca.location": str(own.authority)} if protocol.endswith("SSL") else {}),
        **(login if protocol.startswith("SASL") else {}),
    )

    assert said.startswith(f"the listener of Kafka at {address} {sentence}"), said
    assert own.password not in said


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("listener", ["plain", "TLS"])
def test_a_brokers_port_given_as_an_http_address(broker: Endpoints, scheme: str, listener: str) -> None:
    address = broker.bootstrap_servers if listener == "plain" else str(broker.tls_bootstrap_servers)

    said = said_by_http(f"{scheme}://{address}")

    expected = {
        "plain": f"{address} is a listener of a Kafka broker, which does not speak HTTP; correct the url",
        "TLS": f"{address} speaks TLS, but not HTTP (is it a listener of a Kafka broker?); correct the url",
    }
    assert said == f"Schema Registry cannot be read: {expected[listener]}"
