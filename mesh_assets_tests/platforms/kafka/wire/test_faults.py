"""What a broker may do to a connection, and what the reader makes of it: an answer, or a sentence; never a wrong
answer, and never a wait without an end."""

import asyncio
import random
import ssl
import struct
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
import trustme
from confluent_kafka import KafkaError
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.wire import cluster as cluster_module
from mesh_assets.platforms.kafka.wire.cluster import Cluster
from mesh_assets.platforms.kafka.wire.connection import LONGEST_ANSWER, BrokerConnection
from mesh_assets.platforms.kafka.wire.dialing import Address, addresses
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    UnsupportedError,
    Writer,
)
from mesh_assets.platforms.kafka.wire.greetings import BROKERS, VERSIONS
from mesh_assets.platforms.kafka.wire.login import Login
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets.platforms.kafka.wire.topics import list_topics
from mesh_assets_tests.platforms.kafka.wire.broker import (
    API_VERSIONS,
    ECHO,
    METADATA,
    SASL_AUTHENTICATE,
    SASL_HANDSHAKE,
    Asked,
    Peer,
    Script,
    ScriptedBroker,
    authenticated,
    echoes,
    frame,
    hangs_up,
    is_silent,
    refused,
)

# Long enough for a busy machine, short enough for those who wait for it to be over.
TIMEOUT_SECONDS = 1.0
USER = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "reader",
    "sasl.password": "hush-hush",
}


def echo(words: str) -> Request[str]:
    return Request("Echo", ECHO, 0, 0, 1, lambda out, _: out.text(words), lambda answer, _: answer.text())


@pytest.fixture(autouse=True)
def _believed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "SECONDS_DOWN_BELIEVED", 0.3)


def run(
    servers: str,
    read: Callable[[Connections], Coroutine[Any, Any, Any]],
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    **properties: Any,
) -> Any:
    running = RunningCluster({"bootstrap.servers": servers, **properties}, timeout_seconds)
    try:
        return running.run(read, doing="reading", right="DESCRIBE")
    finally:
        running.close()


def failure_of(servers: str, words: str = "hello", **options: Any) -> PlatformError:
    with pytest.raises(PlatformError) as raised:
        run(servers, lambda kafka: kafka.ask(echo(words)), **options)
    return raised.value


def first(script: Script, *others: Script) -> Script:
    """Scripts for the first requests, one each; the last for all that follow."""
    remaining = [script, *others]

    async def chosen(peer: Peer, asked: Asked) -> None:
        await (remaining.pop(0) if len(remaining) > 1 else remaining[0])(peer, asked)

    return chosen


async def hangs_up_in_the_middle(peer: Peer, asked: Asked) -> None:
    await peer.send(frame(asked.correlation, asked.body)[:-1])
    peer.hang_up()


# --- connections that break


@pytest.mark.parametrize("breaks", [hangs_up, hangs_up_in_the_middle])
def test_a_read_whose_connection_breaks_is_asked_again_once(breaks: Script) -> None:
    with ScriptedBroker({ECHO: first(breaks, echoes)}) as broker:
        assert run(broker.address, lambda kafka: kafka.ask(echo("hello"))) == "hello"
        assert [asked.connection for asked in broker.of(ECHO)] == [0, 1]


@pytest.mark.parametrize("breaks", [hangs_up, hangs_up_in_the_middle])
def test_a_connection_that_breaks_again_is_a_sentence(breaks: Script) -> None:
    async def read(kafka: Connections) -> str:
        await kafka.brokers()
        return await kafka.ask(echo("hello"), broker=1)

    with ScriptedBroker({ECHO: breaks}) as broker:
        with pytest.raises(UnreachableError) as raised:
            run(broker.address, read)
        assert len(broker.of(ECHO)) == 2
    assert "Disconnected: connection closed by peer" in str(raised.value)


def test_all_requests_in_flight_survive_one_broken_connection() -> None:
    async def read(kafka: Connections) -> list[str]:
        return await asyncio.gather(*(kafka.ask(echo(str(number))) for number in range(50)))

    async def breaks_after_some(peer: Peer, asked: Asked) -> None:
        if asked.connection == 0 and len(broker.of(ECHO)) > 20:
            return peer.hang_up()
        return await echoes(peer, asked)

    with ScriptedBroker({ECHO: breaks_after_some}) as broker:
        assert run(broker.address, read) == [str(number) for number in range(50)]
        assert broker.connections == 2


