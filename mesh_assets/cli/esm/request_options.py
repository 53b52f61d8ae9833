"""The parameters of a request as options, made from the request's own fields: one name everywhere."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from mesh_assets.errors import MeshError
from mesh_assets.esm.request import read_request
from mesh_assets.esm.request_fields import EsmModel

Request = TypeVar("Request", bound=EsmModel)

_PAIRS = {"source_access_configurations": "TYPE=ARN", "tags": "KEY=VALUE"}
_JSON = ("schema_registry",)
_REPEATED = ("filter_patterns",)


def request_options(
    kind: type[EsmModel], *, without: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds an option for each field of the request, and `--request` for a JSON file with any of them."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed([name for name in kind.model_fields if name not in without]):
            command = _option(kind, name)(command)
        path = click.Path(exists=True, dir_okay=False, path_type=Path)
        return click.option(
            "--request", "request_file", type=path, help="A JSON file with parameters; options given win."
        )(command)

    return add


def request_from(kind: type[Request], options: Mapping[str, Any], request_file: Path | None) -> Request:
    """The request that file and options make. Raises InvalidRequestError with every finding about its shape."""
    data = {} if request_file is None else _read(request_file)
    for name, value in options.items():
        if name in kind.model_fields and value not in (None, ()):
            data[name] = _value(name, value)
    return read_request(kind, data)


def _option(kind: type[EsmModel], name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    field, text = kind.model_fields[name], f"--{name.replace('_', '-')}"
    description = field.description or ""
    hidden = description.startswith("Refused:")
    written = str(field.annotation)
    if "Flag" in written or "bool" in written:
        return click.option(f"{text}/--no-{text[2:]}", default=None, help=description, hidden=hidden)
    if name in _PAIRS:
        return click.option(
            text, multiple=True, metavar=_PAIRS[name], help=f"{description}; may be repeated.", hidden=hidden
        )
    if name in _REPEATED:
        return click.option(
            text, multiple=True, metavar="JSON", help=f"{description}; may be repeated.", hidden=hidden
        )
    kind_of_value = int if "int" in written else str
    return click.option(
        text, type=kind_of_value, metavar="JSON" if name in _JSON else None, help=description, hidden=hidden
    )


def _value(name: str, value: Any) -> Any:
    if name == "source_access_configurations":
        pairs = [text.partition("=") for text in value]
        return [{"type": kind, "uri": uri} if uri else {"type": kind} for kind, _, uri in pairs]
    if name == "tags":
        return dict(text.partition("=")[::2] for text in value)
    if name in _JSON:
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise MeshError(
                f"--{name.replace('_', '-')} is no JSON ({error.msg} at {error.pos}); expected an object"
            ) from error
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise MeshError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(data, dict):
        raise MeshError(f"{path} holds no JSON object; expected parameters by name")
    return data
