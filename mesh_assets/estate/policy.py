"""What the estate requires of its topics: names, partitions, replicas, configs, schemas and owners.

A policy says what ought to be; `mesh_assets/findings/policy.py` compares a document with it.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from mesh_assets.estate.expectations import Expectation
from mesh_assets.estate.fields import EstateModel, NamePatterns

PolicyLevel = Literal["warning", "error"]
CompatibilityLevel = Literal[
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
]


_Fraction = Annotated[float, Field(allow_inf_nan=False)]


def _must_be_a_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return text


class Range(EstateModel):
    """From `min` to `max`, both included; at least one is given."""

    min: int | None = None
    max: int | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        if self.min is None and self.max is None:
            raise ValueError("expected min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}, which no topic can meet")
        return self


_OneOf = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1}),
]
"""YAML's numbers and booleans are allowed here: `_requirement` turns them into text."""


class ConfigRequirement(EstateModel):
    """What a topic's config must be: a number from `min` to `max`, or one of the texts `one_of`.

    `retention.ms` and the like are -1 where they are unlimited, which is above every `max`. Commas separate the parts
    of a list (`compact,delete`), whose order does not matter.
    """

    min: int | _Fraction | None = None
    max: int | _Fraction | None = None
    one_of: _OneOf | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "ConfigRequirement":
        is_range = self.min is not None or self.max is not None
        if is_range == (self.one_of is not None):
            raise ValueError("expected a value, min, max or both, or one_of with a list of values")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}, which no topic can meet")
        return self


def _text(value: Any) -> Any:
    """YAML's numbers and booleans as Kafka writes them."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _requirement(value: Any) -> Any:
    """A single value is the only one allowed."""
    if isinstance(value, dict):
        listed = value.get("one_of")
        return {**value, "one_of": [_text(one) for one in listed]} if isinstance(listed, list) else value
    return {"one_of": [_text(value)]} if isinstance(value, str | int | float) else value


_Requirement = Annotated[
    ConfigRequirement,
    BeforeValidator(_requirement, json_schema_input_type=ConfigRequirement | str | bool | int | float),
]


class PolicyRule(EstateModel):
    """What topics must be. `topics` and `clusters` select them; `exclude` in these lists exceptions. Kafka's own topics are
    never selected.

    `level`: how bad a violation is; an `error` fails `policy check`. `names`: a regular expression that the whole name
    must match. `schema_required`: a subject of the registry describes the topic's values. `compatibility`: the levels
    that those subjects may have. `owner_required`: the policy's `owners`, a decision about products, a data
    contract or the registry names one.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    level: PolicyLevel = "error"
    topics: NamePatterns = NamePatterns()
    clusters: NamePatterns = NamePatterns()
    names: Annotated[str, AfterValidator(_must_be_a_pattern)] | None = None
    partitions: Range | None = None
    replication_factor: Range | None = None
    configs: dict[str, _Requirement] = Field(default_factory=dict)
    schema_required: bool = False
    compatibility: tuple[CompatibilityLevel, ...] = ()
    owner_required: bool = False

    @model_validator(mode="after")
    def _requires_something(self) -> "PolicyRule":
        required = (
            self.names,
            self.partitions,
            self.replication_factor,
            self.configs,
            self.schema_required,
            self.compatibility,
            self.owner_required,
        )
        if not any(required):
            raise ValueError(
                "requires nothing; give names, partitions, replication_factor, configs, schema_required, compatibility or "
                "owner_required"
            )
        return self


class TopicOwner(EstateModel):
    """Who owns the topics that the patterns select: a team, an address, any text."""

    owner: str = Field(min_length=1)
    topics: NamePatterns


class Policy(EstateModel):
    """`file`: a YAML file that holds all of it instead of the estate file, relative to it; once read, its absolute path.
    `expectations`: about the data in topics. The first owner whose patterns select a topic owns it."""

    file: str | None = Field(default=None, min_length=1)
    rules: tuple[PolicyRule, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    owners: tuple[TopicOwner, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> "Policy":
        for kind, names in (
            ("rules", [rule.name for rule in self.rules]),
            ("expectations", [one.name for one in self.expectations]),
        ):
            twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
            if twice is not None:
                raise ValueError(f"has two {kind} called {twice!r}; give each its own name")
        return self

    def owner_of(self, topic: str) -> str | None:
        return next((entry.owner for entry in self.owners if entry.topics.selects(topic)), None)
