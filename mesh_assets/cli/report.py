"""`mesh-assets report`: the mesh as one HTML page."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from mesh_assets.cli.options import clusters_option
from mesh_assets.exports.files import write_files, write_stdout
from mesh_assets.findings.finding import shown_findings
from mesh_assets.fleet.loading import load_estate
from mesh_assets.inventory.wording import bytes_text, counted
from mesh_assets.report import DAYS, read_report, render_report
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store


@click.command(short_help="Write the mesh as one HTML page.")
@clusters_option
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The file to write; - for stdout."
)
@click.option(
    "--days",
    type=click.FloatRange(min=0, max=3650, min_open=True),
    default=DAYS,
    show_default=True,
    help="How far back changes are shown.",
)
def report(clusters: tuple[str, ...], out: Path, days: float) -> None:
    """Write what is wrong, what changed, the lineage by domain and a page for each topic into one HTML file
    (docs/report.md).

    The page needs no network. Only the store is read: no cluster is asked.
    """
    store = InventoryStore(open_store(os.environ.get("MESH_STORE")))
    found = read_report(load_estate(), store, clusters, made_at=datetime.now(UTC), days=days)
    html = render_report(found).encode()
    to_stdout = str(out) == "-"
    if to_stdout:
        write_stdout([html])
    else:
        write_files([(out, [html])])
    shown = len(shown_findings(found.findings))
    click.echo(
        f"{out}   {bytes_text(len(html))}   {counted(len(found.mesh.documents), 'cluster')}, {counted(shown, 'finding')}",
        err=to_stdout,
    )
    for note in found.notes:
        click.echo(f"  NOTE  {note}", err=to_stdout)
