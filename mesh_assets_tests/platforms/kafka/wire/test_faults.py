"""What a broker may do to a connection, and what the reader gives: an answer or a sentence; never a wrong answer or an endless
wait."""

import asyncio
import struct
import time
import tracemalloc
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.errors import PlatformError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.wire import cluster as cluster_module
from mesh_assets.platforms.kafka.wire.connection import LONGEST_ANSWER
from mesh_assets.platforms.kafka.wire.forms import BrokerError, Connections, MalformedError
from mesh_assets_tests.platforms.kafka.wire.asking import TIMEOUT_SECONDS, echo, failure_of, first, run
from mesh_assets_tests.platforms.kafka.wire.broker import (
    API_VERSIONS,
    ECHO,
    Asked,
    Peer,
    Script,
    ScriptedBroker,
    echoes,
    frame,
    hangs_up,
    is_silent,
)


@pytest.fixture(autouse=True)
def _believed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "SECONDS_DOWN_BELIEVED", 0.3)


async def hangs_up_in_the_middle(peer: Peer, asked: Asked) -> None:
    await peer.send(frame(asked.correlation, asked.body)[:-1])
    peer.hang_up()


# --- connections that break


@pytest.mark.parametrize("breaks", [hangs_up, hangs_up_in_the_middle])
def test_a_read_whose_connection_breaks_is_retried_once(breaks: Script) -> None:
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


def test_a_broker_that_accepts_no_request_at_all_is_named() -> None:
    with ScriptedBroker({API_VERSIONS: hangs_up}) as broker:
        error = failure_of(broker.address)
    assert type(error) is UnreachableError
    assert f"Kafka at {broker.address} could not be reached" in str(error)


# --- answers that come late, in pieces, or never


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


def test_an_endless_answer_does_not_occupy_the_reader_forever() -> None:
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
def test_a_missing_answer_ends_with_the_timeout(answered: str) -> None:
    async def half(peer: Peer, asked: Asked) -> None:
        await peer.send(frame(asked.correlation, asked.body)[:6])
        await is_silent(peer, asked)

    with ScriptedBroker({ECHO: is_silent if answered == "none of it" else half}) as broker:
        began = time.monotonic()
        error = failure_of(broker.address)
        seconds = time.monotonic() - began
        assert len(broker.of(ECHO)) == 1  # a request that took too long is not repeated
    assert type(error) is UnreachableError
    assert str(error) == (
        f"Kafka at {broker.address} could not be reached while reading: "
        f"{broker.address} did not answer Echo within 1 s"
    )
    assert seconds < TIMEOUT_SECONDS + 2


def test_a_listener_that_accepts_and_stays_silent_is_abandoned() -> None:
    with ScriptedBroker({API_VERSIONS: is_silent}) as broker:
        error = failure_of(broker.address)
    assert type(error) is UnreachableError
    assert str(error) == (
        f"Kafka at {broker.address} could not be reached within 1 s: "
        "the connection was accepted, but nothing answered on it (is that a Kafka broker?)"
    )


# --- answers to other requests


async def answers_another(peer: Peer, asked: Asked) -> None:
    await peer.send(frame(asked.correlation + 7, asked.body))


async def answers_twice(peer: Peer, asked: Asked) -> None:
    await echoes(peer, asked)
    await echoes(peer, asked)


async def answers_before_it_is_asked(peer: Peer, asked: Asked) -> None:
    await echoes(peer, asked)
    await peer.send(frame(asked.correlation + 1, b"\0\1b"))


@pytest.mark.parametrize("answers", [answers_another, answers_twice, answers_before_it_is_asked])
def test_an_answer_to_another_request_ends_the_connection_and_is_discarded(answers: Script) -> None:
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
    assert "expects none" in str(raised.value) or "did not answer" in str(raised.value)


def test_a_wrong_answer_fails_everything_that_waits_on_the_connection_with_its_reason() -> None:
    async def read(kafka: Connections) -> Any:
        await kafka.ask(echo("0"))
        return await asyncio.gather(*(kafka.ask(echo("1")) for _ in range(3)), return_exceptions=True)

    with ScriptedBroker({ECHO: first(echoes, answers_another)}) as broker:
        errors = run(broker.address, read)
    assert [(type(error), error.code) for error in errors] == [(BrokerError, KafkaError._BAD_MSG)] * 3
    assert {error.said for error in errors} == {
        f"{broker.address} gave no answer of Kafka's protocol: an answer to a request that expects none"
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


def test_a_length_is_not_believed_before_its_bytes_arrive() -> None:
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
def test_an_invalid_answer_is_reported_with_the_request_and_spoils_no_other(body: bytes, what: str) -> None:
    async def wrong(peer: Peer, asked: Asked) -> None:
        await peer.answer(asked, body)

    async def read(kafka: Connections) -> str:
        with pytest.raises(MalformedError, match=rf"answered Echo \(version 0\) with .*{what}"):
            await kafka.ask(echo("a"))
        return await kafka.ask(echo("b"))

    with ScriptedBroker({ECHO: first(wrong, echoes)}) as broker:
        assert run(broker.address, read) == "b"
        assert broker.connections == 1
