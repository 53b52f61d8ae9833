"""A group whose commands are imported when they are called, so that `--help` costs nothing."""

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """`commands_by_name`: name → (module, attribute, one line of help)."""

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
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in self._commands_by_name.items()])
