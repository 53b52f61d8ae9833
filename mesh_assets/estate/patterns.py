"""Which names are part of the picture."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from mesh_assets.estate.fields import EstateModel

EVENTS_TOPIC = "discovery-events"
CHANGES_TOPIC = "discovery-changes"

# Kafka's, Connect's and the registries' own topics, and ours, which would otherwise describe themselves.
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


class NamePatterns(EstateModel):
    """Which names are part of the picture: shell patterns, case matters, exclusion wins."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def selects(self, name: str) -> bool:
        return any(fnmatchcase(name, p) for p in self.include) and not any(
            fnmatchcase(name, p) for p in self.exclude
        )

    def select(self, names: Iterable[str]) -> list[str]:
        return sorted(name for name in names if self.selects(name))


class TopicPatterns(NamePatterns):
    exclude: tuple[str, ...] = EXCLUDED_TOPICS
