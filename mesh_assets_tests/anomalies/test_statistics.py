import math

from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.anomalies.statistics import level, usual_rate

RATES = st.lists(st.floats(0, 1e6), min_size=1, max_size=60)


def usual(rates: list[float]) -> object:
    return usual_rate(rates, interval_seconds=300, basis="recent", seconds=7_200)


@given(RATES)
def test_the_middle_lies_within_what_was_seen_and_the_deviation_has_a_floor(rates: list[float]) -> None:
    found = usual_rate(rates, interval_seconds=300, basis="recent", seconds=7_200)

    assert level(min(rates) * 300) - 1e-9 <= found.middle <= level(max(rates) * 300) + 1e-9
    assert found.deviation >= 0.15
    assert found.deviation >= 1 / math.sqrt(math.exp(found.middle)) - 1e-9
    assert min(rates) <= found.low <= found.high <= max(rates)
    assert found.steady == (found.low > 0)


@given(RATES, st.randoms(use_true_random=False))
def test_the_order_matters_only_to_the_longest_pause(rates: list[float], rnd: object) -> None:
    shuffled = list(rates)
    rnd.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (
        usual_rate(each, interval_seconds=300, basis="recent", seconds=7_200) for each in (rates, shuffled)
    )

    assert (one.middle, one.deviation, one.low, one.high) == (
        other.middle,
        other.deviation,
        other.low,
        other.high,
    )


@given(st.floats(0.1, 1e5), st.lists(st.floats(0, 1e9), max_size=10))
def test_less_than_half_of_the_samples_cannot_move_the_middle_of_a_constant_rate(
    rate: float, outliers: list[float]
) -> None:
    found = usual_rate([rate] * 21 + outliers, interval_seconds=300, basis="recent", seconds=7_200)

    assert math.isclose(found.middle, level(rate * 300))


def test_the_longest_pause_is_counted_in_readings() -> None:
    found = usual_rate([1, 0, 0, 0, 2, 0, 5], interval_seconds=300, basis="recent", seconds=7_200)

    assert (found.longest_pause, found.steady) == (3, False)
