"""What commands need, imported once: processes forked after it start at once."""

import boto3  # noqa: F401
import botocore.client  # noqa: F401
import pyarrow.parquet  # noqa: F401

import mesh_assets.cli.configure
import mesh_assets.cli.discover
import mesh_assets.cli.estate
import mesh_assets.cli.snapshot
import mesh_assets.definitions  # noqa: F401
from mesh_assets.cli.main import main

__all__ = ["main"]
