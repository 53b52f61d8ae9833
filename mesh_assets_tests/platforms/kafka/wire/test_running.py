"""Reads from many threads in one loop, TLS as brokers have it, and errors when no broker can be reached."""

import asyncio
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from mesh_assets.errors import (
    EstateError,
    PlatformError,
    RefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from mesh_assets.platforms.kafka.wire.forms import Connections
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets_tests.platforms.kafka.wire.asking import echo
from mesh_assets_tests.platforms.kafka.wire.broker import (
    API_VERSIONS,
    ECHO,
    METADATA,
    Asked,
    Peer,
    ScriptedBroker,
    echoes,
    hangs_up,
    is_silent,
)

HUSH = "hush-hush"
USER = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "reader",
    "sasl.password": HUSH,
}


def asked(running: RunningCluster, words: str = "hello") -> str:
    return running.run(lambda kafka: kafka.ask(echo(words)), doing="reading", right="DESCRIBE on the topics")


@pytest.fixture
def opened() -> Iterator[Callable[..., RunningCluster]]:
    """Creates them and closes them at the end, when none of their threads may be left."""
    made: list[RunningCluster] = []

    def make(servers: str, timeout_seconds: float = 5.0, **properties: Any) -> RunningCluster:
        made.append(RunningCluster({"bootstrap.servers": servers, **properties}, timeout_seconds))
        return made[-1]

    yield make
    for running in made:
        running.close()
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith(("mesh-kafka", "asyncio"))
    ]


# --- threads


def test_many_threads_read_over_one_connection(opened: Callable[..., RunningCluster]) -> None:
    with ScriptedBroker() as broker, ThreadPoolExecutor(16) as threads:
        running = opened(broker.address)
        texts = [str(number) for number in range(200)]
        assert list(threads.map(lambda text: asked(running, text), texts)) == texts
        assert broker.connections == 1
        assert running.requests == {"ApiVersions": 1, "Echo": 200}


def test_simultaneous_threads_share_one_attempt(refusing: str, opened: Callable[..., RunningCluster]) -> None:
    running = opened(refusing, 10)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        reads = [threads.submit(asked, running) for _ in range(4)]
        errors = [read.exception(20) for read in reads]
    assert [type(error) for error in errors] == [UnreachableError] * 4
    assert time.monotonic() - began < 6


def test_a_closed_reader_reads_no_more_and_may_be_closed_again(opened: Callable[..., RunningCluster]) -> None:
    with ScriptedBroker() as broker:
        running = opened(broker.address)
        assert asked(running) == "hello"
        running.close()
        running.close()
        with pytest.raises(RuntimeError, match="this Kafka reader is closed"):
            asked(running)


def test_closing_ends_a_waiting_read(opened: Callable[..., RunningCluster]) -> None:
    with ScriptedBroker({ECHO: is_silent}) as broker, ThreadPoolExecutor(1) as threads:
        running = opened(broker.address, 60)
        waiting = threads.submit(asked, running)
        until = time.monotonic() + 10
        while not broker.of(ECHO):
            assert time.monotonic() < until
        running.close()
        with pytest.raises(RuntimeError, match="closed during a read"):
            waiting.result(5)


def test_an_unused_reader_starts_no_thread() -> None:
    before = threading.active_count()
    RunningCluster({"bootstrap.servers": "127.0.0.1:1"}, 5).close()
    assert threading.active_count() == before


def test_a_read_abandoned_by_its_caller_leaves_nothing_running(
    opened: Callable[..., RunningCluster],
) -> None:
    ended = threading.Event()

    async def endless(_kafka: Connections) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    running = opened("127.0.0.1:1", 0.05)
    with pytest.raises(UnreachableError, match="was not done within 0 s with reading"):
        running.run(endless, doing="reading", right="DESCRIBE")
    assert ended.wait(5)


# --- what is said


def test_refused_connections_are_believed_after_three_seconds(
    refusing: str, opened: Callable[..., RunningCluster], caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    with caplog.at_level(logging.DEBUG, "mesh_assets.kafka"), pytest.raises(UnreachableError) as raised:
        asked(opened(refusing, 20))
    assert str(raised.value) == (
        f"Kafka at {refusing} could not be reached within 3 s: Connection refused"
        "; are the brokers running, and is kafka.bootstrap_servers right?"
    )
    assert 3 <= time.monotonic() - began < 6
    attempts = [record.getMessage() for record in caplog.records if record.name == "mesh_assets.kafka"]
    assert len(attempts) > 3
    assert set(attempts) == {f"{refusing}: Connection refused"}


def test_an_unknown_host_name_is_reported_as_such(opened: Callable[..., RunningCluster]) -> None:
    with pytest.raises(UnreachableError) as raised:
        asked(opened("no-such-broker.invalid:9092", 1))
    assert str(raised.value).startswith(
        "Kafka at no-such-broker.invalid:9092 could not be reached within 1 s: Failed to resolve"
    )


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        ("PLAINTEXT", "does the listener expect TLS? kafka.security_protocol is PLAINTEXT"),
        ("SSL", "the listener hung up (does it expect plain text? kafka.security_protocol is SSL)"),
    ],
)
def test_a_listener_that_hangs_up_may_speak_another_protocol(
    protocol: str, said: str, opened: Callable[..., RunningCluster]
) -> None:
    with ScriptedBroker({API_VERSIONS: hangs_up}) as broker, pytest.raises(PlatformError) as raised:
        asked(opened(broker.address, 1, **{"security.protocol": protocol}))
    assert type(raised.value) is UnreachableError
    assert said in str(raised.value)


