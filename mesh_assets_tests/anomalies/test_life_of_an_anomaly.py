"""From beginning to end, across gaps, crashes and recreated topics."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from mesh_assets.anomalies.anomaly import get_anomalies
from mesh_assets.anomalies.watch import TOLD_ONE_BY_ONE, Watch
from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.store.inbox import Inbox
from mesh_assets_tests.anomalies.observed import MONDAY, Observed, constant
from mesh_assets_tests.collecting.cluster_fakes import CLUSTER_ID

HOUR, DAY = 12, 288


@pytest.fixture
def silent() -> Observed:
    """Four hours of traffic, then a quarter of an hour without."""
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(4 * HOUR)
    world.rates["orders"] = constant(0.0)
    world.ticks(3)
    assert world.kinds() == [("topic_silent", "orders")]
    return world


def dealt_with(world: Observed) -> None:
    """A run has published what waited."""
    inbox = Inbox(world.objects)
    inbox.remove(CLUSTER_ID, [waiting.id for waiting in inbox.waiting(CLUSTER_ID)])


def test_an_anomaly_is_reported_once_however_long_it_lasts(silent: Observed) -> None:
    dealt_with(silent)

    silent.ticks(2 * DAY)

    assert silent.kinds() == [("topic_silent", "orders")]
    assert silent.reported == []
    assert silent.ended == []


def test_a_silence_ends_after_records_have_arrived_for_a_while_and_can_begin_again(silent: Observed) -> None:
    silent.rates["orders"] = constant(15.0)
    silent.ticks(2)
    assert silent.ended == []

    silent.tick()
    silent.ticks(6 * HOUR)
    silent.rates["orders"] = constant(0.0)
    silent.ticks(3)  # the first silence does not count as usual

    [ended] = silent.ended
    assert (ended.resource, ended.ended_at) == ("orders", MONDAY + timedelta(minutes=5 * (4 * HOUR + 6)))
    assert silent.kinds() == [("topic_silent", "orders")] * 2
    assert len(silent.reported) == 2, "two silences are two causes"


def test_a_single_record_does_not_end_a_silence(silent: Observed) -> None:
    for _ in range(10):
        silent.rates["orders"] = constant(1 / 300)
        silent.tick()
        silent.rates["orders"] = constant(0.0)
        silent.ticks(2)

    assert (len(silent.begun), silent.ended) == (1, [])


@pytest.mark.slow
def test_a_rate_that_wavers_at_the_threshold_is_one_anomaly() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(9 * DAY)

    # Begins above 2.5 times the usual, ends below its square root.
    for factor in (3.0, 3.0, 3.0, 2.4, 2.4, 2.4, 2.6, 2.6, 2.6, 2.3, 2.3, 2.3, 3.0, 3.0, 3.0):
        world.rates["orders"] = constant(15.0 * factor)
        world.tick()
    assert world.kinds() == [("rate_spike", "orders")]
    assert world.ended == []
    world.rates["orders"] = constant(16.0)
    world.ticks(3)

    assert [anomaly.kind for anomaly in world.ended] == ["rate_spike"]


def test_an_anomaly_ends_when_the_lag_stops_growing() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.reads["fraud"] = "orders"
    world.consumed["fraud"] = lambda now: 0.0 if now.minute % 15 == 0 else 1e9
    world.ticks(4 * HOUR)
    world.consumed["fraud"] = constant(0.0)
    world.ticks(8)
    assert world.kinds() == [("lag_growing", "fraud")]

    world.unlisted = {"fraud"}
    world.tick()
    assert world.ended == [], "a group that nobody lists need not be gone"
    world.unlisted = set()
    world.consumed["fraud"] = constant(15.0)
    world.ticks(4)

    assert [anomaly.kind for anomaly in world.ended] == ["lag_growing"]


def test_a_gap_in_the_readings_does_not_count_as_silence() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(4 * HOUR)

    world.rates["orders"] = constant(0.0)
    world.pass_by(3 * 3_600)  # no reading was taken, whatever happened
    world.ticks(3)
    assert world.kinds() == [], (
        "a reading after a gap says nothing of the time before it: two steps are known"
    )
    world.tick()

    assert world.kinds() == [("topic_silent", "orders")]


def test_one_missed_reading_is_bridged_and_its_records_do_not_count_as_a_spike() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    for _ in range(2 * DAY):
        world.tick()
        world.pass_by(300)

    assert world.kinds() == []


def test_a_topic_that_cannot_be_read_is_neither_silent_nor_back(silent: Observed) -> None:
    silent.unreadable.add("orders")

    silent.ticks(DAY)

    assert (len(silent.begun), silent.ended) == (1, [])


def test_a_recreated_topic_counts_as_another_one(silent: Observed) -> None:
    silent.recreate("orders")
    silent.rates["orders"] = constant(15.0)

    silent.tick()

    assert [anomaly.resource for anomaly in silent.ended] == ["orders"]
    silent.rates["orders"] = constant(0.0)
    silent.ticks(2 * HOUR)
    assert len(silent.begun) == 1, "it has no history yet"


def test_the_anomaly_of_a_deleted_topic_ends(silent: Observed) -> None:
    del silent.rates["orders"]

    silent.tick()

    assert [anomaly.kind for anomaly in silent.ended] == ["topic_silent"]


def test_a_counter_that_goes_back_gives_no_rate() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(4 * HOUR)

    world._ends["orders"] = 0.0  # the brokers are too old to give ids
    world.ticks(4 * HOUR)

    assert world.kinds() == []


def test_an_anomaly_left_unreported_by_a_crash_is_reported_once_at_the_next_tick() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(4 * HOUR)
    world.rates["orders"] = constant(0.0)
    world.ticks(2)

    with failing(world, "triggers/"), pytest.raises(StoreError, match="disk full"):
        world.tick()
    assert world.reported == []
    world.ticks(5)

    assert [trigger.resource for trigger in world.reported] == ["orders"]
    assert len(get_anomalies(world.objects, CLUSTER_ID).open) == 1


def test_a_failing_store_is_reported_and_nothing_is_judged() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(3)

    with failing(world, "readings/"), pytest.raises(StoreError, match="disk full"):
        world.tick()

    assert world.tick().skipped is None


def test_the_usual_is_computed_again_when_it_is_lost_or_of_another_version() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(6 * HOUR)
    [key] = [key for key in world.objects.data if key.endswith("usual.bin")]
    world.objects.data[key] = b"of another version"

    world.rates["orders"] = constant(0.0)
    world.ticks(3)

    assert world.kinds() == [("topic_silent", "orders")]


def test_unreadable_anomalies_are_reported_not_forgotten(silent: Observed) -> None:
    [key] = [key for key in silent.objects.data if key.endswith("anomalies.json")]
    silent.objects.data[key] = b"{}}"

    with pytest.raises(StoreError, match=r"anomalies\.json does not hold anomalies of this version"):
        silent.tick()


@pytest.mark.slow
def test_a_new_rate_that_stays_becomes_the_usual_one() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(DAY)
    world.rates["orders"] = constant(150.0)

    world.ticks(4 * DAY)

    assert world.kinds() == [("rate_spike", "orders")]
    assert [anomaly.kind for anomaly in world.ended] == ["rate_spike"]


def test_of_two_simultaneous_ticks_one_is_kept() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(3)
    world.pass_by(300)
    ticks = [
        Watch(world.cluster, CLUSTER_ID, world.store, interval_seconds=300).judge(
            world.reading(), running=lambda: None
        )
        for _ in range(2)
    ]

    ticks[0].keep()
    with pytest.raises(ConflictError):
        ticks[1].keep()


def test_a_tick_right_after_another_takes_no_reading() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(3)

    world.pass_by(20)

    assert world.watch().skipped == "the last reading is 20 s old; the next is taken 150 s after it or later"


def test_a_clock_that_was_set_back_is_reported_and_takes_no_reading_out_of_order() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.ticks(3)
    kept = dict(world.objects.data)

    world.now -= timedelta(hours=2)

    assert world.watch().skipped == (
        "the last reading is 2 h ahead of this host's clock, which was set back or lags; the next is taken when it has caught up, or at "
        "once if readings later than now are removed from readings/lkc-1"
    )
    assert world.objects.data == kept
    world.now += timedelta(hours=2, minutes=5)
    assert world.watch().skipped is None


@pytest.mark.slow
def test_a_cluster_that_stops_as_a_whole_is_reported_in_one_trigger() -> None:
    world = Observed()
    count = TOLD_ONE_BY_ONE + 1
    world.rates = {f"topic-{number:03}": constant(15.0) for number in range(count)}
    world.ticks(3 * HOUR)
    world.rates = dict.fromkeys(world.rates, constant(0.0))
    world.ticks(DAY)

    [trigger] = world.reported
    assert trigger.resource is None
    assert trigger.details is not None
    assert trigger.details.startswith(
        "101 anomalies at once: 101 topic silent. The first: topic-000: 0 records/s for 15 min, "
    )
    assert len(world.begun) == count


@contextmanager
def failing(world: Observed, prefix: str) -> Iterator[None]:
    """Nothing can be written below `prefix`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("put", "put_new", "put_if"):
            write = getattr(world.objects, name)

            def refuse(key: str, *rest: object, write: object = write) -> object:
                if key.startswith(prefix):
                    raise StoreError("disk full")
                assert callable(write)
                return write(key, *rest)

            patch.setattr(world.objects, name, refuse)
        yield
