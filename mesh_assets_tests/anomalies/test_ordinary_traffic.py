import random

import pytest

from mesh_assets_tests.anomalies.noise import traffic
from mesh_assets_tests.anomalies.observed import Observed

DAY = 288
# Three readings in a row have to be beyond five robust deviations and 2.5 times off, and before a week is
# known 6.25 times off. With independent noise that happens less than once in 10⁹ series-weeks. What remains is noise that
# persists for a while, as in half of these series: over 23 seeds, there was one anomaly in 8,280 series-days. So this seed,
# like 2 and 3, must have none.
SEED, ALLOWED = 1, 0


@pytest.mark.slow
@pytest.mark.long
def test_ten_days_of_plausible_traffic_contain_no_anomaly() -> None:
    world = Observed(seed=SEED)
    rnd = random.Random(SEED)
    for per_second in (0.01, 1.0, 200.0):
        for season in (0.0, 0.5, 0.9):
            for weekend in (1.0, 0.3):
                for noise, lasting in ((0.05, 0.0), (0.4, 0.8)):
                    name = f"topic-{per_second}-{season}-{weekend}-{noise}"
                    world.rates[name] = traffic(
                        rnd, per_second, season=season, weekend=weekend, noise=noise, lasting=lasting
                    )
                    if (
                        season == 0.5
                    ):  # a consumer that falls behind for a reading now and then, and catches up
                        world.reads[f"{name}-reader"] = name
                        world.consumed[f"{name}-reader"] = lambda _: 0.0 if rnd.random() < 0.1 else 1e9

    world.ticks(10 * DAY)

    assert len(world.begun) == ALLOWED, [anomaly.sentence for anomaly in world.begun]


@pytest.mark.slow
@pytest.mark.long
def test_a_bursty_topic_is_not_an_anomaly() -> None:
    world = Observed()
    rnd = random.Random(1)
    world.rates["nightly"] = lambda now: 500.0 if now.hour == 2 else 0.0
    world.rates["at-random"] = lambda _: 300.0 if rnd.random() < 0.04 else 0.0

    world.ticks(9 * DAY)

    assert world.kinds() == []


def test_a_slightly_wavering_rate_is_not_an_anomaly() -> None:
    world = Observed()
    world.rates["orders"] = lambda now: 100.0 if now.minute % 10 else 112.0

    world.ticks(2 * DAY)

    assert world.kinds() == []


def test_the_growing_lag_of_batch_consumers_is_usual() -> None:
    world = Observed()
    world.rates["orders"] = lambda _: 50.0
    world.reads["hourly"] = "orders"
    world.consumed["hourly"] = lambda now: 1e9 if now.minute == 0 else 0.0

    world.ticks(3 * DAY)

    assert world.kinds() == []


def test_the_growing_lag_of_a_group_without_members_is_not_news() -> None:
    world = Observed()
    world.rates["orders"] = lambda _: 50.0
    world.reads["abandoned"] = "orders"
    world.consumed["abandoned"] = lambda _: 0.0

    world.ticks(3 * DAY)

    assert world.kinds() == []


def test_a_high_but_steady_lag_is_not_an_anomaly() -> None:
    world = Observed()
    world.rates["orders"] = lambda _: 50.0
    world.reads["slow"] = "orders"
    world.consumed["slow"] = lambda now: 0.0 if (now.day, now.hour) == (2, 9) else 50.0

    world.ticks(DAY)

    assert world.kinds() == []
