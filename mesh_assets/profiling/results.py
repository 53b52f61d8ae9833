"""Where profiles are kept: `analysis/data_quality.json`, the newest of every topic, with the trend of earlier
ones."""

import threading
from collections.abc import Callable

from mesh_assets.profiling.records import DataQuality, TopicProfile
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import StoredObject
from mesh_assets.store.results import ResultStore, StoredResult


def profile_results(store: InventoryStore) -> ResultStore[DataQuality]:
    """The store place; `get()` is None until the job `profiling` has run, and raises StoreError if it cannot be read."""
    return ResultStore(store, "data_quality", DataQuality, job="profiling")


class KnownProfiles:
    """The newest kept profiles, read once after each time they are written. Safe to use from many threads."""

    def __init__(self, store: Callable[[], InventoryStore]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._kept: tuple[StoredObject, StoredResult[DataQuality]] | None = None

    def latest(self) -> StoredResult[DataQuality] | None:
        """None: the job `profiling` has not run yet. Raises StoreError."""
        results = profile_results(self._store())
        listed = [one for one in results.objects.list(results.key) if one.key == results.key]
        with self._lock:
            if listed and (self._kept is None or self._kept[0] != listed[0]):
                found = results.get()
                self._kept = None if found is None else (listed[0], found)
            return None if not listed or self._kept is None else self._kept[1]

    def of(self, cluster_id: str, topic: str) -> TopicProfile | None:
        """The topic's newest profile, by the cluster's id: a name may have passed to another cluster. Raises
        StoreError."""
        kept = self.latest()
        if kept is None:
            return None
        return next(
            (one for one in kept.result.profiles if (one.cluster_id, one.topic) == (cluster_id, topic)), None
        )
