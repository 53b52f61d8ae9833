"""The longest usual gap between a topic's records, from readings every five minutes."""

from collections.abc import Callable, Sequence

import pytest

from mesh_assets.readings.history import READINGS_A_CHUNK, Chunk, Column
from mesh_assets.readings.usual_gaps import usual_gaps

EVERY = 300.0
HOUR = 3_600
DAY = 24 * HOUR


def _read(
    ends: Callable[[float], int | None], *, days: float, missing: Sequence[tuple[float, float]] = ()
) -> list[Chunk]:
    """Readings of `orders/1` for that many days, except between the `missing` times."""
    times = [
        at
        for at in (number * EVERY for number in range(int(days * DAY / EVERY) + 1))
        if not any(begin < at < end for begin, end in missing)
    ]
    return [
        Chunk(times=part, ends={"orders/1": [ends(at) for at in part]}, commits={}, lags={})
        for part in (
            times[begin : begin + READINGS_A_CHUNK] for begin in range(0, len(times), READINGS_A_CHUNK)
        )
    ]


def hourly(at: float) -> int:
    """A record each hour of the first five days of a week."""
    week, rest = divmod(at, 7 * DAY)
    return int(week) * 120 + int(min(rest, 5 * DAY) // 3_600)


def test_the_longest_gap_includes_the_weekend() -> None:
    found = usual_gaps(_read(hourly, days=13))["orders/1"]

    assert 2 * DAY <= found.longest_seconds <= 2 * DAY + 2 * HOUR
    assert found.gaps >= 200


def test_less_than_a_week_or_few_records_do_not_show_what_is_usual() -> None:
    assert usual_gaps(_read(lambda at: int(at // HOUR), days=6.9)) == {}
    assert usual_gaps(_read(lambda at: int(at // DAY), days=14)) == {}
    assert usual_gaps([]) == {}


def test_a_time_without_readings_is_not_a_gap() -> None:
    outage = (3 * DAY + 10.0, 5 * DAY + 10.0)

    found = usual_gaps(_read(lambda at: int(at // HOUR), days=10, missing=[outage]))

    assert found["orders/1"].longest_seconds <= 2 * HOUR


def test_failed_readings_are_not_a_gap_and_a_lower_end_is_not_a_record() -> None:
    fell = usual_gaps(_read(lambda at: int(at // HOUR) % 50, days=10))["orders/1"]
    unknown = usual_gaps(_read(lambda at: None if 3 * DAY < at < 5 * DAY else int(at // HOUR), days=10))[
        "orders/1"
    ]

    assert fell.longest_seconds <= 2 * HOUR
    assert unknown.longest_seconds <= 2 * HOUR


@pytest.mark.parametrize("later", [[None] * 12, []])
def test_a_deleted_topic_keeps_what_is_known_about_it(later: Column) -> None:
    chunks = _read(lambda at: int(at // 300), days=8)
    before = usual_gaps(chunks)
    last = chunks[-1].times[-1]
    times = [last + EVERY * number for number in range(1, 13)]
    chunks.append(Chunk(times=times, ends={"orders/1": later} if later else {}, commits={}, lags={}))

    assert before["orders/1"].longest_seconds == HOUR
    assert usual_gaps(chunks) == before
