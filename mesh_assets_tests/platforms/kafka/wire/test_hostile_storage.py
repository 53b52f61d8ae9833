"""Answers about storage and placement that no broker gives: read, or an error; never a hang or a huge allocation."""

import contextlib
import struct
import tracemalloc
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError, Request
from mesh_assets_tests.platforms.kafka.wire.messages import read
from mesh_assets_tests.platforms.kafka.wire.storage_messages import CASES

of_every_answer = pytest.mark.parametrize(("request_", "version", "data"), CASES)


def _read_or_refused(request: Request[Any], version: int, data: bytes) -> None:
    with contextlib.suppress(MalformedError, BrokerError):
        read(request, version, data)


@of_every_answer
def test_a_truncated_or_overlong_answer_is_invalid(request_: Request[Any], version: int, data: bytes) -> None:
    read(request_, version, data)
    for wrong in (*(data[:length] for length in range(len(data))), data + b"\0"):
        with pytest.raises(MalformedError):
            read(request_, version, wrong)


@of_every_answer
def test_a_length_or_count_beyond_the_answer_costs_nothing(
    request_: Request[Any], version: int, data: bytes
) -> None:
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
            assert tracemalloc.get_traced_memory()[1] - before < 100_000, at
    finally:
        tracemalloc.stop()


@given(case=st.sampled_from(CASES), cut=st.integers(0, 200), put=st.binary(max_size=12))
def test_any_bytes_are_read_or_refused(case: Any, cut: int, put: bytes) -> None:
    request, version, data = case.values
    _read_or_refused(request, version, data[:cut] + put + data[cut + len(put) :])
