"""A tail that could not be read is not an empty topic."""

from types import SimpleNamespace
from typing import Any

import pytest

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka import tail


class SilentConsumer:
    """A topic of `partitions` with `high` records each, of which none ever comes but those of `spoken`."""

    high = 5
    partitions = 1
    spoken: tuple[Any, ...] = ()

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties

    def list_topics(self, topic: str, timeout: float) -> Any:
        assert timeout <= 1.0
        return SimpleNamespace(
            topics={topic: SimpleNamespace(error=None, partitions=dict.fromkeys(range(self.partitions)))}
        )

    def get_watermark_offsets(self, where: Any, timeout: float) -> tuple[int, int]:  # noqa: ARG002 - the client's names
        return 0, self.high

    def assign(self, starts: Any) -> None:
        pass

    def poll(self, seconds: float) -> Any:  # noqa: ARG002
        said, type(self).spoken = self.spoken[:1], self.spoken[1:]
        return said[0] if said else None

    def close(self) -> None:
        pass


class Message:
    """A record of partition 0."""

    def __getattr__(self, name: str) -> Any:
        values = {
            "partition": 0,
            "offset": 4,
            "timestamp": (0, 0),
            "key": None,
            "value": b"v",
            "headers": None,
            "error": None,
        }
        return lambda: values[name]


def read(
    monkeypatch: pytest.MonkeyPatch, high: int, *, partition: int | None = None, **world: Any
) -> tail.Tail:
    for name, value in {"high": high, "spoken": (), **world}.items():
        monkeypatch.setattr(SilentConsumer, name, value)
    monkeypatch.setattr(tail, "Consumer", SilentConsumer)
    return tail.read_tail(
        {"bootstrap.servers": "b:1"},
        "orders",
        partition=partition,
        most=3,
        timeout_seconds=1.0,
        within_seconds=0.05,
        go_on=lambda: None,
    )


def test_records_that_do_not_come_in_time_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreachableError, match="orders holds records, and none could be read"):
        read(monkeypatch, high=5)


def test_a_topic_without_records_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, high=0) == tail.Tail(records=(), unread=0)


def test_what_came_in_time_is_given_with_how_much_was_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, high=5, partitions=66, spoken=(Message(),))
    assert [record.offset for record in found.records] == [4]
    assert found.unread == 64 + 2  # none came to its end, and two are over the number that is read


def test_a_missing_partition_is_not_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnexpectedAnswerError, match="orders has no partition 7; it has 1, counted from 0"):
        read(monkeypatch, high=5, partition=7)
