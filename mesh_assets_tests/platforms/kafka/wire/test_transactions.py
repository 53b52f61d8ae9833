"""Transactions as coordinators and leaders tell of them, by brokers in memory whose messages are kafka-python's."""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.inventory.transaction_records import OpenTransaction, TopicProducers, Transactions
from mesh_assets.platforms.kafka.values import (
    BrokerNode,
    PartitionMetadata,
    TopicMetadata,
    TransactionsReading,
)
from mesh_assets.platforms.kafka.wire import transactions
from mesh_assets.platforms.kafka.wire.forms import (
    Answer,
    BrokerError,
    MalformedError,
    Request,
    UnsupportedError,
)
from mesh_assets.platforms.kafka.wire.partition_columns import PartitionsAsked
from mesh_assets.platforms.kafka.wire.transaction_messages import (
    LIST_TRANSACTIONS,
    describe_producers,
    describe_transactions,
)
from mesh_assets.platforms.kafka.wire.transactions import read_transactions
from mesh_assets_tests.platforms.kafka.wire.messages import answer_of, encoded, read, versions, written

LOADING, NOT_LEADER, TOPIC_REFUSED, GONE, REFUSED, CLUSTER_REFUSED, NOT_COORDINATOR = (
    14,
    6,
    29,
    105,
    53,
    31,
    16,
)
MINUTE = 60_000


def ago(minutes: float) -> int:
    return int((datetime.now(UTC) - timedelta(minutes=minutes)).timestamp() * 1000)


class Brokers:
    """`Connections`. `ids`: by broker, what it coordinates: state, producer, and how its DescribeTransactions answers.
    `producers`: by topic and partition. `lacking`: requests that no broker has."""

    def __init__(self) -> None:
        self.ids: dict[int, dict[str, dict[str, Any]]] = {1: {}, 2: {}}
        self.topics: dict[str, list[int]] = {}
        self.producers: dict[tuple[str, int], dict[str, Any]] = {}
        self.lacking: set[str] = set()
        self.list_codes: dict[int, int] = {}
        self.configs_code = 0
        self.moved: list[tuple[str, int]] = []
        self.asked: list[str] = []
        self.login_fails = False
        self.hides_ids = False

    def read(self) -> TransactionsReading:
        topics = [
            TopicMetadata(
                name=name,
                id=None,
                internal=False,
                partitions=tuple(
                    PartitionMetadata(partition=number, leader=leader, replicas=(leader,), isr=(leader,))
                    for number, leader in enumerate(leaders)
                ),
            )
            for name, leaders in self.topics.items()
        ]
        return asyncio.run(read_transactions(self, topics))

    async def brokers(self) -> Sequence[BrokerNode]:
        return [BrokerNode(id=number, host=f"broker-{number}", port=9092) for number in self.ids]

    async def refreshed(self) -> Sequence[BrokerNode]:
        return await self.brokers()

    async def version(self, request: Request[Answer], *, broker: int | None = None) -> int | None:
        assert broker is None or broker in self.ids
        return None if request.name in self.lacking else request.newest

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        self.asked.append(request.name)
        if self.login_fails:
            raise BrokerError(KafkaError._AUTHENTICATION, "no")
        if request.name in self.lacking:
            raise UnsupportedError(f"the broker at broker-{broker}:9092 has no {request.name}")
        body = written(request, request.newest)
        values = getattr(self, request.name)(body, broker)
        return read(request, request.newest, encoded(f"{request.name}Response", request.newest, values))

    def ListTransactions(self, _body: bytes, broker: int) -> dict[str, Any]:  # noqa: N802
        states = [
            {"transactional_id": name, "producer_id": one["producer_id"], "transaction_state": one["state"]}
            for name, one in self.ids[broker].items()
        ]
        return {"error_code": self.list_codes.get(broker, 0), "transaction_states": states}

    def DescribeTransactions(self, body: bytes, broker: int) -> dict[str, Any]:  # noqa: N802
        return {
            "transaction_states": [
                {
                    "transactional_id": name,
                    "transaction_state": one["state"],
                    "producer_id": one["producer_id"],
                    **one.get("described", {}),
                }
                for name, one in self.ids[broker].items()
                if name.encode() in body
            ]
            or [
                {"transactional_id": made_up, "error_code": REFUSED if self.hides_ids else NOT_COORDINATOR}
                for made_up in re.findall(r"[0-9a-f]{32}", body.decode("latin-1"))
            ]
        }

    def DescribeProducers(self, body: bytes, broker: int) -> dict[str, Any]:  # noqa: N802
        topics = []
        for topic, leaders in self.topics.items():
            ones = []
            for number, leader in enumerate(leaders):
                if topic.encode() not in body or leader != broker:
                    continue
                if self.moved and (topic, number) in self.moved:
                    self.moved.remove((topic, number))
                    ones.append({"partition_index": number, "error_code": NOT_LEADER})
                else:
                    ones.append({"partition_index": number, **self.producers.get((topic, number), {})})
            if ones:
                topics.append({"name": topic, "partitions": ones})
        return {"topics": topics}

    def Metadata(self, _body: bytes, _broker: int | None) -> dict[str, Any]:  # noqa: N802
        return {
            "topics": [
                {
                    "name": topic,
                    "partitions": [
                        {"partition_index": number, "leader_id": leader}
                        for number, leader in enumerate(leaders)
                    ],
                }
                for topic, leaders in self.topics.items()
            ]
        }

    def DescribeConfigs(self, _body: bytes, broker: int) -> dict[str, Any]:  # noqa: N802
        entry = {"name": "transaction.max.timeout.ms", "value": "900000", "config_source": 5}
        results = [
            {
                "resource_type": 4,
                "resource_name": name,
                "error_code": self.configs_code,
                "configs": [] if self.configs_code or not name else [entry],
            }
            for name in (str(broker), "")
        ]
        return {"results": results}


