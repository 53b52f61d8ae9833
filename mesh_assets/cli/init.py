"""`mesh-assets init`: writes a project to start from."""

import shlex
from importlib.util import find_spec
from pathlib import Path

import click

from mesh_assets.configuration.new_project import project_files, project_name, write_project


@click.command(short_help="Write a project to start from.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--sandbox",
    is_flag=True,
    help="Start with the sandbox's clusters: `.env` names its estate file.",
)
def init(folder: Path, *, sandbox: bool) -> None:
    """Write a project into DIR: an estate file, Dagster's configuration and a code location, ready for
    `dg dev`.

    DIR may exist, but nothing in it is replaced: if it has one of the project's files, nothing is written.
    """
    texts = project_files(project_name(folder), sandbox=sandbox)
    write_project(folder, texts)
    click.echo(f"Wrote a project into {folder}:")
    for name in texts:
        click.echo(f"  {name}")
    click.echo("\nNext:")
    if folder.resolve() != Path.cwd():
        click.echo(f"  cd {shlex.quote(str(folder))}")
    if sandbox:
        click.echo("  mesh-assets sandbox start    real servers on this machine, and its estate file")
    else:
        click.echo("  edit estate.yaml             your clusters instead of the two examples")
        click.echo("  mesh-assets estate check     what answers, and with what rights")
    click.echo("  mesh-assets discover         reads each cluster and publishes one event for it")
    dev = "dg dev" if find_spec("dagster_dg_cli") else "dagster dev"
    click.echo(f"  {dev:<29}Dagster's UI, on http://127.0.0.1:3000")
