"""The last good estate in the store: `private/estates/<digest of the file's path>.json`.

Like the file itself, it names secrets and contains none. Processes that start while the file is broken, such as a run or a
restarted code server, use it.
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
    """`path`: the estate file's, for people. `estate`: in the models' form, with includes and defaults merged in."""

    format: int = 1
    path: str
    estate: dict[str, Any]


_decoder = msgspec.json.Decoder(KeptEstate)


def keep_last_good(objects: ObjectStore, path: Path, estate: Estate) -> bool:
    """Keeps the estate unless the same one is already kept; returns whether it was written. Raises StoreError."""
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
    """None when none was kept. Raises StoreError, and DamagedError for something this version cannot read."""
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
            f"{where} is not a kept estate: {error}; fix the estate file, and it will be rewritten"
        ) from error
    except ValidationError as error:
        raise DamagedError(
            f"{where} is not an estate of this version ({error.error_count()} faults); fix the estate file, and it will be rewritten"
        ) from None


def _key(path: Path) -> str:
    return f"{estate_key(path)}.json"


def estate_key(path: Path) -> str:
    """The common prefix of the keys of everything kept for an estate file."""
    return f"{PRIVATE}estates/{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]}"