def test_a_broker_that_takes_no_request_at_all_is_named() -> None:
    with ScriptedBroker({API_VERSIONS: hangs_up}) as broker:
        error = failure_of(broker.address)
    assert type(error) is UnreachableError
    assert f"Kafka at {broker.address} could not be reached" in str(error)


# --- answers that come late, in pieces, or not


def test_a_late_answer_is_an_answer() -> None:
    async def late(peer: Peer, asked: Asked) -> None:
        await asyncio.sleep(0.3)
        await echoes(peer, asked)

    with ScriptedBroker({ECHO: late}) as broker:
        assert run(broker.address, lambda kafka: kafka.ask(echo("hello"))) == "hello"


def test_an_answer_that_keeps_coming_may_take_longer_than_the_timeout() -> None:
    async def in_drops(peer: Peer, asked: Asked) -> None:
        for byte in frame(asked.correlation, asked.body):
            await peer.send(bytes([byte]))
            await asyncio.sleep(0.08)

    with ScriptedBroker({ECHO: in_drops}) as broker:
        began = time.monotonic()
        read = run(broker.address, lambda kafka: kafka.ask(echo("a" * 8)), timeout_seconds=0.6)
        assert (read, time.monotonic() - began > 0.6) == ("a" * 8, True)


def test_one_that_never_ends_does_not_keep_the_reader_for_ever() -> None:
    async def endless(peer: Peer, asked: Asked) -> None:
        await peer.send(struct.pack(">ii", 1_000_000, asked.correlation))
        while True:
            await peer.send(b"a")
            await asyncio.sleep(0.05)

    with ScriptedBroker({ECHO: endless}) as broker:
        began = time.monotonic()
        error = failure_of(broker.address, timeout_seconds=0.2)
        assert time.monotonic() - began < 10
    assert type(error) is UnreachableError


@pytest.mark.parametrize("answered", ["none of it", "a part"])
def test_an_answer_that_does_not_come_ends_with_the_timeout(answered: str) -> None:
    async def half(peer: Peer, asked: Asked) -> None:
        await peer.send(frame(asked.correlation, asked.body)[:6])
        await is_silent(peer, asked)

    with ScriptedBroker({ECHO: is_silent if answered == "none of it" else half}) as broker:
        began = time.monotonic()
        error = failure_of(broker.address)
        seconds = time.monotonic() - began
        assert len(broker.of(ECHO)) == 1  # what took too long is not asked again
    assert type(error) is UnreachableError
    assert str(error) == (
        f"Kafka at {broker.address} could not be reached while reading: "
        f"{broker.address} did not answer Echo within 1 s"
    )
    assert seconds < TIMEOUT_SECONDS + 2


def test_a_listener_that_accepts_and_stays_silent_is_given_up() -> None:
    with ScriptedBroker({API_VERSIONS: is_silent}) as broker:
        error = failure_of(broker.address)
    assert type(error) is UnreachableError
    assert str(error) == (
        f"Kafka at {broker.address} could not be reached within 1 s: "
        "the connection was accepted, but nothing answered on it (is that a Kafka broker?)"
    )


# --- answers to other questions


async def answers_another(peer: Peer, asked: Asked) -> None:
    await peer.send(frame(asked.correlation + 7, asked.body))


async def answers_twice(peer: Peer, asked: Asked) -> None:
    await echoes(peer, asked)
    await echoes(peer, asked)


async def answers_before_it_is_asked(peer: Peer, asked: Asked) -> None:
    await echoes(peer, asked)
    await peer.send(frame(asked.correlation + 1, b"\0\1b"))


