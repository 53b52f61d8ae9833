from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.errors import StoreError
from mesh_assets.readings.history import KEPT, READINGS_A_CHUNK, ReadingHistory
from mesh_assets.readings.reading import Reading
from mesh_assets_tests.collecting.cluster_fakes import CLUSTER_ID
from mesh_assets_tests.snapshot.world import MemoryObjects

START = datetime(2026, 11, 2, tzinfo=UTC)
VALUES = st.dictionaries(st.sampled_from(["a/1", "b/2", "c/3"]), st.integers(0, 2**62))


def a_reading(number: int, **values: dict[str, int]) -> Reading:
    return Reading(
        read_at=START + timedelta(minutes=5 * number),
        topics=frozenset(),
        groups=frozenset(),
        **{"ends": {}, "commits": {}, "lags": {}, **values},
    )


def append(history: ReadingHistory, reading: Reading) -> None:
    history.keep(history.extended(history.newest(history.entries()), reading))


@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=40))
def test_stored_readings_are_read_back(
    readings: list[tuple[dict[str, int], dict[str, int], dict[str, int]]],
) -> None:
    history = ReadingHistory(MemoryObjects(), CLUSTER_ID)
    for number, (ends, commits, lags) in enumerate(readings):
        append(history, a_reading(number, ends=ends, commits=commits, lags=lags))

    found = []
    for chunk in history.load(history.entries()):
        assert len(chunk.times) <= READINGS_A_CHUNK
        for index in range(len(chunk.times)):
            columns = (chunk.ends, chunk.commits, chunk.lags)
            found.append(
                tuple(
                    {name: v for name, c in each.items() if (v := c[index]) is not None} for each in columns
                )
            )
    assert found == readings


def test_readings_older_than_14_days_are_pruned() -> None:
    objects = MemoryObjects()
    history = ReadingHistory(objects, CLUSTER_ID)
    readings_a_day = 288
    count = 15 * readings_a_day
    for number in range(0, count, 4):  # one every 20 minutes
        reading = a_reading(number)
        newest = history.extended(history.newest(history.entries()), reading)
        history.keep(newest)
        history.prune(history.entries(), now=reading.read_at)

    times = [time for chunk in history.load(history.entries()) for time in chunk.times]
    end = START + timedelta(minutes=5 * (count - 4))
    assert end - KEPT - timedelta(hours=4) < datetime.fromtimestamp(times[0], UTC) <= end - KEPT
    assert len(history.entries()) <= 14 * 6 + 2
    assert set(objects.data) == {entry.key for entry in history.entries()}


def test_a_damaged_chunk_is_named() -> None:
    objects = MemoryObjects()
    history = ReadingHistory(objects, CLUSTER_ID)
    append(history, a_reading(0))
    [entry] = history.entries()
    objects.data[entry.key] = b"garbage"

    with pytest.raises(
        StoreError,
        match=r"2026-11-02/00-00-00-000000Z\.bin is not a chunk of readings of this version: .*; remove it",
    ):
        history.load([entry])
