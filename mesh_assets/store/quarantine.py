"""Objects that cannot be read, set aside: one damaged file must not stop what needs the others."""

import hashlib
import logging

from mesh_assets.store.objects import ObjectStore

logger = logging.getLogger(__name__)

FOLDER = "quarantine/"


def keep_aside(objects: ObjectStore, key: str, data: bytes) -> str:
    """Keeps a copy below `quarantine/` under a name that no other content has; where it is, for people. Raises
    StoreError when the store fails."""
    stem, dot, ending = key.rpartition(".")
    kept = f"{FOLDER}{stem}-{hashlib.sha256(data).hexdigest()[:12]}{dot}{ending}"
    objects.put(kept, data)
    return objects.location(kept)


def set_aside(objects: ObjectStore, key: str, data: bytes, *, reason: str) -> None:
    """Keeps a copy below `quarantine/` for a person to look at and says so in the log; what becomes of the
    object itself is the caller's to decide. Raises StoreError when the store fails."""
    kept = f"{FOLDER}{key}"
    objects.put(kept, data)
    logger.warning(
        "%s cannot be read (%s); it is kept at %s", objects.location(key), reason, objects.location(kept)
    )
