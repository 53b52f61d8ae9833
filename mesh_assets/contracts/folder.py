"""The folder of contracts: one YAML file each, which people may edit, and beside them what was last generated.

contracts/orders.odcs.yaml
contracts/.generated/orders.odcs.yaml     commit it as well: without it, the whole file counts as a person's
"""

import io
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mesh_assets.contracts.merging import Conflict, Merge
from mesh_assets.errors import ContractError
from mesh_assets.estate.text import decoded_text
from mesh_assets.importing import importing
from mesh_assets.store.layout import safe

if TYPE_CHECKING:
    from ruamel.yaml import YAML

GENERATED = ".generated"
_SUFFIXES = (".odcs.yaml", ".odcs.yml")
_LARGEST_BYTES = 20_000_000
_MOST_VALUES, _DEEPEST = 2_000_000, 100


class Written(NamedTuple):
    """A contract to be written; nothing is on disk yet. `base`: what goes into `.generated`. `changes`: the places where
    the file will say something different. `is_new`: there was no file."""

    path: Path
    text: str
    base: str
    changes: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    is_new: bool


def file_name(contract_id: str) -> str:
    return f"{safe(contract_id)}{_SUFFIXES[0]}"


def contract_files(folder: Path) -> list[Path]:
    """The files by name; none if there is no folder. Raises ContractError if it cannot be read."""
    try:
        return sorted(
            one for one in folder.iterdir() if one.name.endswith(_SUFFIXES) and not one.name.startswith(".")
        )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ContractError(
            f"the folder of contracts {folder} cannot be read: {error.strerror or error}"
        ) from error


def generated_before(folder: Path, contract_id: str) -> dict[str, Any] | None:
    """What was last generated; None: nothing was. Raises ContractError if it cannot be read."""
    path = folder / GENERATED / file_name(contract_id)
    return dict(load(path)) if path.exists() else None


def load(path: Path) -> MutableMapping[str, Any]:
    """The contract of a file, with its comments. Raises ContractError with file and line."""
    with importing:
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ContractError(f"{path} is larger than {_LARGEST_BYTES:,} bytes; expected a contract")
        text = decoded_text(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"{path} cannot be read: {error}") from error
    try:
        read = _yaml().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}:{line}: not YAML: {error.problem}") from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise ContractError(f"{path}: not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(read, MutableMapping):
        raise ContractError(
            f"{path}:1: expected a contract that begins with `apiVersion:` and `kind: DataContract`"
        )
    size, levels = _extent(read, {})
    if size > _MOST_VALUES or levels > _DEEPEST:
        raise ContractError(
            f"{path}: has more than {_MOST_VALUES:,} values or {_DEEPEST} levels where its aliases are followed; expected a contract"
        )
    return read


def _extent(value: Any, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many values it has, and how many levels. An alias inserts a part of the file into other parts, even into itself: a
    few lines may be endless, so each part is counted once."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    if not inner:
        return 1, 0
    if id(value) not in known:
        known[id(value)] = _MOST_VALUES, _DEEPEST  # its count within itself
        parts = [_extent(one, known) for one in inner]
        known[id(value)] = 1 + sum(size for size, _ in parts), 1 + max(levels for _, levels in parts)
    return known[id(value)]


def merged(folder: Path, contract: Mapping[str, Any], *, before: Mapping[str, Any] | None) -> Written:
    """Merges the generated `contract` with the existing file. `before`: what was last generated. Raises ContractError."""
    path = folder / file_name(str(contract["id"]))
    base = text_of(contract)
    if not path.exists():
        return Written(path, base, base, (), (), is_new=True)
    mine = load(path)
    if before is not None and _plain(mine) == _plain(before):
        # Nobody touched it: written as if it were new, so that the order of its parts does not depend on the past.
        merge = Merge(mine).with_new(before, contract)
        return Written(
            path, base if merge.changes else _raw(path), base, tuple(merge.changes), (), is_new=False
        )
    merge = Merge(mine).with_new(before or {}, contract)
    text = text_of(mine) if merge.changes else _raw(path)
    return Written(path, text, base, tuple(merge.changes), tuple(merge.conflicts), is_new=False)


def text_of(contract: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    _yaml().dump(contract, stream)
    return stream.getvalue()


def _raw(path: Path) -> str:
    return decoded_text(path.read_bytes())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _yaml() -> "YAML":
    with importing:
        from ruamel.yaml import YAML  # which most commands never need

    yaml = YAML(typ="rt")
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.allow_unicode = True
    return yaml
