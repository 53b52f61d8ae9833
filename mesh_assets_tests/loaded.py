"""What commands need, imported once: processes forked after it start at once."""

import importlib
import pkgutil

import boto3  # noqa: F401
import botocore.client  # noqa: F401
import dagster as dg
import dagster.components
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


@dg.op
def _nothing() -> None:
    pass


# So is half of Dagster, when a job first runs on an instance. No thread is left of it, so forking stays safe.
with dg.DagsterInstance.local_temp() as _instance:
    dg.GraphDefinition(name="nothing", node_defs=[_nothing]).execute_in_process(
        instance=_instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    )
