"""The sandbox's stand-in for Confluent Cloud, used with its own keys, and restored afterwards."""

from collections.abc import Iterator

import pytest

from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.sandbox.cloud.asking import StandIn


@pytest.fixture
def cloud(sandbox: Sandbox) -> Iterator[StandIn]:
    with StandIn(sandbox) as stand_in:
        yield stand_in
        stand_in.forget()
