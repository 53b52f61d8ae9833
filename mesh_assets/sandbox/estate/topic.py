"""What a topic of the estate is, and its records: a topic's record of a given number is always the same line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mesh_assets.sandbox.estate.fields import Draw, Entity, Field, draw_object

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
