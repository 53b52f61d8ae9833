"""The order, pace, amount and versions in which answers may come: each is an answer or a sentence."""

import asyncio
import random
import time
import tracemalloc

import pytest

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.wire.forms import Connections, Request
from mesh_assets_tests.platforms.kafka.wire.asking import echo, failure_of, first, run
from mesh_assets_tests.platforms.kafka.wire.broker import (
    API_VERSIONS,
    ECHO,
    METADATA,
    Asked,
    Peer,
    ScriptedBroker,
    echoes,
    frame,
    is_silent,
)

# --- order, amount and pace


def test_answers_are_matched_by_their_ids_whatever_their_order_and_pieces() -> None:
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


def test_a_throttled_connection_stays_silent_until_the_time_is_over() -> None:
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


def test_no_broker_can_demand_more_silence_than_a_call_lasts() -> None:
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


def test_a_broker_without_the_newest_apiversions_is_asked_in_the_oldest() -> None:
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
