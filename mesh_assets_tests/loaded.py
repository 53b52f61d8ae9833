"""What commands need, imported once: processes forked after it start at once."""

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

# The commands, and what the definitions are loaded from, are imported when they are used.
for _package in (mesh_assets.cli, mesh_assets.defs):
    for _module in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        importlib.import_module(_module.name)


# httpx finds its transport when a client is first made.
httpx.Client().close()


@dg.op
def _nothing() -> None:
    pass


# So is half of Dagster, when a job first runs on an instance. No thread is left of it, so forking stays safe.
with dg.DagsterInstance.local_temp() as _instance:
    dg.GraphDefinition(name="nothing", node_defs=[_nothing]).execute_in_process(
        instance=_instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    )

# A collection of garbage in a fork would copy the memory that it shares with all others.
gc.freeze()
