"""The entry that lets an MCP client start this project's server: its place and shape for each client.

Sources: the clients' own documentation. All three read a file in the project folder. Claude Code's and
Cursor's start with `mcpServers`; VS Code's starts with `servers` and requires a type.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mesh_assets.errors import ConfigurationError

McpClient: TypeAlias = Literal["claude", "cursor", "vscode"]

SERVER_NAME = "mesh-assets"
_FILES: Mapping[str, str] = {
    "claude": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
}
_KEYS: Mapping[str, str] = {"claude": "mcpServers", "cursor": "mcpServers", "vscode": "servers"}


def mcp_file(client: McpClient, project: Path) -> Path:
    """Where the client looks for a project's servers."""
    return project / _FILES[client]


def mcp_entry(client: McpClient, *, estate: Path, store: str) -> dict[str, Any]:
    """A whole file with only this server. All paths are absolute, since the client may start it anywhere. It
    holds no secrets: the server finds those in the `.env` beside the estate.
    """
    command, *arguments = _command()
    server = {
        **({"type": "stdio"} if client == "vscode" else {}),
        "command": command,
        "args": [*arguments, "mcp"],
        "env": {
            "MESH_ESTATE": str(estate.absolute()),
            "MESH_STORE": store if "://" in store else str(Path(store).absolute()),
        },
    }
    return {_KEYS[client]: {SERVER_NAME: server}}


def entry_json(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, indent=2) + "\n"


def merged_mcp(text: str | None, entry: Mapping[str, Any], *, source: str, force: bool = False) -> str:
    """The client's file `text` (None: there is none) with the server of `entry` added; other servers stay.

    Raises ConfigurationError when the text cannot be read, or has a different entry for the server and not
    `force`.
    """
    if text is None or not text.strip():
        return entry_json(entry)
    ((key, servers),) = entry.items()
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{source} is not plain JSON (line {error.lineno}; comments?), so nothing can be added to it; "
            "print the entry with `mesh-assets configure --mcp-client CLIENT` and add it yourself"
        ) from None
    if not isinstance(document, dict) or not isinstance(document.setdefault(key, {}), dict):
        raise ConfigurationError(f"{source} has an unexpected form; expected an object with {key!r}")
    standing = document[key].get(SERVER_NAME)
    if standing == servers[SERVER_NAME]:
        return text
    if standing is not None and not force:
        raise ConfigurationError(f"{source} already has a server {SERVER_NAME}; --force replaces it")
    document[key][SERVER_NAME] = servers[SERVER_NAME]
    return entry_json(document)


def _command() -> list[str]:
    """The script of the running interpreter, so that the client needs no PATH."""
    # Not resolved: a virtual environment's interpreter is a link out of it.
    script = Path(sys.executable).parent / "mesh-assets"
    found = str(script) if script.exists() else shutil.which("mesh-assets")
    return [sys.executable, "-m", "mesh_assets.cli.main"] if found is None else [str(Path(found).absolute())]