@pytest.mark.parametrize("answers", [answers_another, answers_twice, answers_before_it_is_asked])
def test_an_answer_to_another_request_ends_the_connection_and_is_no_answer(answers: Script) -> None:
    async def read(kafka: Connections) -> None:
        await kafka.ask(echo("0"))
        for number in range(1, 4):
            assert await kafka.ask(echo(str(number))) == str(number)
            await asyncio.sleep(0.05)

    with (
        ScriptedBroker({ECHO: first(echoes, answers, is_silent)}) as broker,
        pytest.raises(PlatformError) as raised,
    ):
        run(broker.address, read)
    assert "waits for none" in str(raised.value) or "did not answer" in str(raised.value)


def test_a_wrong_answer_fails_all_that_wait_on_the_connection_with_its_reason() -> None:
    async def read(kafka: Connections) -> Any:
        await kafka.ask(echo("0"))
        return await asyncio.gather(*(kafka.ask(echo("1")) for _ in range(3)), return_exceptions=True)

    with ScriptedBroker({ECHO: first(echoes, answers_another)}) as broker:
        errors = run(broker.address, read)
    assert [(type(error), error.code) for error in errors] == [(BrokerError, KafkaError._BAD_MSG)] * 3
    assert {error.said for error in errors} == {
        f"{broker.address} gave no answer of Kafka's protocol: an answer to a request that waits for none"
    }


@pytest.mark.parametrize("length", [-(2**31), -1, 0, 3, LONGEST_ANSWER + 1, 2**31 - 1])
def test_an_impossible_length_ends_the_connection(length: int) -> None:
    async def lies(peer: Peer, asked: Asked) -> None:
        await peer.send(struct.pack(">ii", length, asked.correlation))

    with ScriptedBroker({ECHO: first(echoes, lies)}) as broker:

        async def read(kafka: Connections) -> None:
            await kafka.ask(echo("0"))
            await kafka.ask(echo("1"))

        with pytest.raises(UnexpectedAnswerError, match=f"an answer of {length} bytes; expected 4 to"):
            run(broker.address, read)


def test_a_length_is_not_believed_before_its_bytes_come() -> None:
    async def promises(peer: Peer, asked: Asked) -> None:
        await peer.send(struct.pack(">ii", LONGEST_ANSWER, asked.correlation) + bytes(1_000))
        await is_silent(peer, asked)

    with ScriptedBroker({ECHO: promises}) as broker:
        tracemalloc.start()
        try:
            failure_of(broker.address, timeout_seconds=0.5)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("body", "what"),
    [(b"\0\5abc", "ends too early"), (b"\0\3abcd", "1 bytes too many"), (b"\0\2\xff\xff", "not UTF-8")],
)
def test_an_answer_that_is_none_of_kafkas_is_said_with_the_request_and_spoils_no_other(
    body: bytes, what: str
) -> None:
    async def wrong(peer: Peer, asked: Asked) -> None:
        await peer.answer(asked, body)

    async def read(kafka: Connections) -> str:
        with pytest.raises(MalformedError, match=rf"answered Echo \(version 0\) with .*{what}"):
            await kafka.ask(echo("a"))
        return await kafka.ask(echo("b"))

    with ScriptedBroker({ECHO: first(wrong, echoes)}) as broker:
        assert run(broker.address, read) == "b"
        assert broker.connections == 1


# --- order, amount and pace


def test_answers_are_told_apart_by_their_ids_whatever_their_order_and_pieces() -> None:
    waiting: list[bytes] = []

    async def shuffled(peer: Peer, asked: Asked) -> None:
        waiting.append(frame(asked.correlation, asked.body))
        if len(waiting) == 40:
            random.Random(1).shuffle(waiting)
            sent = b"".join(waiting)
            for at in range(0, len(sent), 7):
                await peer.send(sent[at : at + 7])

    async def read(kafka: Connections) -> list[str]:
        return await asyncio.gather(*(kafka.ask(echo("a" * number)) for number in range(40)))

    with ScriptedBroker({ECHO: shuffled}) as broker:
        assert run(broker.address, read) == ["a" * number for number in range(40)]
        assert broker.connections == 1


def test_a_throttled_connection_is_silent_until_the_time_is_over() -> None:
    throttled = Request(
        "Throttled",
        ECHO,
        0,
        0,
        1,
        lambda out, _: out.int32(400),
        lambda answer, _: answer.throttle(),
    )

    async def read(kafka: Connections) -> None:
        await kafka.ask(throttled)
        await asyncio.gather(kafka.ask(echo("a")), kafka.ask(echo("b")))

    with ScriptedBroker() as broker:
        run(broker.address, read)
        before, *after = broker.of(ECHO)
    assert [asked.at - before.at >= 0.39 for asked in after] == [True, True]


