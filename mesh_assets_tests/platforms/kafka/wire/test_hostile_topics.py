"""Answers about topics, configs and offsets that no broker of today gives: read, or an error; never a hang, a huge
allocation or an exception of another kind."""

import struct
import tracemalloc
from functools import cache, partial
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.platforms.kafka.wire import configs, offset_messages, topics
from mesh_assets.platforms.kafka.wire.forms import MalformedError, Request, Writer
from mesh_assets.platforms.kafka.wire.offset_messages import list_offsets
from mesh_assets.platforms.kafka.wire.partition_columns import PartitionsAsked
from mesh_assets_tests.platforms.kafka.wire.oracle import (
    DescribeConfigsResponse,
    ListOffsetsResponse,
    MetadataResponse,
    decode,
)
from mesh_assets_tests.platforms.kafka.wire.test_configs import entry, result
from mesh_assets_tests.platforms.kafka.wire.test_offsets import rows
from mesh_assets_tests.platforms.kafka.wire.test_topics import partition, topic

METADATA = Request("Metadata", 3, 4, 13, 9, partial(topics._write, None), topics._read)
NAMES = ["orders", "payments", "kundenaufträge"]
OFFSETS = list_offsets(PartitionsAsked(dict.fromkeys(NAMES, (0, 1, 2))), -1)


def _read_configs(*arguments: Any) -> Any:
    return configs._Reading(None, [1])._decode(*arguments)  # type: ignore[arg-type]


CONFIGS = Request("DescribeConfigs", 32, 1, 4, 4, partial(configs.write_names, 2, []), _read_configs)

CASES = [
    (request, version)
    for request in (METADATA, CONFIGS, OFFSETS)
    for version in range(request.oldest, request.newest + 1)
]


@cache
def sample(request: Request[Any], version: int) -> bytes:
    """An answer of several topics, so that what is alike is recognised, too."""
    answer: Any
    if request is METADATA:
        alike = [partition(0, 1, (1, 2), (1,)), partition(1, -1, (2, 1), (), 5)]
        broker = MetadataResponse.MetadataResponseBroker(node_id=1, host="broker-1", port=9092, rack="a")
        answer = MetadataResponse(
            throttle_time_ms=7,
            brokers=[broker],
            cluster_id="cluster-1",
            topics=[topic(name, *alike, topic_id=UUID(int=5)) for name in NAMES],
        )
    elif request is CONFIGS:
        own = [entry("a", "1", 1), entry("b", None), entry("c", "3", synonyms=["d"]), entry("e", "2")]
        long = [*own[:2], entry("c", "x" * 130)]
        answer = DescribeConfigsResponse(
            results=[result(NAMES[0], own), result(NAMES[1], own), result(NAMES[2], long, 29, "why")]
        )
    else:
        answer = ListOffsetsResponse(topics=[rows(name, [0, 1, 2]) for name in NAMES])
    return bytes(answer.encode(version=version))


def names_of(case: object) -> str:
    return case.name if isinstance(case, Request) else str(case)


of_every_answer = pytest.mark.parametrize(("request_", "version"), CASES, ids=names_of)


def test_tagged_fields_of_brokers_to_come_are_skipped() -> None:
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


def test_topics_are_read_alike_at_once_and_field_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    data = sample(OFFSETS, 11)
    at_once = columns(decode(OFFSETS, 11, data))
    monkeypatch.setattr(offset_messages, "_plain", lambda *_: None)
    assert columns(decode(OFFSETS, 11, data)) == at_once
    assert at_once == [[0, 1, 2], [3] * 3, [0, 1, 2] * 3, [0] * 9, [-1] * 9, [1] * 9]


@of_every_answer
def test_an_answer_that_ends_too_early_or_too_late_is_none(request_: Request[Any], version: int) -> None:
    data = sample(request_, version)
    decode(request_, version, data)
    for wrong in (*(data[:length] for length in range(len(data))), data + b"\0"):
        with pytest.raises(MalformedError):
            decode(request_, version, wrong)


@of_every_answer
def test_a_length_or_count_that_the_answer_does_not_hold_costs_nothing(
    request_: Request[Any], version: int
) -> None:
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
def test_bits_that_are_flipped_are_read_or_refused(
    case: tuple[Request[Any], int], changes: dict[int, int]
) -> None:
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
