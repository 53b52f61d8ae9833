"""A project of the user's own: an estate file, Dagster's configuration, and a code location over both.

Its files are those of the folder `project` beside this module. Those ending in `.jinja` are rendered; the suffix also keeps
a project's Python files from being taken for modules of this one. `gitignore`, which would take effect here, gets its dot
there.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from mesh_assets.errors import ConfigurationError
from mesh_assets.importing import importing

_RENDERED = ".jinja"
_DOTTED = {"gitignore": ".gitignore", "env.example": ".env.example"}
_SETTINGS = ".env"


def project_files(name: str, *, sandbox: bool) -> dict[str, str]:
    """The text of each file by its path in the project. `sandbox`: with a `.env` that names the sandbox's estate."""
    with importing:
        from jinja2 import Environment, StrictUndefined

    # Only configuration and prose are rendered, no HTML.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    found: dict[str, str] = {}
    for path, text in _templates(files("mesh_assets.configuration").joinpath("project"), PurePosixPath()):
        target = str(path.with_name(_DOTTED.get(path.name.removesuffix(_RENDERED), path.name)))
        if not path.name.endswith(_RENDERED):
            found[target] = text
            continue
        template = environment.from_string(text)
        found[target.removesuffix(_RENDERED)] = template.render(name=name, sandbox=False)
        if sandbox and target == ".env.example":
            found[_SETTINGS] = template.render(name=name, sandbox=True)
    return dict(sorted(found.items()))


def project_name(folder: Path) -> str:
    """The folder's name in a form that package indexes accept, and never this project's own name."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._") or "mesh"
    canonical = re.sub(r"[-._]+", "-", name).lower()
    return f"{name}-project" if canonical == "mesh-assets" else name


def write_project(folder: Path, texts: Mapping[str, str]) -> None:
    """Writes the files, making the folder if need be. Writes all of them or none, and never over an existing file.

    Raises ConfigurationError.
    """
    _check_free(folder, texts)
    made: list[Path] = []
    try:
        for name, text in texts.items():
            _make_folder((folder / name).parent, made)
            _create(folder / name, text, made)
    except OSError as error:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise ConfigurationError(
            f"{error.filename or folder} could not be written: {error.strerror or error}; no file of the project was kept"
        ) from error


def _check_free(folder: Path, texts: Mapping[str, str]) -> None:
    """Raises ConfigurationError when writing would replace anything."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder; name a folder, new or without a project")
    tops = {PurePosixPath(name).parts[0] for name in texts}
    standing = sorted(name for name in tops if os.path.lexists(folder / name))
    if standing:
        raise ConfigurationError(
            f"{folder} already has {', '.join(standing)}; nothing was written: choose a new folder, or move the existing files away"
        )


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        made.append(path)


def _create(path: Path, text: str, made: list[Path]) -> None:
    # Exclusively, since the file may have been made in between; with its final mode, so nobody else can open it first.
    mode = 0o600 if path.name == _SETTINGS else 0o666
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    made.append(path)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _templates(folder: Traversable, below: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for entry in folder.iterdir():
        path = below / entry.name
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _templates(entry, path)
        else:
            yield path, entry.read_text(encoding="utf-8")
