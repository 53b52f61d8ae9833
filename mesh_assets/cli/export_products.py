"""`mesh-assets export products|odps|backstage|datahub`: the data products in the formats of other tools."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from mesh_assets.answering.known_products import EstateProducts
from mesh_assets.answering.products import known_estate_products
from mesh_assets.cli.export import Read, export, file_option, read_all, say, write_out
from mesh_assets.cli.options import clusters_option
from mesh_assets.exports.files import write_files
from mesh_assets.inventory.wording import counted, listed

__all__ = ["export"]
"""The group `mesh-assets export`, including these commands."""


def _read(clusters: tuple[str, ...]) -> tuple[Read, EstateProducts]:
    read = read_all(clusters)
    found = known_estate_products(read.estate, read.store, now=datetime.now(UTC))
    say(note for note in (*found.notes, *found.products.notes) if note not in read.mesh.notes)
    if not any(name in read.mesh.documents for one in found.products.products for name in one.clusters):
        say(
            [
                f"no topic of {listed(list(read.mesh.documents))} belongs to a data product: there is none to write"
            ]
        )
    return read, found


@export.command(short_help="The data products as Markdown.")
@file_option
def products(out: str) -> None:
    """The data products of the estate as Markdown: members, quality, costs, draft joins."""
    from mesh_assets.exports.products_text import products_markdown

    _, found = _read(())
    write_out(out, (f"{line}\n".encode() for line in products_markdown(found.products, found.costs)))


@export.command(short_help="Each data product as an ODPS document.")
@clusters_option
@click.option("--out", required=True, metavar="FOLDER", help="The folder to write to, one YAML file each.")
def odps(clusters: tuple[str, ...], out: str) -> None:
    """Each data product as a document of Bitol's Open Data Product Standard 1.0.0."""
    from mesh_assets.exports.document_text import as_yaml
    from mesh_assets.exports.odps import odps_documents

    read, found = _read(clusters)
    written = write_files(
        (Path(out, f"{name}.odps.yaml"), as_yaml(document))
        for name, document in odps_documents(found.products, read.mesh)
    )
    click.echo(f"wrote {counted(len(written), 'file')} to {out}", err=True)


@export.command(short_help="The data products as Backstage entities.")
@clusters_option
@file_option
def backstage(clusters: tuple[str, ...], out: str) -> None:
    """The data products as entities for Backstage's catalog, one YAML document each: domains, systems, resources, APIs and
    components."""
    from mesh_assets.exports.backstage import backstage_entities
    from mesh_assets.exports.document_text import as_yaml

    def chunks() -> Iterator[bytes]:
        for entity in backstage_entities(found.products, read.mesh):
            yield b"---\n"
            yield from as_yaml(entity)

    read, found = _read(clusters)
    write_out(out, chunks())


@export.command(short_help="The data products as a DataHub metadata file.")
@clusters_option
@file_option
def datahub(clusters: tuple[str, ...], out: str) -> None:
    """The data products as a JSON file that `datahub ingest` reads with its source `file`."""
    from mesh_assets.exports.datahub import datahub_proposals

    read, found = _read(clusters)
    write_out(out, _json_array(datahub_proposals(found.products, read.mesh)))


def _json_array(items: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    yield b"["
    for number, item in enumerate(items):
        yield (b",\n" if number else b"\n") + msgspec.json.encode(item)
    yield b"\n]\n"
