"""Answers about topics, configs and offsets that no broker of today gives: read, or an error; never a hang, a huge
allocation or an exception of another kind."""

import struct
import tracemalloc
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.platforms.kafka.wire import offset_messages
from mesh_assets.platforms.kafka.wire.forms import MalformedError, Request, Writer
from mesh_assets_tests.platforms.kafka.wire.oracle import decode
from mesh_assets_tests.platforms.kafka.wire.topic_messages import CASES, OFFSETS, sample


def names_of(case: object) -> str:
    return case.name if isinstance(case, Request) else str(case)


of_every_answer = pytest.mark.parametrize(("request_", "version"), CASES, ids=names_of)


def test_tagged_fields_of_future_brokers_are_skipped() -> None:
    out = Writer(flexible=True)
    tagged = b"\x01\x09\x03new"
    out.int32(0)
    out.count(2)
    for name in ("orders", "payments"):
        out.text(name)
        out.count(2)
        for number, tags in ((0, tagged), (1, b"\0")):
            out.raw(struct.pack(">ihqqi", number, 0, -1, 7, 3) + (tags if name == "orders" else b"\0"))
        out.raw(tagged)
    out.raw(tagged)
    assert columns(decode(OFFSETS, 11, bytes(out.data))) == [
        [0, 1],
        [2, 2],
        [0, 1, 0, 1],
        [0] * 4,
        [-1] * 4,
        [7] * 4,
    ]


def columns(found: Any) -> list[list[int]]:
    return [[*map(int, column)] for column in found]


def test_topics_are_read_alike_in_bulk_and_field_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    data = sample(OFFSETS, 11)
    at_once = columns(decode(OFFSETS, 11, data))
    monkeypatch.setattr(offset_messages, "_plain", lambda *_: None)
    assert columns(decode(OFFSETS, 11, data)) == at_once
    assert at_once == [[0, 1, 2], [3] * 3, [0, 1, 2] * 3, [0] * 9, [-1] * 9, [1] * 9]


@of_every_answer
def test_a_truncated_or_overlong_answer_is_invalid(request_: Request[Any], version: int) -> None:
    data = sample(request_, version)
    decode(request_, version, data)
    for wrong in (*(data[:length] for length in range(len(data))), data + b"\0"):
        with pytest.raises(MalformedError):
            decode(request_, version, wrong)


@of_every_answer
def test_a_length_or_count_beyond_the_answer_costs_nothing(request_: Request[Any], version: int) -> None:
    data = sample(request_, version)
    flexible = version >= request_.flexible_from
    hostile = (
        [b"\xff\xff\xff\xff\x07"]
        if flexible
        else [struct.pack(">i", 2**31 - 1), struct.pack(">h", 2**15 - 1)]
    )
    tracemalloc.start()
    try:
        for at, inserted in product(range(len(data)), hostile):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            _read_or_refused(request_, version, data[:at] + inserted + data[at:])
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < 100_000, at
    finally:
        tracemalloc.stop()


@given(
    case=st.sampled_from(CASES),
    changes=st.dictionaries(st.integers(0, 10_000), st.integers(1, 255), min_size=1, max_size=5),
)
def test_flipped_bits_are_read_or_refused(case: tuple[Request[Any], int], changes: dict[int, int]) -> None:
    data = bytearray(sample(*case))
    for at, bits in changes.items():
        data[at % len(data)] ^= bits
    _read_or_refused(*case, bytes(data))


@given(case=st.sampled_from(CASES), data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(case: tuple[Request[Any], int], data: bytes) -> None:
    _read_or_refused(*case, data)


def _read_or_refused(request: Request[Any], version: int, data: bytes) -> None:
    try:
        decode(request, version, data)
    except MalformedError:
        return
