"""The group `mesh-assets esm`. A command's module is imported only when the command is called."""

import click

from mesh_assets.cli.main import LazyGroup

_COMMANDS = {
    "list": (
        "mesh_assets.mapping_commands.mappings",
        "list_mappings",
        "List the mappings of an account and region.",
    ),
    "get": (
        "mesh_assets.mapping_commands.mappings",
        "get",
        "Show one mapping, with everything that Lambda says about it.",
    ),
    "create": ("mesh_assets.mapping_commands.changes", "create", "Wire a topic to a function."),
    "update": ("mesh_assets.mapping_commands.changes", "update", "Change a mapping."),
    "delete": ("mesh_assets.mapping_commands.changes", "delete", "Delete a mapping."),
    "permissions": (
        "mesh_assets.mapping_commands.changes",
        "permissions",
        "Grant a mapping's role the rights it lacks.",
    ),
    "role": (
        "mesh_assets.mapping_commands.changes",
        "role",
        "Create an execution role for a mapping's function.",
    ),
    "connection": (
        "mesh_assets.mapping_commands.connection",
        "connection",
        "Check a connection to Kafka, step by step.",
    ),
    "produce": ("mesh_assets.mapping_commands.proof", "produce", "Write test messages to a topic."),
    "validate": (
        "mesh_assets.mapping_commands.proof",
        "validate",
        "Prove that a mapping processes messages.",
    ),
}


@click.group(cls=LazyGroup, commands_by_name=_COMMANDS)
def esm() -> None:
    """Event source mappings: Kafka topics wired to Lambda functions.

    A command that changes something only shows its plan, unless --apply is given with the plan's id.
    """
