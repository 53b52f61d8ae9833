"""A search for clusters: what the estate file says, what clouds list, and what is kept of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mesh_assets.errors import EstateError
from mesh_assets.fleet.finding import FindPlan, plan_find
from mesh_assets.fleet.kept_found import KeptClusters, keep_clusters, kept_clusters
from mesh_assets.fleet.listings import ListMsk, OpenControlPlane, list_msk, listings
from mesh_assets.fleet.loading import read_with_found
from mesh_assets.platforms.confluent_cloud.control_plane import ControlPlaneClient
from mesh_assets.store.objects import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`before`: what was kept until now."""

    path: Path
    at: datetime
    plan: FindPlan
    before: KeptClusters

    def apply(self, objects: ObjectStore) -> None:
        """Keeps what was found, which is part of the estate from then on. Raises StoreError."""
        keep_clusters(objects, self.path, self.plan.clusters, before=self.before, at=self.at)


def look_for_clusters(
    path: Path,
    objects: Callable[[], ObjectStore],
    *,
    at: datetime,
    forget_missing: bool = False,
    msk: ListMsk = list_msk,
    control_plane: OpenControlPlane = ControlPlaneClient,
) -> Look:
    """Asks the clouds and changes nothing. The plan's `failures` has what cannot be listed.

    Raises EstateError for a broken file and for one without rules, StoreError.
    """
    read = read_with_found(path, objects)
    rules = read.estate.found.rules
    if not rules:
        raise EstateError(
            f"{path} has no rules for finding clusters; write `found: {{rules: […]}}` (docs/estate.md), or name the clusters"
        )
    before = kept_clusters(objects(), path)
    plan = plan_find(
        rules,
        listings(rules, at=at, msk=msk, control_plane=control_plane),
        named=read.named,
        kept=before.clusters,
        defaults=read.defaults,
        at=at,
        forget_missing=forget_missing,
    )
    return Look(path=path, at=at, plan=plan, before=before)
