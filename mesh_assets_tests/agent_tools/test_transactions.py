"""What agents learn about transactions."""

from collections.abc import Callable

from msgspec.structs import replace

from mesh_assets.inventory.transaction_records import (
    OpenTransaction,
    TopicProducers,
    TransactionalId,
    Transactions,
)
from mesh_assets_tests.documents import MOMENT, a_document
from mesh_assets_tests.mcp_server.served import Served

OPEN = OpenTransaction(
    topic="orders", partition=1, producer_id=7, producer_epoch=0, start_offset=40, last_written_at=MOMENT
)
DONE = TransactionalId(
    transactional_id="a-run", state="CompleteCommit", producer_id=6, coordinator=1, overdue=False
)
PAYS = TransactionalId(
    transactional_id="pay",
    state="Ongoing",
    producer_id=7,
    coordinator=2,
    timeout_ms=60_000,
    started_at=MOMENT,
    topics={"orders": (1,)},
    overdue=False,
)
KNOWN = Transactions(
    open_transactions=(
        replace(OPEN, transactional_id="pay"),
        replace(OPEN, topic="users", producer_id=8, hanging="unknown_to_coordinator"),
    ),
    transactional_ids=(DONE, PAYS),
    producers=(
        TopicProducers(topic="orders", by_partition=(0, 2), transactional=True, last_written_at=MOMENT),
        TopicProducers(topic="users", by_partition=(None, 1), transactional=True, error="NOT_LEADER"),
    ),
    total_transactional_ids=2,
    total_open_transactions=2,
)

LISTS = ("open_transactions", "transactional_ids", "producers")


def test_hanging_transactions_come_first_and_unfinished_ids_before_the_others(
    make_served: Callable[..., Served],
) -> None:
    answer = make_served(a_document(transactions=KNOWN)).answer("describe_transactions")
    opened = [
        (one["topic"], one.get("transactional_id"), one.get("hanging")) for one in answer["open_transactions"]
    ]
    assert opened == [("users", None, "unknown_to_coordinator"), ("orders", "pay", None)]
    assert [one["transactional_id"] for one in answer["transactional_ids"]] == ["pay", "a-run"]
    assert answer["transactional_ids"][0]["started"] == "2026-11-23T16:40:02Z"
    counts = [(one["topic"], one.get("producers")) for one in answer["producers"]]
    assert counts == [("orders", 2), ("users", None)]
    assert answer["totals"]["transactional_ids"] == 2


def test_a_topic_and_a_transactional_id_narrow_the_answer(make_served: Callable[..., Served]) -> None:
    served = make_served(a_document(transactions=KNOWN))
    of_topic = served.answer("describe_transactions", topic="ord*")
    assert [one["start_offset"] for one in of_topic["open_transactions"]] == [40]
    assert [one["transactional_id"] for one in of_topic["transactional_ids"]] == ["pay"]
    of_id = served.answer("describe_transactions", transactional_id="a-*")
    assert of_id["open_transactions"] == []
    assert [one["state"] for one in of_id["transactional_ids"]] == ["CompleteCommit"]


def test_unread_parts_are_left_out_with_the_reason(make_served: Callable[..., Served]) -> None:
    unknown = {"transactional_ids": "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"}
    told = replace(KNOWN, transactional_ids=None, total_transactional_ids=None, unknown=unknown)
    answer = make_served(a_document(transactions=told)).answer("describe_transactions")
    assert "transactional_ids" not in answer
    assert answer["unknown"] == unknown
    assert answer["totals"] == {"open_transactions": 2}


def test_long_lists_keep_hanging_transactions_and_say_that_they_were_cut(
    make_served: Callable[..., Served],
) -> None:
    many = (
        *(replace(OPEN, partition=number) for number in range(60)),
        replace(OPEN, topic="zz", hanging="overdue"),
    )
    answer = make_served(a_document(transactions=replace(KNOWN, open_transactions=many))).answer(
        "describe_transactions"
    )
    assert len(answer["open_transactions"]) == 40
    assert answer["open_transactions"][0]["topic"] == "zz"
    assert answer["hint"].startswith("lists are cut at 40: 61 open transactions, ")


def test_no_transactions_give_empty_lists_and_unread_ones_give_none(
    make_served: Callable[..., Served],
) -> None:
    nothing = Transactions(
        open_transactions=(),
        transactional_ids=(),
        producers=(),
        total_transactional_ids=0,
        total_open_transactions=0,
    )
    answer = make_served(a_document(transactions=nothing)).answer("describe_transactions")
    assert [answer[name] for name in LISTS] == [[], [], []]
    assert answer["totals"] == {"open_transactions": 0, "transactional_ids": 0}


def test_unread_open_transactions_do_not_count_as_none_open(
    make_served: Callable[..., Served],
) -> None:
    unknown = dict.fromkeys(("open_transactions", "producers"), "TOPIC_AUTHORIZATION_FAILED")
    told = replace(
        KNOWN, open_transactions=None, producers=None, total_open_transactions=None, unknown=unknown
    )
    answer = make_served(a_document(transactions=told)).answer("describe_transactions")
    assert [name for name in LISTS if name in answer] == ["transactional_ids"]
    assert (answer["unknown"], answer["totals"]) == (unknown, {"transactional_ids": 2})


def test_a_sentence_explains_that_nothing_was_read_yet(make_served: Callable[..., Served]) -> None:
    refusal = make_served(a_document()).refusal("describe_transactions")
    assert "nothing is known about the transactions of" in refusal


def test_thousands_of_each_stay_a_short_answer(make_served: Callable[..., Served]) -> None:
    told = Transactions(
        open_transactions=tuple(
            replace(OPEN, topic=f"company.domain.events-{n:05}", transactional_id=f"application-{n:05}")
            for n in range(5_000)
        ),
        transactional_ids=tuple(replace(DONE, transactional_id=f"application-{n:05}") for n in range(2_000)),
        producers=tuple(
            TopicProducers(topic=f"company.domain.events-{n:05}", by_partition=(1, 0, 2), transactional=True)
            for n in range(9_000)
        ),
        total_transactional_ids=50_000,
        total_open_transactions=6_000,
    )
    served = make_served(a_document(transactions=told))
    answer = served.answer("describe_transactions")
    assert [len(answer[name]) for name in LISTS] == [40, 40, 40]
    assert answer["totals"] == {"open_transactions": 6_000, "transactional_ids": 50_000}
    size = len(
        served.call("describe_transactions").model_dump_json(by_alias=True, exclude_none=True).encode()
    )
    assert size <= 60_000
