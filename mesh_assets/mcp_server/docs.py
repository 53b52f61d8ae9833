"""`python -m mesh_assets.mcp_server.docs [FILE]`: the reference part of docs/mcp.md, written from the server
itself."""

import sys
from pathlib import Path
from typing import Any

import anyio
from mcp.types import Tool

from mesh_assets.mcp_server.server import MeshServer, build_server
from mesh_assets.mcp_server.settings import ServerSettings

BEGIN = "<!-- from here on written by `python -m mesh_assets.mcp_server.docs docs/mcp.md` -->"


def reference() -> str:
    """Every tool with its arguments, every resource, every prompt."""
    return anyio.run(_reference, build_server(ServerSettings(allow_writes=True)))


def with_reference(page: str) -> str:
    """The page with its reference part as it is now. Everything above BEGIN is written by hand and stays."""
    head, _, _ = page.partition(BEGIN)
    return f"{head.rstrip()}\n\n{BEGIN}\n\n{reference()}"


async def _reference(server: MeshServer) -> str:
    lines = ["## Tools", ""]
    for tool in await server.list_tools():
        lines.extend(_tool(tool))
    lines += ["## Resources", "", "| URI | What it holds |", "|---|---|"]
    lines += [f"| `{resource.uri}` | {resource.description} |" for resource in await server.list_resources()]
    lines += [
        f"| `{template.uri_template}` | {template.description} |"
        for template in await server.list_resource_templates()
    ]
    lines += ["", "## Prompts", "", "| Prompt | Arguments | For |", "|---|---|---|"]
    for prompt in await server.list_prompts():
        arguments = ", ".join(
            f"`{one.name}`{'' if one.required else ' (optional)'}" for one in prompt.arguments or ()
        )
        lines.append(f"| `{prompt.name}` | {arguments} | {prompt.description} |")
    return "\n".join(lines) + "\n"


def _tool(tool: Tool) -> list[str]:
    annotations = tool.annotations
    behaviour = (
        "reads only" if annotations and annotations.read_only_hint else "may change or remove something"
    )
    description = " ".join((tool.description or "").split())
    lines = [f"### `{tool.name}`", "", f"{tool.title} ({behaviour}). {description}", ""]
    properties: dict[str, Any] = tool.input_schema.get("properties", {})
    if not properties:
        return [*lines, "No arguments.", ""]
    required = tool.input_schema.get("required", [])
    lines += ["| Argument | Type | Default | |", "|---|---|---|---|"]
    for name, schema in properties.items():
        default = (
            "required"
            if name in required
            else ""
            if schema.get("default") is None
            else f"`{schema['default']}`"
        )
        lines.append(
            f"| `{name}` | {_type(schema)} | {default} | {schema.get('description', '').replace('|', chr(92) + '|')} |"
        )
    return [*lines, ""]


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return str(schema.get("type", "any"))


if __name__ == "__main__":
    page = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/mcp.md")
    page.write_text(with_reference(page.read_text(encoding="utf-8")), encoding="utf-8")
