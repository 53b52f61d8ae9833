"""Brokers' answers to every request: valid ones of each message in each supported version, made odd or huge."""

import contextlib
import struct
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mesh_assets.platforms.kafka.wire.forms import MalformedError, Request
from mesh_assets.platforms.kafka.wire.greetings import handshake
from mesh_assets_tests.hostile.values import MEGABYTE, damaged
from mesh_assets_tests.platforms.kafka.wire import messages, storage_messages
from mesh_assets_tests.platforms.kafka.wire.cluster_messages import answers as of_clusters
from mesh_assets_tests.platforms.kafka.wire.greeting_messages import ALL_BROKERS, ALL_LOGINS, ALL_VERSIONS
from mesh_assets_tests.platforms.kafka.wire.group_messages import answers
from mesh_assets_tests.platforms.kafka.wire.topic_messages import CASES, sample
from mesh_assets_tests.platforms.kafka.wire.transaction_brokers import BODIES


class Answer(NamedTuple):
    """To a request in one version."""

    request: Request[Any]
    version: int
    body: bytes


@cache
def valid_answers() -> tuple[Answer, ...]:
    written: list[tuple[Request[Any], int, Any]] = [*ALL_BROKERS, *ALL_VERSIONS, *ALL_LOGINS]
    stored: list[Any] = [case.values for case in (*storage_messages.CASES, *BODIES)]
    mechanisms = {"error_code": 33, "mechanisms": ["PLAIN", "GSSAPI"]}
    return (
        *(Answer(request, version, sample(request, version)) for request, version in CASES),
        *(Answer(request, version, body) for _, request, version, body in (*answers(), *of_clusters())),
        *(Answer(*values) for values in stored),
        *(Answer(request, version, message.encode(version=version)) for request, version, message in written),
        Answer(handshake("PLAIN"), 1, messages.encoded("SaslHandshakeResponse", 1, mechanisms)),
    )


def read_answer(answer: Answer) -> None:
    """Like a connection: anything invalid is MalformedError and nothing else."""
    with contextlib.suppress(MalformedError):
        messages.read(answer.request, answer.version, answer.body)


# What a length or a count may claim, in both forms: varints are of length + 1.
_CLAIMS = [
    *(struct.pack(">i", number) for number in (2**31 - 1, -(2**31), -2, MEGABYTE, MEGABYTE // 30)),
    *(struct.pack(">h", number) for number in (2**15 - 1, -(2**15), -2)),
    *(
        b"\xff\xff\xff\xff\x07",
        b"\xff\xff\xff\xff\x0f",
        b"\xff" * 9 + b"\x01",
        b"\x80" * 5,
        b"\x80\x80\x80\x80\x08",
    ),
    *(b"\xff\xff\x3c", b"\xd5\x82\x02"),
]


@st.composite
def odd_answers(draw: DrawFn) -> Answer:
    answer = draw(st.sampled_from(valid_answers()))
    body = answer.body
    for _ in range(draw(st.integers(0, 2))):
        at, claim = draw(st.integers(0, len(body))), draw(st.sampled_from(_CLAIMS))
        body = body[:at] + claim + body[at + draw(st.sampled_from((0, len(claim)))) :]
    if draw(st.booleans()):
        body = draw(damaged(body))
    return Answer(answer.request, answer.version, body)


@st.composite
def huge_answers(draw: DrawFn) -> Answer:
    """With a large count in the middle, and that much data."""
    answer = draw(st.sampled_from(valid_answers()))
    body = answer.body
    at = draw(st.integers(0, len(body)))
    until = draw(st.integers(at, min(len(body), at + 60)))
    unit = draw(
        st.sampled_from((b"\0", b"\x01", b"\0\x01", body[at:until] or b"\0"))
        | st.binary(min_size=1, max_size=9)
    )
    claim = draw(st.sampled_from([b"", *_CLAIMS]))
    much = unit * (MEGABYTE // len(unit))
    rest = body[at + draw(st.sampled_from((0, len(claim)))) :]
    return Answer(answer.request, answer.version, body[:at] + claim + much + rest)
