"""`python -m mesh_assets_tests.public.names` records the names that users' programs rely on: a line for each, in the text files beside
this one. Events' schemas are recorded in `events/earlier`, tools' arguments in docs/mcp.md, metrics in docs/service.md."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import anyio
from msgspec import inspect

from mesh_assets.access_checks import AccessCheck
from mesh_assets.contracts.records import Breach
from mesh_assets.costs.records import EstateCosts
from mesh_assets.esm.applying import Applied
from mesh_assets.esm.connection import ConnectionReport
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.proof import Produced, ProducePlan, Validation
from mesh_assets.events.model import DiscoveryEvent
from mesh_assets.findings.finding import Finding
from mesh_assets.fleet.finding import FindAnswer
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import Document
from mesh_assets.mcp_server.assembly import build_server
from mesh_assets.mcp_server.settings import ServerSettings
from mesh_assets.sandbox.server import ServerStatus
from mesh_assets.snapshot.report import DiscoveryReport
from mesh_assets.tables.schemas import SCHEMAS

_PLANNED = (Plan, Applied)
PRINTED: dict[str, tuple[Any, ...]] = {
    "contract check": (list[Breach],),
    "costs": (EstateCosts,),
    "diff": (list[Change],),
    "discover": (list[DiscoveryReport],),
    "esm connection": (ConnectionReport,),
    "esm create": _PLANNED,
    "esm delete": _PLANNED,
    "esm get": (EventSourceMapping,),
    "esm list": (list[EventSourceMapping],),
    "esm permissions": _PLANNED,
    "esm produce": (ProducePlan, Produced),
    "esm role": _PLANNED,
    "esm update": _PLANNED,
    "esm validate": (ProducePlan, Validation),
    "estate check": (list[AccessCheck],),
    "estate find": (FindAnswer,),
    "findings": (list[Finding],),
    "policy check": (list[Finding],),
    "sandbox status": (list[ServerStatus],),
    "snapshot show": (DiscoveryEvent,),
}
"""What each command prints with `--json`: one of these."""


def recorded() -> dict[str, str]:
    """Each file and what belongs into it."""
    written: dict[type, str] = {}
    printed = {_name(one): one for kinds in PRINTED.values() for one in kinds}
    return {
        "document": _text(_fields(inspect.type_info(Document), "", {})),
        "tables": _text(
            f"{table}.{field.name}: {field.type}" for table in SCHEMAS for field in SCHEMAS[table]
        ),
        "commands": _text(f"{name}: {' or '.join(map(_name, kinds))}" for name, kinds in PRINTED.items())
        + _text(
            line
            for name in printed
            for line in _fields(inspect.type_info(printed[name]), name.removesuffix("[]"), written)
        ),
        "answers": _text(anyio.run(_answers)),
    }


def _name(printed: Any) -> str:
    return printed.__name__ if isinstance(printed, type) else f"{printed.__args__[0].__name__}[]"


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _fields(kind: inspect.Type, path: str, written: dict[type, str]) -> Iterator[str]:
    """A line for each field below `kind`; a record that is in the file already is named by its first place."""
    match kind:
        case inspect.StructType(cls=cls, fields=fields) | inspect.DataclassType(cls=cls, fields=fields):
            if cls in written:
                yield f"{path}: as {written[cls]}"
                return
            written[cls] = path
            for field in fields:
                yield from _fields(field.type, f"{path}.{field.encode_name}".lstrip("."), written)
        case inspect.UnionType(types=types):
            for one in types:
                if not isinstance(one, inspect.NoneType):
                    yield from _fields(one, path, written)
        case inspect.DictType(value_type=value):
            yield from _fields(value, f"{path}.*", written)
        case inspect.CollectionType(item_type=item):
            yield from _fields(item, f"{path}[]", written)
        case inspect.LiteralType(values=values):
            yield f"{path}: {' | '.join(map(str, values))}"
        case inspect.CustomType(cls=cls):
            yield f"{path}: {cls.__name__.lower()}"
        case _:
            yield f"{path}: {type(kind).__name__.removesuffix('Type').lower()}"


async def _answers() -> list[str]:
    tools = await build_server(ServerSettings(allow_writes=True)).list_tools()
    return [line for tool in tools for line in _of_schema(tool.output_schema or {}, tool.name, {})]


def _of_schema(schema: dict[str, Any], path: str, definitions: dict[str, Any]) -> Iterator[str]:
    definitions = schema.get("$defs", definitions)
    if reference := schema.get("$ref"):
        name = reference.removeprefix("#/$defs/")
        if name not in definitions:
            yield f"{path}: as above"
            return
        schema = definitions[name]
        definitions = {other: one for other, one in definitions.items() if other != name}
    for name, one in schema.get("properties", {}).items():
        yield from _of_schema(one, f"{path}.{name}", definitions)
    for one in schema.get("anyOf", ()):
        yield from _of_schema(one, path, definitions)
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from _of_schema(values, f"{path}.*", definitions)
    if "items" in schema:
        yield from _of_schema(schema["items"], f"{path}[]", definitions)
    if not schema.keys() & {"properties", "anyOf", "additionalProperties", "items"}:
        kinds = schema.get("enum", schema.get("type", "anything"))
        yield f"{path}: {kinds if isinstance(kinds, str) else ' | '.join(map(str, kinds))}"


if __name__ == "__main__":
    for name, text in recorded().items():
        Path(__file__).with_name(f"{name}.txt").write_text(text, encoding="utf-8")
