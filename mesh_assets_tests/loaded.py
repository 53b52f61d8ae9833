"""What commands need, imported once: processes forked afterwards start at once."""

import gc
import importlib
import pkgutil

import boto3  # noqa: F401
import botocore.client  # noqa: F401
import dagster as dg
import dagster.components
import httpx
import pandas  # noqa: F401 - pyarrow imports it when it makes a table
import prometheus_client.openmetrics.parser  # noqa: F401
import pyarrow.parquet  # noqa: F401

import mesh_assets.cli
import mesh_assets.definitions
import mesh_assets.defs
from mesh_assets.cli.main import main

__all__ = ["main"]

# Commands, and the sources of definitions, are imported on use.
for _package in (mesh_assets.cli, mesh_assets.defs):
    for _module in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        importlib.import_module(_module.name)


# httpx finds its transport when the first client is created.
httpx.Client().close()


@dg.op
def _nothing() -> None:
    pass


# So is half of Dagster, when a job first runs on an instance. It leaves no thread, so forking stays safe.
with dg.DagsterInstance.local_temp() as _instance:
    dg.GraphDefinition(name="nothing", node_defs=[_nothing]).execute_in_process(
        instance=_instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    )

# Garbage collection in a fork would copy the memory that it shares with the others.
gc.freeze()
