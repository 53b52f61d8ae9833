"""What the estate's models are built from: strict and immutable, secrets by reference only, name patterns."""

import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import translate
from functools import cache
from string import Formatter
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    WithJsonSchema,
    field_validator,
    model_validator,
)

SECRET_REFERENCE = re.compile(
    r"^(\$\{[A-Za-z_][A-Za-z0-9_]*\}|ssm:/\S+|secretsmanager:[^\s#]+(#\S+)?|vault:[^\s#]+#\S+)$"
)


def _must_be_reference(text: str) -> str:
    if not SECRET_REFERENCE.match(text):
        raise ValueError(
            "a secret must be named, not written here: expected ${ENV_NAME}, ssm:/path, secretsmanager:arn#field or vault:path#field"
        )
    return text


SecretReference = Annotated[
    str,
    AfterValidator(_must_be_reference),
    WithJsonSchema({"type": "string", "pattern": SECRET_REFERENCE.pattern, "title": "Reference to a secret"}),
]
"""`${ENV}`, `ssm:/path`, `secretsmanager:arn#field` or `vault:path#field`: resolved when a client is created.
"""


_USERINFO = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://([^/?#\s]*)@")
_SPLIT_PASSWORD = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s@:]+:(?!\d+(?:[/?#]|$))[^\s@]*[/?#][^\s@]*@")
_VARIABLES = re.compile(r"^(?:\$\{[A-Za-z_][A-Za-z0-9_]*\}:?)+$")


def _holds_credentials(text: str) -> bool:
    """Whether `text` is an address like `https://user:password@host`. References instead of them do not count; a
    password with an unescaped `/`, `?` or `#` does, though a browser would read it as a path."""
    found = _USERINFO.match(text)
    if found is None:
        return _SPLIT_PASSWORD.match(text) is not None
    user, colon, password = found.group(1).partition(":")
    return _VARIABLES.match(password if colon else user) is None


class EstateModel(BaseModel):
    """A part of the estate: unknown fields are refused, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _true_is_not_a_number(cls, data: Any) -> Any:
        """YAML reads `yes` and `on` as true, which pydantic takes for 1. As text, it is refused."""
        if not isinstance(data, dict) or not any(isinstance(value, bool) for value in data.values()):
            return data
        only_numbers = {
            name
            for field, about in cls.model_fields.items()
            if (kinds := set(_kinds(about.annotation))) & {int, float} and bool not in kinds
            for name in (field, about.alias)
        }
        return {
            name: str(value) if isinstance(value, bool) and name in only_numbers else value
            for name, value in data.items()
        }

    @field_validator("*", mode="after")
    @classmethod
    def _no_credentials_in_addresses(cls, value: Any) -> Any:
        """Checks every field, whatever its name: Kafka's `properties` can also contain addresses."""
        for text in value.values() if isinstance(value, dict) else (value,):
            if isinstance(text, str) and _holds_credentials(text):
                raise ValueError(
                    "an address must not contain a user or password in plain text: name them in username and password, or write "
                    "${ENV_NAME} in their place"
                )
        return value


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that a field may have."""
    if get_origin(annotation) is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for one in get_args(annotation):
            yield from _kinds(one)
    else:
        yield annotation


EVENTS_TOPIC = "discovery-events"
CHANGES_TOPIC = "discovery-changes"

# The internal topics of Kafka, Connect and registries, and ours, which would otherwise describe
# themselves.
EXCLUDED_TOPICS = (
    "__*",
    "_schemas*",
    "_confluent*",
    "connect-configs*",
    "connect-offsets*",
    "connect-status*",
    EVENTS_TOPIC,
    CHANGES_TOPIC,
)


@cache
def _one_of(patterns: tuple[str, ...]) -> Callable[[str], re.Match[str] | None]:
    """A single expression: thousands of names are compared, each with tens of patterns."""
    return re.compile("|".join(map(translate, patterns)) or r"(?!)").match


class NamePatterns(EstateModel):
    """Which names are part of the picture: case-sensitive shell patterns, where exclusion wins."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def selects(self, name: str) -> bool:
        return _one_of(self.include)(name) is not None and _one_of(self.exclude)(name) is None

    def select(self, names: Iterable[str]) -> list[str]:
        return sorted(name for name in names if self.selects(name))


class TopicPatterns(NamePatterns):
    exclude: tuple[str, ...] = EXCLUDED_TOPICS


def only_fields(names: tuple[str, ...]) -> Callable[[str], str]:
    """A check that a template uses only these fields, without attributes, indices and formats."""

    def check(text: str) -> str:
        expected = (
            "expected text with " + ", ".join(f"{{{name}}}" for name in names) + " ({{ and }} for braces)"
        )
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise ValueError(expected) from error
        for _, field, spec, conversion in parts:
            if field is not None and (field not in names or spec or conversion):
                raise ValueError(f"{{{field}}} is not a field here; {expected}")
        return text

    return check