def a_transaction(state: str = "Ongoing", producer_id: int = 7, **described: Any) -> dict[str, Any]:
    return {"state": state, "producer_id": producer_id, "described": described}


def producing(*producers: dict[str, Any]) -> dict[str, Any]:
    return {"active_producers": list(producers)}


def open_by(producer_id: int, start: int, *, minutes: float) -> dict[str, Any]:
    return {
        "producer_id": producer_id,
        "producer_epoch": 3,
        "last_timestamp": ago(minutes),
        "current_txn_start_offset": start,
    }


def ongoing(minutes: float, **topics: list[int]) -> dict[str, Any]:
    """A transaction of producer 7 that began so long ago, with a timeout of a minute."""
    return a_transaction(
        transaction_timeout_ms=MINUTE,
        transaction_start_time_ms=ago(minutes),
        producer_epoch=3,
        topics=[{"topic": topic, "partitions": numbers} for topic, numbers in topics.items()],
    )


def opened(reading: TransactionsReading) -> list[tuple[str, int, str | None, str | None]]:
    return [
        (one.topic, one.partition, one.transactional_id, one.hanging)
        for one in reading.transactions.open_transactions or ()
    ]


def test_an_open_transaction_has_its_transactional_id_and_is_not_hanging() -> None:
    brokers = Brokers()
    brokers.topics = {"orders": [1, 2], "users": [1]}
    brokers.ids[2] = {"pay-1": ongoing(0.5, orders=[1, 0]), "pay-0": a_transaction("CompleteCommit", 6)}
    brokers.producers["orders", 1] = producing(
        open_by(7, 40, minutes=0.5), {"producer_id": 6, "coordinator_epoch": 2, "last_timestamp": ago(3)}
    )

    reading = brokers.read()

    assert reading.unread == {}
    told = reading.transactions
    assert (told.total_transactional_ids, told.total_open_transactions, told.max_timeout_ms) == (
        2,
        1,
        900_000,
    )
    done, active = told.transactional_ids or ()
    assert (done.transactional_id, done.state, done.coordinator, done.topics, done.overdue) == (
        "pay-0",
        "CompleteCommit",
        2,
        None,
        False,
    )
    assert (active.producer_epoch, active.timeout_ms, active.topics, active.overdue) == (
        3,
        MINUTE,
        {"orders": (0, 1)},
        False,
    )
    assert opened(reading) == [("orders", 1, "pay-1", None)]
    [row] = told.producers or ()
    assert (row.topic, row.by_partition, row.transactional, row.error) == ("orders", (0, 2), True, None)
    # One request a broker each, none for what is finished, and one that tells whether ids are hidden.
    assert sorted(brokers.asked) == sorted(
        [
            *["ListTransactions"] * 2,
            *["DescribeTransactions"] * 2,
            *["DescribeProducers"] * 2,
            "DescribeConfigs",
        ]
    )


