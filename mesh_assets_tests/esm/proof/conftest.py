"""An account whose mappings the proof looks at, through the project's own access."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mesh_assets.esm import aws_account
from mesh_assets.esm.connection import KafkaLogin
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.proof import Validation, ValidationRequest, validate_esm_processing
from mesh_assets.estate.model import AwsAccountSettings
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests import an_aws_account


@pytest.fixture
def account(lambda_url: str, broker: Endpoints) -> Iterator[an_aws_account.AwsAccount]:
    with an_aws_account.an_account(lambda_url, broker) as made:
        yield made


@pytest.fixture
def access(account: an_aws_account.AwsAccount) -> aws_account.AwsAccount:
    return aws_account.AwsAccount(
        AwsAccountSettings(region="us-east-1", endpoint_url=account.url),
        make_client=lambda service, _: account.client(service),
    )


@pytest.fixture
def validate(access: aws_account.AwsAccount, broker: Endpoints) -> Callable[..., Validation]:
    """With times short enough for a test; those of a verdict that waits in vain are shorter still."""

    def run(mapping: dict[str, Any], *, login: KafkaLogin | None = None, **request: Any) -> Validation:
        return validate_esm_processing(
            access,
            get_mapping(access, mapping["UUID"]),
            login or KafkaLogin(bootstrap_servers=broker.bootstrap_servers),
            ValidationRequest(**{"messages": 4, "deadline_seconds": 60, "metrics_seconds": 30, **request}),
        )

    return run
