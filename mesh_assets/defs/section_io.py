"""How sections pass from step to step: through the store, keyed by run. No second truth: they are dropped
after publishing."""

import dagster as dg

from mesh_assets.defs.resources import StoreResource
from mesh_assets.inventory.sections import SECTION_NAMES, Section, SectionName

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