def test_no_broker_can_ask_for_more_silence_than_a_call_lasts() -> None:
    throttled = Request(
        "Throttled", ECHO, 0, 0, 1, lambda out, _: out.int32(2**31 - 1), lambda answer, _: answer.throttle()
    )

    async def read(kafka: Connections) -> str:
        await kafka.ask(throttled)
        return await kafka.ask(echo("a"))

    with ScriptedBroker() as broker:
        began = time.monotonic()
        assert run(broker.address, read, timeout_seconds=0.5) == "a"
        assert 0.45 < time.monotonic() - began < 4


def test_a_peer_that_does_not_read_holds_back_what_is_written() -> None:
    """Otherwise all of it would wait in this process's memory."""
    megabyte = Request(
        "Much", ECHO, 0, 0, 1, lambda out, _: out.raw(bytes(1_000_000)), lambda answer, _: answer.int8()
    )

    async def read(kafka: Connections) -> None:
        await asyncio.gather(*(kafka.ask(megabyte) for _ in range(100)))

    with ScriptedBroker({ECHO: is_silent}) as broker:
        tracemalloc.start()
        try:
            with pytest.raises(UnreachableError, match="did not answer Much"):
                run(broker.address, read)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 30_000_000


def test_a_request_that_is_cancelled_leaves_the_connection_as_it_is() -> None:
    async def late(peer: Peer, asked: Asked) -> None:
        await asyncio.sleep(0.2)
        await echoes(peer, asked)

    async def read(kafka: Connections) -> str:
        await kafka.ask(echo("before"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await kafka.ask(echo("a"))
        return await kafka.ask(echo("b"))

    with ScriptedBroker({ECHO: first(echoes, late, echoes)}) as broker:
        assert run(broker.address, read) == "b"
        assert broker.connections == 1


# --- versions


def test_a_broker_that_does_not_know_the_newest_apiversions_is_asked_in_the_oldest() -> None:
    with ScriptedBroker(spoken={API_VERSIONS: (0, 2), ECHO: (0, 0)}) as broker:
        assert run(broker.address, lambda kafka: kafka.ask(echo("hello"))) == "hello"
        assert [asked.version for asked in broker.of(API_VERSIONS)] == [3, 0]
        assert broker.of(ECHO)[0].client_id == "mesh-assets"


def test_a_broker_that_refuses_both_is_a_sentence() -> None:
    with ScriptedBroker(spoken={API_VERSIONS: (7, 9)}) as broker:
        error = failure_of(broker.address)
    assert "could not be reached" in str(error)
    assert "UNSUPPORTED_VERSION" in str(error)


@pytest.mark.parametrize(
    ("spoken", "said"),
    [((1, 4), "speaks versions 1 to 4 of Echo; expected one of 0 to 0"), (None, "has no Echo")],
)
def test_a_request_that_the_broker_lacks_says_so(spoken: tuple[int, int] | None, said: str) -> None:
    async def read(kafka: Connections) -> None:
        assert await kafka.version(echo("a")) is None
        await kafka.ask(echo("a"))

    versions = {API_VERSIONS: (0, 3)} | ({} if spoken is None else {ECHO: spoken})
    with ScriptedBroker(spoken=versions) as broker, pytest.raises(UnexpectedAnswerError, match=said):
        run(broker.address, read)


@pytest.mark.parametrize("version", range(1, 9))
def test_the_brokers_are_read_in_each_version(version: int) -> None:
    with ScriptedBroker(spoken={API_VERSIONS: (0, 3), METADATA: (version, version)}) as broker:
        [node] = run(broker.address, lambda kafka: kafka.brokers())
        assert (node.id, node.host, node.port, node.rack) == (1, "127.0.0.1", broker.port, None)


# --- several servers and brokers


def test_a_server_that_stays_silent_costs_its_head_start_and_no_more() -> None:
    with ScriptedBroker({API_VERSIONS: is_silent}) as silent, ScriptedBroker() as broker:
        began = time.monotonic()
        servers = f"{silent.address},{broker.address}"
        assert run(servers, lambda kafka: kafka.ask(echo("hello")), timeout_seconds=10) == "hello"
        assert time.monotonic() - began < 3


def test_a_server_that_refuses_does_not_hide_the_next(refusing: str) -> None:
    with ScriptedBroker() as broker:
        assert run(f"{refusing},{broker.address}", lambda kafka: kafka.ask(echo("hello"))) == "hello"


def test_a_leader_that_cannot_be_reached_is_named_with_its_listener(refusing: str) -> None:
    with ScriptedBroker() as broker:
        broker._nodes = {1: broker.address, 2: refusing}
        with pytest.raises(UnreachableError) as raised:
            run(broker.address, lambda kafka: kafka.ask(echo("a"), broker=2))
    assert str(raised.value) == (
        f"Kafka at {broker.address} could not be reached while reading: broker 2, whose advertised listener is {refusing}: "
        "Connection refused"
    )


def test_a_broker_that_has_another_address_by_now_is_found_there(refusing: str) -> None:
    async def read(kafka: Connections) -> str:
        await kafka.brokers()
        broker._nodes = {1: broker.address, 2: second.address}
        return await kafka.ask(echo("hello"), broker=2)

    with ScriptedBroker() as broker, ScriptedBroker() as second:
        broker._nodes = {1: broker.address, 2: refusing}
        assert run(broker.address, read) == "hello"


def test_a_server_that_is_not_trusted_does_not_hide_the_next() -> None:
    authority = trustme.CA()
    context, other = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(other)
    trusted = {"security.protocol": "SSL", "ssl.ca.pem": authority.cert_pem.bytes().decode()}
    with ScriptedBroker(tls=other) as stranger, ScriptedBroker(tls=context) as broker:
        servers = f"{stranger.address},{broker.address}"
        assert run(servers, lambda kafka: kafka.ask(echo("hello")), timeout_seconds=5, **trusted) == "hello"


def test_a_broker_that_is_new_is_found_by_asking_again() -> None:
    async def read(kafka: Connections) -> str:
        await kafka.brokers()
        broker._nodes = {1: broker.address, 2: second.address}
        return await kafka.ask(echo("hello"), broker=2)

    with ScriptedBroker() as broker, ScriptedBroker() as second:
        assert run(broker.address, read) == "hello"
        assert len(second.of(ECHO)) == 1


def test_a_cluster_that_names_no_broker_is_not_taken_for_an_empty_one() -> None:
    """As one does that has just started."""
    with ScriptedBroker(nodes={}) as broker, pytest.raises(UnreachableError, match="it names no live broker"):
        run(broker.address, lambda kafka: kafka.brokers())


def test_a_broker_that_is_gone_is_a_sentence() -> None:
    with ScriptedBroker() as broker, pytest.raises(UnreachableError, match="the cluster has no broker 7 now"):
        run(broker.address, lambda kafka: kafka.ask(echo("a"), broker=7))


def test_there_is_one_connection_a_broker_however_many_ask() -> None:
    async def read(kafka: Connections) -> None:
        asked = [kafka.ask(echo("a"), broker=number) for number in (1, 2) for _ in range(10)]
        await asyncio.gather(kafka.ask(echo("b")), kafka.refreshed(), kafka.refreshed(), *asked)

    with ScriptedBroker() as broker, ScriptedBroker() as second:
        broker._nodes = {1: broker.address, 2: second.address}
        run(broker.address, read)
        assert (broker.connections, second.connections) == (1, 1)
        assert len(broker.of(METADATA)) <= 2


def test_brokers_that_were_told_with_the_topics_are_not_asked_for() -> None:
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


# --- logins


def test_a_login_is_renewed_before_it_ends_on_the_same_connection() -> None:
    async def read(kafka: Connections) -> None:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            await asyncio.gather(*(kafka.ask(echo("a")) for _ in range(5)))
            await asyncio.sleep(0.05)

    with ScriptedBroker(life_ms=1_500) as broker:
        run(broker.address, read, timeout_seconds=5, **USER)
        logins = broker.of(SASL_AUTHENTICATE)
        asked = [one.api for one in broker.asked]
        assert broker.connections == 1
        assert len(logins) == 3
        # A broker that heard anything else in the middle of a login would close the connection.
        for at, api in enumerate(asked):
            assert api != SASL_HANDSHAKE or asked[at + 1] == SASL_AUTHENTICATE
        between = [later.at - one.at for one, later in pairwise(logins)]
        assert all(1.0 < seconds < 1.5 for seconds in between)


def test_a_renewal_that_is_refused_is_said() -> None:
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


def test_a_login_that_is_not_answered_ends() -> None:
    with ScriptedBroker({SASL_AUTHENTICATE: is_silent}) as broker:
        error = failure_of(broker.address, **USER)
    assert type(error) is UnreachableError
    assert "the login was not answered in time" in str(error)


# --- hostile input


class _NoTransport(asyncio.Transport):
    def write(self, _data: Any) -> None:
        pass

    def abort(self) -> None:
        pass


def _connection() -> BrokerConnection:
    login = Login({})
    connection = BrokerConnection(Address("broker", 9092), login, timeout_seconds=1, requests=Counter())
    connection.connection_made(_NoTransport())
    return connection


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_are_an_answer_or_a_reason(pieces: list[bytes]) -> None:
    async def fed() -> list[object]:
        connection = _connection()
        asked = [asyncio.ensure_future(connection.ask(echo("a"), 0)) for _ in range(2)]
        await asyncio.sleep(0)
        for piece in pieces:
            connection.data_received(piece)
        connection.connection_lost(None)
        return await asyncio.gather(*asked, return_exceptions=True)

    for result in asyncio.run(fed()):
        assert isinstance(result, str | BrokerError | MalformedError)


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=40), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
    st.integers(1, 30),
)
def test_frames_are_read_whatever_the_pieces_in_which_they_come(
    texts: list[str], shuffling: random.Random, size: int
) -> None:
    async def fed() -> list[str]:
        connection = _connection()
        asked = [asyncio.ensure_future(connection.ask(echo("a"), 0)) for _ in texts]
        await asyncio.sleep(0)
        frames = []
        for number, content in enumerate(texts, start=1):
            body = Writer(flexible=False)
            body.text(content)
            frames.append(frame(number, bytes(body.data)))
        shuffling.shuffle(frames)
        stream = b"".join(frames)
        for at in range(0, len(stream), size):
            connection.data_received(stream[at : at + size])
        read = await asyncio.gather(*asked)
        connection.close()
        return read

    assert asyncio.run(fed()) == texts


