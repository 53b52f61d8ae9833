"""The code location: everything below `mesh_assets/defs`, over the estate's clusters."""

import warnings
from pathlib import Path

import dagster as dg

import mesh_assets.defs
from mesh_assets.defs.failures import masking_failures
from mesh_assets.estate.file import load_estate
from mesh_assets.masking.unexpected import mask_what_this_process_says


@dg.definitions
@masking_failures
def defs() -> dg.Definitions:
    """Raises EstateError when the estate file is missing or wrong: the UI shows its sentence."""
    mask_what_this_process_says()  # one of Dagster's, which keeps what is printed with the run
    load_estate()  # first, or Dagster would wrap the sentence in an error about loading the folder
    folder = Path(__file__).parent / "defs"
    # Not `dg.load_from_defs_folder`: it does the same, and then imports every installed component plugin (for
    # dagster-aws 1.1 s per process). It also needs a pyproject.toml, which an installed wheel lacks.
    tree = dg.ComponentTree.from_module(defs_module=mesh_assets.defs, project_root=folder.parent.parent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # about functions that Dagster itself calls here
        warnings.simplefilter("ignore", dg.BetaWarning)
        return tree.build_defs(folder)
