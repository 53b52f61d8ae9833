"""The resource of the ESM jobs and asset on a faked account, and what a run showed."""

from typing import Any

import dagster as dg

from mesh_assets.defs.resources import EventSourceMappings
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.estate.model import AwsAccountSettings
from mesh_assets_tests.esm.fake_aws import FakeAws

FAKES: dict[str, FakeAws] = {}
INSTANCES: dict[str, dg.DagsterInstance] = {}
"""Where the test's jobs and assets run."""


class FakeMappings(EventSourceMappings):
    """Dagster's resources hold plain values only, so the fake is found by name."""

    fake: str

    def account(self, settings: AwsAccountSettings) -> AwsAccount:
        return FAKES[self.fake].account(**settings.model_dump(exclude_none=True))


def shown(value: Any) -> Any:
    """A table as its rows."""
    return (
        [record.data for record in value.records] if isinstance(value, dg.TableMetadataValue) else value.value
    )
