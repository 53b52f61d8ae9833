"""From the value of MESH_STORE to the store it names."""

from pathlib import Path

from mesh_assets.errors import StoreError
from mesh_assets.inventory.store.folder import FolderStore
from mesh_assets.inventory.store.objects import ObjectStore

DEFAULT_STORE = ".mesh"


def open_store(value: str | None) -> ObjectStore:
    """The store that MESH_STORE names: a folder or `s3://bucket/prefix`; None or empty: the folder `.mesh`."""
    text = value or DEFAULT_STORE
    if text.startswith("s3://"):
        from mesh_assets.inventory.store.bucket import BucketStore  # boto3 is heavy, and only needed here

        return BucketStore.at(text)
    if "://" in text:
        raise StoreError(f"MESH_STORE is {text!r}; expected a folder or s3://bucket/prefix")
    return FolderStore(Path(text))
