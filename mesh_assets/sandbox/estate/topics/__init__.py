"""The 37 topics, split by domain."""

from mesh_assets.sandbox.estate.topic import Topic
from mesh_assets.sandbox.estate.topics import (
    clicks,
    finance,
    fleet,
    gaming,
    insurance,
    payroll,
    pizza,
    retail,
    security,
    shoes,
)

_DOMAINS = (clicks, finance, fleet, gaming, insurance, payroll, pizza, retail, security, shoes)

TOPICS: tuple[Topic, ...] = tuple(
    sorted((topic for domain in _DOMAINS for topic in domain.TOPICS), key=lambda t: t.name)
)

__all__ = ["TOPICS"]
