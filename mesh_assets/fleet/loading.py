"""The estate with found clusters. Code that works on clusters loads it from here; no cloud is asked."""

import os
from collections.abc import Callable
from pathlib import Path

from mesh_assets.errors import EstateError, StoreError
from mesh_assets.estate.file import EstateRead, estate_path, read_estate
from mesh_assets.estate.found import FoundCluster
from mesh_assets.estate.model import Estate
from mesh_assets.fleet.kept_found import kept_clusters
from mesh_assets.store.layout import open_store
from mesh_assets.store.objects import ObjectStore


def load_estate(path: Path | None = None) -> Estate:
    """The estate of the files (`estate/file.py`), plus what its rules found, from MESH_STORE. Raises EstateError."""
    return read_with_found(
        estate_path() if path is None else path, lambda: open_store(os.environ.get("MESH_STORE"))
    ).estate


def read_with_found(path: Path, objects: Callable[[], ObjectStore]) -> EstateRead:
    """`objects`: opens the store; only called if the estate has rules. Raises EstateError."""

    def find() -> tuple[FoundCluster, ...]:
        try:
            return kept_clusters(objects(), path).clusters
        except StoreError as error:
            raise EstateError(
                f"{path}: found: the found clusters cannot be read, so it is unknown which there are: {error}"
            ) from error

    return read_estate(path, find=find)
