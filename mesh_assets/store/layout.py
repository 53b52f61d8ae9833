"""Where the store is (`MESH_STORE`), and the keys under which it keeps things."""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from mesh_assets.errors import StoreError
from mesh_assets.importing import importing
from mesh_assets.inventory.document import document_name
from mesh_assets.store.bucket import Bucket, BucketStore
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.objects import ObjectStore

DEFAULT_STORE = ".mesh"


def open_store(value: str | None) -> ObjectStore:
    """The store that MESH_STORE names: a folder, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`. None
    or empty: the folder `.mesh`. Raises StoreError for any other address, and if the extra for it is not
    installed."""
    text = value or DEFAULT_STORE
    scheme, found, rest = text.partition("://")
    if not found:
        if Path(text).is_file():  # nothing would be found under it, as in an empty store
            raise StoreError(
                f"MESH_STORE is {text!r}, which is a file; expected a folder, or the address of a bucket"
            )
        return FolderStore(Path(text))
    name, _, prefix = rest.partition("/")
    if scheme not in ("s3", "gs", "az") or not name:
        raise StoreError(
            f"MESH_STORE is {text!r}; expected a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
        )
    return BucketStore(_bucket(scheme, name), prefix)


def _bucket(scheme: str, name: str) -> Bucket:
    """Their libraries are heavy and only needed here."""
    with importing:
        if scheme == "s3":
            from mesh_assets.store.s3 import S3Bucket

            return S3Bucket.named(name)
        extra = "gcs" if scheme == "gs" else "azure"
        try:
            if scheme == "gs":
                from mesh_assets.store.gcs import GoogleBucket

                return GoogleBucket.named(name)
            from mesh_assets.store.azure_blob import AzureContainer

            return AzureContainer.named(name)
        except ImportError as error:
            raise StoreError(
                f"MESH_STORE is at {scheme}://{name}, which needs an extra ({error.name} is missing): "
                f"pip install 'mesh-assets[{extra}]'"
            ) from error


_DOCUMENT = re.compile(
    r"inventory-(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z)(?:-(\d+))?\.json(\.gz|\.([0-9a-f]{16})\.[0-9a-f]{8}\.(?:diff|zst))?"
)
_BASE = re.compile(r"base-([0-9a-f]{16})\.zst")


def safe(name: str) -> str:
    """A name as one part of a key: letters, digits, `-`, `_`, `.`, `~` stay; everything else, and a leading
    dot, becomes %XX.

    Different names give different parts. Raises StoreError for an empty name.
    """
    if not name:
        raise StoreError("a cluster or run without a name cannot be kept in the store")
    part = quote(name, safe="")
    return f"%2E{part[1:]}" if part.startswith(".") else part


def unsafe(part: str) -> str:
    """The name that `safe` turned into this part."""
    return unquote(part)


def store_key() -> str:
    return "store.json"


def cluster_folder(cluster_id: str) -> str:
    return f"inventories/{safe(cluster_id)}/"


def latest_key(cluster_id: str) -> str:
    return f"{cluster_folder(cluster_id)}latest.json"


def pending_key(cluster_id: str) -> str:
    return f"{cluster_folder(cluster_id)}pending.json"


def adoption_key(cluster_id: str) -> str:
    return f"{cluster_folder(cluster_id)}adopted.json"


def digest_key(cluster_id: str) -> str:
    return f"{cluster_folder(cluster_id)}digest.json"


def tickets_key(cluster_id: str) -> str:
    return f"{cluster_folder(cluster_id)}tickets.json"


def known_clusters_folder() -> str:
    return "clusters/"


def known_cluster_key(name: str) -> str:
    return f"{known_clusters_folder()}{safe(name)}.json"


def section_key(run_id: str, cluster: str, section: str) -> str:
    return f"{run_folder(run_id)}{safe(cluster)}/{section}.json"


def run_folder(run_id: str) -> str:
    return f"steps/{safe(run_id)}/"


def document_key(cluster_id: str, moment: datetime, attempt: int) -> str:
    """The key of a document of that second; `attempt` counts from 1 and grows while another document has the
    key."""
    name = document_name(moment)
    return cluster_folder(cluster_id) + (
        name if attempt == 1 else f"{name.removesuffix('.json')}-{attempt}.json"
    )


GZIPPED, DIFFERENCE = ".gz", ".diff"
"""The ends of the keys of documents that an earlier version compressed, and of those that are differences
from a base."""


def document_moment(key: str) -> tuple[datetime, int] | None:
    """The second and the attempt in a document's key, in whatever form it is kept; None if it is not a
    document's key."""
    match = _DOCUMENT.fullmatch(key.rpartition("/")[2])
    if match is None:
        return None
    try:
        moment = datetime.strptime(match[1], "%Y-%m-%dT%H-%M-%SZ")
    except ValueError:  # somebody else's file with such a name: there is no such day
        return None
    return moment.replace(tzinfo=UTC), int(match[2] or 1)


def plain_key(key: str) -> str:
    """The key of a document, given that of any form of it."""
    match = _DOCUMENT.fullmatch(key.rpartition("/")[2])
    return key.removesuffix(match[3]) if match is not None and match[3] else key


def document_day(key: str) -> str:
    """The day of a document in UTC, from its key: `2026-11-23`."""
    return key.rpartition("/")[2].removeprefix("inventory-").partition("T")[0]


def cluster_of(key: str) -> str:
    """The id of the cluster that a key below `inventories/` belongs to."""
    return unsafe(key.split("/")[1])


def base_key(cluster_id: str, base_id: str) -> str:
    return f"{cluster_folder(cluster_id)}base-{base_id}.zst"


def base_of(key: str) -> str | None:
    """The id of the base that the difference under that key refers to, or of the base under it; None for
    other keys."""
    name = key.rpartition("/")[2]
    if base := _BASE.fullmatch(name):
        return base[1]
    match = _DOCUMENT.fullmatch(name)
    return None if match is None or document_moment(name) is None else match[4]
