"""Servers and brokers, some of them silent, gone, new or elsewhere, and logins that expire or are refused."""

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest
import trustme
from confluent_kafka import KafkaError

from mesh_assets.errors import RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.wire import cluster as cluster_module
from mesh_assets.platforms.kafka.wire.forms import Connections
from mesh_assets.platforms.kafka.wire.topics import list_topics, read_metadata
from mesh_assets_tests.platforms.kafka.wire.asking import USER, echo, failure_of, first, run
from mesh_assets_tests.platforms.kafka.wire.broker import (
    API_VERSIONS,
    ECHO,
    METADATA,
    SASL_AUTHENTICATE,
    SASL_HANDSHAKE,
    Asked,
    Peer,
    ScriptedBroker,
    authenticated,
    is_silent,
    refused,
)


@pytest.fixture(autouse=True)
def _believed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "SECONDS_DOWN_BELIEVED", 0.3)


# --- several servers and brokers


def test_a_silent_server_costs_its_head_start_and_no_more() -> None:
    with ScriptedBroker({API_VERSIONS: is_silent}) as silent, ScriptedBroker() as broker:
        began = time.monotonic()
        servers = f"{silent.address},{broker.address}"
        assert run(servers, lambda kafka: kafka.ask(echo("hello")), timeout_seconds=10) == "hello"
        assert time.monotonic() - began < 3


def test_a_refusing_server_does_not_hide_the_next(refusing: str) -> None:
    with ScriptedBroker() as broker:
        assert run(f"{refusing},{broker.address}", lambda kafka: kafka.ask(echo("hello"))) == "hello"


def test_an_unreachable_leader_is_named_with_its_listener(refusing: str) -> None:
    with ScriptedBroker() as broker:
        broker._nodes = {1: broker.address, 2: refusing}
        with pytest.raises(UnreachableError) as raised:
            run(broker.address, lambda kafka: kafka.ask(echo("a"), broker=2))
    assert str(raised.value) == (
        f"Kafka at {broker.address} could not be reached while reading: broker 2, whose advertised listener is {refusing}: "
        "Connection refused"
    )


def test_a_broker_with_a_new_address_is_found_there(refusing: str) -> None:
    async def read(kafka: Connections) -> str:
        await kafka.brokers()
        broker._nodes = {1: broker.address, 2: second.address}
        return await kafka.ask(echo("hello"), broker=2)

    with ScriptedBroker() as broker, ScriptedBroker() as second:
        broker._nodes = {1: broker.address, 2: refusing}
        assert run(broker.address, read) == "hello"


def test_an_untrusted_server_does_not_hide_the_next() -> None:
    authority = trustme.CA()
    context, other = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(other)
    trusted = {"security.protocol": "SSL", "ssl.ca.pem": authority.cert_pem.bytes().decode()}
    with ScriptedBroker(tls=other) as stranger, ScriptedBroker(tls=context) as broker:
        servers = f"{stranger.address},{broker.address}"
        assert run(servers, lambda kafka: kafka.ask(echo("hello")), timeout_seconds=5, **trusted) == "hello"


def test_a_new_broker_is_found_by_asking_again() -> None:
    async def read(kafka: Connections) -> str:
        await kafka.brokers()
        broker._nodes = {1: broker.address, 2: second.address}
        return await kafka.ask(echo("hello"), broker=2)

    with ScriptedBroker() as broker, ScriptedBroker() as second:
        assert run(broker.address, read) == "hello"
        assert len(second.of(ECHO)) == 1


@pytest.mark.parametrize("read", [lambda kafka: kafka.brokers(), read_metadata])
def test_a_cluster_that_names_no_broker_does_not_count_as_empty(
    read: Callable[[Connections], Coroutine[Any, Any, object]],
) -> None:
    """Like one that has just started."""
    with ScriptedBroker(nodes={}) as broker, pytest.raises(UnreachableError, match="it names no live broker"):
        run(broker.address, read)


def test_a_missing_broker_is_a_sentence() -> None:
    with (
        ScriptedBroker() as broker,
        pytest.raises(UnreachableError, match="the cluster currently has no broker 7"),
    ):
        run(broker.address, lambda kafka: kafka.ask(echo("a"), broker=7))


def test_there_is_one_connection_per_broker_however_many_use_it() -> None:
    async def read(kafka: Connections) -> None:
        asked = [kafka.ask(echo("a"), broker=number) for number in (1, 2) for _ in range(10)]
        await asyncio.gather(kafka.ask(echo("b")), kafka.refreshed(), kafka.refreshed(), *asked)

    with ScriptedBroker() as broker, ScriptedBroker() as second:
        broker._nodes = {1: broker.address, 2: second.address}
        run(broker.address, read)
        assert (broker.connections, second.connections) == (1, 1)
        assert len(broker.of(METADATA)) <= 2


def test_brokers_that_came_with_the_topics_are_not_requested() -> None:
    async def read(kafka: Connections) -> list[tuple[int, str, int]]:
        await list_topics(kafka, ())
        return [(one.id, one.host, one.port) for one in await kafka.brokers()]

    with ScriptedBroker() as broker:
        assert run(broker.address, read) == [(1, "127.0.0.1", broker.port)]
        assert len(broker.of(METADATA)) == 1


