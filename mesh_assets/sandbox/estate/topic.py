"""What a topic of the estate is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mesh_assets.sandbox.estate.fields import Entity, Field

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
