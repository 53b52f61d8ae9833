"""The feed continues the files where they end, whatever ended it."""

from pathlib import Path

import pytest

from mesh_assets.sandbox.estate.records import line
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.feeding import appender as appender_module
from mesh_assets.sandbox.feeding.appender import Appender
from mesh_assets.sandbox.seeding.records import write_first_records

ORDERS = next(t for t in TOPICS if t.name == "orders")


def orders(folder: Path) -> list[str]:
    return (folder / "orders.jsonl").read_text().splitlines()


def appended_in_a_minute(appender: Appender) -> int:
    before = appender.appended
    for _ in range(60):
        appender.step(1.0)
    return appender.appended - before


def test_the_first_records_are_written_once(tmp_path: Path) -> None:
    write_first_records(tmp_path)
    assert len(list(tmp_path.iterdir())) == 37
    assert orders(tmp_path) == [line(ORDERS, n) for n in range(300)]
    Appender(tmp_path, (ORDERS,)).step(5)
    longer = orders(tmp_path)
    write_first_records(tmp_path)
    assert orders(tmp_path) == longer


def test_the_pace_is_what_the_definitions_say(tmp_path: Path) -> None:
    write_first_records(tmp_path)
    assert appended_in_a_minute(Appender(tmp_path, (ORDERS,))) == pytest.approx(ORDERS.per_minute, abs=1)
    assert orders(tmp_path) == [line(ORDERS, n) for n in range(len(orders(tmp_path)))]


def test_a_line_cut_by_a_crash_is_completed(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text(line(ORDERS, 0) + "\n" + line(ORDERS, 1)[:20])
    Appender(tmp_path, (ORDERS,)).step(5)
    found = orders(tmp_path)
    assert len(found) > 2
    assert found == [line(ORDERS, n) for n in range(len(found))]


def test_a_foreign_line_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text("twelve")
    Appender(tmp_path, (ORDERS,)).step(5)
    assert orders(tmp_path)[:2] == ["twelve", line(ORDERS, 1)]


def test_after_a_long_sleep_nothing_is_caught_up_on(tmp_path: Path) -> None:
    appender = Appender(tmp_path, (ORDERS,))
    appender.step(8 * 3600)
    assert appender.appended < 10


def test_large_files_grow_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender_module, "FULL_PACE_BYTES", 10)
    (tmp_path / "orders.jsonl").write_text("something longer\n")
    assert appended_in_a_minute(Appender(tmp_path, (ORDERS,))) == pytest.approx(ORDERS.per_minute / 20, abs=1)
