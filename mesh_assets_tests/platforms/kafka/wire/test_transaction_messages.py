"""Invalid answers about transactions, and hostile bytes in them: an error or a value, never a hang."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.inventory.transaction_records import OpenTransaction, Transactions
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError, Request
from mesh_assets.platforms.kafka.wire.partition_columns import PartitionsAsked
from mesh_assets.platforms.kafka.wire.transaction_messages import describe_producers
from mesh_assets_tests.platforms.kafka.wire.messages import answer_of, read
from mesh_assets_tests.platforms.kafka.wire.transaction_brokers import ANSWERS, BODIES, Brokers, producing


def test_the_timestamp_of_a_producer_may_be_any_number() -> None:
    one = {"partition_index": 0, **producing({"last_timestamp": 2**63 - 1, "current_txn_start_offset": 1})}
    values = {"topics": [{"name": "orders", "partitions": [one]}]}

    found = answer_of(describe_producers(PartitionsAsked({"orders": [0]})), 0, values)["orders"][0]

    assert (found.open[0].start_offset, found.open[0].last_written_at) == (1, None)


@pytest.mark.parametrize("producers", [(), ({"producer_id": 7},)], ids=["nobody", "one"])
def test_producers_are_read_alike_in_bulk_and_field_by_field(producers: tuple[dict[str, Any], ...]) -> None:
    partitions = [{"partition_index": number, **producing(*producers)} for number in (0, 1)]
    values = {"topics": [{"name": name, "partitions": partitions} for name in ("orders", "ü" * 100)]}
    asked = {"orders": [0, 1], "ü" * 100: [0, 1]}

    at_once = answer_of(describe_producers(PartitionsAsked(asked)), 0, values)

    told = {(topic, number): one.producers for topic, ones in at_once.items() for number, one in ones.items()}
    assert told == {(topic, number): 1 for topic in asked for number in (0, 1) if producers}
    in_another_order = {"orders": [1, 0], "ü" * 100: [1, 0]}
    assert answer_of(describe_producers(PartitionsAsked(in_another_order)), 0, values) == at_once


# --- invalid answers


@pytest.mark.parametrize(("request_", "version", "body"), BODIES)
def test_a_truncated_or_overlong_answer_is_invalid(request_: Request[Any], version: int, body: bytes) -> None:
    read(request_, version, body)
    for end in range(len(body)):
        with pytest.raises(MalformedError):
            read(request_, version, body[:end])
    with pytest.raises(MalformedError):
        read(request_, version, body + b"\0")


@pytest.mark.parametrize(("request_", "version", "body"), BODIES)
@given(st.data())
def test_hostile_bytes_are_an_error_or_a_value(
    request_: Request[Any], version: int, body: bytes, data: st.DataObject
) -> None:
    changed = bytearray(body)
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255)), max_size=6)
    ):
        changed[at] = byte
    hostile = data.draw(st.sampled_from([bytes(changed), data.draw(st.binary(max_size=100))]))
    with contextlib.suppress(MalformedError):
        read(request_, version, hostile)


def test_an_answer_about_other_partitions_is_invalid() -> None:
    with pytest.raises(MalformedError, match="partitions that were not asked for"):
        answer_of(describe_producers(PartitionsAsked({"orders": [0]})), 0, ANSWERS[2][1])


def test_a_failed_login_ends_the_reading() -> None:
    brokers = Brokers()
    brokers.login_fails = True
    with pytest.raises(BrokerError):
        brokers.read()


def test_a_hanging_transaction_says_so() -> None:
    one = OpenTransaction(
        topic="orders", partition=0, producer_id=1, producer_epoch=0, start_offset=4, last_written_at=None
    )
    assert Transactions(open_transactions=(one,)).hanging == ()
