"""What findings need from an earlier document: a few numbers about each thing, so that the document itself can be
dropped."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from mesh_assets.inventory.access_records import Acl
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Record, Topic

Positions = frozenset[tuple[str, int, int | None]]
"""Topic, partition, committed offset."""


class PastTopic(Record, frozen=True, kw_only=True):
    """`end`: the sum of its partitions' end offsets; None: not all are known."""

    id: str | None
    partitions: int
    end: int | None


class PastGroup(Record, frozen=True, kw_only=True):
    empty: bool
    lag_records: int | None
    positions: Positions | None


class Past(Record, frozen=True, kw_only=True):
    """One earlier document. `rates`: topic → records per second. `connectors`: endpoint and name → id and whether it was
    active. `read_topics`: those that a group or a sink read. `acls`: the known ones."""

    moment: datetime
    topics: dict[str, PastTopic]
    rates: dict[str, float | None]
    groups: dict[str, PastGroup]
    connectors: dict[tuple[str, str], tuple[str | None, bool]]
    subjects: frozenset[str]
    read_topics: frozenset[str]
    acls: frozenset[Acl]


def past_of(document: Document) -> Past:
    return Past(
        moment=document.discovery_timestamp,
        topics={
            topic.name: PastTopic(id=topic.id, partitions=len(topic.partitions), end=end_of(topic))
            for topic in document.topics
        },
        rates={rate.topic: rate.records_in_per_second for rate in document.metrics.topics}
        if document.metrics
        else {},
        groups={
            group.group_id: PastGroup(
                empty=is_empty(group), lag_records=group.total_lag_records, positions=positions_of(group)
            )
            for group in document.consumer_groups
        },
        connectors={(one.connect, one.name): (one.id, one.active) for one in document.connectors},
        subjects=frozenset(schema.subject for schema in document.schemas),
        read_topics=frozenset(readers_of(document)),
        acls=frozenset((document.access.acls or ()) if document.access else ()),
    )


def end_of(topic: Topic) -> int | None:
    ends = [partition.latest for partition in topic.partitions if partition.latest is not None]
    return sum(ends) if topic.error is None and ends and len(ends) == len(topic.partitions) else None


def is_empty(group: ConsumerGroup) -> bool:
    return group.state.lower() in ("empty", "dead")


def positions_of(group: ConsumerGroup) -> Positions | None:
    """The group's position; None if it is not known."""
    if group.offsets is None:
        return None
    return frozenset((offset.topic, offset.partition, offset.committed) for offset in group.offsets)


def readers_of(document: Document) -> Mapping[str, list[str]]:
    """Topic → the groups that have committed on it or are assigned to it, and the sinks that name it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for group in document.consumer_groups:
        for topic in group.topics:
            found[topic].append(group.group_id)
    for connector in document.connectors:
        if connector.type != "source":
            for used in connector.topics:
                found[used.name].append(connector.name)
    return found