@settings(deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([(API_VERSIONS, 0), (API_VERSIONS, 3), (METADATA, 1), (METADATA, 12)]),
)
def test_random_answers_to_the_first_questions_are_malformed_or_read(
    data: bytes, question: tuple[int, int]
) -> None:
    api, version = question
    request: Request[Any] = VERSIONS if api == API_VERSIONS else BROKERS
    reader = Reader(data, flexible=version >= request.flexible_from)
    with suppress(MalformedError):
        request.read(reader, version)
        reader.finish()


def test_addresses_are_librdkafkas() -> None:
    assert addresses("one:1, SASL_SSL://two:2,three,[::1]:4,[::1]") == [
        ("one", 1),
        ("two", 2),
        ("three", 9092),
        ("::1", 4),
        ("::1", 9092),
    ]


def test_requests_are_counted_by_their_names_on_the_wire() -> None:
    async def read() -> Counter[str]:
        login = Login(USER)
        cluster = Cluster(addresses(broker.address), login, TIMEOUT_SECONDS)
        await cluster.ask(echo("a"), broker=1)
        await cluster.ask(echo("b"))
        with pytest.raises(UnsupportedError):
            await cluster.ask(Request("None", 7, 0, 0, 1, lambda *_: None, lambda *_: None))
        await cluster.close()
        return cluster.requests

    with ScriptedBroker() as broker:
        assert asyncio.run(read()) == {
            "ApiVersions": 1,
            "SaslHandshake": 1,
            "SaslAuthenticate": 1,
            "Metadata": 1,
            "Echo": 2,
        }
        assert len(broker.asked) == 6
