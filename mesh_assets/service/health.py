"""Whether the service is of use: the store can be read, and each cluster's snapshot is as recent as it should
be."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from mesh_assets.errors import ConfigurationError
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import duration
from mesh_assets.service.cluster_text import ClusterState
from mesh_assets.service.scrape import Known

USUAL_HOURS = 13.0
"""Two intervals of the schedule and an hour's grace, like Dagster's freshness policy for the snapshot."""


class Bounds(Record, frozen=True, kw_only=True):
    """How old a snapshot may be: for all clusters, and for those with a bound of their own."""

    usual: timedelta = timedelta(hours=USUAL_HOURS)
    of: Mapping[str, timedelta] = {}

    def bound(self, cluster: str) -> timedelta:
        return self.of.get(cluster, self.usual)


def read_bounds(texts: Iterable[str]) -> Bounds:
    """Each `HOURS` or `CLUSTER=HOURS`. Raises ConfigurationError."""
    usual, of = timedelta(hours=USUAL_HOURS), {}
    for text in texts:
        cluster, _, hours = text.rpartition("=")
        try:
            bound = timedelta(hours=float(hours))
        except (ValueError, OverflowError):
            bound = timedelta(0)
        if bound <= timedelta(0):
            raise ConfigurationError(f"--max-age {text!r}: expected HOURS or CLUSTER=HOURS, more than 0")
        if cluster:
            of[cluster] = bound
        else:
            usual = bound
    return Bounds(usual=usual, of=of)


def problems_of(known: Known, bounds: Bounds, *, now: datetime) -> list[dict[str, Any]]:
    """A sentence for each cluster that is not as it should be, and one for a broken estate file."""
    found = [] if known.problem is None else [{"problem": known.problem}]
    for state in known.clusters:
        problem = state.problem or _too_old(state, bounds.bound(state.cluster), now)
        if problem is not None:
            found.append({"cluster": state.cluster, "problem": problem})
    return found


def _too_old(state: ClusterState, bound: timedelta, now: datetime) -> str | None:
    if state.discovered_at is None or now - state.discovered_at <= bound:
        return None
    age = duration((now - state.discovered_at).total_seconds())
    return (
        f"its snapshot is {age} old, and may be {duration(bound.total_seconds())}: see why the job `discovery` does not run, "
        "or fails"
    )