def test_a_transaction_that_outlives_its_own_timeout_is_overdue() -> None:
    brokers = Brokers()
    brokers.topics = {"orders": [1]}
    brokers.ids[1] = {"pay": ongoing(5, orders=[0])}
    brokers.producers["orders", 0] = producing(open_by(7, 40, minutes=5))

    reading = brokers.read()

    [one] = reading.transactions.transactional_ids or ()
    assert one.overdue
    assert opened(reading) == [("orders", 0, "pay", "overdue")]


def test_what_no_coordinator_knows_is_hanging_once_it_is_older_than_any_transaction_may_be() -> None:
    brokers = Brokers()
    brokers.topics = {"orders": [1, 1, 1], "users": [1]}
    # Of this producer the coordinator knows a transaction on another partition.
    brokers.ids[1] = {"pay": ongoing(0.1, orders=[2])}
    brokers.producers["orders", 0] = producing(open_by(7, 40, minutes=20))
    brokers.producers["orders", 1] = producing(open_by(8, 4, minutes=5))
    brokers.producers["users", 0] = producing(open_by(9, 1, minutes=60))

    assert opened(brokers.read()) == [
        ("orders", 0, None, "unknown_to_coordinator"),
        ("users", 0, None, "unknown_to_coordinator"),
        ("orders", 1, None, None),
    ]


def test_without_the_longest_timeout_nothing_without_a_coordinator_is_called_hanging() -> None:
    brokers = Brokers()
    brokers.configs_code = CLUSTER_REFUSED
    brokers.topics = {"orders": [1]}
    brokers.producers["orders", 0] = producing(open_by(8, 4, minutes=600))

    reading = brokers.read()

    assert (reading.transactions.max_timeout_ms, opened(reading)) == (None, [("orders", 0, None, None)])


def test_idempotent_producers_without_transactions_leave_counts_exact() -> None:
    brokers = Brokers()
    brokers.topics = {"orders": [1], "quiet": [1]}
    brokers.producers["orders", 0] = producing({"producer_id": 5, "coordinator_epoch": -1})

    assert brokers.read().transactions.producers == (
        TopicProducers(topic="orders", by_partition=(1,), transactional=False),
    )


def test_topics_that_may_not_be_read_are_unknown_and_the_others_are_told() -> None:
    brokers = Brokers()
    brokers.topics = {"orders": [1], "secret": [2, 2]}
    brokers.producers["secret", 0] = brokers.producers["secret", 1] = {"error_code": TOPIC_REFUSED}

    [row] = brokers.read().transactions.producers or ()

    assert (row.topic, row.by_partition) == ("secret", (None, None))
    assert row.error is not None
    assert row.error.startswith("TOPIC_AUTHORIZATION_FAILED")
    assert "READ on the topics" in row.error


