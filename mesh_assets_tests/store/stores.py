"""Stores of every kind for tests: opened, or as values of MESH_STORE that any process of the test can open."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mesh_assets.platforms.aws.client import new_session
from mesh_assets.store.bucket import Bucket, BucketStore
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.s3 import S3Bucket

_S3 = pytest.param("s3", marks=pytest.mark.sandbox)
EVERY_KIND = [
    "folder",
    _S3,
    pytest.param("gs", marks=pytest.mark.slow),
    pytest.param("az", marks=pytest.mark.slow),
]
"""`s3` and `gs` are stand-ins (of the sandbox, and `google_stand_in.py`), `az` is Microsoft's emulator."""
KINDS = [
    "folder",
    _S3,
    pytest.param("gs", marks=pytest.mark.long),
    pytest.param("az", marks=pytest.mark.long),
]
"""The same for tests with hundreds of requests: with these two, they take a CPU minute."""

NewStore = Callable[[], str]

AZURITE_ACCOUNT = "devstoreaccount1"
# Not a secret: every Azurite and every guide to it has it, https://learn.microsoft.com/azure/storage/common/storage-use-azurite
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def new_stores(request: pytest.FixtureRequest, kind: str, folder: Path) -> NewStore:
    """Makes values for empty stores of one of KINDS, and starts what a bucket needs."""
    if kind == "folder":
        return lambda: str(folder / f"store-{secrets.token_hex(4)}")
    address = _a_bucket(request, kind).address
    return lambda: f"{address}/{secrets.token_hex(4)}"


def new_objects(request: pytest.FixtureRequest, kind: str, folder: Path) -> Callable[[], ObjectStore]:
    """The same, opened, for this process alone: all with one client, which costs more than many requests."""
    if kind == "folder":
        return lambda: FolderStore(folder / f"store-{secrets.token_hex(4)}")
    bucket = _a_bucket(request, kind)
    return lambda: BucketStore(bucket, secrets.token_hex(4))


def _a_bucket(request: pytest.FixtureRequest, kind: str) -> Bucket:
    if kind == "gs":
        return a_google_bucket(request)
    if kind == "az":
        from mesh_assets.store.azure_blob import AzureContainer  # half a second of imports, for a few workers

        return AzureContainer.named(an_azure_container(request).name)
    request.getfixturevalue("aws_account")
    name = _a_name()
    client: Any = new_session().create_client("s3")
    request.addfinalizer(client.close)
    client.create_bucket(Bucket=name)
    return S3Bucket(client, name)


def a_google_bucket(request: pytest.FixtureRequest, name: str | None = None) -> Bucket:
    """An empty one on the stand-in (or MESH_TEST_GCS), which the environment names from now on."""
    from google.auth.credentials import AnonymousCredentials  # a second of imports, for a few workers
    from google.cloud import storage

    from mesh_assets.store.gcs import GoogleBucket

    url = os.environ.get("MESH_TEST_GCS") or request.getfixturevalue("google_stand_in").url
    request.getfixturevalue("monkeypatch").setenv("STORAGE_EMULATOR_HOST", url)
    client = storage.Client(project="test", credentials=AnonymousCredentials())
    request.addfinalizer(client.close)
    made = name or _a_name()
    client.create_bucket(made)
    return GoogleBucket(client, made)


class MadeContainer(NamedTuple):
    name: str
    connection: str


def an_azure_container(request: pytest.FixtureRequest) -> MadeContainer:
    """An empty one on Azurite, which the environment names from now on."""
    from azure.storage.blob import ContainerClient

    url = request.getfixturevalue("azurite")
    connection = (
        f"DefaultEndpointsProtocol=http;AccountName={AZURITE_ACCOUNT};AccountKey={AZURITE_KEY};"
        f"BlobEndpoint={url}/{AZURITE_ACCOUNT};"
    )
    request.getfixturevalue("monkeypatch").setenv("AZURE_STORAGE_CONNECTION_STRING", connection)
    name = _a_name()
    with ContainerClient.from_connection_string(connection, name) as client:
        client.create_container()
    return MadeContainer(name, connection)


def _a_name() -> str:
    return f"mesh-{secrets.token_hex(4)}"
