"""An account of its own for each test."""

from collections.abc import Iterator

import pytest

from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.an_aws_account import AwsAccount


@pytest.fixture
def account(lambda_url: str, endpoints: Endpoints) -> Iterator[AwsAccount]:
    """With short states; whatever it is told to do wrong ends with the test."""
    made = AwsAccount(lambda_url, endpoints)
    made.faults(state_delay_seconds=0.2)
    yield made
    made.faults()
    for mapping in made.mappings.list_event_source_mappings()["EventSourceMappings"]:
        if mapping["State"] in ("Enabled", "Disabled"):
            made.mappings.delete_event_source_mapping(UUID=mapping["UUID"])
