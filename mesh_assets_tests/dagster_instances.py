"""An instance of Dagster in memory, made once: the tables of a new one take longer than most of these tests."""

from collections.abc import Iterator

import dagster as dg
import pytest


@pytest.fixture(scope="package")
def _one_instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def instance(_one_instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """Without runs and events."""
    yield _one_instance
    _one_instance.wipe()
