"""Estates for tests: the sandbox's with only some of its clusters, and the faults of one given as text."""

import shutil
from pathlib import Path

import pytest
import yaml

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import parse_estate
from mesh_assets.sandbox.servers import Endpoints


def estate_of(endpoints: Endpoints, folder: Path, *clusters: str) -> Path:
    """Writes `estate.yaml` with these clusters into `folder`, with the secrets it names beside it. Returns the file."""
    estate = yaml.safe_load(endpoints.estate_file.read_text())
    estate["clusters"] = {name: estate["clusters"][name] for name in clusters}
    path = folder / "estate.yaml"
    path.write_text(yaml.safe_dump(estate, sort_keys=False))
    shutil.copy(endpoints.estate_file.parent / ".env", folder)
    return path


def findings(text: str) -> list[str]:
    """The lines of the error that refuses it."""
    with pytest.raises(EstateError) as caught:
        parse_estate(text, source="estate.yaml")
    return str(caught.value).splitlines()


TWO_CLUSTERS = """
clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}
  payments: {kafka: {bootstrap_servers: "127.0.0.1:2"}}
"""
