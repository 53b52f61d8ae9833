"""The first requests of every connection, in each version, compared with kafka-python."""

import warnings
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire.forms import MalformedError, Reader, Request, Writer
from mesh_assets.platforms.kafka.wire.greetings import BROKERS, VERSIONS, handshake
from mesh_assets_tests.platforms.kafka.wire.greeting_messages import (
    ALL_BROKERS,
    ALL_LOGINS,
    ALL_VERSIONS,
    BROKERS_GIVEN,
    VERSIONS_GIVEN,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of how it reads its own files, with Python 3.11
    from kafka.protocol.metadata import ApiVersionsRequest, MetadataRequest
    from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest, SaslHandshakeResponse


def written(request: Request[Any], version: int, message: Any) -> Any:
    """Our request, fully decoded by kafka-python."""
    out = Writer(flexible=version >= request.flexible_from)
    request.write(out, version)
    assert request.api == message.API_KEY
    read_from = message._struct.compiled_decode_from(
        version, compact=out.flexible, tagged=out.flexible, data_class=message
    )
    read, end = read_from(memoryview(out.data), 0)
    assert end == len(out.data)
    return read


def read(request: Request[Any], version: int, data: bytes) -> Any:
    reader = Reader(data, flexible=version >= request.flexible_from)
    answer = request.read(reader, version)
    reader.finish()
    return answer


@pytest.mark.parametrize("version", range(4))
def test_apiversions(version: int) -> None:
    asked = written(VERSIONS, version, ApiVersionsRequest)
    if version >= 3:
        assert asked.client_software_name == "mesh-assets"
    assert read(VERSIONS, version, VERSIONS_GIVEN.encode(version=version)) == {3: (0, 13), 69: (0, 1)}


@pytest.mark.parametrize("version", range(1, 13))
def test_the_brokers(version: int) -> None:
    asked = written(BROKERS, version, MetadataRequest)
    assert list(asked.topics) == []
    assert version < 4 or asked.allow_auto_topic_creation is False
    assert read(BROKERS, version, BROKERS_GIVEN.encode(version=version)) == (
        BrokerNode(id=1, host="one.shop", port=9092, rack="a"),
        BrokerNode(id=2, host="two.shop", port=9093, rack=None),
    )


def test_a_login() -> None:
    assert written(handshake("PLAIN"), 1, SaslHandshakeRequest).mechanism == "PLAIN"
    given_back = SaslHandshakeResponse(error_code=33, mechanisms=["A", "B"])
    assert read(handshake("PLAIN"), 1, given_back.encode(version=1)) == (33, ["A", "B"])
    for request, version, answer in ALL_LOGINS:
        assert bytes(written(request, version, SaslAuthenticateRequest).auth_bytes) == b"words"
        assert read(request, version, answer.encode(version=version)) == (
            58,
            "no",
            b"their words",
            60_000 if version else 0,
        )


@pytest.mark.parametrize(("request_", "version", "answer"), [*ALL_BROKERS, *ALL_VERSIONS, *ALL_LOGINS])
def test_a_truncated_or_overlong_answer_is_malformed(
    request_: Request[Any], version: int, answer: Any
) -> None:
    whole = answer.encode(version=version)
    for length in range(len(whole)):
        with pytest.raises(MalformedError):
            read(request_, version, whole[:length])
    with pytest.raises(MalformedError):
        read(request_, version, whole + b"\0")


@given(st.sampled_from([*ALL_BROKERS, *ALL_VERSIONS, *ALL_LOGINS]), st.data())
def test_an_answer_with_wrong_bytes_is_malformed_or_read(
    case: tuple[Request[Any], int, Any], data: st.DataObject
) -> None:
    request, version, answer = case
    whole = bytearray(answer.encode(version=version))
    at = data.draw(st.integers(0, len(whole)))
    wrong = data.draw(
        st.sampled_from([b"\xff\xff\xff\xff\x07", b"\x7f\xff\xff\xff", b"\x80\0\0\0"]) | st.binary(max_size=4)
    )
    whole[at : at + len(wrong)] = wrong
    with suppress(MalformedError):
        read(request, version, bytes(whole))
