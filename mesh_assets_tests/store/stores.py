"""Stores of both kinds for tests: opened, or as the values of MESH_STORE that any process of the test can
open."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mesh_assets.platforms.aws.client import new_session
from mesh_assets.store.bucket import BucketStore
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.objects import ObjectStore

KINDS = ["folder", pytest.param("s3", marks=pytest.mark.sandbox)]

NewStore = Callable[[], str]


def new_stores(request: pytest.FixtureRequest, kind: str, folder: Path) -> NewStore:
    """Makes values for empty stores. `kind`: one of KINDS; `s3` is that of the stand-in for AWS, which is
    started."""
    if kind == "folder":
        return lambda: str(folder / f"store-{secrets.token_hex(4)}")
    bucket, client = _a_bucket(request)
    client.close()
    return lambda: f"s3://{bucket}/{secrets.token_hex(4)}"


def new_objects(request: pytest.FixtureRequest, kind: str, folder: Path) -> Callable[[], ObjectStore]:
    """The same, opened, for use in this process alone: all by one client, which costs more than many
    requests."""
    if kind == "folder":
        return lambda: FolderStore(folder / f"store-{secrets.token_hex(4)}")
    bucket, client = _a_bucket(request)
    request.addfinalizer(client.close)
    return lambda: BucketStore(client, bucket, secrets.token_hex(4))


def _a_bucket(request: pytest.FixtureRequest) -> tuple[str, Any]:
    request.getfixturevalue("aws_account")
    bucket = f"mesh-{secrets.token_hex(4)}"
    client = new_session().create_client("s3")
    client.create_bucket(Bucket=bucket)
    return bucket, client
