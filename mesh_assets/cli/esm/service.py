"""What the commands of `esm` share: the account of `--region`, the mapping service, the form of `--json`."""

from collections.abc import Callable
from typing import Any

import click
import msgspec

from mesh_assets.esm.aws_account import AwsAccount, open_account
from mesh_assets.esm.service import MappingService
from mesh_assets.estate.file import estate_path, load_estate
from mesh_assets.estate.model import Estate


def region_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--region`."""
    return click.option(
        "--region", metavar="REGION", help="AWS region. Default: AWS_REGION, else the estate's only account."
    )(command)


def estate_if_any() -> Estate | None:
    """The estate, which these commands can do without.

    Raises EstateError for a file that exists but is wrong.
    """
    return load_estate() if estate_path().exists() else None


def aws_account(region: str | None) -> AwsAccount:
    """The account, checked at the start.

    Raises EstateError without a region, RefusedError without working credentials.
    """
    return open_account(estate_if_any(), region=region)


def mapping_service(region: str | None) -> MappingService:
    """The service, with the estate's connections for looking up topics. Raises as `aws_account` does."""
    return MappingService(aws_account(region), estate_if_any())


def json_text(value: Any) -> str:
    """A record as `--json` prints it."""
    return msgspec.json.format(msgspec.json.encode(value)).decode()
