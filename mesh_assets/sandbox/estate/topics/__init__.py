"""The 37 topics, by domain."""

from mesh_assets.sandbox.estate.topic import Topic
from mesh_assets.sandbox.estate.topics import money, shops, web

_DOMAINS = (money, shops, web)

TOPICS: tuple[Topic, ...] = tuple(
    sorted((topic for domain in _DOMAINS for topic in domain.TOPICS), key=lambda t: t.name)
)

__all__ = ["TOPICS"]
