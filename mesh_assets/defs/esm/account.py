"""The resource through which a run reaches AWS; tests put fakes in its place. Apart from those of a discovery, which need
nothing of AWS."""

import dagster as dg

from mesh_assets.esm.aws_account import AwsAccount, account_settings
from mesh_assets.esm.service import MappingService
from mesh_assets.estate.model import AwsAccountSettings
from mesh_assets.fleet.in_force import estate_in_force


class EventSourceMappings(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Event source mappings in the accounts and regions that the estate and the environment of the run name."""

    def service(self, region: str | None) -> MappingService:
        """The service of a region, its credentials checked.

        Raises EstateError without a region, RefusedError without working credentials, before anything else
        happens.
        """
        estate = estate_in_force().now().estate
        account = self.account(account_settings(estate, region=region))
        _ = account.identity
        return MappingService(account, estate)

    def account(self, settings: AwsAccountSettings) -> AwsAccount:
        """One account of the estate. Contacts nothing."""
        return AwsAccount(settings)
