"""The estate file: read once, checked completely, every error with its line."""

import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import yaml
from dotenv import load_dotenv
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mesh_assets.errors import EstateError
from mesh_assets.estate.costs import CostSettings
from mesh_assets.estate.model import Estate
from mesh_assets.estate.policy import Policy
from mesh_assets.estate.products import ProductSettings
from mesh_assets.estate.text import decoded_text

T = TypeVar("T", bound=BaseModel)

DEFAULT_ESTATE = "estate.yaml"
# A part of file names in the store, where letters outside of ASCII take up to twelve; file systems allow 255.
_NAME_IN_FILES = 200


def estate_path(environment: Mapping[str, str] | None = None) -> Path:
    """The file that `MESH_ESTATE` names, or `estate.yaml` in the current folder."""
    return Path((os.environ if environment is None else environment).get("MESH_ESTATE") or DEFAULT_ESTATE)


def load_estate(path: Path | None = None) -> Estate:
    """The estate of `path` (default: `estate_path()`).

    A `.env` beside the file sets environment variables that are not set already. So every way to run (command
    line, Dagster, an MCP client that starts the server in a folder of its choice) finds the same secrets.

    Raises EstateError with every error on a line of its own: file, line, field, what was expected.
    """
    path = estate_path() if path is None else path
    try:
        text = decoded_text(path.read_bytes())
    except FileNotFoundError as error:
        raise EstateError(
            f"there is no estate file at {path}; set MESH_ESTATE to yours, write a project with one by `mesh-assets init DIR`, "
            "or run `mesh-assets sandbox start` for a sandbox with one"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise EstateError(f"the estate file {path} cannot be read: {error}") from error
    load_variables(path.absolute().parent / ".env")
    return parse_estate(text, source=str(path))


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
    """As `load_estate`, from text; `source` is the file's name in messages. Raises EstateError."""
    root, data = _read_mapping(text, source=source, expected="clusters:")
    clusters = data.get("clusters")
    if isinstance(clusters, dict):
        named = {
            name: {**fields, "name": name} if isinstance(fields, dict) else fields
            for name, fields in clusters.items()
        }
        for name in named:
            problem = _name_problem(name)
            if problem:
                raise EstateError(
                    f"{source}:{_line(root, ('clusters', name))}: cluster name {name!r} {problem}"
                )
        data = {**data, "clusters": named}
    for name, (model, expected) in _IN_FILES.items():
        part = data.get(name)
        if isinstance(part, dict) and isinstance(part.get("file"), str):
            line = _line(root, (name, "file"))
            data = {**data, name: _read_part(name, model, expected, part, line=line, source=source)}
    contracts = data.get("contracts")
    if isinstance(contracts, dict) and isinstance(contracts.get("folder"), str) and contracts["folder"]:
        folder = str((Path(source).parent / contracts["folder"]).absolute())
        data = {**data, "contracts": {**contracts, "folder": folder}}
    return _validated(Estate, data, root, source)


_IN_FILES: dict[str, tuple[type[BaseModel], str]] = {
    "policy": (Policy, "rules:"),
    "products": (ProductSettings, "decisions:"),
    "costs": (CostSettings, "prices:"),
}
"""Parts of the estate that may stand in a file of their own, and what such a file begins with."""


def _read_part(
    name: str, model: type[T], expected: str, part: dict[str, Any], *, line: int, source: str
) -> T:
    """The part of the file that the estate names, which then holds nothing of it itself."""
    named = part["file"]
    if len(part) > 1:
        raise EstateError(
            f"{source}:{line}: {name}: names a file and holds {' and '.join(sorted(set(part) - {'file'}))} itself; "
            "write all of it in one of the two"
        )
    path = Path(source).parent / named
    try:
        text = decoded_text(path.read_bytes())
    except (OSError, ValueError) as error:
        raise EstateError(
            f"{source}:{line}: {name}.file: {path} cannot be read: {error}; expected a YAML file with `{expected}`"
        ) from error
    root, data = _read_mapping(text, source=str(path), expected=expected)
    if "file" in data:
        raise EstateError(f"{path}:{_line(root, ('file',))}: file: is not a field here; {_ONE_FILE[name]}")
    return _validated(model, {**data, "file": str(path.absolute())}, root, str(path))


_ONE_FILE = {
    "policy": "a policy is one file",
    "products": "decisions are one file",
    "costs": "prices are one file",
}


def _read_mapping(text: str, *, source: str, expected: str) -> tuple[yaml.Node | None, dict[Any, Any]]:
    """The names and values of a YAML text, and its nodes, which know their lines. Raises EstateError."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise EstateError(f"{source}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:  # a character that no YAML may hold
        where = f"{source}: not YAML: character {getattr(error, 'position', 0) + 1} is one that YAML does not allow"
        raise EstateError(f"{where}; is this a text file?") from error
    duplicate = _duplicate_key(root)
    if duplicate is not None:
        raise EstateError(
            f"{source}:{duplicate.start_mark.line + 1}: {duplicate.value} appears here a second time; expected each name once"
        )
    if not isinstance(data, dict):
        raise EstateError(f"{source}:1: expected a mapping with `{expected}`, found {_kind(data)}")
    return root, data


def _validated(model: type[T], data: Any, root: yaml.Node | None, source: str) -> T:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        findings = [
            _finding(detail, root, source) for detail in error.errors(include_url=False, include_input=False)
        ]
        raise EstateError("\n".join(findings)) from None


def _name_problem(name: object) -> str | None:
    """Cluster names are folder names and Dagster's partition keys, where `...` stands for a range."""
    if not isinstance(name, str):
        return "is not text; put it in quotes"
    if not name or not all(c.isalnum() or c in "-_." for c in name) or name.startswith("."):
        return "may only hold letters, digits, '-', '_' and '.', and not start with '.'"
    if "..." in name:
        return "may not hold '...', which is a range of partitions to Dagster"
    if len(quote(name)) > _NAME_IN_FILES:
        return f"is too long for a file name; expected at most {_NAME_IN_FILES} letters, or fewer outside of ASCII"
    return None


_EXPECTED = {
    "tuple_type": "a list: [a, b], or lines that begin with `- `",
    "list_type": "a list: [a, b], or lines that begin with `- `",
    "dict_type": "names and values: {name: value}, or indented lines of `name: value`",
    "model_type": "names and values: {name: value}, or indented lines of `name: value`",
    "model_attributes_type": "names and values: {name: value}, or indented lines of `name: value`",
    "string_type": "text; put it in quotes",
}
"""In the words of YAML, not of Python."""


def _finding(detail: ErrorDetails, root: yaml.Node | None, source: str) -> str:
    field = ".".join(_field(detail, root)) or "the file"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        message = "is not a field here; check its spelling or remove it"
    elif detail["type"] == "missing":
        message = "is missing"
    elif detail["type"] == "string_pattern_mismatch" and str(detail["loc"][-1]) == "url":
        message = "expected a URL that starts with http:// or https://"
    elif detail["type"] in _EXPECTED:
        message = f"expected {_EXPECTED[detail['type']]}"
    elif detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        field, message = f"{field}.kind", _kind_expected(detail)
    return f"{source}:{_line(root, detail['loc'])}: {field}: {message}"


def _field(detail: ErrorDetails, root: yaml.Node | None) -> Iterator[str]:
    """The parts of the location as the file has them, without the tags of discriminated unions that `loc`
    adds."""
    node = root
    for part in detail["loc"]:
        found = _below(node, part)
        if found is None and isinstance(node, yaml.MappingNode) and _value(node, "kind") == part:
            continue
        node = None if found is None else found[0]
        yield str(part)


def _kind_expected(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "union_tag_invalid":
        return f"{context.get('tag')!r} is not a kind; expected one of {context.get('expected_tags')}"
    return "is missing"


def _line(root: yaml.Node | None, location: tuple[Any, ...]) -> int:
    """The line of the deepest part of `location` that the file has; the node may be missing from it."""
    node, line = root, 1
    for part in location:
        found = _below(node, part)
        if found is not None:
            node, line = found[0], found[1]
    return line


def _below(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, int] | None:
    """The node under the key or index `part`, and its line."""
    if isinstance(node, yaml.MappingNode):
        return next(
            ((value, key.start_mark.line + 1) for key, value in node.value if key.value == str(part)), None
        )
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line + 1
    return None


def _value(node: yaml.MappingNode, key: str) -> str | None:
    found = _below(node, key)
    return found[0].value if found is not None and isinstance(found[0], yaml.ScalarNode) else None


def _duplicate_key(node: yaml.Node | None) -> yaml.ScalarNode | None:
    """A key that appears twice: YAML silently keeps the last one, and an estate must not lose a cluster that
    way."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    return key
                seen.add(key.value)
            found = _duplicate_key(value)
            if found is not None:
                return found
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            found = _duplicate_key(item)
            if found is not None:
                return found
    return None


def _kind(data: object) -> str:
    return "an empty file" if data is None else f"a {type(data).__name__}"
