"""The found clusters, in the store: `private/estates/<digest of the file's path>-found.json`.

So loading an estate asks no cloud, and clusters that a listing does not show today are still known.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from mesh_assets.errors import ConflictError, DamagedError, StoreError
from mesh_assets.estate.found import FoundCluster
from mesh_assets.fleet.last_good import estate_key
from mesh_assets.inventory.formats import refuse_newer_format
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.store.objects import ObjectStore


class _Kept(Record, frozen=True, kw_only=True):
    """`path`: the estate file's, for people. `listed_at`: when clouds were last asked."""

    format: int = 1
    path: str
    listed_at: datetime
    clusters: tuple[dict[str, Any], ...]


class KeptClusters(Record, frozen=True, kw_only=True):
    """`version` and `listed_at` None: clouds have not been asked yet."""

    clusters: tuple[FoundCluster, ...] = ()
    listed_at: datetime | None = None
    version: str | None = None


_decoder = msgspec.json.Decoder(_Kept)


def kept_clusters(objects: ObjectStore, path: Path) -> KeptClusters:
    """Raises StoreError, and DamagedError for what this version cannot read."""
    key = _key(path)
    found = objects.get(key)
    if found is None:
        return KeptClusters()
    where = objects.location(key)
    refuse_newer_format(found[0], source=where)
    try:
        kept = _decoder.decode(found[0])
        clusters = tuple(FoundCluster.model_validate(one) for one in kept.clusters)
    except (*UNDECODABLE, ValidationError) as error:
        raise DamagedError(
            f"{where} is not a list of found clusters ({type(error).__name__}); remove it, and `mesh-assets estate find --apply` "
            "rebuilds it"
        ) from None
    return KeptClusters(clusters=clusters, listed_at=kept.listed_at, version=found[1])


def keep_clusters(
    objects: ObjectStore, path: Path, clusters: Sequence[FoundCluster], *, before: KeptClusters, at: datetime
) -> None:
    """Keeps these instead of `before`. Raises StoreError, also if another process has written it meanwhile."""
    kept = _Kept(
        path=str(path.absolute()),
        listed_at=at,
        clusters=tuple(one.model_dump(mode="json", exclude_defaults=True) for one in clusters),
    )
    key, data = _key(path), msgspec.json.encode(kept)
    try:
        if before.version is None:
            objects.put_new(key, data)
        else:
            objects.put_if(key, data, before.version)
    except ConflictError as error:
        raise StoreError(
            f"{objects.location(key)} was written meanwhile by another search for clusters; nothing was changed, run it again"
        ) from error


def _key(path: Path) -> str:
    return f"{estate_key(path)}-found.json"
