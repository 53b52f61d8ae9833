"""Answers about groups, brokers and access that no broker gives: truncated, too long, with hostile lengths, of any bytes."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.platforms.kafka.wire import group_kinds
from mesh_assets.platforms.kafka.wire.commits import describe_share_offsets, fetch_offsets
from mesh_assets.platforms.kafka.wire.forms import MalformedError, Request
from mesh_assets.platforms.kafka.wire.group_requests import LIST_GROUPS, describe_classic_groups
from mesh_assets_tests.platforms.kafka.wire.cluster_messages import answers as answers_about_clusters
from mesh_assets_tests.platforms.kafka.wire.group_messages import answers
from mesh_assets_tests.platforms.kafka.wire.messages import answer_of, read

EVERY_ANSWER = [*answers(), *answers_about_clusters()]
NEWEST = [
    pytest.param(request, version, body, id=name)
    for name, request, version, body in EVERY_ANSWER
    if version == request.newest
]
ANSWERS = [pytest.param(*rest, id=f"{name}-{rest[1]}") for name, *rest in EVERY_ANSWER]


@pytest.mark.parametrize(("request_", "version", "body"), ANSWERS)
def test_a_truncated_answer_is_invalid(request_: Request[Any], version: int, body: bytes) -> None:
    for end in range(len(body)):
        with pytest.raises(MalformedError):
            read(request_, version, body[:end])
    with pytest.raises(MalformedError):
        read(request_, version, body + b"\0")


@pytest.mark.parametrize(("request_", "version", "body"), ANSWERS)
@pytest.mark.parametrize(
    "hostile", [b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff\xff\xff\x0f", b"\xff" * 8]
)
def test_hostile_lengths_anywhere_are_an_error_or_a_value(
    request_: Request[Any], version: int, body: bytes, hostile: bytes
) -> None:
    for at in range(len(body)):
        _read_or_refuse(request_, version, body[:at] + hostile + body[at + len(hostile) :])


def _read_or_refuse(request: Request[Any], version: int, body: bytes) -> None:
    with contextlib.suppress(MalformedError):
        read(request, version, body)


@pytest.mark.parametrize(("request_", "version", "body"), NEWEST)
@given(st.data())
def test_bytes_that_flip_are_an_error_or_a_value(
    request_: Request[Any], version: int, body: bytes, data: st.DataObject
) -> None:
    places = data.draw(st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255)), max_size=6))
    changed = bytearray(body)
    for at, byte in places:
        changed[at] = byte
    _read_or_refuse(request_, version, bytes(changed))


@pytest.mark.parametrize(("request_", "version", "body"), NEWEST)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_error_or_a_value(
    request_: Request[Any], version: int, body: bytes, anything: bytes
) -> None:
    assert body
    _read_or_refuse(request_, version, anything)


@pytest.mark.parametrize("answered", [["a"], ["a", "c"], ["a", "b", "c"], ["a", "b", "b"]])
def test_an_answer_about_other_groups_is_invalid(answered: list[str]) -> None:
    groups = [{"group_id": name} for name in answered]
    asked: list[tuple[Request[Any], int]] = [
        (describe_classic_groups(["a", "b"]), 5),
        (group_kinds.describe_consumer_groups(["a", "b"]), 1),
        (fetch_offsets(["a", "b"]), 9),
        (describe_share_offsets(["a", "b"]), 1),
    ]
    for request, version in asked:
        with pytest.raises(MalformedError, match="groups that were not asked for"):
            answer_of(request, version, {"groups": groups})


def test_a_null_is_not_an_empty_list() -> None:
    with pytest.raises(MalformedError, match="a null instead of an array"):
        read(LIST_GROUPS, 5, b"\0\0\0\0" + b"\0\0" + b"\0" + b"\0")
    with pytest.raises(MalformedError, match="a null instead of an array"):
        read(fetch_offsets(["a"]), 2, b"\xff\xff\xff\xff" + b"\0\0")
