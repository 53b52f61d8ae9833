"""Files to write: planned first, then written all or none; those with secrets are kept out of git."""

import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Literal

from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.text import decoded_text


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """`text`: the file's future content, never shown. `shown`: what is new in it, without secrets. `state`:
    what writing it does."""

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
    # Created with its final mode, so that nobody else can have opened it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if file.private else 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        if like.exists() and not file.private:
            os.fchmod(descriptor, stat.S_IMODE(like.stat().st_mode))
        stream.write(file.text)
        stream.flush()
        os.fsync(descriptor)


_WITHIN_SECONDS = 20.0


def ignored_by_git(path: Path) -> bool | None:
    """Whether git ignores the file; None outside of any repository.

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
