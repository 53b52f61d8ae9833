"""The way from a run to AWS: a resource, so that tests put fakes in its place."""

import dagster as dg

from mesh_assets.esm.aws_account import AwsAccess, aws_account
from mesh_assets.esm.service import MappingService
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import AwsAccount


class MappingAccess(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Accounts and regions, by the estate and the environment of the run."""

    def service(self, region: str | None) -> MappingService:
        """Raises EstateError without a region, RefusedError without good credentials: before anything else is
        done."""
        estate = load_estate()
        access = self.account(aws_account(estate, region=region))
        _ = access.identity
        return MappingService(access, estate)

    def account(self, account: AwsAccount) -> AwsAccess:
        return AwsAccess(account)
