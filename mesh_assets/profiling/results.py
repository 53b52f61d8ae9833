"""Where profiles are kept: `analysis/data_quality.json`, the newest of every topic, with the trend of earlier
ones."""

from collections.abc import Callable

from mesh_assets.profiling.records import DataQuality, TopicProfile
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import LatestResult, ResultStore, StoredResult


def profile_results(store: InventoryStore) -> ResultStore[DataQuality]:
    """The store place; `get()` is None until the job `profiling` has run, and raises StoreError if it cannot be read."""
    return ResultStore(store, "data_quality", DataQuality, job="profiling")


class KnownProfiles:
    """The newest kept profiles. Safe to use from many threads."""

    def __init__(self, store: Callable[[], InventoryStore]) -> None:
        self._latest = LatestResult(lambda: profile_results(store()))

    def latest(self) -> StoredResult[DataQuality] | None:
        """None: the job `profiling` has not run yet. Raises StoreError."""
        return self._latest.get()

    def of(self, cluster_id: str, topic: str) -> TopicProfile | None:
        """The topic's newest profile, by the cluster's id: a name may have passed to another cluster. Raises
        StoreError."""
        kept = self.latest()
        if kept is None:
            return None
        return next(
            (one for one in kept.result.profiles if (one.cluster_id, one.topic) == (cluster_id, topic)), None
        )
