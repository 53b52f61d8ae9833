"""Any bytes that a peer may send are an answer or a reason."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.platforms.kafka.wire.cluster import Cluster
from mesh_assets.platforms.kafka.wire.connection import BrokerConnection
from mesh_assets.platforms.kafka.wire.dialing import Address, addresses
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    MalformedError,
    Reader,
    Request,
    UnsupportedError,
    Writer,
)
from mesh_assets.platforms.kafka.wire.greetings import BROKERS, VERSIONS
from mesh_assets.platforms.kafka.wire.login import Login
from mesh_assets_tests.platforms.kafka.wire.asking import TIMEOUT_SECONDS, USER, echo
from mesh_assets_tests.platforms.kafka.wire.broker import API_VERSIONS, METADATA, ScriptedBroker, frame

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


@given(
    st.lists(st.text(max_size=40), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
    st.integers(1, 30),
)
def test_frames_are_read_however_they_are_split(
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


def test_addresses_are_parsed_like_librdkafkas() -> None:
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
