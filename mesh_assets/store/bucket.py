"""A bucket as an object store: conditional writes do what locks and links do in a folder.

Everything that S3, Google Cloud Storage and Azure Blob Storage have in common; `s3.py`, `gcs.py` and
`azure_blob.py` say how to ask each of them, through its maker's own library, and what its errors mean.
"""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypeVar

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.store.objects import StoredObject, checked_key, is_key

T = TypeVar("T")

CONNECT_SECONDS, READ_SECONDS = 10, 60
"""How long a request may take to connect, and to be answered."""

NEW = "new"
"""A condition: only if the key is free."""

WRITE = "meshwrite"
"""The entry of an object's metadata that identifies its write: only letters, since Azure requires
identifiers."""

Refusal = Literal["missing", "conflict", "other"]


class Listed(NamedTuple):
    name: str
    bytes: int
    modified_at: datetime


class Bucket(Protocol):
    """One bucket, through its maker's library. Methods raise what the library raises, which is among
    `errors`.

    `condition`: None, NEW, or the version that must be there.
    """

    @property
    def address(self) -> str:
        """`s3://bucket`, without a trailing slash."""
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """Everything that the library may raise, except for faults in this code."""
        ...

    def get(self, name: str) -> tuple[bytes, str]:
        """The content and its version, from one moment."""
        ...

    def write_of(self, name: str) -> tuple[str | None, str]:
        """The write that the object comes from (its metadata's WRITE), and its version."""
        ...

    def put(self, name: str, data: bytes, *, write: str, condition: str | None) -> str:
        """The new version."""
        ...

    def delete(self, name: str, *, condition: str | None) -> None: ...

    def list(self, prefix: str) -> list[Listed]: ...

    def refusal(self, error: Exception) -> Refusal:
        """Whether it says that the object (not the bucket) is missing, or that the condition does not hold."""
        ...

    def sentence(self, error: Exception) -> str:
        """What went wrong and what to do, in one line without secrets."""
        ...


class BucketStore:
    """Objects below `prefix` in the bucket."""

    shared = True

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def get(self, key: str) -> tuple[bytes, str] | None:
        name = self._name(key)
        return self._ask(key, "read", lambda: self._bucket.get(name))

    def put(self, key: str, data: bytes) -> str:
        return self._put(key, data, None)

    def put_new(self, key: str, data: bytes) -> str:
        return self._put(key, data, NEW)

    def put_if(self, key: str, data: bytes, version: str) -> str:
        return self._put(key, data, version)

    def delete(self, key: str) -> None:
        name = self._name(key)
        self._ask(key, "removed", lambda: self._bucket.delete(name, condition=None))

    def delete_if(self, key: str, version: str) -> None:
        name = self._name(key)
        try:
            self._bucket.delete(name, condition=version)
        except self._bucket.errors as error:
            if self._bucket.refusal(error) == "other":
                raise self._failure(key, "removed", error) from error
            raise ConflictError(f"{self.uri(key)} has been written by another process or is gone") from error

    def list(self, prefix: str) -> "list[StoredObject]":
        try:
            listed = self._bucket.list(self._prefix + prefix)
        except self._bucket.errors as error:
            raise self._failure(prefix, "listed", error) from error
        found = [
            StoredObject(key=key, bytes=entry.bytes, modified_at=entry.modified_at)
            for entry in listed
            if is_key(key := entry.name.removeprefix(self._prefix))
        ]
        return sorted(found, key=lambda entry: entry.key)

    def uri(self, key: str) -> str:
        return f"{self._bucket.address}/{self._name(key)}"

    def location(self, key: str) -> str:
        return self.uri(key)

    def _name(self, key: str) -> str:
        return self._prefix + checked_key(key)

    def _put(self, key: str, data: bytes, condition: str | None) -> str:
        name, write = self._name(key), uuid.uuid4().hex
        try:
            return self._bucket.put(name, data, write=write, condition=condition)
        except self._bucket.errors as error:
            if condition is None or self._bucket.refusal(error) == "other":
                raise self._failure(key, "written", error) from error
            # The libraries repeat a write whose answer was lost, and it then conflicts with itself. Equal
            # contents would prove nothing: two runs that take a ticket write the same.
            standing = self._ask(key, "read", lambda: self._bucket.write_of(name))
            if standing is not None and standing[0] == write:
                return standing[1]
            raise ConflictError(
                f"{self.uri(key)} already exists or has been written by another process"
            ) from error

    def _ask(self, key: str, done: str, ask: Callable[[], T]) -> T | None:
        """None if there is no such object."""
        try:
            return ask()
        except self._bucket.errors as error:
            if self._bucket.refusal(error) == "missing":
                return None
            raise self._failure(key, done, error) from error

    def _failure(self, key: str, done: str, error: Exception) -> StoreError:
        where = f"{self._bucket.address}/{self._prefix}{key}"
        return StoreError(f"{where} could not be {done}: {self._bucket.sentence(error)}")
