"""What the assets need from outside: the estate, the store, and the way of a section from step to step."""

import os
from functools import cached_property

import dagster as dg

from mesh_assets.errors import MeshError
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.inventory.sections import SECTION_NAMES, Section, SectionName
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store

# What the assets need from outside: the estate and the store, opened once a run.


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


# How sections pass from step to step: through the store, keyed by run. No second truth: they are dropped
# after publishing.

# What Dagster puts in place of a run id when the upstream asset is not part of the run (1.13.27,
# build_output_context).
_NOT_IN_A_RUN = "__EPHEMERAL_RUN_ID"


class SectionIOManager(dg.IOManager):
    def __init__(self, store: StoreResource) -> None:
        self._store = store

    def handle_output(self, context: dg.OutputContext, obj: Section) -> None:
        self._store.store().put_section(context.run_id, context.partition_key, obj)

    def load_input(self, context: dg.InputContext) -> Section | None:
        """The section of this run (or of the run that this one repeats from a failure); None when it was not
        selected."""
        upstream = context.upstream_output
        if upstream is None or upstream.run_id == _NOT_IN_A_RUN:
            return None
        return self._store.store().get_section(
            upstream.run_id, context.partition_key, section_name(context.asset_key)
        )


def section_name(key: dg.AssetKey) -> SectionName:
    return next(name for name in SECTION_NAMES if name == key.path[-1])
