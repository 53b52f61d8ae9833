"""`examples/downstream`, another team's project, on a store that a discovery has filled."""

import asyncio
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.components import KafkaEstateComponent
from mesh_assets_tests.workplace import PROJECT

EXAMPLE = PROJECT / "examples" / "downstream"
TOPIC = "downstream-orders"
"""The topic that the example depends on. The sandbox has none of that name."""
TOTALS = dg.AssetKey("order_totals")


@contextmanager
def example_in(folder: Path, *, store: str) -> Iterator[None]:
    """Copies it there and refreshes its state, as `dg utils refresh-defs-state` does in ten seconds. Within the block
    `downstream` can be imported."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MESH_STORE", store)
        patched.syspath_prepend(str(folder))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Dagster's own: about beta features and deprecations
                tree = dg.ComponentTree.for_project(folder)
                [component] = tree.get_all_components(of_type=KafkaEstateComponent)
                asyncio.run(component.refresh_state(folder))
            yield
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == "downstream"]:
                del sys.modules[name]
