"""Where profiles are kept: `analysis/data_quality.json`, the newest of every topic, with the trend of those before."""

from mesh_assets.profiling.records import DataQuality
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import ResultStore


def profile_results(store: InventoryStore) -> ResultStore[DataQuality]:
    """The store place; `get()` is None until the job `profiling` has run, and raises StoreError if it cannot be read."""
    return ResultStore(store.objects, "data_quality", DataQuality)
