"""`mesh-assets esm get`."""

import click
import msgspec

from mesh_assets.cli.esm.access import mapping_service, region_option
from mesh_assets.cli.esm.text import mapping_text


@click.command(short_help="One mapping, with all that Lambda says of it.")
@click.argument("uuid", required=False)
@click.option("--function", metavar="NAME", help="Find it by its function …")
@click.option("--source", metavar="ARN|SERVERS", help="… its cluster …")
@click.option("--topic", metavar="NAME", help="… and its topic.")
@region_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else.")
def get(
    uuid: str | None,
    function: str | None,
    source: str | None,
    topic: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Show a mapping, by UUID or by function, cluster and topic. Several that fit are named, and none is
    taken."""
    found = mapping_service(region).get(uuid, function=function, source=source, topic=topic)
    click.echo(
        msgspec.json.format(msgspec.json.encode(found)).decode()
        if as_json
        else "\n".join(mapping_text(found))
    )
