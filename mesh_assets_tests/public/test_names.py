"""No name that users' programs rely on changes unnoticed."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mesh_assets.cli.main import cli
from mesh_assets_tests.public.names import PRINTED, recorded


@pytest.fixture(scope="module")
def current() -> dict[str, str]:
    return recorded()


@pytest.mark.parametrize("form", ["answers", "commands", "document", "tables"])
def test_a_public_name_changes_only_with_its_record(form: str, current: dict[str, str]) -> None:
    lines = current[form].splitlines()
    record = Path(__file__).with_name(f"{form}.txt").read_text(encoding="utf-8").splitlines()
    gone, new = set(record) - set(lines), set(lines) - set(record)
    assert lines == record, (
        f"gone: {sorted(gone)}, new: {sorted(new)}; what users notice belongs in CHANGELOG.md; then run "
        "python -m mesh_assets_tests.public.names"
    )


def commands_with_json(command: click.Command, path: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from commands_with_json(found, f"{path} {name}".strip())
    elif any("--json" in option.opts for option in command.params):
        yield path


def test_the_record_has_every_command_that_prints_json() -> None:
    assert sorted(commands_with_json(cli, "")) == list(PRINTED)
