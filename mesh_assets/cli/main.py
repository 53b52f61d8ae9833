"""`mesh-assets`: the command line. A command is imported only when it is called, so `--help` is fast."""

import errno
import gc
import importlib
import io
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mesh_assets.errors import ConfigurationError, MeshError
from mesh_assets.importing import without_collector
from mesh_assets.masking.unexpected import mask_what_this_process_says, sentence


class LazyGroup(click.Group):
    """A group that imports a command only when it is called.

    `commands_by_name`: name → (module, attribute, one line of help).
    """

    def __init__(
        self, *arguments: Any, commands_by_name: Mapping[str, tuple[str, str, str]], **keywords: Any
    ) -> None:
        super().__init__(*arguments, **keywords)
        self._commands_by_name = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click names the parameters
        return list(self._commands_by_name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._commands_by_name:
            return None
        module, attribute, _ = self._commands_by_name[cmd_name]
        with without_collector():
            command: click.Command = getattr(importlib.import_module(module), attribute)
            # Modules stay. To look through them for garbage, now and once more when the process ends, takes as long as a third
            # of their import.
            if not gc.get_freeze_count():
                gc.freeze()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in self._commands_by_name.items()])


_COMMANDS = {
    "configure": (
        "mesh_assets.cli.configure",
        "configure",
        "Write the estate file from Terraform or Confluent Cloud.",
    ),
    "discover": (
        "mesh_assets.cli.discover",
        "discover",
        "Read everything about each cluster and publish it as one event.",
    ),
    "contract": ("mesh_assets.cli.contract", "contract", "Data contracts (ODCS): write and check them."),
    "costs": ("mesh_assets.cli.costs", "costs", "Show what each thing uses, and what that costs."),
    "diff": ("mesh_assets.cli.diff", "diff", "Compare two moments of a cluster."),
    "estate": ("mesh_assets.cli.estate", "estate", "Check the estate file and what it names."),
    "esm": (
        "mesh_assets.cli.esm",
        "esm",
        "Event source mappings: Kafka topics to Lambda functions.",
    ),
    "export": (
        "mesh_assets.cli.export_products",  # adds its commands to those of mesh_assets.cli.export
        "export",
        "Write lineage, inventories and data products for other tools.",
    ),
    "findings": ("mesh_assets.cli.findings", "findings", "Show what is wrong in each cluster."),
    "init": ("mesh_assets.cli.init", "init", "Write a project to start from."),
    "mcp": ("mesh_assets.cli.mcp", "mcp", "The MCP server, for AI agents."),
    "policy": ("mesh_assets.cli.policy", "policy", "Check the clusters against the estate's policy."),
    "report": ("mesh_assets.cli.report", "report", "Write the mesh as one HTML page."),
    "sandbox": (
        "mesh_assets.cli.sandbox",
        "sandbox",
        "Real servers on this machine, for trying and testing.",
    ),
    "serve": ("mesh_assets.cli.serve", "serve", "Metrics, health, and discoveries for programs."),
    "snapshot": (
        "mesh_assets.cli.snapshot",
        "snapshot",
        "Read the newest event back; hand over, repair or retire a cluster.",
    ),
    "store": ("mesh_assets.cli.store", "store", "Look after the store: sizes, retention, damage."),
}


@click.command(
    cls=LazyGroup, commands_by_name=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="mesh-assets")
def cli() -> None:
    """A complete, current and honest picture of Kafka estates.

    MESH_ESTATE names the estate file (default: estate.yaml), MESH_STORE the store (default: .mesh). Both may be set in a
    `.env` in the current folder.
    """


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Of stdout; files of ours are named in a MeshError."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command. A MeshError becomes a sentence on stderr and exit code 1; an unforeseen error, Python's traceback,
    masked."""
    mask_what_this_process_says()
    # Looking for pydantic plugins reads the metadata of every installed package: 20 ms, and nothing here needs one.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Not on the root logger, which would also print Dagster's log, including all of the library's lines.
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    logging.getLogger("mesh_assets").addHandler(handler)
    try:
        _read_settings(Path(".env"))
        cli.main(args=None if arguments is None else list(arguments), prog_name="mesh-assets")
    except MeshError as error:
        click.echo(f"mesh-assets: {sentence(error)}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        # Python would try to write the rest as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        click.echo(f"mesh-assets: the output could not be written: {error.strerror}", err=True)
        sys.exit(1)


def _read_settings(path: Path) -> None:
    """Sets the variables MESH_… of a `.env` that are not set yet, so that commands in a project use the same estate and store
    as `dagster dev` there, which reads all of it. Secrets are read beside the estate file, wherever that is.

    Raises ConfigurationError when it cannot be read.
    """
    if not path.is_file():
        return
    from dotenv import dotenv_values

    from mesh_assets.estate.text import decoded_text

    try:
        values = dotenv_values(stream=io.StringIO(decoded_text(path.read_bytes())))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.absolute()} cannot be read: {error}") from error
    for name, value in values.items():
        if name.startswith("MESH_") and value is not None:
            os.environ.setdefault(name, value)


if __name__ == "__main__":
    main()
