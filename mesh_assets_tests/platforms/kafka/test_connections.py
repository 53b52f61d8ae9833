"""Brokers that cannot be reached, for real: librdkafka against sockets that refuse, hang up or stay silent."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from mesh_assets.errors import EstateError, PlatformError, UnreachableError
from mesh_assets.platforms.kafka import ConfluentKafkaReader
from mesh_assets.platforms.kafka import session as session_module

# The machine that runs this may be busy: what must not take long gets this much more.
SLACK_SECONDS = 3.0


class Listener:
    """A socket on loopback that is not a broker. `hang_up`: closes after the first bytes, as TLS does on hearing
    Kafka's protocol."""

    def __init__(self, *, hang_up: bool) -> None:
        self._hang_up = hang_up
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self._open = True
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        with ExitStack() as connections:
            while self._open:
                try:
                    connection, _ = self._socket.accept()
                except TimeoutError:
                    continue
                if not self._hang_up:
                    connections.enter_context(connection)
                    continue
                with connection:
                    connection.settimeout(1)
                    try:
                        connection.recv(4096)
                    except OSError:
                        continue

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()


@pytest.fixture
def silent() -> Iterator[Listener]:
    listener = Listener(hang_up=False)
    yield listener
    listener.close()


@pytest.fixture
def hanging_up() -> Iterator[Listener]:
    listener = Listener(hang_up=True)
    yield listener
    listener.close()


@pytest.fixture
def _believed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "SECONDS_DOWN_BELIEVED", 0.5)


def failure_of(properties: dict[str, str], timeout_seconds: float) -> tuple[PlatformError, float]:
    started = time.monotonic()
    with ConfluentKafkaReader(properties, timeout_seconds) as reader, pytest.raises(PlatformError) as raised:
        reader.metadata()
    return raised.value, time.monotonic() - started


@pytest.mark.slow
def test_refused_connections_are_believed_after_three_seconds_and_reported_in_one_sentence(
    refusing: str,
) -> None:
    error, seconds = failure_of({"bootstrap.servers": refusing}, timeout_seconds=20)
    assert type(error) is UnreachableError
    assert (
        str(error) == f"Kafka at {refusing} could not be reached within 3 s: Connection refused"
        "; are the brokers running, and is kafka.bootstrap_servers right?"
    )
    assert 3 <= seconds < 3 + SLACK_SECONDS


@pytest.mark.slow
def test_a_peer_that_accepts_and_stays_silent_is_given_up_within_the_timeout(silent: Listener) -> None:
    error, seconds = failure_of({"bootstrap.servers": silent.address}, timeout_seconds=3)
    assert type(error) is UnreachableError
    assert str(error) == (
        f"Kafka at {silent.address} could not be reached within 3 s: "
        "the connection was accepted, but nothing answered on it (is that a Kafka broker?)"
    )
    assert seconds < 3 + SLACK_SECONDS


@pytest.mark.usefixtures("_believed_soon")
def test_plain_text_against_a_tls_listener_is_reported_as_such(hanging_up: Listener) -> None:
    error, _ = failure_of({"bootstrap.servers": hanging_up.address}, timeout_seconds=10)
    assert type(error) is UnreachableError
    assert "does the listener expect TLS? kafka.security_protocol is PLAINTEXT" in str(error)


@pytest.mark.usefixtures("_believed_soon")
def test_tls_against_a_plain_text_listener_is_reported_as_such(hanging_up: Listener) -> None:
    error, _ = failure_of(
        {"bootstrap.servers": hanging_up.address, "security.protocol": "SSL"}, timeout_seconds=10
    )
    assert type(error) is UnreachableError
    assert "the listener hung up (does it expect plain text? kafka.security_protocol is SSL)" in str(error)


@pytest.mark.usefixtures("_believed_soon")
def test_a_name_that_nobody_knows_is_reported_as_such() -> None:
    error, _ = failure_of({"bootstrap.servers": "no-such-broker.invalid:9092"}, timeout_seconds=10)
    assert type(error) is UnreachableError
    assert "no-such-broker.invalid:9092 could not be reached" in str(error)


@pytest.mark.usefixtures("_believed_soon")
def test_threads_that_come_at_the_same_time_share_one_attempt(refusing: str) -> None:
    started = time.monotonic()
    with (
        ConfluentKafkaReader({"bootstrap.servers": refusing}, 10) as reader,
        ThreadPoolExecutor(4) as threads,
    ):
        reads: list[Future[object]] = [
            threads.submit(reader.metadata),
            threads.submit(reader.configs, ["orders"]),
            threads.submit(reader.offsets, {"orders": [0]}),
            threads.submit(reader.groups, bool),
        ]
        errors = [read.exception(timeout=10) for read in reads]
    assert [type(error) for error in errors] == [UnreachableError] * 4
    assert time.monotonic() - started < 1 + SLACK_SECONDS


@pytest.mark.usefixtures("_believed_soon")
def test_librdkafka_says_nothing_on_standard_error_and_its_log_is_a_python_logger(
    refusing: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "mesh_assets.kafka"):
        failure_of({"bootstrap.servers": refusing}, timeout_seconds=10)
    assert capfd.readouterr() == ("", "")
    assert any("Connection refused" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "properties",
    [
        {"sasl.password": "hush-hush", "debug": "hush-hush"},
        {"security.protocol": "SASL_SSL", "sasl.mechanism": "hush-hush", "sasl.password": "hush-hush"},
        {"security.protocol": "SSL", "ssl.ca.location": "hush-hush", "ssl.key.password": "hush-hush"},
    ],
)
def test_settings_that_librdkafka_rejects_are_the_estates_error_and_show_no_secret(
    properties: dict[str, str], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        ConfluentKafkaReader({"bootstrap.servers": "127.0.0.1:1", **properties}, 5) as reader,
        pytest.raises(
            EstateError, match=r"the settings of Kafka at 127\.0\.0\.1:1 are not valid: "
        ) as raised,
    ):
        reader.metadata()
    assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)
    assert "hush-hush" not in str(raised.value) + caplog.text + "".join(capfd.readouterr())


def test_a_closed_reader_reads_no_more() -> None:
    reader = ConfluentKafkaReader({"bootstrap.servers": "127.0.0.1:1"}, 5)
    reader.close()
    reader.close()
    with pytest.raises(RuntimeError, match="closed"):
        reader.metadata()
