"""Robust statistics of one series: what is usual, and how far a value is from it.

Rates differ by factors, not by amounts, so they are compared by the logarithm of the records that arrive
between two readings (plus one, since zero has no logarithm): `level`. Anomalies among the samples move
neither a median nor a MAD. The MAD of a constant series is 0, and that of a few samples of the same hour says
little about another week, so the deviation has a floor: 15 %, or the scatter inherent in counting (Poisson:
1/√n).
"""

import math
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Literal

import msgspec

_MAD_TO_DEVIATION = 1.4826  # of a normal distribution
_LEAST_DEVIATION = 0.15
_REMEMBERED = 0.9
# The usual range leaves out the lowest and highest twentieth.
_OUTSIDE = 0.05


Basis = Literal["week", "day", "recent"]
"""What the usual values are derived from: the same hour of the week, the same hour of the last days, or the
last hours.
"""


class UsualRate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is usual for a rate.

    `middle` and `deviation` are levels; `low` and `high` are the range in records per second that sentences
    quote. `peak`: the highest recent `high`, halved each day. `longest_pause`: the most readings in a row
    without a record. `seconds`: the length of the period it was derived from. `spread`: the deviation without
    its floor, as a running mean over hours, since that of a single hour is down to chance.
    """

    samples: int
    basis: Basis
    seconds: float
    middle: float
    deviation: float
    spread: float
    low: float
    high: float
    peak: float
    longest_pause: int

    @property
    def steady(self) -> bool:
        """Whether it almost always has records: only then is silence unusual."""
        return self.low > 0


class UsualLag(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is usual for a lag, in records.

    `growing`: the share of readings at which the lag had grown; near 1 for a group without consumers.
    """

    samples: int
    basis: Basis
    seconds: float
    low: float
    high: float
    peak: float
    growing: float


def level(records: float) -> float:
    return math.log1p(records)


def usual_rate(
    rates: Sequence[float],
    *,
    interval_seconds: float,
    basis: Basis,
    seconds: float,
    before: UsualRate | None = None,
    fade: float = 1.0,
) -> UsualRate:
    """What is usual for these `rates` (records per second, oldest first, at least one).

    `before`: what was usual an hour ago, whose peak fades by `fade`.
    """
    ordered = sorted(rates)
    count = len(ordered)
    middle = math.log1p(_median(ordered) * interval_seconds)
    levels = [math.log1p(rate * interval_seconds) for rate in ordered]
    spread = _MAD_TO_DEVIATION * _median(sorted([abs(each - middle) for each in levels]))
    old = spread if before is None else before.spread
    mean = _REMEMBERED * old + (1 - _REMEMBERED) * spread
    low, high = _range(ordered)
    return UsualRate(
        samples=count,
        basis=basis,
        seconds=seconds,
        middle=middle,
        deviation=max(spread, mean, _LEAST_DEVIATION, math.exp(-middle / 2)),
        spread=mean,
        low=low,
        high=high,
        peak=high if before is None else max(high, before.peak * fade),
        longest_pause=0
        if ordered[0] > 0
        else max(sum(1 for _ in run) for none, run in groupby(rates, key=lambda rate: rate == 0) if none),
    )


def usual_lag(
    lags: Sequence[float], *, basis: Basis, seconds: float, before: UsualLag | None = None, fade: float = 1.0
) -> UsualLag:
    """What is usual for these `lags` (records, oldest first, at least one)."""
    low, high = _range(sorted(lags))
    grown = sum(1 for earlier, later in pairwise(lags) if later > earlier)
    return UsualLag(
        samples=len(lags),
        basis=basis,
        seconds=seconds,
        low=low,
        high=high,
        peak=high if before is None else max(high, before.peak * fade),
        growing=grown / max(1, len(lags) - 1),
    )


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _range(ordered: Sequence[float]) -> tuple[float, float]:
    outside = int(_OUTSIDE * len(ordered))
    return ordered[outside], ordered[-1 - outside]
