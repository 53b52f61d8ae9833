"""A separate account for each test."""

from collections.abc import Iterator

import pytest

from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.an_aws_account import AwsAccount, an_account


@pytest.fixture
def account(lambda_url: str, broker: Endpoints) -> Iterator[AwsAccount]:
    with an_account(lambda_url, broker) as made:
        yield made
