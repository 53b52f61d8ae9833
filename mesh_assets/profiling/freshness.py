"""How old a topic's newest record is, against how long the topic usually waits for the next one."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from mesh_assets.platforms.kafka.slices import SampledRecord
from mesh_assets.profiling.records import Freshness, Strategy
from mesh_assets.readings.usual_gaps import UsualGap

FEWEST_GAPS = 20
WATCHED = 3
"""A sample shows what is usual only if it spans this many times the silence: a burst of records says nothing
about the hour after it."""
SILENT_FACTOR = 3
"""A topic is silent after this many of its usual gaps, and not before `SILENT_SECONDS`."""
SILENT_SECONDS = 300.0


def freshness_of(
    records: Sequence[SampledRecord], *, taken_at: datetime, strategy: Strategy, usual: UsualGap | None
) -> Freshness:
    """`usual`: from the readings; None: not known there. Only the newest records, read in one run, show
    gaps."""
    stamps = np.unique(
        np.asarray([one.timestamp_ms for one in records if one.timestamp_ms is not None], dtype=np.int64)
    )
    newest = _moment(int(stamps[-1])) if stamps.size else None
    if newest is None:
        return Freshness(newest_at=None, age_seconds=None, usual_gap_seconds=None, usual_gap_from=None)
    # A producer's clock may be ahead of ours.
    age = max(0.0, (taken_at - newest).total_seconds())
    if usual is not None:
        return Freshness(
            newest_at=newest,
            age_seconds=age,
            usual_gap_seconds=usual.longest_seconds,
            usual_gap_from="readings",
        )
    gaps = np.diff(stamps) / 1_000
    watched = strategy == "latest" and gaps.size >= FEWEST_GAPS and gaps.sum() >= WATCHED * age
    return Freshness(
        newest_at=newest,
        age_seconds=age,
        usual_gap_seconds=float(gaps.max()) if watched else None,
        usual_gap_from="sample" if watched else None,
    )


def is_silent(freshness: Freshness) -> bool:
    """Whether the topic has waited for its next record longer than it ever does; False if that is not
    known."""
    age, usual = freshness.age_seconds, freshness.usual_gap_seconds
    return age is not None and usual is not None and age >= max(SILENT_SECONDS, SILENT_FACTOR * usual)


def _moment(milliseconds: int) -> datetime | None:
    """None for a timestamp that producers may set but no calendar has."""
    try:
        return datetime.fromtimestamp(milliseconds / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
