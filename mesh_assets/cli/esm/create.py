"""`mesh-assets esm create`."""

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
from mesh_assets.esm.request import CreateRequest


@click.command(short_help="Wire a topic to a function.")
@request_options(CreateRequest)
@rights_options
@region_option
@wait_option
@plan_options
def create(
    request_file: Path | None,
    no_permissions: bool,
    continue_without_permissions: bool,
    region: str | None,
    wait_seconds: float,
    plan_id: str | None,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Wire a Kafka topic to a Lambda function: show what would be done, or do it with --apply.

    Everything is checked first: the parameters, the function, its role, the secrets, the topic. The plan
    holds the exact request and what the role lacks; with --apply the rights are given by one inline policy of
    their own, then the mapping is made and waited for.
    """
    request = request_from(CreateRequest, parameters, request_file)
    options = PlanOptions(
        add_permissions=not no_permissions, continue_without_permissions=continue_without_permissions
    )
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_create(request, options), how="the same command with", as_json=as_json)
        return
    applied = service.create(request, plan_id, options)
    show_applied(applied, as_json=as_json)
    if applied.mapping is not None:
        wait(
            service,
            applied.mapping.uuid,
            "Enabled" if request.enabled is not False else "Disabled",
            wait_seconds,
        )
