"""The code location: everything below `mesh_assets/defs`, over the estate's clusters."""

import warnings
from pathlib import Path

import dagster as dg

import mesh_assets.defs
from mesh_assets.estate.file import load_estate


@dg.definitions
def defs() -> dg.Definitions:
    """Raises EstateError when the estate file is missing or wrong: the UI shows its sentence."""
    load_estate()  # first, or Dagster would wrap the sentence in an error about loading the folder
    folder = Path(__file__).parent / "defs"
    # Not `dg.load_from_defs_folder`: it does the same, and then imports every installed component plugin (for
    # dagster-aws 1.1 s per process). It also needs a pyproject.toml, which an installed wheel lacks.
    tree = dg.ComponentTree.from_module(defs_module=mesh_assets.defs, project_root=folder.parent.parent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # about functions that Dagster itself calls here
        warnings.simplefilter("ignore", dg.BetaWarning)
        return tree.build_defs(folder)
