"""Which Dagster instance the commands use."""

import os
from pathlib import Path

from mesh_assets.errors import MeshError


def dagster_home() -> str:
    """DAGSTER_HOME, or the current folder when it holds a dagster.yaml; set for everything that this process
    starts."""
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        if not Path("dagster.yaml").is_file():
            raise MeshError(
                "DAGSTER_HOME is not set and there is no dagster.yaml here; run in the project's folder, or set DAGSTER_HOME to it"
            )
        home = str(Path.cwd())
        os.environ["DAGSTER_HOME"] = home
    if not Path(home).is_dir():
        raise MeshError(
            f"DAGSTER_HOME is {home}, which is not a folder; create it with a dagster.yaml in it, or set it to the project's folder"
        )
    return home
