"""The group `mesh-assets esm`."""

import click

from mesh_assets.cli.lazy_group import LazyGroup

_COMMANDS = {
    "produce": ("mesh_assets.cli.esm.produce", "produce", "Write test messages into a topic."),
    "validate": ("mesh_assets.cli.esm.validate", "validate", "Prove that a mapping processes messages."),
    "connection": ("mesh_assets.cli.esm.connection", "connection", "Try a connection to Kafka, step by step."),
    "list": ("mesh_assets.cli.esm.list", "list_mappings", "The mappings of an account and region."),
}


@click.group(cls=LazyGroup, commands_by_name=_COMMANDS)
def esm() -> None:
    """Event source mappings: Kafka topics wired to Lambda functions.

    Whatever changes something shows its plan and does nothing, unless --apply is given with the plan's id.
    """
