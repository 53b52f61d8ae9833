"""A faked AWS account and its mappings."""

import pytest

from mesh_assets.esm.service import MappingService
from mesh_assets_tests.esm.fake_aws import FakeAws


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture(autouse=True)
def _no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the developer's own AWS settings."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def service(aws: FakeAws) -> MappingService:
    return MappingService(aws.account(), lookup_topic=lambda *_: 3, sleep=lambda _: None)
