"""How long the store keeps things. Only `mesh-assets store prune --apply` and the job `store_upkeep` remove anything
(docs/store.md)."""

from typing import Annotated

from pydantic import Field

from mesh_assets.estate.fields import EstateModel


class Kept(EstateModel):
    """Removes what is older than `days`, and what exceeds the `newest` of its cluster. Absent: no limit."""

    days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    newest: Annotated[int, Field(ge=1)] | None = None


class Retention(EstateModel):
    """By kind. Never removed: anything that a pointer, a lock or a result names, and each cluster's ten newest documents.

    `documents`: age counts from the cluster's newest document, so a cluster that is no longer discovered keeps them.
    `changes`: the table of changes, one object per snapshot. `readings`: of clusters that are no longer read (others keep two
    weeks anyway). `results`: of analyses that no longer run. `inbox`: triggers that no discovery has taken. `runs`: leftovers
    of failed runs, discoveries never reported to Dagster, and those requested from the service. `quarantine`: copies of what
    was moved aside. `dagster_runs`: runs that have ended, with their rows in Dagster's event log; `newest` of each job and
    cluster.
    """

    documents: Kept = Kept(days=400)
    changes: Kept = Kept(days=400)
    readings: Kept = Kept(days=60)
    results: Kept = Kept(days=400)
    inbox: Kept = Kept(days=90)
    runs: Kept = Kept(days=30)
    quarantine: Kept = Kept(days=180)
    # The schedule makes 360 per cluster in 90 days; in a large estate something changes every minute, and `analysis` runs as often.
    dagster_runs: Kept = Kept(days=90, newest=400)
