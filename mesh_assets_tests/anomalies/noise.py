"""Plausible traffic: daily and weekly seasons, noise that persists for a while, and the variance of counting."""

import math
import random
from collections.abc import Callable
from datetime import datetime

RateAt = Callable[[datetime], float]


def traffic(
    rnd: random.Random,
    per_second: float,
    *,
    season: float = 0.0,
    weekend: float = 1.0,
    noise: float = 0.0,
    lasting: float = 0.0,
) -> RateAt:
    """Records per second at a moment.

    `season`: the day's swing around its mean, highest at 14:00. `weekend`: its level, reached within half a
    day. `noise`: the deviation of the logarithm; `lasting`: how much of it persists from reading to reading.
    Counts are Poisson's over five minutes.
    """
    drift = 0.0

    def rate(now: datetime) -> float:
        nonlocal drift
        drift = lasting * drift + math.sqrt(1 - lasting**2) * rnd.gauss(0, noise)
        mean = per_second * 300 * _season(now, season) * _weekend(now, weekend) * math.exp(drift)
        return poisson(rnd, mean) / 300

    return rate


def _season(now: datetime, swing: float) -> float:
    hour = now.hour + now.minute / 60
    return 1 + swing * math.cos((hour - 14) / 24 * 2 * math.pi)


def _weekend(now: datetime, level: float) -> float:
    day = now.weekday() + (now.hour + now.minute / 60) / 24
    into = min(1.0, max(0.0, (day - 4.75) * 2)) if day < 6 else min(1.0, max(0.0, (7 - day) * 2))
    return 1 - (1 - level) * into


def poisson(rnd: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(mean + math.sqrt(mean) * rnd.gauss(0, 1)))
    count, product, limit = 0, rnd.random(), math.exp(-mean)
    while product > limit:
        count += 1
        product *= rnd.random()
    return count
