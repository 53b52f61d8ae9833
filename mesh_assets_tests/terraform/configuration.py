"""`terraform/` as data: what python-hcl2 reads, without its quotes, and the role bindings."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

from mesh_assets_tests.terraform.terraform_cli import FOLDER

_BINDING = re.compile(r'\{ role = "(\w+)", on = ("[^"]+"|[\w.]+) \}')
_LOCAL = re.compile(r'^ +(events_topic|changes_topic) += "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Binding:
    """`resource`: the end of its CRN, e.g. `topic=discovery-events`; for a cluster or organization, the whole expression."""

    role: str
    resource: str


@cache
def read(folder: Path = FOLDER) -> dict[str, list[Any]]:
    """The blocks of all files by kind (`resource`, `output`, …), for tests that only read them."""
    blocks: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.tf")):
        with path.open(encoding="utf-8") as file:
            for kind, found in _plain(hcl2.load(file)).items():
                blocks.setdefault(kind, []).extend(found)
    return blocks


def resources(kind: str, *, blocks: dict[str, list[Any]]) -> dict[str, Any]:
    """The resources of that type by name."""
    return {name: body for block in blocks["resource"] for name, body in block.get(kind, {}).items()}


def outputs(blocks: dict[str, list[Any]]) -> dict[str, Any]:
    return {name: body for block in blocks["output"] for name, body in block.items()}


def bindings(text: str) -> list[Binding]:
    """All roles that agents.tf may bind, for any values of the variables."""
    names = {f"${{local.{name}}}": value for name, value in _LOCAL.findall(text)}
    found = []
    for role, on in _BINDING.findall(text):
        for reference, value in names.items():
            on = on.replace(reference, value)
        found.append(Binding(role, on.strip('"').rpartition("/")[2]))
    return found


def _plain(value: Any) -> Any:
    """Undo what python-hcl2 does: labels and strings keep their quotes, and comments become keys."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value
