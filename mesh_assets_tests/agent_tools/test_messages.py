"""`sample_messages`: one odd record costs no other, and a tail without records is not an empty topic."""

from collections.abc import Callable
from typing import Any

import pytest

from mesh_assets.platforms.kafka import tail
from mesh_assets.platforms.kafka.tail import Tail, TailRecord
from mesh_assets_tests.mcp_server.served import FLINK, Served


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
def test_a_timestamp_that_is_no_date_is_told(
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


def test_records_that_no_answer_can_hold_cost_no_other(sample: Callable[[Tail], dict[str, Any]]) -> None:
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
        (Tail(records=(), unread=0), "its offsets hold only markers of transactions"),
        (Tail(records=(), unread=0, not_searched=2), "there was no time to search all before them"),
    ],
)
def test_why_there_is_no_record(sample: Callable[[Tail], dict[str, Any]], found: Tail, hint: str) -> None:
    answer = sample(found)
    assert answer["messages"] == []
    assert hint in answer["hint"]
