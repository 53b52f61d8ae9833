"""What an object store must be able to do, whether it is a folder or a bucket."""

import hashlib
import logging
import re
from datetime import datetime
from typing import Protocol

from mesh_assets.errors import StoreError
from mesh_assets.inventory.records import Record

logger = logging.getLogger(__name__)

PRIVATE = "private/"
"""Objects under this prefix are only for this project's runs; in a folder, the files are open only to their
owner."""

QUARANTINE = "quarantine/"
"""Copies of objects that could not be read: one damaged file must not stop what needs the others."""


class StoredObject(Record, frozen=True, kw_only=True):
    """An object in a listing."""

    key: str
    bytes: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Whole objects under keys like `inventories/abc/latest.json`, each read and written in one piece.

    A version is an opaque text that changes whenever the content does; equal contents may have equal
    versions. Every method raises StoreError if the store cannot be read or written, and for an invalid key
    (absolute, `..`, empty parts, leading dots).
    """

    @property
    def shared(self) -> bool:
        """Whether other machines can read what `uri` names."""
        ...

    def get(self, key: str) -> tuple[bytes, str] | None:
        """The content and its version; None if there is no such object."""
        ...

    def put(self, key: str, data: bytes) -> str:
        """Writes unconditionally; returns the new version."""
        ...

    def put_new(self, key: str, data: bytes) -> str:
        """Writes only if the key is free; returns the new version. Raises ConflictError otherwise."""
        ...

    def put_if(self, key: str, data: bytes, version: str) -> str:
        """Overwrites only that version; returns the new one. Raises ConflictError otherwise."""
        ...

    def delete(self, key: str) -> None:
        """Removes it if it exists."""
        ...

    def delete_if(self, key: str, version: str) -> None:
        """Removes only that version. Raises ConflictError otherwise, even if the object is gone."""
        ...

    def list(self, prefix: str) -> "list[StoredObject]":
        """The objects whose key starts with `prefix`, sorted by key; without what others put there under
        names that are not keys, such as the empty objects that S3's console makes for folders."""
        ...

    def uri(self, key: str) -> str:
        """The object's address: `file:///…`, `s3://…`, `gs://…` or `az://…`."""
        ...

    def location(self, key: str) -> str:
        """The object as a person would type it: a path or a bucket address."""
        ...


def checked_key(key: str) -> str:
    """The key itself. Raises StoreError if it could leave the store or hide in it."""
    if not is_key(key):
        raise StoreError(
            f"{key!r} is not a key of the store: expected names joined by '/', none empty or starting with a dot"
        )
    return key


# In a key, between slashes: an empty part, a leading dot, or a character that no key has.
_NO_PART = re.compile("//|/\\.|[\\\\\0\ud800-\udfff]")


def is_key(key: str) -> bool:
    """Whether `key` can name an object of a store. Names in a folder need not even be text: anything that is
    not UTF-8 comes as lone surrogates."""
    return _NO_PART.search(f"/{key}/") is None


def keep_aside(objects: ObjectStore, key: str, data: bytes) -> str:
    """Keeps a copy under `quarantine/` with a name that no other content has; returns where it is, for
    people. Raises StoreError when the store fails."""
    folder, slash, name = key.rpartition("/")
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    kept = f"{QUARANTINE}{folder}{slash}{stem}-{hashlib.sha256(data).hexdigest()[:12]}{dot}{ending}"
    objects.put(kept, data)
    return objects.location(kept)


def set_aside(objects: ObjectStore, key: str, data: bytes, *, reason: str) -> None:
    """Keeps a copy under `quarantine/` for a person to look at and logs it; what happens to the object itself
    is up to the caller. Raises StoreError when the store fails."""
    kept = f"{QUARANTINE}{key}"
    objects.put(kept, data)
    logger.warning(
        "%s cannot be read (%s); it is kept at %s", objects.location(key), reason, objects.location(kept)
    )
