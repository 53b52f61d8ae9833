"""What the assets need from outside: the estate and the store, opened once a run."""

import os
from functools import cached_property

import dagster as dg

from mesh_assets.errors import MeshError
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store


class EstateResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The estate file that `MESH_ESTATE` names, read anew for each run: credentials and patterns may have
    changed since loading."""

    @cached_property
    def _estate(self) -> Estate:
        return load_estate()

    def estate(self) -> Estate:
        return self._estate

    def cluster(self, name: str) -> Cluster:
        try:
            return self._estate.clusters[name]
        except KeyError:
            raise MeshError(
                f"the estate has no cluster {name!r} (it has: {', '.join(self._estate.clusters)}); "
                "reload the definitions after changing the estate file"
            ) from None


class StoreResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The store that `MESH_STORE` names: a folder or `s3://bucket/prefix`."""

    @cached_property
    def _store(self) -> InventoryStore:
        return InventoryStore(open_store(os.environ.get("MESH_STORE")))

    def store(self) -> InventoryStore:
        return self._store
