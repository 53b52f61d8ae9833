"""`mesh-assets esm permissions` and `mesh-assets esm role`."""

from pathlib import Path
from typing import Any

import click

from mesh_assets.cli.esm.access import mapping_service, region_option
from mesh_assets.cli.esm.carrying_out import plan_options, show, show_applied
from mesh_assets.cli.esm.request_options import request_from, request_options
from mesh_assets.esm.request import CreateRequest


@click.command(short_help="Give a mapping's role the rights it lacks.")
@click.argument("uuid")
@region_option
@plan_options
def permissions(uuid: str, region: str | None, plan_id: str | None, as_json: bool) -> None:
    """Give the role of a mapping's function what the mapping needs and the role lacks, as one inline policy;
    others' are not touched."""
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_permissions(uuid), how="the same command with", as_json=as_json)
    else:
        show_applied(service.add_permissions(uuid, plan_id), as_json=as_json)


@click.command(short_help="Make an execution role for a mapping's function.")
@click.argument("name")
@request_options(CreateRequest)
@region_option
@plan_options
def role(
    name: str,
    request_file: Path | None,
    region: str | None,
    plan_id: str | None,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Make the execution role NAME: trusted by Lambda, with the rights of the mapping that the options
    describe, and no more.

    A role of that name that trusts Lambda is used as it is, and given what it lacks. The function need not
    exist yet.
    """
    request = request_from(CreateRequest, parameters, request_file)
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_execution_role(name, request), how="the same command with", as_json=as_json)
    else:
        show_applied(service.create_execution_role(name, request, plan_id), as_json=as_json)