def test_when_no_topic_may_be_read_the_part_is_unknown_and_transactional_ids_are_told() -> None:
    brokers = Brokers()
    brokers.topics = {"secret": [1]}
    brokers.ids[1] = {"pay": ongoing(5, secret=[0])}
    brokers.producers["secret", 0] = {"error_code": TOPIC_REFUSED}

    reading = brokers.read()

    assert (reading.transactions.producers, reading.transactions.open_transactions) == (None, None)
    assert {name: one.expected for name, one in reading.unread.items()} == {
        "producers": True,
        "open_transactions": True,
    }
    [one] = reading.transactions.transactional_ids or ()
    assert one.overdue


def test_brokers_before_3_0_have_none_of_it_and_say_so() -> None:
    brokers = Brokers()
    brokers.lacking = {"ListTransactions", "DescribeTransactions", "DescribeProducers"}
    brokers.topics = {"orders": [1]}

    reading = brokers.read()

    assert reading.transactions == Transactions(max_timeout_ms=900_000, unknown=reading.transactions.unknown)
    assert set(reading.unread) == {"transactional_ids", "producers", "open_transactions"}
    assert all(one.expected and " has no " in one.reason for one in reading.unread.values())


def test_transactional_ids_that_a_list_leaves_out_for_lack_of_a_right_are_unknown_and_not_absent() -> None:
    brokers = Brokers()
    brokers.hides_ids = True
    brokers.topics = {"orders": [1]}
    brokers.producers["orders", 0] = producing(open_by(8, 4, minutes=60))

    nothing = brokers.read()
    brokers.ids[1] = {"pay": ongoing(0.1)}
    some = brokers.read()

    assert (nothing.transactions.transactional_ids, nothing.transactions.total_transactional_ids) == (
        None,
        None,
    )
    assert nothing.unread["transactional_ids"].expected
    assert "needs DESCRIBE on the transactional ids" in nothing.unread["transactional_ids"].reason
    assert [one.transactional_id for one in some.transactions.transactional_ids or ()] == ["pay"]
    assert some.transactions.total_transactional_ids is None
    # Older than any may be; that nobody has it cannot be said.
    assert opened(nothing) == opened(some) == [("orders", 0, None, "overdue")]


def test_one_coordinator_that_does_not_list_its_own_leaves_all_unknown() -> None:
    brokers = Brokers()
    brokers.ids[1] = {"pay": ongoing(0.1)}
    brokers.list_codes[2] = LOADING

    reading = brokers.read()

    assert reading.transactions.transactional_ids is None
    assert not reading.unread["transactional_ids"].expected


def test_a_transaction_that_is_gone_before_it_is_described_is_absent_and_a_refused_one_has_its_reason() -> (
    None
):
    brokers = Brokers()
    brokers.ids[1] = {"brief": a_transaction(error_code=GONE), "secret": a_transaction(error_code=REFUSED)}

    told = brokers.read().transactions

    [secret] = told.transactional_ids or ()
    assert (secret.transactional_id, secret.overdue, told.total_transactional_ids) == ("secret", None, 1)
    assert secret.error is not None
    assert secret.error.startswith("TRANSACTIONAL_ID_AUTHORIZATION_FAILED")


def test_a_partition_whose_leader_moved_is_asked_for_again() -> None:
    brokers = Brokers()
    brokers.topics = {"orders": [1, 2]}
    brokers.producers["orders", 1] = producing({"producer_id": 5})
    brokers.moved = [("orders", 1)]

    [row] = brokers.read().transactions.producers or ()

    assert (row.by_partition, row.error) == ((0, 1), None)


def test_50_000_transactional_ids_stay_bounded_and_no_unfinished_one_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transactions, "FINISHED_KEPT", 20)
    brokers = Brokers()
    brokers.ids[1] = {f"run-{number:05}": a_transaction("Empty", number) for number in range(50_000)}
    brokers.ids[2] = {"zz-last": ongoing(0.1)}

    told = brokers.read().transactions

    assert told.total_transactional_ids == 50_001
    assert [one.transactional_id for one in told.transactional_ids or ()] == [
        *(f"run-{number:05}" for number in range(20)),
        "zz-last",
    ]
    assert brokers.asked.count("DescribeTransactions") == 2


