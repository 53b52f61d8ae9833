"""What a topic of the estate is, and its records: the same number of the same topic is always the same line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mesh_assets.sandbox.estate.fields import Draw, Entity, Field, draw_object

# What a topic of the estate is.

PARTITIONS = 6

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic with its records' fields, its configs and its schema's manners.

    `population`: for a topic that describes things (users, products): its records repeat them, each always
    the same; None for a stream of events. `per_minute`: how many records the feed appends. `compatibility`:
    the level of its own its subject has.
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
        """How many records it holds from the first start on: each thing once, or enough events to look at."""
        return self.population.size if self.population else 300

    @property
    def schema_versions(self) -> int:
        return max(f.since for f in self.fields.values())


def configs(**overrides: object) -> dict[str, str]:
    """Topic configs from keywords: `retention_ms=…` is `retention.ms`."""
    return {name.replace("_", "."): str(value) for name, value in overrides.items()}


# The records: the same number of the same topic is always the same line.

SEED = 37


def record(topic: Topic, number: int) -> dict[str, Any]:
    """The record of that number, from 0. A topic with a population repeats its things, each exactly as
    before."""
    index = number % topic.population.size if topic.population else number
    return draw_object(topic.fields, Draw(Random(f"{SEED}:{topic.name}:{index}"), index, {}))


def line(topic: Topic, number: int) -> str:
    """The record as a line of the topic's feed file, without the line's end."""
    return json.dumps(record(topic, number), separators=(",", ":"))


def backlog(topic: Topic) -> Iterator[str]:
    """The lines every sandbox starts with."""
    return (line(topic, number) for number in range(topic.backlog))
