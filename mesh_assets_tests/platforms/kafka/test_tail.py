"""A tail that could not be read is no empty topic."""

from types import SimpleNamespace
from typing import Any

import pytest

from mesh_assets.errors import UnreachableError
from mesh_assets.platforms.kafka import tail


class SilentConsumer:
    """A topic of one partition with `high` records, of which none ever comes."""

    high = 5

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties

    def list_topics(self, topic: str, timeout: float) -> Any:
        assert timeout <= 1.0
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None, partitions={0: None})})

    def get_watermark_offsets(self, where: Any, timeout: float) -> tuple[int, int]:  # noqa: ARG002 - the client's names
        return 0, self.high

    def assign(self, starts: Any) -> None:
        pass

    def poll(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


def read(monkeypatch: pytest.MonkeyPatch, high: int) -> list[tail.TailRecord]:
    monkeypatch.setattr(SilentConsumer, "high", high)
    monkeypatch.setattr(tail, "Consumer", SilentConsumer)
    return tail.read_tail(
        {"bootstrap.servers": "b:1"}, "orders", partition=None, most=3, timeout_seconds=1.0, within_seconds=0.05, go_on=lambda: None
    )


def test_records_that_do_not_come_in_time_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreachableError, match="orders holds records, and none could be read"):
        read(monkeypatch, high=5)


def test_a_topic_without_records_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, high=0) == []