def test_a_cluster_without_topics_and_transactions_is_read_and_empty() -> None:
    assert Brokers().read().transactions == Transactions(
        transactional_ids=(),
        open_transactions=(),
        producers=(),
        total_transactional_ids=0,
        total_open_transactions=0,
        max_timeout_ms=900_000,
    )


def test_the_timestamp_of_a_producer_may_be_any_number() -> None:
    one = {"partition_index": 0, **producing({"last_timestamp": 2**63 - 1, "current_txn_start_offset": 1})}
    values = {"topics": [{"name": "orders", "partitions": [one]}]}

    found = answer_of(describe_producers(PartitionsAsked({"orders": [0]})), 0, values)["orders"][0]

    assert (found.open[0].start_offset, found.open[0].last_written_at) == (1, None)


@pytest.mark.parametrize("producers", [(), ({"producer_id": 7},)], ids=["nobody", "one"])
def test_producers_are_read_alike_at_once_and_field_by_field(producers: tuple[dict[str, Any], ...]) -> None:
    partitions = [{"partition_index": number, **producing(*producers)} for number in (0, 1)]
    values = {"topics": [{"name": name, "partitions": partitions} for name in ("orders", "ü" * 100)]}
    asked = {"orders": [0, 1], "ü" * 100: [0, 1]}

    at_once = answer_of(describe_producers(PartitionsAsked(asked)), 0, values)

    told = [one.producers for ones in at_once.values() for one in ones.values()]
    assert told == [len(producers)] * 4
    in_another_order = {"orders": [1, 0], "ü" * 100: [1, 0]}
    assert answer_of(describe_producers(PartitionsAsked(in_another_order)), 0, values) == at_once


# --- answers that are none

ANSWERS: list[tuple[Request[Any], dict[str, Any]]] = [
    (
        LIST_TRANSACTIONS,
        {"transaction_states": [{"transactional_id": "pay", "transaction_state": "Ongoing"}]},
    ),
    (
        describe_transactions(["pay"]),
        {
            "transaction_states": [
                {"transactional_id": "pay", "topics": [{"topic": "orders", "partitions": [1]}]}
            ]
        },
    ),
    (
        describe_producers(PartitionsAsked({"orders": [1]})),
        {
            "topics": [
                {"name": "orders", "partitions": [{"partition_index": 1, **producing({"producer_id": 7})}]}
            ]
        },
    ),
    (
        describe_producers(PartitionsAsked({"orders": [1]})),
        {"topics": [{"name": "orders", "partitions": [{"partition_index": 1, **producing()}]}]},
    ),
]
BODIES = [
    pytest.param(
        request, version, encoded(f"{request.name}Response", version, values), id=f"{request.name}-{version}"
    )
    for request, values in ANSWERS
    for version in versions(request)
]


@pytest.mark.parametrize(("request_", "version", "body"), BODIES)
def test_an_answer_that_ends_too_early_or_too_late_is_none(
    request_: Request[Any], version: int, body: bytes
) -> None:
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


def test_an_answer_about_other_partitions_than_those_asked_for_is_none() -> None:
    with pytest.raises(MalformedError, match="other partitions"):
        answer_of(describe_producers(PartitionsAsked({"orders": [0]})), 0, ANSWERS[2][1])


def test_a_login_that_fails_ends_the_reading() -> None:
    brokers = Brokers()
    brokers.login_fails = True
    with pytest.raises(BrokerError):
        brokers.read()


def test_an_open_transaction_is_hanging_where_it_says_so() -> None:
    one = OpenTransaction(
        topic="orders", partition=0, producer_id=1, producer_epoch=0, start_offset=4, last_written_at=None
    )
    assert Transactions(open_transactions=(one,)).hanging == ()
