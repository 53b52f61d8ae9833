"""What is read from a topic: the strategies, the bounds, and that unread does not mean empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.errors import RefusedError
from mesh_assets.estate.expectations import ProfilingSettings
from mesh_assets.estate.model import Cluster
from mesh_assets.platforms.kafka.slices import SampledRecord, SlicesRead
from mesh_assets.platforms.kafka.storage import RecordTimes
from mesh_assets.profiling.cluster import ProfilingClients
from mesh_assets.profiling.sample import TopicSample
from mesh_assets_tests.profiling.logs import NOW, InMemory, Log, a_record, numbered, profile


def a_log(count: int, *, partitions: int = 1) -> Log:
    records = [a_record(b'{"n": %d}' % n, key=b"%d" % n, partition=n % partitions) for n in range(count)]
    return Log(numbered(records), partitions=partitions)


def settings(**given: object) -> ProfilingSettings:
    return ProfilingSettings.model_validate(given)


def test_the_newest_records_of_each_partition_are_taken() -> None:
    (found,) = profile(
        InMemory({"orders": a_log(100, partitions=2)}), settings=settings(records_per_partition=10)
    ).profiles
    assert [(one.first, one.last, one.records, one.latest) for one in found.windows] == [(40, 49, 10, 50)] * 2
    assert (found.sampled_records, found.sampled_partitions) == (20, 2)


def test_gaps_from_compaction_and_markers_are_skipped() -> None:
    records = [a_record(b"{}", offset=offset) for offset in (3, 5, 9, 600)]
    world = InMemory({"orders": Log(records, latest={0: 1_000})})
    (found,) = profile(world, settings=settings(records_per_partition=3)).profiles
    assert [(one.first, one.last, one.records) for one in found.windows] == [(5, 600, 3)]
    assert found.windows[0].error is None


@given(
    st.lists(st.integers(0, 400), unique=True, max_size=60),
    st.integers(1, 50),
    st.sampled_from(["latest", "random"]),
)
def test_no_record_is_sampled_twice_and_none_beyond_the_bounds(
    offsets: list[int], most: int, strategy: str
) -> None:
    records: list[SampledRecord] = [a_record(b"{}", offset=offset) for offset in sorted(offsets)]
    taken: list[int] = []
    profile(
        InMemory({"orders": Log(records)}),
        settings=settings(records_per_partition=most, strategy=strategy),
        on_sample=lambda sample: taken.extend(sample.frame()["__offset"]),
    )
    assert taken == sorted(set(taken))
    assert set(taken) <= set(offsets)
    assert len(taken) <= most
    if strategy == "latest":
        assert taken == sorted(offsets)[-most:]


def test_random_runs_are_spread_over_the_whole_topic() -> None:
    world = InMemory({"orders": a_log(10_000)})
    (found,) = profile(world, settings=settings(records_per_partition=100, strategy="random")).profiles
    (window,) = found.windows
    assert window.records == 100
    assert window.first is not None
    assert window.last is not None
    assert window.last - window.first > 5_000
    assert found.freshness is not None
    assert found.freshness.usual_gap_seconds is None  # runs far from each other show no gaps


def test_strata_lie_at_equal_intervals_of_time() -> None:
    # Nine in ten records are from the last of ten hours.
    ages = [timedelta(hours=10 - n / 10) for n in range(90)] + [
        timedelta(seconds=4 * n) for n in range(899, -1, -1)
    ]
    records = numbered([a_record(b"{}", at=NOW - age) for age in ages])
    oldest, newest = records[0].timestamp_ms, records[-1].timestamp_ms

    world = InMemory(
        {"orders": Log(records)}, times={"orders": RecordTimes(oldest_ms=oldest, newest_ms=newest)}
    )
    offsets: list[int] = []
    profile(
        world,
        settings=settings(records_per_partition=100, strategy="stratified"),
        on_sample=lambda sample: offsets.extend(sample.frame()["__offset"]),
    )
    assert len(offsets) == 100
    assert 80 <= sum(1 for offset in offsets if offset < 90) <= 90


def test_partitions_beyond_the_number_of_records_are_left_out_with_a_note() -> None:
    (found,) = profile(InMemory({"orders": a_log(40, partitions=20)}), settings=settings(records=5)).profiles
    assert (found.sampled_records, found.sampled_partitions) == (5, 5)
    left = [one.error for one in found.windows if one.error is not None]
    assert left == ["left out: a sample has at most 5 records, fewer than partitions"] * 15


def test_a_partition_without_a_leader_is_not_an_empty_one() -> None:
    log = a_log(10, partitions=2)
    log.leaderless = frozenset({1})
    (found,) = profile(InMemory({"orders": log})).profiles
    assert [(one.records, one.latest, one.error) for one in found.windows] == [
        (5, 5, None),
        (0, None, "has no leader, so it cannot be read"),
    ]
    assert found.error is None


def test_a_topic_without_an_answer_is_an_error_and_not_judged() -> None:
    log = a_log(10)
    log.errors = {0: "not read to the end of its sample in the time allowed"}
    judged: list[object] = []
    (found,) = profile(InMemory({"orders": log}), on_sample=judged.append).profiles
    assert (
        found.error
        == "none of its records could be read: not read to the end of its sample in the time allowed"
    )
    assert (found.decoded_share, found.inferred, judged) == (None, None, [])


def test_an_unreadable_topic_affects_no_other() -> None:
    refused = a_log(3)
    refused.refused = RefusedError("needs READ on topic a")
    profiles = profile(InMemory({"a": refused, "b": a_log(3)})).profiles
    assert [(one.topic, one.error, one.sampled_records) for one in profiles] == [
        ("a", "needs READ on topic a", 0),
        ("b", None, 3),
    ]


def test_after_three_topics_without_an_answer_the_others_are_not_waited_for() -> None:
    logs = {f"t{number}": a_log(3) for number in range(5)}
    for log in logs.values():
        log.errors = {0: "not read in time"}
    world = InMemory(logs)
    profiles = profile(world).profiles
    assert len(world.asked) == 3
    assert all(one.error for one in profiles)


def test_the_age_of_records_counts_from_the_look_at_the_topics_ends() -> None:
    world = InMemory({name: Log(numbered([a_record(b"1", at=NOW - timedelta(minutes=1))])) for name in "abc"})
    clock = (NOW + timedelta(hours=n) for n in range(100))
    samples: list[TopicSample] = []
    found = profile(world, on_sample=samples.append, now=lambda: next(clock))
    assert [one.freshness.age_seconds for one in found.profiles if one.freshness] == [60, 60, 60]
    assert {one.taken_at for one in samples} == {NOW}


def test_the_next_topic_is_read_while_figures_are_computed_and_clients_outlive_their_reading() -> None:
    world = InMemory({name: Log(numbered([a_record(b"1")])) for name in ("a", "b", "c")})
    events: list[str] = []
    begun, may_end = Event(), Event()

    class Slow(InMemory):
        def read(self, topic: str, *arguments: Any, **named: Any) -> SlicesRead:
            if topic == "b":
                begun.set()
                assert may_end.wait(30)
            events.append(f"read {topic}")
            return world.read(topic, *arguments, **named)

        @contextmanager
        def open(self, cluster: Cluster) -> Iterator[ProfilingClients]:
            with super().open(cluster) as clients:
                try:
                    yield clients
                finally:
                    events.append("closed")

    def on_sample(sample: TopicSample) -> None:
        assert begun.wait(30)
        may_end.set()
        raise ValueError(sample.topic)

    with pytest.raises(ValueError, match="a"):
        profile(Slow(world.logs), on_sample=on_sample)
    assert events == ["read a", "read b", "closed"]


def test_only_topics_that_the_estate_allows_are_read() -> None:
    world = InMemory({"public-a": a_log(1), "secret": a_log(1), "__consumer_offsets": a_log(1)})
    found = profile(world, allowed=("public-*", "__*"))
    assert [one.topic for one in found.profiles] == ["public-a"]
    assert found.not_allowed == 1
    assert {topic for topic, _ in world.asked} == {"public-a"}


def test_an_empty_topic_has_a_profile_without_figures_and_is_judged_as_empty() -> None:
    frames: list[int] = []
    (found,) = profile(
        InMemory({"orders": Log([])}), on_sample=lambda sample: frames.append(len(sample.frame()))
    ).profiles
    assert (found.error, found.decoded_share, found.null_key_share, found.fields) == (None, None, None, ())
    assert frames == [0]
