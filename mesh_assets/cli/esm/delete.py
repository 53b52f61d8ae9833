"""`mesh-assets esm delete`."""

import click

from mesh_assets.cli.esm.access import mapping_service, region_option
from mesh_assets.cli.esm.carrying_out import plan_options, show, show_applied, wait, wait_option


@click.command(short_help="Delete a mapping.")
@click.argument("uuid")
@region_option
@wait_option
@plan_options
def delete(uuid: str, region: str | None, wait_seconds: float, plan_id: str | None, as_json: bool) -> None:
    """Delete the mapping with this UUID: show it, or delete it with --apply. The function, its role and the
    topic stay."""
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_delete(uuid), how="the same command with", as_json=as_json)
        return
    show_applied(service.delete(uuid, plan_id), as_json=as_json)
    wait(service, uuid, "deleted", wait_seconds)