def test_a_listener_that_requires_a_login_is_named(opened: Callable[..., RunningCluster]) -> None:
    """Like Kafka: it announces its versions and hangs up at the next request."""
    with (
        ScriptedBroker({ECHO: hangs_up, METADATA: hangs_up}) as broker,
        pytest.raises(UnexpectedAnswerError) as raised,
    ):
        asked(opened(broker.address))
    assert "expects a SASL login, but kafka.security_protocol is PLAINTEXT; set SASL_PLAINTEXT" in str(
        raised.value
    )


def test_a_listener_without_logins_is_named(opened: Callable[..., RunningCluster]) -> None:
    async def no_login(peer: Peer, asked: Asked) -> None:
        await peer.answer(asked, (34).to_bytes(2, "big") + bytes(4))

    with ScriptedBroker({17: no_login}) as broker, pytest.raises(RefusedError) as raised:
        asked(opened(broker.address, **USER))
    assert "does not accept SASL logins, but kafka.security_protocol is SASL_PLAINTEXT; set PLAINTEXT" in str(
        raised.value
    )


# --- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(authority: trustme.CA, name: str = "127.0.0.1", **issued: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **issued).configure_cert(context)
    return context


def trusting(authority: trustme.CA, protocol: str = "SSL") -> dict[str, str]:
    return {"security.protocol": protocol, "ssl.ca.pem": authority.cert_pem.bytes().decode()}


def test_tls_is_spoken_with_a_trusted_broker(
    authority: trustme.CA, opened: Callable[..., RunningCluster]
) -> None:
    with ScriptedBroker(tls=serving(authority)) as broker:
        running = opened(broker.address, **trusting(authority))
        assert asked(running, "a" * 30_000) == "a" * 30_000


def test_a_login_goes_through_tls(authority: trustme.CA, opened: Callable[..., RunningCluster]) -> None:
    with ScriptedBroker(tls=serving(authority)) as broker:
        running = opened(broker.address, **(USER | trusting(authority, "SASL_SSL")))
        assert asked(running) == "hello"
        [login] = broker.of(36)
        assert login.body == b"\0\0\0\x11\0reader\0hush-hush"


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("expired", "the broker's certificate has expired (renew it on the broker)"),
        (
            "unknown",
            "the broker's certificate is from an authority that is not trusted here (check kafka.ssl_ca_location)",
        ),
        (
            "name",
            "the broker's certificate is not for the name 127.0.0.1 (check kafka.bootstrap_servers, and the listeners",
        ),
    ],
)
def test_untrusted_certificates_are_distinguished_and_not_tried_again(
    problem: str, said: str, authority: trustme.CA, opened: Callable[..., RunningCluster]
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    shown = {
        "expired": lambda: serving(authority, not_before=yesterday - timedelta(days=9), not_after=yesterday),
        "unknown": lambda: serving(trustme.CA()),
        "name": lambda: serving(authority, "another.shop"),
    }[problem]()
    with ScriptedBroker(tls=shown) as broker:
        began = time.monotonic()
        with pytest.raises(UnreachableError) as raised:
            asked(opened(broker.address, 20, **trusting(authority)))
        assert time.monotonic() - began < 3
    assert f"Kafka at {broker.address} could not be reached: TLS handshake failed: {said}" in str(
        raised.value
    )


def test_a_certificate_that_expires_during_a_run_is_reported_at_the_next_connection(
    authority: trustme.CA, opened: Callable[..., RunningCluster]
) -> None:
    context = serving(authority)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    ended = authority.issue_cert("127.0.0.1", not_before=yesterday - timedelta(days=9), not_after=yesterday)

    async def ends(peer: Peer, asked: Asked) -> None:
        if asked.body == b"\0\3end":
            ended.configure_cert(context)
            return peer.hang_up()
        return await echoes(peer, asked)

    with ScriptedBroker({ECHO: ends}, tls=context) as broker:
        running = opened(broker.address, **trusting(authority))
        assert asked(running) == "hello"
        with pytest.raises(UnreachableError) as raised:
            asked(running, "end")
    assert "the broker's certificate has expired (renew it on the broker)" in str(raised.value)


# --- secrets


def test_no_secret_is_shown_whatever_happens(
    opened: Callable[..., RunningCluster], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def echoes_the_password(peer: Peer, asked: Asked) -> None:
        said = f"who is {asked.body[4:].decode()}?".encode()
        await peer.answer(asked, b"\0\x3a" + len(said).to_bytes(2, "big") + said + bytes(12))

    async def hangs_up_afterwards(peer: Peer, _asked: Asked) -> None:
        peer.hang_up()

    shown = []
    with caplog.at_level(logging.DEBUG):
        for scripts in ({36: echoes_the_password}, {36: hangs_up}, {ECHO: hangs_up_afterwards}):
            with ScriptedBroker(scripts) as broker:
                running = opened(broker.address, 1, **USER)
                with pytest.raises(PlatformError) as raised:
                    asked(running)
                shown += [str(raised.value), repr(raised.value.__cause__), repr(running), repr(vars(running))]
    with pytest.raises(EstateError) as wrong:
        opened("127.0.0.1:1", **(USER | {"sasl.password": ""}), **{"ssl.key.password": HUSH})
    text = "".join([*shown, str(wrong.value), caplog.text, *capfd.readouterr()])
    assert "who is" in text
    assert HUSH not in text
