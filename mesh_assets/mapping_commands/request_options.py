"""A request's options, made from the table of its fields, and the request made from them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from mesh_assets.errors import MeshError
from mesh_assets.esm.request import read_request
from mesh_assets.esm.request_fields import EsmModel, Kind, RequestField, fields_of
from mesh_assets.estate.text import decoded_text

Request = TypeVar("Request", bound=EsmModel)
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# How to write each form of value: what the option takes, and whether it may be repeated.
_METAVARS = {"accesses": "TYPE=ARN", "tags": "KEY=VALUE", "patterns": "JSON", "record": "JSON"}
_REPEATED = ("accesses", "tags", "patterns")


def request_options(model: type[EsmModel], *, without: tuple[str, ...] = ()) -> Decorator:
    """Adds an option for each field of the request, and `--request` for a JSON file with any of them."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for field in reversed(fields_of(model)):
            if field.name not in without:
                command = _option(field)(command)
        path = click.Path(exists=True, dir_okay=False, path_type=Path)
        return click.option(
            "--request", "request_file", type=path, help="A JSON file with parameters; options given win."
        )(command)

    return add


def request_from(model: type[Request], options: Mapping[str, Any], request_file: Path | None) -> Request:
    """The request from the file and the options; options win.

    Raises InvalidRequestError with everything wrong about its shape, MeshError for a file or option that is
    not JSON.
    """
    data = {} if request_file is None else _read(request_file)
    for field in fields_of(model):
        value = options.get(field.name)
        if value not in (None, ()):
            data[field.name] = _value(field.kind, value, _flag(field.name))
    return read_request(model, data)


def _option(field: RequestField) -> Decorator:
    flag, form, text = _flag(field.name), field.kind.form, field.description or ""
    if form == "flag":
        return click.option(f"{flag}/--no-{flag[2:]}", default=None, help=text, hidden=field.refused)
    if form in _REPEATED:
        return click.option(
            flag,
            multiple=True,
            metavar=_METAVARS[form],
            help=f"{text}; may be repeated.",
            hidden=field.refused,
        )
    return click.option(
        flag,
        type=int if form == "count" else str,
        metavar=_METAVARS.get(form),
        help=text,
        hidden=field.refused,
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _value(kind: Kind, value: Any, flag: str) -> Any:
    """An option's value, as the request takes it; a single empty one of those that may be repeated: none of them."""
    if kind.form in _REPEATED and value == ("",):
        return {} if kind.form == "tags" else []
    match kind.form:
        case "accesses":
            pairs = [text.partition("=") for text in value]
            return [{"type": type_, "uri": uri} if uri else {"type": type_} for type_, _, uri in pairs]
        case "tags":
            for text in value:
                if "=" not in text:
                    raise MeshError(f"{flag} {text!r} has no value; expected KEY=VALUE")
            return dict(text.partition("=")[::2] for text in value)
        case "record":
            try:
                return json.loads(value)
            except json.JSONDecodeError as error:
                raise MeshError(
                    f"{flag} is not JSON ({error.msg} at {error.pos}); expected an object"
                ) from error
        case _:
            return value


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(decoded_text(path.read_bytes()))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise MeshError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(data, dict):
        raise MeshError(f"{path} is not a JSON object; expected parameters by name")
    return data
