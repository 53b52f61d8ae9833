"""The last good estate in the store: `private/estates/<digest of the file's path>.json`.

It names secrets and holds none, as the file itself. A process that begins while the file is broken goes on with it: a run, a
code server that was restarted.
"""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from mesh_assets.errors import DamagedError
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.formats import refuse_newer_format
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.store.objects import PRIVATE, ObjectStore


class KeptEstate(Record, frozen=True, kw_only=True):
    """`path`: whose it is, for people. `estate`: as the models have it, with includes and defaults worked in."""

    format: int = 1
    path: str
    estate: dict[str, Any]


_decoder = msgspec.json.Decoder(KeptEstate)


def keep_last_good(objects: ObjectStore, path: Path, estate: Estate) -> bool:
    """Keeps the estate unless the same one is kept; whether it was written. Raises StoreError."""
    kept = KeptEstate(
        path=str(path.absolute()),
        # Only what is set, so that an updated version takes its own defaults.
        estate=estate.model_dump(mode="json", by_alias=True, exclude_unset=True),
    )
    data, key = msgspec.json.encode(kept), _key(path)
    found = objects.get(key)
    if found is not None and found[0] == data:
        return False
    objects.put(key, data)
    return True


def last_good(objects: ObjectStore, path: Path) -> Estate | None:
    """None when none was kept. Raises StoreError, and DamagedError for what this version cannot read."""
    key = _key(path)
    found = objects.get(key)
    if found is None:
        return None
    where = objects.location(key)
    refuse_newer_format(found[0], source=where)
    try:
        return Estate.model_validate(_decoder.decode(found[0]).estate)
    except UNDECODABLE as error:
        raise DamagedError(
            f"{where} is no kept estate: {error}; fix the estate file, and it is written again"
        ) from error
    except ValidationError as error:
        raise DamagedError(
            f"{where} is no estate of this version ({error.error_count()} faults); fix the estate file, and it is written again"
        ) from None


def _key(path: Path) -> str:
    return f"{estate_key(path)}.json"


def estate_key(path: Path) -> str:
    """What the keys of all that is kept of an estate file begin with."""
    return f"{PRIVATE}estates/{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]}"
