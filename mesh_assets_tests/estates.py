"""The sandbox's estate cut down to some of its clusters, in a folder of the test's own."""

import shutil
from pathlib import Path

import yaml

from mesh_assets.sandbox.servers import Endpoints


def estate_of(endpoints: Endpoints, folder: Path, *clusters: str) -> Path:
    """Writes `estate.yaml` with these clusters into `folder`, the secrets it names beside it; the file."""
    estate = yaml.safe_load(endpoints.estate_file.read_text())
    estate["clusters"] = {name: estate["clusters"][name] for name in clusters}
    path = folder / "estate.yaml"
    path.write_text(yaml.safe_dump(estate, sort_keys=False))
    shutil.copy(endpoints.estate_file.parent / ".env", folder)
    return path
