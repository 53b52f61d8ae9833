"""Files to write: planned first, then written all or none, keeping those with secrets out of git. And the entry that lets
an MCP client start this project's server.

Its place and shape come from the clients' own documentation. All three read a file in the project folder. Claude Code's
and Cursor's start with `mcpServers`; VS Code's starts with `servers` and requires a type.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal, TypeAlias

from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.text import decoded_text


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """`text`: the file's future content, never shown. `shown`: what is new in it, without secrets. `state`:
    the effect of writing it."""

    path: Path
    text: str = field(repr=False)
    shown: str
    state: Literal["new", "changed", "unchanged"]
    private: bool = False


def planned(path: Path, *, before: str | None, after: str, shown: str, private: bool = False) -> PlannedFile:
    state: Literal["new", "changed", "unchanged"] = (
        "new" if before is None else "unchanged" if before == after else "changed"
    )
    return PlannedFile(path=path, text=after, shown=shown, state=state, private=private)


def present_text(path: Path) -> str | None:
    """None when the file does not exist. Raises ConfigurationError when it cannot be read."""
    try:
        return decoded_text(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def write_files(files: Sequence[PlannedFile]) -> None:
    """Writes each file beside its target, and moves them into place only when all are written.

    Raises ConfigurationError.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for file in files:
            # A symbolic link stays one; its target is replaced.
            target = file.path.resolve()
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{target.name}.{token_hex(4)}.tmp")
            written.append((beside, target))
            _write(beside, file, like=target)
        for beside, target in written:
            beside.replace(target)
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename or 'a file'} could not be written: {error.strerror or error}"
        ) from error
    finally:
        for beside, _ in written:
            with suppress(OSError):
                beside.unlink(missing_ok=True)


def _write(path: Path, file: PlannedFile, *, like: Path) -> None:
    # Created with its final mode, so that nobody else can open it first.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if file.private else 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        if like.exists() and not file.private:
            os.fchmod(descriptor, stat.S_IMODE(like.stat().st_mode))
        stream.write(file.text)
        stream.flush()
        os.fsync(descriptor)


_WITHIN_SECONDS = 20.0


def ignored_by_git(path: Path) -> bool | None:
    """Whether git ignores the file; None outside any repository.

    Raises ConfigurationError when git tracks it, since ignoring does not undo that, and when git fails.
    """
    folder = path.absolute().parent
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return None
    if shutil.which("git") is None:
        # Without git, only a line for exactly this file counts.
        return path.name in (present_text(folder / ".gitignore") or "").splitlines()
    if _git(folder, "ls-files", "--error-unmatch", path.name) == 0:
        raise ConfigurationError(
            f"{path} is tracked by git, and its secrets would be committed; run `git rm --cached {path.name}` there, commit, and try again"
        )
    return _git(folder, "check-ignore", "--quiet", path.name) == 0


def ignoring(path: Path) -> PlannedFile:
    """The `.gitignore` beside it, with a line for it. Raises ConfigurationError when it cannot be read."""
    ignore = path.with_name(".gitignore")
    before = present_text(ignore)
    text = before or ""
    after = f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{path.name}\n"
    return planned(ignore, before=before, after=after, shown=f"{path.name}\n")


def _git(folder: Path, *arguments: str) -> int:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, timeout=_WITHIN_SECONDS, check=False
        ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"git did not say whether it ignores a file in {folder}: {error}") from error


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
    contains no secrets: the server finds them in the `.env` beside the estate.
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
    # Not resolved: a virtual environment's interpreter is a link that leads out of it.
    script = Path(sys.executable).parent / "mesh-assets"
    found = str(script) if script.exists() else shutil.which("mesh-assets")
    return [sys.executable, "-m", "mesh_assets.cli.main"] if found is None else [str(Path(found).absolute())]
