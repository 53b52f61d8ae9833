"""The code location: everything below `mesh_assets/defs`, over the estate's clusters, and what the clusters hold."""

import logging
import warnings
from pathlib import Path

import dagster as dg

# Private, and nothing public tells a run's process from a code server (Dagster 1.13).
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext, DefinitionsLoadType

import mesh_assets.defs
from mesh_assets.components import KafkaEstateComponent
from mesh_assets.errors import StoreError
from mesh_assets.fleet.in_force import estate_in_force
from mesh_assets.masking.unexpected import mask_what_this_process_says, sentence
from mesh_assets.runs.failures import masking_failures

logger = logging.getLogger(__name__)


@dg.definitions
@masking_failures
def defs() -> dg.Definitions:
    """What a code location serves: what is below `mesh_assets/defs`, and the estate's things as assets.

    Raises EstateError when the estate file is missing or wrong, and the store has no earlier one that was sound: the UI shows its
    sentence.
    """
    return dg.Definitions.merge(discovery_definitions(), mesh())


_loaded: list[dg.Definitions] = []
"""What this process found when it first loaded its definitions."""


def mesh() -> dg.Definitions:
    """The topics, connectors and consumer groups of the estate, as the store has them when the location loads; reload
    it to see new ones. A store that cannot be read costs these assets, not the jobs.

    A code server loads its definitions to see what there is, and then once more, as a run's process does, to serve them: it
    gets the same again. A run's process, which never did the first, has no use for them and would wait for them.
    """
    if DefinitionsLoadContext.get().load_type is DefinitionsLoadType.RECONSTRUCTION:
        return _loaded[0] if _loaded else dg.Definitions()
    _loaded[:] = [_mesh_now()]
    return _loaded[0]


def _mesh_now() -> dg.Definitions:
    component = KafkaEstateComponent(
        clusters=list(estate_in_force().now().estate.clusters),
        # A topic is only as late as the last discovery here, which reports it every few hours.
        freshness=False,
        # `analysis/findings` has a check of each kind; those of things could not be run, since runs load no things.
        checks=(),
    )
    try:
        return component.definitions_from_store()
    except StoreError as error:
        logger.warning("the estate's topics are not shown as assets: %s", sentence(error))
        return dg.Definitions()


@masking_failures
def discovery_definitions() -> dg.Definitions:
    """Assets that are made here, jobs, schedule, sensors, resources; without the estate's things, which a project of its own
    (`mesh-assets init`) shows by a component. Raises EstateError as `defs`.
    """
    mask_what_this_process_says()  # one of Dagster's, which keeps what is printed with the run
    estate_in_force().now()  # first, or Dagster would wrap the sentence in an error about loading the folder
    folder = Path(__file__).parent / "defs"
    # Not `dg.load_from_defs_folder`: it does the same, and then imports every installed component plugin (for
    # dagster-aws 1.1 s per process). It also needs a pyproject.toml, which an installed wheel lacks.
    tree = dg.ComponentTree.from_module(defs_module=mesh_assets.defs, project_root=folder.parent.parent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # about functions that Dagster itself calls here
        warnings.simplefilter("ignore", dg.BetaWarning)
        return tree.build_defs(folder)
