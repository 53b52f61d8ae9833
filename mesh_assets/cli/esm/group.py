"""The group `mesh-assets esm`."""

import click

from mesh_assets.cli.lazy_group import LazyGroup

_COMMANDS = {
    "list": ("mesh_assets.cli.esm.list", "list_mappings", "The mappings of an account and region."),
    "get": ("mesh_assets.cli.esm.get", "get", "One mapping, with all that Lambda says of it."),
    "create": ("mesh_assets.cli.esm.create", "create", "Wire a topic to a function."),
    "update": ("mesh_assets.cli.esm.update", "update", "Change a mapping."),
    "delete": ("mesh_assets.cli.esm.delete", "delete", "Delete a mapping."),
    "permissions": (
        "mesh_assets.cli.esm.permissions",
        "permissions",
        "Give a mapping's role the rights it lacks.",
    ),
    "role": ("mesh_assets.cli.esm.permissions", "role", "Make an execution role for a mapping's function."),
    "connection": (
        "mesh_assets.cli.esm.connection",
        "connection",
        "Try a connection to Kafka, step by step.",
    ),
    "produce": ("mesh_assets.cli.esm.produce", "produce", "Write test messages into a topic."),
    "validate": ("mesh_assets.cli.esm.validate", "validate", "Prove that a mapping processes messages."),
}


@click.group(cls=LazyGroup, commands_by_name=_COMMANDS)
def esm() -> None:
    """Event source mappings: Kafka topics wired to Lambda functions.

    Whatever changes something shows its plan and does nothing, unless --apply is given with the plan's id.
    """
