"""`mesh-assets configure`: writes the estate file, `.env` and an MCP client's entry for existing clusters."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click

from mesh_assets.configuration.files import (
    McpClient,
    PlannedFile,
    entry_json,
    mcp_entry,
    mcp_file,
    write_files,
)
from mesh_assets.configuration.plans import Plan, plan_from_environment, plan_from_terraform, plan_mcp_client
from mesh_assets.configuration.terraform_outputs import read_terraform_outputs
from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.connections import ControlPlaneConnection
from mesh_assets.estate.file import estate_path, load_variables
from mesh_assets.estate.found import CONFLUENT_URL

_CLOUD_KEY = ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET")


@click.command(short_help="Write the estate file, .env and an MCP client's entry.")
@click.option(
    "--from-terraform",
    "terraform",
    metavar="DIR|FILE|-",
    help="The folder where you applied terraform/, or the output of `terraform output -json`.",
)
@click.option(
    "--confluent-environment",
    "environment",
    metavar="env-…",
    help="All clusters of an environment; needs a Cloud API key (see above).",
)
@click.option(
    "--mcp-client",
    "client",
    type=click.Choice(["claude", "cursor", "vscode", "none"]),
    help="The client to write an entry for. Default with --from-terraform: claude.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="With --from-terraform: the cluster's name in the estate. Default: its name on Confluent Cloud.",
)
@click.option(
    "--aws",
    "in_aws",
    is_flag=True,
    help="With --from-terraform: refer to the keys in SSM instead of .env, and to the trigger queue.",
)
@click.option(
    "--env-suffix",
    default="",
    metavar="NAME",
    help="Suffix for a second cluster's variables: KAFKA_API_KEY_NAME.",
)
@click.option(
    "--confluent-url",
    default=CONFLUENT_URL,
    metavar="URL",
    help="The address of a stand-in for Confluent Cloud's API.",
)
@click.option(
    "--write",
    is_flag=True,
    help="With --mcp-client alone: write the entry into the client's file instead of printing it.",
)
@click.option("--force", is_flag=True, help="Replace existing entries that differ.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
def configure(
    terraform: str | None,
    environment: str | None,
    client: Literal["claude", "cursor", "vscode", "none"] | None,
    name: str | None,
    *,
    in_aws: bool,
    env_suffix: str,
    confluent_url: str,
    write: bool,
    force: bool,
    dry_run: bool,
) -> None:
    """Write what discovery needs to know about existing clusters:

    their entries in the estate file (MESH_ESTATE, default estate.yaml), their keys in `.env` beside it, and
    the entry that lets an MCP client start the server.

    Everything else in those files stays. An existing entry that differs is replaced only with --force.
    Secrets are never shown.

    --confluent-environment takes a Cloud API key from CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET.
    """
    if terraform is not None and environment is not None:
        raise click.UsageError(
            "--from-terraform and --confluent-environment are alternatives; give one of them"
        )
    estate = estate_path()
    store = os.environ.get("MESH_STORE") or ".mesh"
    if terraform is not None:
        outputs = read_terraform_outputs(terraform)
        plan = plan_from_terraform(
            outputs,
            estate=estate,
            environment=os.environ,
            name=name,
            in_aws=in_aws,
            env_suffix=env_suffix,
            force=force,
        )
        chosen = client or "claude"
        store = (outputs.store if in_aws else None) or store
    elif environment is not None:
        plan = _plan_environment(environment, confluent_url, estate=estate, force=force)
        chosen = client or "none"
    elif client is None or client == "none":
        raise click.UsageError(
            "give a source: --from-terraform, --confluent-environment, or --mcp-client alone"
        )
    elif not write:
        click.echo(f"{mcp_file(client, Path())}:", err=True)
        click.echo(entry_json(mcp_entry(client, estate=estate, store=store)), nl=False)
        return
    else:
        plan, chosen = Plan(clusters=(), files=()), client
    files = [*plan.files, *_mcp_files(chosen, estate=estate, store=store, force=force)]
    if not dry_run:
        write_files([file for file in files if file.state != "unchanged"])
    click.echo("\n".join(_text(plan, files, dry_run=dry_run)))


def _plan_environment(environment: str, url: str, *, estate: Path, force: bool) -> Plan:
    from mesh_assets.platforms.confluent_cloud.control_plane import ControlPlaneClient

    load_variables(estate.absolute().parent / ".env")
    missing = [variable for variable in _CLOUD_KEY if not os.environ.get(variable)]
    if missing:
        raise ConfigurationError(
            f"--confluent-environment needs a Cloud API key; set {' and '.join(missing)} (in Confluent Cloud: API keys, "
            "scope Cloud resource management)"
        )
    key, secret = (f"${{{variable}}}" for variable in _CLOUD_KEY)
    with ControlPlaneClient(
        ControlPlaneConnection(kind="confluent_cloud", url=url, username=key, password=secret)
    ) as control_plane:
        return plan_from_environment(control_plane, environment, estate=estate, force=force)


def _mcp_files(
    client: McpClient | Literal["none"], *, estate: Path, store: str, force: bool
) -> list[PlannedFile]:
    if client == "none":
        return []
    return [plan_mcp_client(client, estate=estate, project=Path(), store=store, force=force)]


def _text(plan: Plan, files: list[PlannedFile], *, dry_run: bool) -> Iterator[str]:
    for file in files:
        yield f"{file.path} ({file.state}{', readable by you alone' if file.private else ''})"
        if file.state != "unchanged":
            yield from (f"    {line}" for line in file.shown.splitlines())
        yield ""
    for note in plan.notes:
        yield f"Note: {note}."
    if dry_run:
        yield "Nothing was written (--dry-run)."
    elif plan.clusters:
        chosen = "".join(f" --cluster {name}" for name in plan.clusters)
        yield f"Next: mesh-assets estate check{chosen}"
