"""How long what the store keeps is kept. Nothing is removed but by `mesh-assets store prune --apply` and the job `store_upkeep`
(docs/store.md)."""

from typing import Annotated

from pydantic import Field

from mesh_assets.estate.fields import EstateModel


class Kept(EstateModel):
    """What is older than `days`, and what comes after the `newest` of its cluster, goes. Absent: no bound."""

    days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    newest: Annotated[int, Field(ge=1)] | None = None


class Retention(EstateModel):
    """By kind. Never removed: what a pointer, a lock or a result names, and of each cluster the ten newest documents.

    `documents`: of a cluster, as old as its newest is younger, so a cluster that is not discovered any more keeps them.
    `changes`: the table of changes, one object a snapshot. `readings`: of clusters that nobody reads any more (those that are
    read keep two weeks by themselves). `results`: of analyses that do not run any more. `inbox`: triggers that no discovery
    has taken. `runs`: what steps of failed runs left, discoveries that Dagster was never told, and those that the service was
    asked for. `quarantine`: copies of what was taken out of the way. `dagster_runs`: runs that have ended, with their rows in
    Dagster's event log; `newest` of each job and cluster.
    """

    documents: Kept = Kept(days=400)
    changes: Kept = Kept(days=400)
    readings: Kept = Kept(days=60)
    results: Kept = Kept(days=400)
    inbox: Kept = Kept(days=90)
    runs: Kept = Kept(days=30)
    quarantine: Kept = Kept(days=180)
    # The schedule makes 360 of a cluster in 90 days; in a large estate something changes each minute, and `analysis` runs as often.
    dagster_runs: Kept = Kept(days=90, newest=400)
