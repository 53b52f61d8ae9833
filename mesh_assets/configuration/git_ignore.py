"""Keeping a file out of git: whether git ignores it, and the line that makes it so."""

import shutil
import subprocess
from pathlib import Path

from mesh_assets.configuration.files import PlannedFile, planned, present_text
from mesh_assets.errors import ConfigurationError

_WITHIN_SECONDS = 20.0


def ignored_by_git(path: Path) -> bool | None:
    """None: it stands in no repository. Raises ConfigurationError when git has it under its care, which no
    ignoring undoes."""
    folder = path.absolute().parent
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return None
    if shutil.which("git") is None:
        # Without git only what is sure: a line for exactly this file beside it.
        return path.name in (present_text(folder / ".gitignore") or "").splitlines()
    if _git(folder, "ls-files", "--error-unmatch", path.name) == 0:
        raise ConfigurationError(
            f"{path} is under git's care, and its secrets would be committed; run `git rm --cached {path.name}` there, commit, try again"
        )
    return _git(folder, "check-ignore", "--quiet", path.name) == 0


def ignoring(path: Path) -> PlannedFile:
    """The `.gitignore` beside it with a line for it."""
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
        raise ConfigurationError(
            f"git could not be asked whether it ignores a file in {folder}: {error}"
        ) from error
