"""The estate file: read once with all that it names, checked completely, every error with its file and line."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dotenv import load_dotenv
from pydantic import BaseModel

from mesh_assets.errors import EstateError
from mesh_assets.estate.costs import CostSettings
from mesh_assets.estate.faults import Origins, validated
from mesh_assets.estate.including import INCLUDED_FIELDS, find_files, gather_clusters
from mesh_assets.estate.model import Estate
from mesh_assets.estate.policy import Policy
from mesh_assets.estate.products import ProductSettings
from mesh_assets.estate.text import Stamp, decoded_text, read_text, stamp_of
from mesh_assets.estate.yaml_text import read_mapping

T = TypeVar("T", bound=BaseModel)

DEFAULT_ESTATE = "estate.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateRead:
    """An estate, and what tells whether its files are still as they were read: `stamps` of the file and of those that it
    names, and what its patterns found."""

    estate: Estate
    stamps: Mapping[Path, Stamp | None]
    patterns: Mapping[str, tuple[str, ...]]

    @property
    def is_current(self) -> bool:
        """Whether a file that was read has changed since, or one has come or gone. A look at each, no more."""
        return all(
            stamp is not None and stamp_of(path) == stamp for path, stamp in self.stamps.items()
        ) and all(find_files(pattern) == found for pattern, found in self.patterns.items())


def estate_path(environment: Mapping[str, str] | None = None) -> Path:
    """The file that `MESH_ESTATE` names, or `estate.yaml` in the current folder."""
    return Path((os.environ if environment is None else environment).get("MESH_ESTATE") or DEFAULT_ESTATE)


def load_estate(path: Path | None = None) -> Estate:
    """The estate of `path` (default: `estate_path()`).

    A `.env` beside the file sets environment variables that are not set already. So every way to run (command
    line, Dagster, an MCP client that starts the server in a folder of its choice) finds the same secrets.

    Raises EstateError with every error on a line of its own: file, line, field, what was expected.
    """
    return read_estate(path).estate


def read_estate(path: Path | None = None) -> EstateRead:
    """As `load_estate`, and what tells when to read again."""
    path = estate_path() if path is None else path
    stamps: dict[Path, Stamp | None] = {}
    try:
        text = read_text(path, stamps)
    except FileNotFoundError as error:
        raise EstateError(
            f"there is no estate file at {path}; set MESH_ESTATE to yours, write a project with one by `mesh-assets init DIR`, "
            "or run `mesh-assets sandbox start` for a sandbox with one"
        ) from error
    except (OSError, ValueError) as error:
        raise EstateError(f"the estate file {path} cannot be read: {error}") from error
    load_variables(path.absolute().parent / ".env")
    return _parse(text, str(path), stamps)


def load_variables(path: Path) -> None:
    """Sets the environment variables of a `.env` that are not set already; nothing where there is no such file.
    Raises EstateError when it cannot be read."""
    try:
        text = decoded_text(path.read_bytes())
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise EstateError(f"{path} cannot be read: {error}") from error
    load_dotenv(stream=io.StringIO(text), override=False)


def parse_estate(text: str, *, source: str) -> Estate:
    """As `load_estate`, from text; `source` is the file's name in messages, and what it names is looked for beside it.
    Raises EstateError."""
    return _parse(text, source, {}).estate


def _parse(text: str, source: str, stamps: dict[Path, Stamp | None]) -> EstateRead:
    file, data = read_mapping(text, source=source, expected="clusters:")
    gathered = gather_clusters(file, data)
    stamps.update(gathered.stamps)
    clusters = data.get("clusters")
    if isinstance(clusters, dict) or (clusters is None and "include" in data):
        data = {**data, "clusters": {name: one.data for name, one in gathered.clusters.items()}}
    data = {key: value for key, value in data.items() if key not in INCLUDED_FIELDS or key == "clusters"}
    for name, (model, expected) in _IN_FILES.items():
        part = data.get(name)
        if isinstance(part, dict) and isinstance(part.get("file"), str):
            where = file.at(name, "file")
            data = {
                **data,
                name: _read_part(name, model, expected, part, where=where, source=source, stamps=stamps),
            }
    contracts = data.get("contracts")
    if isinstance(contracts, dict) and isinstance(contracts.get("folder"), str) and contracts["folder"]:
        folder = str((Path(source).parent / contracts["folder"]).absolute())
        data = {**data, "contracts": {**contracts, "folder": folder}}
    places = {name: one.places for name, one in gathered.clusters.items()}
    estate = validated(Estate, data, Origins(file=file, clusters=places))
    return EstateRead(estate=estate, stamps=stamps, patterns=gathered.patterns)


_IN_FILES: dict[str, tuple[type[BaseModel], str]] = {
    "policy": (Policy, "rules:"),
    "products": (ProductSettings, "decisions:"),
    "costs": (CostSettings, "prices:"),
}
"""Parts of the estate that may stand in a file of their own, and what such a file begins with."""


def _read_part(
    name: str,
    model: type[T],
    expected: str,
    part: dict[str, Any],
    *,
    where: str,
    source: str,
    stamps: dict[Path, Stamp | None],
) -> T:
    """The part of the file that the estate names, which then holds nothing of it itself."""
    named = part["file"]
    if len(part) > 1:
        raise EstateError(
            f"{where}: {name}: names a file and holds {' and '.join(sorted(set(part) - {'file'}))} itself; "
            "write all of it in one of the two"
        )
    path = Path(source).parent / named
    try:
        text = read_text(path, stamps)
    except (OSError, ValueError) as error:
        raise EstateError(
            f"{where}: {name}.file: {path} cannot be read: {error}; expected a YAML file with `{expected}`"
        ) from error
    file, data = read_mapping(text, source=str(path), expected=expected)
    if "file" in data:
        raise EstateError(f"{file.at('file')}: file: is not a field here; {_ONE_FILE[name]}")
    return validated(model, {**data, "file": str(path.absolute())}, Origins(file=file))


_ONE_FILE = {
    "policy": "a policy is one file",
    "products": "decisions are one file",
    "costs": "prices are one file",
}
