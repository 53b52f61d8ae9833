"""`mesh-assets esm update`."""

from pathlib import Path
from typing import Any

import click

from mesh_assets.cli.esm.access import mapping_service, region_option
from mesh_assets.cli.esm.carrying_out import (
    plan_options,
    rights_options,
    show,
    show_applied,
    wait,
    wait_option,
)
from mesh_assets.cli.esm.request_options import request_from, request_options
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.request import UpdateRequest


@click.command(short_help="Change a mapping.")
@click.argument("uuid", required=False)
@request_options(UpdateRequest, without=("uuid",))
@rights_options
@region_option
@wait_option
@plan_options
def update(
    uuid: str | None,
    request_file: Path | None,
    no_permissions: bool,
    continue_without_permissions: bool,
    region: str | None,
    wait_seconds: float,
    plan_id: str | None,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Change a mapping: show what would change, or change it with --apply.

    Name it by UUID (then --target is the function it shall call from now on), or by --target, --kafka-topic
    and its source.
    """
    request = request_from(UpdateRequest, {"uuid": uuid, **parameters}, request_file)
    options = PlanOptions(
        add_permissions=not no_permissions, continue_without_permissions=continue_without_permissions
    )
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_update(request, options), how="the same command with", as_json=as_json)
        return
    applied = service.update(request, plan_id, options)
    show_applied(applied, as_json=as_json)
    if applied.mapping is not None:
        enabled = (
            request.enabled
            if request.enabled is not None
            else applied.plan.observed["mapping"]["State"] != "Disabled"
        )
        wait(service, applied.mapping.uuid, "Enabled" if enabled else "Disabled", wait_seconds)
