"""`mesh-assets export`: the mesh in the formats of other tools."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mesh_assets.answering.estate_lineage import FROM_DOCUMENTS_ALONE
from mesh_assets.answering.mesh import Mesh, read_domains, read_mesh
from mesh_assets.cli.options import clusters_option
from mesh_assets.errors import ExportError
from mesh_assets.estate.model import Estate
from mesh_assets.exports.files import write_files, write_stdout
from mesh_assets.exports.parts import around, find_node
from mesh_assets.fleet.loading import load_estate
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.wording import counted, listed
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store, safe

file_option = click.option(
    "--out", default="-", show_default=True, metavar="FILE", help="The file to write; - for stdout."
)


@click.group(short_help="Lineage, inventories and data products for other tools.")
def export() -> None:
    """Write the newest documents, and their lineage, in the formats of other tools (docs/exports.md).

    Asks no cluster. stderr says what is missing. A file is written whole or not at all. Exit code 1: nothing was
    written; stderr says why.
    """


@dataclass(frozen=True, slots=True)
class Read:
    """The source of all exports."""

    estate: Estate
    store: InventoryStore
    mesh: Mesh


def read_all(clusters: Sequence[str], *, shows_lineage: bool = True) -> Read:
    """The estate, its store, and the mesh of those clusters, whose notes go to stderr. `shows_lineage`: whether the export
    does, and so may lack some of it. Raises MeshError."""
    estate = load_estate()
    store = InventoryStore(open_store(os.environ.get("MESH_STORE")))
    mesh = read_mesh(estate, store, clusters)
    say(note for note in mesh.notes if shows_lineage or note != FROM_DOCUMENTS_ALONE)
    return Read(estate, store, mesh)


def say(notes: Iterable[str]) -> None:
    for note in dict.fromkeys(notes):
        click.echo(f"note: {note}", err=True)


def write_out(out: str, chunks: Iterable[bytes]) -> None:
    """To the file, or to stdout. Raises ExportError."""
    if out == "-":
        write_stdout(chunks)
    else:
        write_files([(Path(out), chunks)])
        click.echo(f"wrote {out}", err=True)


def _part(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--depth",
        type=click.IntRange(1, 50),
        default=3,
        show_default=True,
        help="With --from: how many steps.",
    )(command)
    return click.option(
        "--from",
        "start",
        metavar="NODE",
        help="Only what feeds this and what it feeds: 'topic orders', or 'topic orders of cluster C' if several have one.",
    )(command)


@export.command(short_help="Lineage as events of OpenLineage.")
@clusters_option
@click.option(
    "--out", metavar="FILE", help="The file to write, one event per line; - for stdout, without --url."
)
@click.option(
    "--url",
    metavar="URL",
    help="Post the events to this URL: https://host/api/v1/lineage, or …/lineage/batch.",
)
@click.option(
    "--api-key",
    metavar="REFERENCE",
    help="With --url: the key, by its name: '${OPENLINEAGE_API_KEY}', ssm:/path, secretsmanager:name#field, vault:path#field.",
)
def openlineage(clusters: tuple[str, ...], out: str | None, url: str | None, api_key: str | None) -> None:
    """Lineage as static events of OpenLineage 2-0-2, to a file or to any HTTP endpoint that receives them."""
    if (url is None and api_key is not None) or (url is not None and out is not None):
        raise click.UsageError("give either --out FILE, or --url URL with or without --api-key")
    from mesh_assets.exports.openlineage import openlineage_events

    if url is None:
        read = read_all(clusters)
        events = openlineage_events(read.mesh, read_domains(read.estate, read.store, read.mesh))
        write_out(out or "-", (event + b"\n" for event in events))
        return
    from mesh_assets.exports.lineage_endpoint import LineageEndpoint  # imports an HTTP client

    endpoint = LineageEndpoint(url, api_key=api_key)
    try:
        read = read_all(clusters)
        endpoint.post(openlineage_events(read.mesh, read_domains(read.estate, read.store, read.mesh)))
    finally:
        endpoint.close()
    click.echo(f"{counted(endpoint.accepted, 'event')} accepted", err=True)


@export.command(short_help="The lineage as a Mermaid flowchart.")
@clusters_option
@_part
@file_option
def mermaid(clusters: tuple[str, ...], start: str | None, depth: int, out: str) -> None:
    """The lineage as a Mermaid flowchart, at most 500 edges."""
    from mesh_assets.exports.mermaid import flowchart

    graph = read_all(clusters).mesh.graph
    node = None if start is None else find_node(graph, start)
    part = graph if node is None else around(graph, node, depth=depth)
    text = flowchart(part, subjects=node is not None and node.kind == "subject")
    write_out(out, [text.encode()])


@export.command(short_help="The lineage as GraphML.")
@clusters_option
@_part
@file_option
def graphml(clusters: tuple[str, ...], start: str | None, depth: int, out: str) -> None:
    """The lineage as GraphML, for Gephi, yEd, Cytoscape and networkx."""
    from mesh_assets.exports.graphml import graphml as made

    graph = read_all(clusters).mesh.graph
    part = graph if start is None else around(graph, find_node(graph, start), depth=depth)
    write_out(out, made(part))


@export.command(short_help="Each cluster as an AsyncAPI document.")
@clusters_option
@click.option(
    "--out",
    default="-",
    show_default=True,
    metavar="FILE|FOLDER",
    help="One cluster: a file, JSON if named *.json, else YAML; - for stdout. Several: a folder, one YAML file each.",
)
def asyncapi(clusters: tuple[str, ...], out: str) -> None:
    """Each cluster as an AsyncAPI 3.0 document: servers, channels, messages with their schemas, operations."""
    from mesh_assets.exports.asyncapi import asyncapi_document
    from mesh_assets.exports.document_text import as_json, as_yaml

    read = read_all(clusters)
    mesh = read.mesh
    is_file = out == "-" or Path(out).suffix in (".yaml", ".yml", ".json")
    if is_file and len(mesh.documents) > 1:
        raise ExportError(
            f"an AsyncAPI document describes one cluster, and there are {len(mesh.documents)}: {listed(list(mesh.documents))}; "
            "choose one with --cluster, or give a folder with --out"
        )
    domains = read_domains(read.estate, read.store, mesh)

    def chunks(name: str, document: Document) -> Iterable[bytes]:
        cluster = read.estate.clusters[name]
        made, notes = asyncapi_document(document, cluster, mesh.addresses[name], mesh.graph, domains[name])
        say(notes)
        return as_json(made) if out.endswith(".json") else as_yaml(made)

    if is_file:
        [(name, document)] = mesh.documents.items()
        write_out(out, chunks(name, document))
        return
    written = write_files(
        (Path(out, f"{safe(name)}.asyncapi.yaml"), chunks(name, document))
        for name, document in mesh.documents.items()
    )
    click.echo(f"wrote {counted(len(written), 'file')} to {out}", err=True)


@export.command(short_help="Every table as a CSV file.")
@clusters_option
@click.option("--out", required=True, metavar="FOLDER", help="The folder to write to.")
def csv(clusters: tuple[str, ...], out: str) -> None:
    """Every table of the store as a CSV file, one cluster after another."""
    from mesh_assets.exports.csv_tables import csv_tables

    read = read_all(clusters, shows_lineage=False)
    tables = csv_tables(read.mesh.documents, read.store)
    written = write_files((Path(out, f"{name}.csv"), chunks) for name, chunks in tables)
    click.echo(f"wrote {counted(len(written), 'file')} to {out}", err=True)
