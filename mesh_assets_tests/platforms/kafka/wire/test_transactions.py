"""Transactions as coordinators and leaders report them, from in-memory brokers with kafka-python's messages."""

import pytest

from mesh_assets.inventory.transaction_records import TopicProducers, Transactions
from mesh_assets.platforms.kafka.values import TransactionsReading
from mesh_assets.platforms.kafka.wire import transactions
from mesh_assets_tests.platforms.kafka.wire.transaction_brokers import (
    CLUSTER_REFUSED,
    GONE,
    LOADING,
    MINUTE,
    REFUSED,
    TOPIC_REFUSED,
    Brokers,
    a_transaction,
    ago,
    ongoing,
    open_by,
    producing,
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
    # One request each per broker, none for finished ones, one that shows whether ids are hidden, and two whether any moved.
    assert sorted(brokers.asked) == sorted(
        [
            *["ListTransactions"] * 2,
            *["DescribeTransactions"] * 2,
            *["DescribeProducers"] * 2,
            *["Metadata"] * 2,
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


def test_a_transaction_unknown_to_coordinators_is_hanging_once_older_than_any_may_be() -> None:
    brokers = Brokers()
    brokers.topics = {"orders": [1, 1, 1], "users": [1]}
    # The coordinator knows a transaction of this producer on another partition.
    brokers.ids[1] = {"pay": ongoing(0.1, orders=[2])}
    brokers.producers["orders", 0] = producing(open_by(7, 40, minutes=20))
    brokers.producers["orders", 1] = producing(open_by(8, 4, minutes=5))
    brokers.producers["users", 0] = producing(open_by(9, 1, minutes=60))

    assert opened(brokers.read()) == [
        ("orders", 0, None, "unknown_to_coordinator"),
        ("users", 0, None, "unknown_to_coordinator"),
        ("orders", 1, None, None),
    ]


def test_without_the_longest_timeout_no_transaction_without_a_coordinator_is_called_hanging() -> None:
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


def test_unreadable_topics_are_unknown_and_the_others_are_listed() -> None:
    brokers = Brokers()
    brokers.topics = {"orders": [1], "secret": [2, 2]}
    brokers.producers["secret", 0] = brokers.producers["secret", 1] = {"error_code": TOPIC_REFUSED}

    transactions = brokers.read().transactions
    [row] = transactions.producers or ()

    assert (transactions.open_transactions, transactions.total_open_transactions) == ((), None)
    assert (row.topic, row.by_partition) == ("secret", (None, None))
    assert row.error is not None
    assert row.error.startswith("TOPIC_AUTHORIZATION_FAILED")
    assert "READ on the topics" in row.error


def test_a_transaction_on_hidden_topics_is_open_though_no_partition_shows_it() -> None:
    brokers = Brokers()
    brokers.topics = {"orders": [1]}
    brokers.ids[1] = {"pay": ongoing(0.5)}

    transactions = brokers.read().transactions

    assert (transactions.open_transactions, transactions.total_open_transactions) == ((), None)


def test_when_no_topic_may_be_read_the_part_is_unknown_and_transactional_ids_are_listed() -> None:
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


def test_brokers_before_3_0_have_no_transactions_to_list_and_say_so() -> None:
    brokers = Brokers()
    brokers.lacking = {"ListTransactions", "DescribeTransactions", "DescribeProducers"}
    brokers.topics = {"orders": [1]}

    reading = brokers.read()

    assert reading.transactions == Transactions(max_timeout_ms=900_000, unknown=reading.transactions.unknown)
    assert set(reading.unread) == {"transactional_ids", "producers", "open_transactions"}
    assert all(one.expected and " has no " in one.reason for one in reading.unread.values())


def test_transactional_ids_left_out_for_lack_of_a_right_are_unknown_and_not_absent() -> None:
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
    # Older than any may be, but it is not certain that no coordinator has it.
    assert opened(nothing) == opened(some) == [("orders", 0, None, "overdue")]


def test_one_coordinator_that_does_not_list_its_transactions_leaves_all_unknown() -> None:
    brokers = Brokers()
    brokers.ids[1] = {"pay": ongoing(0.1)}
    brokers.list_codes[2] = LOADING

    reading = brokers.read()

    assert reading.transactions.transactional_ids is None
    assert not reading.unread["transactional_ids"].expected


def test_an_id_that_moves_while_brokers_list_is_in_the_next_list() -> None:
    brokers = Brokers()
    brokers.ids[2] = {"pay": ongoing(0.1)}
    brokers.placed = [[1], [2]]

    [pay] = brokers.read().transactions.transactional_ids or ()

    assert (pay.transactional_id, pay.coordinator) == ("pay", 2)
    assert brokers.asked.count("ListTransactions") == 4


def test_a_coordinator_that_has_just_started_lists_again_once_it_knows_its_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transactions, "_PAUSE_SECONDS", 0)
    brokers = Brokers()
    brokers.ids = {1: {"pay": ongoing(0.1)}, 2: {"ship": ongoing(0.1)}}
    brokers.placed, brokers.starting = [[1, 2, 1]], {2: 3}

    told = brokers.read().transactions

    assert [one.transactional_id for one in told.transactional_ids or ()] == ["pay", "ship"]
    assert brokers.asked.count("ListTransactions") == 6


def test_ids_of_a_coordinator_that_stays_unready_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "_PAUSE_SECONDS", 0)
    brokers = Brokers()
    brokers.ids[1] = {"pay": ongoing(0.1)}
    brokers.placed, brokers.starting = [[1, 2]], {2: 99}

    reading = brokers.read()

    assert reading.transactions.transactional_ids is None
    assert "broker 2 has just started" in reading.unread["transactional_ids"].reason
    assert not reading.unread["transactional_ids"].expected


@pytest.mark.parametrize(
    ("placed", "because"),
    [([[1, -1]], "has no leader to list its ids"), ([[1], [2], [1], [2]], "moved while brokers listed")],
)
def test_ids_that_nobody_lists_for_certain_leave_all_unknown(
    placed: list[list[int]], because: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "_PAUSE_SECONDS", 0)
    brokers = Brokers()
    brokers.ids[1], brokers.placed = {"pay": ongoing(0.1)}, placed

    reading = brokers.read()

    assert reading.transactions.transactional_ids is None
    assert because in reading.unread["transactional_ids"].reason
    assert not reading.unread["transactional_ids"].expected


def test_a_transaction_gone_before_it_is_described_is_absent_and_a_refused_one_has_its_reason() -> None:
    brokers = Brokers()
    brokers.ids[1] = {"brief": a_transaction(error_code=GONE), "secret": a_transaction(error_code=REFUSED)}

    told = brokers.read().transactions

    [secret] = told.transactional_ids or ()
    assert (secret.transactional_id, secret.overdue, told.total_transactional_ids) == ("secret", None, 1)
    assert secret.error is not None
    assert secret.error.startswith("TRANSACTIONAL_ID_AUTHORIZATION_FAILED")


def test_a_partition_whose_leader_moved_is_requested_again() -> None:
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
