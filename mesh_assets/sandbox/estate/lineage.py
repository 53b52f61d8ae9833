"""What feeds what in the first cluster: written down from the definitions that make it, for comparison with a
derived one."""

from dataclasses import dataclass
from pathlib import Path

from mesh_assets.sandbox.estate.clusters import (
    EMPTY_GROUP,
    EMPTY_GROUP_TOPICS,
    LIVE_GROUPS,
    SINKS,
    source_name,
)
from mesh_assets.sandbox.estate.topics import TOPICS


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TrueFlow:
    """Records of a file become those of a topic, or the other way round: by their paths and names."""

    source: str
    connector: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TrueReader:
    """A consumer group reads a topic; `active` is false if it once did but has no member now."""

    group: str
    topic: str
    active: bool


def true_flows(*, feeds: Path, sinks: Path) -> frozenset[TrueFlow]:
    """`feeds`, `sinks`: the folders that the connectors' files are in."""
    written = {
        TrueFlow(
            source=str(feeds / f"{topic.name}.jsonl"), connector=source_name(topic.name), target=topic.name
        )
        for topic in TOPICS
    }
    read = {
        TrueFlow(source=topic, connector=name, target=str(sinks / file))
        for name, (file, topics) in SINKS.items()
        for topic in topics
    }
    return frozenset(written | read)


def true_readers() -> frozenset[TrueReader]:
    live = {
        TrueReader(group=group.name, topic=topic, active=True)
        for group in LIVE_GROUPS
        for topic in group.topics
    }
    once = {TrueReader(group=EMPTY_GROUP, topic=topic, active=False) for topic in EMPTY_GROUP_TOPICS}
    return frozenset(live | once)
