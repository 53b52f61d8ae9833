"""The fields of a request, and the kind of value each one takes.

The models of `request` name a kind for every field. The options of the command line and the configs of the jobs
are made from their table, `fields_of`. Types define only the shape; `validation` judges the values, all at
once.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
)

Form = Literal["flag", "count", "text", "time", "names", "patterns", "tags", "accesses", "record"]


class EsmModel(BaseModel):
    """A request, or a part of one: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field takes, on every interface.

    `model`: for `accesses` (a list) and `record`, what one of them looks like.
    """

    form: Form
    model: type[EsmModel] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Marks a field that only other sources have: accepted, so that the error can say why it is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestField:
    """One field of a request.

    `nullable`: None is a value of its own. `default` is meaningless where the field is `required`.
    """

    name: str
    kind: Kind
    description: str | None
    required: bool
    nullable: bool
    default: Any
    refused: bool


def fields_of(model: type[EsmModel]) -> tuple[RequestField, ...]:
    """The table of a model's fields, in their order. Raises TypeError for a field that names no kind."""
    return tuple(_field(model, name) for name in model.model_fields)


def _field(model: type[EsmModel], name: str) -> RequestField:
    info = model.model_fields[name]
    marks = tuple(_marks((info.annotation, *info.metadata)))
    kind = next((mark for mark in marks if isinstance(mark, Kind)), None)
    if kind is None:
        raise TypeError(f"{model.__name__}.{name} names no kind")
    return RequestField(
        name=name,
        kind=kind,
        description=info.description,
        required=info.is_required(),
        nullable=type(None) in get_args(info.annotation),
        default=info.default,
        refused=any(isinstance(mark, Refused) for mark in marks),
    )


def _marks(parts: tuple[Any, ...]) -> Iterator[Kind | Refused]:
    """The marks in an annotation, from the outside in."""
    for part in parts:
        if isinstance(part, Kind | Refused):
            yield part
        else:
            yield from _marks(get_args(part))


def _comma_separated(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _as_pattern(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


# --- the kinds of values

Text = Annotated[str, Kind("text")]

Time = Annotated[AwareDatetime, Kind("time")]
"""A time with its zone."""

Flag = Annotated[StrictBool, Kind("flag")]
Count = Annotated[StrictInt, Kind("count")]
"""Both are strict: `batch_size: true` is a slip, not 1."""

Names = Annotated[tuple[str, ...], BeforeValidator(_comma_separated), Kind("names")]
"""A list, or text separated by commas."""

Patterns = Annotated[tuple[Annotated[str, BeforeValidator(_as_pattern)], ...], Kind("patterns")]
"""Filter patterns, each as JSON text or as the object itself."""

Tags = Annotated[dict[str, str], Kind("tags")]


class SourceAccess(EsmModel):
    """`uri`: a secret's ARN (never the secret), a subnet or another value; the two IAM types have none."""

    type: Text = Field(validation_alias=AliasChoices("type", "Type"))
    uri: Text | None = Field(default=None, validation_alias=AliasChoices("uri", "URI"))


class SchemaRegistry(EsmModel):
    """`uri`: of Glue (ARN) or Confluent (https); without it the registry is removed. `validate_attributes`: KEY, VALUE
    or both. `access_configurations`: BASIC_AUTH, CLIENT_CERTIFICATE_TLS_AUTH …"""

    uri: Text = ""
    event_record_format: Text = "JSON"
    validate_attributes: Names = ("VALUE",)
    access_configurations: Annotated[tuple[SourceAccess, ...], Kind("accesses", SourceAccess)] = ()

    @property
    def removes(self) -> bool:
        return not self.uri


SourceAccesses = Annotated[tuple[SourceAccess, ...], Kind("accesses", SourceAccess)]
Registry = Annotated[SchemaRegistry, Kind("record", SchemaRegistry)]
