"""A topic of the sandbox and the fields of its records."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

# A field's definition: its JSON Schema and how its values are drawn, in one place, so that records and
# schemas must agree.
#
# Values come from a generator seeded with topic and position: a position always has the same record, in any
# order.

# The records' clock is fixed, since a record must be the same whenever it is made.
_EPOCH = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_STEP = timedelta(seconds=37)


@dataclass(frozen=True, slots=True)
class Entity:
    """Things that many topics refer to. `name`: the field that does; `size`: how many there are."""

    name: str
    pattern: str
    size: int

    def id(self, index: int) -> str:
        return self.pattern.format(index + 1)


@dataclass(frozen=True, slots=True)
class Draw:
    """The context in which a value is drawn. `index`: the record's number; `record`: what it holds so far."""

    rng: Random
    index: int
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `optional`: absent from some records. `since`: the schema version that added it.

    `shared`: the subject that its schema refers to. `entity`: what its values identify.
    """

    schema: Mapping[str, Any]
    draw: Callable[[Draw], Any]
    optional: bool = False
    since: int = 1
    shared: str | None = None
    entity: Entity | None = None


@dataclass(frozen=True, slots=True)
class SharedType:
    """A type with a subject of its own, which topics' schemas refer to."""

    subject: str
    file: str
    title: str
    fields: Mapping[str, Field] = field(default_factory=dict)


def maybe(inner: Field, *, since: int = 1) -> Field:
    """A field that is present in about three records out of four."""

    def draw(d: Draw) -> Any:
        return inner.draw(d) if d.rng.random() < 0.75 else None

    return replace(inner, draw=draw, optional=True, since=since)


def own(entity: Entity) -> Field:
    """The id of the thing the record is about."""
    return Field(schema={"type": "string"}, draw=lambda d: entity.id(d.index), entity=entity)


def ref(entity: Entity) -> Field:
    """The id of an existing thing that another topic is about."""
    return Field(
        schema={"type": "string"}, draw=lambda d: entity.id(d.rng.randrange(entity.size)), entity=entity
    )


def choice(*values: str) -> Field:
    return Field(schema={"type": "string", "enum": list(values)}, draw=lambda d: d.rng.choice(values))


def word(*values: str) -> Field:
    """Like `choice`, but the schema promises only a string."""
    return Field(schema={"type": "string"}, draw=lambda d: d.rng.choice(values))


def text(pattern: str) -> Field:
    """A text with a digit for each `#`."""

    def draw(d: Draw) -> str:
        return "".join(str(d.rng.randrange(10)) if c == "#" else c for c in pattern)

    return Field(schema={"type": "string"}, draw=draw)


def whole(low: int, high: int) -> Field:
    return Field(
        schema={"type": "integer", "minimum": low, "maximum": high}, draw=lambda d: d.rng.randint(low, high)
    )


def decimal(low: float, high: float, digits: int = 2) -> Field:
    return Field(schema={"type": "number"}, draw=lambda d: round(d.rng.uniform(low, high), digits))


def flag(probability: float = 0.5) -> Field:
    return Field(schema={"type": "boolean"}, draw=lambda d: d.rng.random() < probability)


def instant() -> Field:
    """When it happened, in ISO 8601."""
    schema = {"type": "string", "format": "date-time"}
    return Field(schema=schema, draw=lambda d: (_EPOCH + _STEP * d.index).isoformat().replace("+00:00", "Z"))


def epoch_ms() -> Field:
    """When it happened, in milliseconds since 1970."""
    return Field(
        schema={"type": "integer"}, draw=lambda d: int((_EPOCH + _STEP * d.index).timestamp() * 1000)
    )


def day() -> Field:
    """A date in the preceding years."""
    schema = {"type": "string", "format": "date"}
    return Field(
        schema=schema, draw=lambda d: (_EPOCH - timedelta(days=d.rng.randrange(6000))).date().isoformat()
    )


def several(inner: Field, *, most: int) -> Field:
    schema = {"type": "array", "items": dict(inner.schema), "minItems": 1, "maxItems": most}
    return Field(schema=schema, draw=lambda d: [inner.draw(d) for _ in range(d.rng.randint(1, most))])


def shared(kind: SharedType) -> Field:
    """A value of a shared type; the schema refers to the type's subject."""
    return Field(schema={"$ref": kind.file}, draw=lambda d: draw_object(kind.fields, d), shared=kind.subject)


def draw_object(fields: Mapping[str, Field], d: Draw) -> dict[str, Any]:
    """An object with the fields in their order, without the optional ones that came out empty."""
    made: dict[str, Any] = {}
    inner = Draw(d.rng, d.index, made)
    for name, one in fields.items():
        value = one.draw(inner)
        if value is not None:
            made[name] = value
    return made


# A topic of the estate and its records: a topic's record of a given number is always the same line.

PARTITIONS = 6

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic: the fields of its records, its configs, and how its schema evolves.

    `population`: the things (users, products) that it describes, each always in the same words; None for a stream of
    events. `per_minute`: how many records the feed appends. `compatibility`: its subject's own level, if any.
    """

    name: str
    fields: Mapping[str, Field]
    per_minute: int
    population: Entity | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    compatibility: str | None = None

    @property
    def subject(self) -> str:
        return f"{self.name}-value"

    @property
    def compacted(self) -> bool:
        return "compact" in self.config.get("cleanup.policy", "delete")

    @property
    def backlog(self) -> int:
        """How many records it holds from the start: each thing once, or enough events to look at."""
        return self.population.size if self.population else 300

    @property
    def schema_versions(self) -> int:
        return max(f.since for f in self.fields.values())


def configs(**overrides: object) -> dict[str, str]:
    """Topic configs from keywords: `retention_ms=…` means `retention.ms`."""
    return {name.replace("_", "."): str(value) for name, value in overrides.items()}


SEED = 37


def record(topic: Topic, number: int) -> dict[str, Any]:
    """The record of that number, from 0. A topic with a population repeats its things, each exactly as before."""
    index = number % topic.population.size if topic.population else number
    return draw_object(topic.fields, Draw(Random(f"{SEED}:{topic.name}:{index}"), index, {}))


def line(topic: Topic, number: int) -> str:
    """The record as a line of the topic's feed file, without the newline."""
    return json.dumps(record(topic, number), separators=(",", ":"))


def backlog(topic: Topic) -> Iterator[str]:
    """The lines that every sandbox starts with."""
    return (line(topic, number) for number in range(topic.backlog))