def test_the_cluster_is_found_again_by_its_brokers_when_the_first_server_is_gone() -> None:
    async def read(kafka: Connections) -> str:
        await kafka.brokers()
        front.__exit__(None, None, None)
        await asyncio.sleep(0.1)
        return await kafka.ask(echo("hello"))

    with ScriptedBroker() as broker:
        front = ScriptedBroker(nodes={1: broker.address}).__enter__()
        assert run(front.address, read) == "hello"


def test_a_cluster_that_another_replaces_meanwhile_is_not_read_as_the_same() -> None:
    async def replaced(peer: Peer, _: Asked) -> None:
        broker.cluster = "another-cluster"
        peer.hang_up()

    async def read(kafka: Connections) -> str:
        await list_topics(kafka, ())
        return await kafka.ask(echo("hello"))

    with ScriptedBroker({ECHO: replaced}) as broker, pytest.raises(UnexpectedAnswerError) as raised:
        run(broker.address, read)
    assert "the brokers belonged to cluster a-cluster and a moment later to another-cluster" in str(
        raised.value
    )
    assert len(broker.of(ECHO)) == 1


# --- logins


def test_a_login_is_renewed_before_it_ends_on_the_same_connection() -> None:
    late = 0.0  # the longest that the machine kept anyone waiting

    async def read(kafka: Connections) -> None:
        nonlocal late
        until = time.monotonic() + 60
        while len(broker.of(SASL_AUTHENTICATE)) < 3 and time.monotonic() < until:
            began = time.monotonic()
            await asyncio.gather(*(kafka.ask(echo("a")) for _ in range(5)))
            await asyncio.sleep(0.05)
            late = max(late, time.monotonic() - began - 0.05)

    with ScriptedBroker(life_ms=1_500) as broker:
        run(broker.address, read, timeout_seconds=20, **USER)
        logins = broker.of(SASL_AUTHENTICATE)
        asked = [one.api for one in broker.asked]
        assert broker.connections == 1
        assert len(logins) == 3
        # A broker that received anything else during a login would close the connection.
        for at, api in enumerate(asked):
            assert api != SASL_HANDSHAKE or asked[at + 1] == SASL_AUTHENTICATE
        between = [later.at - one.at for one, later in pairwise(logins)]
        assert all(seconds + late > 1.0 and seconds < 1.5 + late for seconds in between)


def test_a_refused_renewal_is_reported() -> None:
    async def refuses(peer: Peer, asked: Asked) -> None:
        await peer.answer(
            asked, refused(KafkaError.SASL_AUTHENTICATION_FAILED, "no more of reader hush-hush")
        )

    async def lets_in(peer: Peer, asked: Asked) -> None:
        await peer.answer(asked, authenticated(b"", life_ms=1_200))

    async def read(kafka: Connections) -> None:
        await kafka.ask(echo("a"))
        await asyncio.sleep(1.1)
        await kafka.ask(echo("b"))

    with ScriptedBroker({SASL_AUTHENTICATE: first(lets_in, refuses)}) as broker:
        with pytest.raises(RefusedError) as raised:
            run(broker.address, read, timeout_seconds=5, **USER)
        assert len(broker.of(ECHO)) == 1
    assert str(raised.value) == (
        f"Kafka at {broker.address} refused user reader (PLAIN): SASL authentication error: no more of reader ***"
    )


def test_a_refused_login_is_reported_at_once_and_not_tried_again() -> None:
    async def refuses(peer: Peer, asked: Asked) -> None:
        await peer.answer(
            asked, refused(KafkaError.SASL_AUTHENTICATION_FAILED, "Invalid username or password")
        )

    with (
        ScriptedBroker({SASL_AUTHENTICATE: refuses}) as broker,
        ScriptedBroker({API_VERSIONS: is_silent}) as other,
    ):
        began = time.monotonic()
        error = failure_of(f"{broker.address},{other.address}", timeout_seconds=20, **USER)
        assert time.monotonic() - began < 5
        assert len(broker.of(SASL_AUTHENTICATE)) == 1
    assert type(error) is RefusedError
    assert str(error).endswith("SASL authentication error: Invalid username or password")


def test_a_token_that_the_broker_repeats_is_not_shown() -> None:
    async def repeats(peer: Peer, asked: Asked) -> None:
        said = asked.body[4:].decode().replace("\x01", " ")
        await peer.answer(asked, refused(KafkaError.SASL_AUTHENTICATION_FAILED, said))

    login: dict[str, Any] = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "oauth_cb": lambda _: ("hush-hush", time.time() + 60),
    }
    with ScriptedBroker({SASL_AUTHENTICATE: repeats}) as broker:
        error = failure_of(broker.address, **login)
    assert type(error) is RefusedError
    assert str(error).endswith("SASL authentication error: n,, auth=Bearer ***")


def test_an_unanswered_login_ends() -> None:
    with ScriptedBroker({SASL_AUTHENTICATE: is_silent}) as broker:
        error = failure_of(broker.address, **USER)
    assert type(error) is UnreachableError
    assert "the login was not answered in time" in str(error)
