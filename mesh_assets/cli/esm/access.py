"""What the commands of `esm` share: which account and region they work in."""

from collections.abc import Callable
from typing import Any

import click

from mesh_assets.esm.access import AwsAccess, aws_account
from mesh_assets.esm.service import MappingService
from mesh_assets.estate.file import estate_path, load_estate
from mesh_assets.estate.model import Estate


def region_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--region", metavar="REGION", help="AWS region. Default: AWS_REGION, else the estate's only account."
    )(command)


def estate_if_any() -> Estate | None:
    """The estate, which these commands can do without; a file that is there must be right."""
    return load_estate() if estate_path().exists() else None


def aws_access(region: str | None) -> AwsAccess:
    """Checked at the start: a region, and credentials that AWS knows. Raises EstateError or RefusedError."""
    access = AwsAccess(aws_account(estate_if_any(), region=region))
    _ = access.identity
    return access


def mapping_service(region: str | None) -> MappingService:
    """As `aws_access`, with the estate's connections for looking topics up."""
    return MappingService(aws_access(region), estate_if_any())
