"""The values that a request is made of. They take what a caller writes; whether it is allowed is for
`validation` to say, all at once."""

import json
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt


class EsmModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _comma_separated(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _as_pattern(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_comma_separated)]
"""A list, or text with commas."""

FilterPattern = Annotated[str, BeforeValidator(_as_pattern)]
"""A pattern as JSON text, or as the object itself."""

Flag = StrictBool
Count = StrictInt
"""Neither takes the other: `batch_size: true` is a slip, not 1."""


class SourceAccess(EsmModel):
    """How Lambda gets at the source: a type and, but for the two IAM types, where the secret, subnet or value
    is.

    `uri` names a secret by its ARN; it never is one.
    """

    type: str = Field(validation_alias=AliasChoices("type", "Type"))
    uri: str | None = Field(default=None, validation_alias=AliasChoices("uri", "URI"))


class RegistryAccess(EsmModel):
    """How Lambda gets at a Confluent registry: a type (BASIC_AUTH, CLIENT_CERTIFICATE_TLS_AUTH …) and the ARN
    of its secret."""

    type: str = Field(validation_alias=AliasChoices("type", "Type"))
    uri: str | None = Field(default=None, validation_alias=AliasChoices("uri", "URI"))


class SchemaRegistry(EsmModel):
    """A Glue registry (its ARN) or a Confluent one (its https address). `validate_attributes`: KEY, VALUE or
    both."""

    uri: str
    event_record_format: str = "JSON"
    validate_attributes: Names = ("VALUE",)
    access_configurations: tuple[RegistryAccess, ...] = ()
