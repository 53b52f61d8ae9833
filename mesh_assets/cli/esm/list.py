"""`mesh-assets esm list`."""

import click
import msgspec

from mesh_assets.cli.esm.access import aws_access, region_option
from mesh_assets.cli.esm.text import mappings_text
from mesh_assets.esm.lookup import list_mappings as read_mappings


@click.command(name="list", short_help="The mappings of an account and region.")
@click.option("--function", metavar="NAME", help="Only of this function: name or ARN.")
@click.option(
    "--source", metavar="ARN|SERVERS", help="Only of this cluster: MSK ARN, or bootstrap servers with commas."
)
@click.option("--topic", metavar="NAME", help="Only of this topic.")
@click.option("--state", metavar="STATE", help="Only in this state, e.g. Enabled.")
@region_option
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout, nothing else.")
def list_mappings(
    function: str | None,
    source: str | None,
    topic: str | None,
    state: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """List the event source mappings of Kafka topics: function, topic, cluster, state, last result, when last
    changed."""
    found = read_mappings(aws_access(region), function=function, source=source, topic=topic, state=state)
    click.echo(
        msgspec.json.format(msgspec.json.encode(found)).decode()
        if as_json
        else "\n".join(mappings_text(found))
    )
