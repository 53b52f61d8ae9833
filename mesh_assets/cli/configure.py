"""`mesh-assets configure`: the estate file, `.env` and an MCP client's entry, for clusters that exist."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click
from dotenv import load_dotenv

from mesh_assets.configuration.entries import CONFLUENT_URL
from mesh_assets.configuration.files import PlannedFile, write_files
from mesh_assets.configuration.mcp_clients import McpClient, entry_json, mcp_entry, mcp_file
from mesh_assets.configuration.plans import Plan, plan_from_environment, plan_from_terraform, plan_mcp_client
from mesh_assets.configuration.terraform_outputs import read_terraform_outputs
from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.connections import ControlPlaneConnection
from mesh_assets.estate.file import estate_path

_CLOUD_KEY = ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET")


@click.command(short_help="Write the estate file, .env and an MCP client's entry.")
@click.option(
    "--from-terraform",
    "terraform",
    metavar="DIR|FILE|-",
    help="Where terraform/ was applied, or what `terraform output -json` printed.",
)
@click.option(
    "--confluent-environment",
    "environment",
    metavar="env-…",
    help="All clusters of an environment; needs a Cloud key (see above).",
)
@click.option(
    "--mcp-client",
    "client",
    type=click.Choice(["claude", "cursor", "vscode", "none"]),
    help="Whose entry. With --from-terraform: claude.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="The cluster's name in the estate, with --from-terraform. Default: its name on Confluent Cloud.",
)
@click.option(
    "--aws",
    "in_aws",
    is_flag=True,
    help="With --from-terraform: keys from SSM instead of .env, triggers from the queue.",
)
@click.option(
    "--env-suffix",
    default="",
    metavar="NAME",
    help="Keeps a second cluster's variables apart: KAFKA_API_KEY_NAME.",
)
@click.option(
    "--confluent-url", default=CONFLUENT_URL, metavar="URL", help="Of a stand-in for Confluent Cloud's API."
)
@click.option(
    "--write",
    is_flag=True,
    help="With --mcp-client alone: write the entry into the client's file instead of printing it.",
)
@click.option("--force", is_flag=True, help="Replace what is there already.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
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
    """Write what discovery needs to know of clusters that exist.

    That is an entry in the estate file (MESH_ESTATE, default estate.yaml), their keys in `.env` beside it,
    and the entry with which an MCP client starts the server.

    What stands there already stays; what would have to be replaced is refused without --force. Secrets are
    shown nowhere.

    --confluent-environment takes a Cloud key from CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET.
    """
    if terraform is not None and environment is not None:
        raise click.UsageError(
            "--from-terraform and --confluent-environment are two ways to the same; give one"
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
            "say what from: --from-terraform, --confluent-environment, or --mcp-client alone"
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

    load_dotenv(estate.absolute().parent / ".env", override=False)
    missing = [variable for variable in _CLOUD_KEY if not os.environ.get(variable)]
    if missing:
        raise ConfigurationError(
            f"--confluent-environment asks Confluent Cloud and needs a Cloud key; set {' and '.join(missing)} (Confluent Cloud: API keys, "
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
    return (
        []
        if client == "none"
        else [plan_mcp_client(client, estate=estate, project=Path(), store=store, force=force)]
    )


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
