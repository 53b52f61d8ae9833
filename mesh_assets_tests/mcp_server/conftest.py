"""A server with its store, anew for each test."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from mesh_assets_tests.mcp_server.world import World, make_a_world, the_day_before, today


@pytest.fixture
def make_world(tmp_path: Path) -> Callable[..., World]:
    """`make_world(documents…, setting=…)`: see make_a_world."""
    return functools.partial(make_a_world, tmp_path)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Two documents a day apart: a connector failed, lag grew, a topic and a schema version are new."""
    return make_world(the_day_before(), today())
