"""The entry with which an MCP client starts this project's server: where each client looks for it, and in
which shape.

Sources: the clients' own documentation. All three have a file in the project folder; Claude Code's and
Cursor's begin with `mcpServers`, VS Code's with `servers`, and that one wants a type.
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
    """Where that client looks for the servers of a project."""
    return project / _FILES[client]


def mcp_entry(client: McpClient, *, estate: Path, store: str) -> dict[str, Any]:
    """The whole file with this server alone. The client may start it anywhere, so all paths are absolute. It
    holds no secret: the server finds those in the `.env` beside the estate.
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
    """The client's file `text` (None: there is none) with the server of `entry`; other servers stay.

    Raises ConfigurationError when it has that server otherwise, unless `force`, or cannot be read.
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
        raise ConfigurationError(f"{source} is of another form; expected an object with {key!r}")
    standing = document[key].get(SERVER_NAME)
    if standing == servers[SERVER_NAME]:
        return text
    if standing is not None and not force:
        raise ConfigurationError(f"{source} has a server {SERVER_NAME} already; --force replaces it")
    document[key][SERVER_NAME] = servers[SERVER_NAME]
    return entry_json(document)


def _command() -> list[str]:
    """The script of the interpreter that runs, so that the client needs no PATH."""
    # Not resolved: the interpreter of a virtual environment is a link that leads out of it.
    script = Path(sys.executable).parent / "mesh-assets"
    found = str(script) if script.exists() else shutil.which("mesh-assets")
    return [sys.executable, "-m", "mesh_assets.cli.main"] if found is None else [str(Path(found).absolute())]
