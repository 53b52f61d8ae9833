"""`mesh-assets costs`: what each thing uses, and what that costs at the estate's prices."""

import os
from datetime import UTC, datetime
from typing import get_args

import click
from msgspec.structs import replace

from mesh_assets.answering.products import known_estate_products
from mesh_assets.cli.text import shown_lines
from mesh_assets.costs.records import TakerKind
from mesh_assets.costs.text import KINDS, cost_lines
from mesh_assets.fleet.loading import load_estate
from mesh_assets.inventory.wording import printed_json
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store


@click.command(short_help="Show what each topic, domain, product and application uses.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(get_args(TakerKind)),
    help="Repeatable. Default: all but topics.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="All rows of the kinds as JSON on stdout, nothing else."
)
def costs(kinds: tuple[TakerKind, ...], as_json: bool) -> None:
    """Show bytes in, out and kept, partitions and connector tasks, as shares of the estate and, if the estate has prices,
    in money (docs/products.md).

    Asks no cluster. Unknown figures are marked, never shown as 0.
    """
    store = InventoryStore(open_store(os.environ.get("MESH_STORE")))
    found = known_estate_products(load_estate(), store, now=datetime.now(UTC))
    chosen = kinds or tuple(kind for kind in KINDS if kind != "topic")
    if as_json:
        rows = [row for row in found.costs.rows if row.kind in chosen]
        click.echo(printed_json(replace(found.costs, rows=rows)))
        return
    click.echo(shown_lines(cost_lines(found.costs, chosen)))
    for note in found.notes:
        click.echo(f"  NOTE  {note}")
