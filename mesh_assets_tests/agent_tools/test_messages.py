"""`sample_messages`: one odd record does not affect the others, and a tail without records is not an empty topic."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.platforms.kafka import tail
from mesh_assets.platforms.kafka.tail import Tail, TailRecord
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.mcp_server.served import FLINK, Served

WAIT_SECONDS = 30


def a_record(value: bytes, offset: int = 0, timestamp_ms: int | None = 1_000) -> TailRecord:
    return TailRecord(
        partition=0, offset=offset, timestamp_ms=timestamp_ms, key=None, value=value, headers=()
    )


@pytest.fixture
def sample(
    make_served: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Tail], dict[str, Any]]:
    served = make_served(estate=FLINK)

    def answer(found: Tail) -> dict[str, Any]:
        monkeypatch.setattr(tail, "read_tail", lambda *_, **__: found)
        answered: dict[str, Any] = served.answer("sample_messages", topic="public-orders")
        return answered

    return answer


@pytest.mark.parametrize("timestamp_ms", [9_223_372_036_854_775_807, 253_402_300_800_000, -(2**62)])
def test_an_invalid_timestamp_is_reported(
    sample: Callable[[Tail], dict[str, Any]], timestamp_ms: int
) -> None:
    odd, usual = sample(
        Tail(records=(a_record(b"odd", timestamp_ms=timestamp_ms), a_record(b"usual", 1)), unread=0)
    )["messages"]
    assert (odd.get("time"), odd["note"]) == (
        None,
        f"its timestamp, {timestamp_ms} ms, is outside the years 1 to 9999",
    )
    assert (usual["time"], usual["value"]) == ("1970-01-01T00:00:01.000+00:00", "usual")


def test_records_too_large_for_an_answer_do_not_affect_the_others(
    sample: Callable[[Tail], dict[str, Any]],
) -> None:
    values = (
        b'{"a": "\\ud800"}',
        b"[" * 900 + b"]" * 900,
        b'{"n": ' + b"1" * 300 + b"}",
        b'{"n": NaN}',
        b"ok",
    )
    records = tuple(a_record(value, number) for number, value in enumerate(values))
    messages = sample(Tail(records=records, unread=0))["messages"]
    assert [message["offset"] for message in messages] == [0, 1, 2, 3, 4]
    assert messages[0]["value"] == {"a": "?"}
    assert messages[4]["value"] == "ok"


@pytest.mark.parametrize(
    ("found", "hint"),
    [
        (Tail(records=(), unread=0, has_offsets=False), "the topic holds no records now"),
        (Tail(records=(), unread=0), "its offsets hold only transaction markers"),
        (Tail(records=(), unread=0, not_searched=2), "there was no time to search everything before them"),
    ],
)
def test_an_answer_without_records_says_why(
    sample: Callable[[Tail], dict[str, Any]], found: Tail, hint: str
) -> None:
    answer = sample(found)
    assert answer["messages"] == []
    assert hint in answer["hint"]


# Real transactions.


class Transactional:
    """A topic of one partition on a real broker, and a producer that writes to it in transactions."""

    def __init__(self, admin: AdminClient, producer: Producer, sample: Callable[..., dict[str, Any]]) -> None:
        self.topic = f"public-transactions-{uuid.uuid4().hex}"
        self.producer = producer
        self._sample = sample
        admin.create_topics([NewTopic(self.topic, 1, 1)])[self.topic].result(WAIT_SECONDS)

    def begin(self, *values: str) -> None:
        self.producer.begin_transaction()
        for value in values:
            self.producer.produce(self.topic, value.encode())
        assert self.producer.flush(WAIT_SECONDS) == 0

    def commit(self, *values: str) -> None:
        self.begin(*values)
        self.producer.commit_transaction(WAIT_SECONDS)

    def abort(self, *values: str) -> None:
        self.begin(*values)
        self.producer.abort_transaction(WAIT_SECONDS)

    def shown(self, limit: int = 5) -> tuple[list[str], str | None]:
        """The values in the order of their offsets, and the hint."""
        answer = self._sample(topic=self.topic, limit=limit)
        messages = sorted(answer["messages"], key=lambda message: message["offset"])
        return [message["value"] for message in messages], answer.get("hint")

    def shows(self, values: list[str], hint: str | None = None, *, limit: int = 5) -> bool:
        """Waits for the end: the coordinator writes a transaction's end markers only after it has answered."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.shown(limit) != (values, hint):
            assert time.monotonic() < deadline, self.shown(limit)
            time.sleep(0.1)
        return True


@pytest.fixture
def transactional(broker: Endpoints, make_served: Callable[..., Served]) -> Iterator[Transactional]:
    estate = f'''clusters:
  warehouse:
    kafka: {{bootstrap_servers: "{broker.bootstrap_servers}"}}
    allow_message_reading: ["public-*"]
'''
    served = make_served(estate=estate)
    servers: dict[str, Any] = {"bootstrap.servers": broker.bootstrap_servers}
    with AdminClient(servers) as admin:
        producer = Producer({**servers, "transactional.id": f"tests-{uuid.uuid4().hex}"})
        try:
            producer.init_transactions(WAIT_SECONDS)
            made = Transactional(
                admin, producer, lambda **arguments: served.answer("sample_messages", **arguments)
            )
            yield made
            admin.delete_topics([made.topic])[made.topic].result(WAIT_SECONDS)
        finally:
            producer.close()


def test_committed_records_are_shown_and_aborted_ones_are_not(
    transactional: Transactional,
) -> None:
    transactional.abort("rolled back")
    assert transactional.shows(
        [],
        "no record can be read now: its offsets hold only transaction markers, or what transactions rolled back or did not "
        "finish",
    )

    transactional.commit("one", "two")
    transactional.commit("three")
    assert transactional.shows(["one", "two", "three"])

    for _ in range(10):
        transactional.abort("rolled", "back")
    assert transactional.shows(["two", "three"], limit=2)


def test_records_of_open_transactions_are_not_shown_but_mentioned(
    transactional: Transactional,
) -> None:
    transactional.begin("first")
    assert transactional.shown() == (
        [],
        "the topic holds no records now, except any in unfinished transactions",
    )
    transactional.producer.commit_transaction(WAIT_SECONDS)
    assert transactional.shows(["first"])

    transactional.begin("second")
    values, hint = transactional.shown()
    transactional.producer.abort_transaction(WAIT_SECONDS)
    assert (values, hint) == (["first"], None)
