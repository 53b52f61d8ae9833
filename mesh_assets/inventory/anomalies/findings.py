"""What an anomaly is, and the words it is told in."""

from datetime import datetime
from typing import Literal

from mesh_assets.inventory.anomalies.statistics import UsualLag, UsualRate
from mesh_assets.inventory.records import Record

AnomalyKind = Literal[
    "topic_silent", "rate_spike", "rate_drop", "lag_growing", "connector_without_throughput"
]


class Finding(Record, frozen=True, kw_only=True):
    """Something unusual. `resource`: the topic, group or connector. `series`: what it was seen in.
    `began_at`: the reading before the first unusual one."""

    kind: AnomalyKind
    resource: str
    series: str
    began_at: datetime
    sentence: str


def figure(value: float) -> str:
    """1,204 · 12 · 1.5 · 0.05 · 0"""
    if value >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if value >= 0.95 or value == 0 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """45 s · 15 min · 3 h · 9 days"""
    for most, unit_seconds, unit in ((90, 1, "s"), (5_400, 60, "min"), (129_600, 3_600, "h")):
        if seconds < most:
            return f"{seconds / unit_seconds:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"


def usually(usual: UsualRate, *, unit: str = "") -> str:
    low, high = figure(usual.low), figure(usual.high)
    return f"usually {low if low == high else f'{low}–{high}'}{unit} {_when(usual)}"  # noqa: RUF001 - a range


def usually_at_most(usual: UsualLag) -> str:
    return f"usually at most {figure(usual.high)} {_when(usual)}"


def _when(usual: UsualRate | UsualLag) -> str:
    return f"in the {duration(usual.seconds)} before" if usual.basis == "recent" else "at this hour"
