"""What a cluster is judged by: its newest document, two earlier ones, and the estate.

A thing only counts as missing if everything that would show it was read: a stale or incomplete section, a group whose
topics are unknown, or a document that is too young gives no finding of absence.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import translate
from functools import cached_property

from mesh_assets.contracts.reading import KnownContracts
from mesh_assets.estate.fields import EXCLUDED_TOPICS, NamePatterns
from mesh_assets.estate.findings import FindingThresholds
from mesh_assets.estate.policy import Policy
from mesh_assets.findings.owned import ProductOwners
from mesh_assets.findings.past import Past, end_of, readers_of
from mesh_assets.findings.samples import Samples
from mesh_assets.inventory.cluster_link_records import ENDED_MIRRORS
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.links import is_streams_topic, set_aside_topics
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.sections import SectionName

_BOOKKEEPING = (
    *EXCLUDED_TOPICS,
    "_*",
    "*.internal",  # MirrorMaker 2: offset syncs and checkpoints (KIP-382)
    "heartbeats",
    "*.heartbeats",
)
_BOOKKEEPING_CONFIGS = (
    "schema.history.internal.kafka.topic",  # Debezium; before 2.0 the next
    "database.history.kafka.topic",
    "signal.kafka.topic",
    "offset.storage.topic",
)
_SET_ASIDE = ("*dlq*", "*DLQ*", "*dead?letter*", "*deadletter*", "*-dlt", "*.DLT", "*-DLT")
# As one expression, since every rule asks about every topic.
_BOOKKEEPING_NAME, _SET_ASIDE_NAME = (
    re.compile("|".join(map(translate, patterns))) for patterns in (_BOOKKEEPING, _SET_ASIDE)
)


@dataclass(frozen=True)
class Case:
    """`before`: the previous document, by which growth is judged. `earlier`: the newest one that is at least
    `thresholds.idle_days` old, by which idleness is judged; None: the store does not reach back that far, so nothing
    counts as idle. `topics_elsewhere`: the topics of the other clusters that share the registry; None: not known.
    `mirrored`: topic → what copies it to other clusters of the estate, in words. `contracts`: the estate's, like
    `product_owners`, if its policy requires owners. `samples`: what they showed about the data in topics.
    """

    document: Document
    before: Past | None = None
    earlier: Past | None = None
    thresholds: FindingThresholds = field(default_factory=FindingThresholds)
    policy: Policy = field(default_factory=Policy)
    topics_elsewhere: frozenset[str] | None = frozenset()
    mirrored: Mapping[str, Sequence[str]] = field(default_factory=dict)
    contracts: KnownContracts = field(default_factory=KnownContracts)
    product_owners: ProductOwners = field(default_factory=ProductOwners)
    samples: Samples = field(default_factory=Samples)

    def is_read(self, *sections: SectionName) -> bool:
        """Whether each section was read completely, so that anything missing from it does not exist. A source that the
        estate does not configure cannot lack anything."""
        states = (self.document.sections.get(name) for name in sections)
        return all(
            state is not None
            and (
                state.status == "not_configured"
                or (state.status == "fresh" and not (state.error or state.held_since or state.stale_sources))
            )
            for state in states
        )

    def in_scope(self, topic: str) -> bool:
        """Whether the document would show the topic if it existed."""
        state = self.document.sections.get("topics")
        scope = None if state is None else state.scope
        return scope is not None and NamePatterns(include=scope.include, exclude=scope.exclude).selects(topic)

    # --- topics

    @cached_property
    def topics(self) -> Mapping[str, Topic]:
        return {topic.name: topic for topic in self.document.topics}

    def still_has(self, topic: str, known_id: str | None) -> bool:
        """Whether the topic that had this id (None: not known) exists and was not recreated."""
        return topic in self.topics and self.topics[topic].may_be(known_id)

    @cached_property
    def mirrors(self) -> frozenset[str]:
        """The topics that a cluster link fills: a standby may have a thousand that nobody reads until its source fails."""
        known = self.document.cluster_links
        mirrors = (known.mirror_topics if known else None) or ()
        return frozenset(one.name for one in mirrors if one.status not in ENDED_MIRRORS)

    @cached_property
    def readers(self) -> Mapping[str, list[str]]:
        """Topic → who reads it, groups and sinks first."""
        found = readers_of(self.document)
        return {
            topic: [*found.get(topic, ()), *self.mirrored.get(topic, ())]
            for topic in {*found, *self.mirrored}
        }

    @cached_property
    def knows_readers(self) -> bool:
        """Whether it is known what every group and every connector reads."""
        return (
            self.is_read("topics", "consumer_groups", "connectors")
            and all(group.topics or group.offsets is not None for group in self.document.consumer_groups)
            and all(one.topics_note is None for one in self.document.connectors if one.type != "source")
        )

    @cached_property
    def set_aside(self) -> frozenset[str]:
        """The topics for records that a connector could not deliver: empty while all is well."""
        return frozenset(
            name for connector in self.document.connectors for name in set_aside_topics(connector).values()
        )

    @cached_property
    def _named_bookkeeping(self) -> frozenset[str]:
        of_connectors = {
            name
            for connector in self.document.connectors
            for key in _BOOKKEEPING_CONFIGS
            if (name := connector.config.get(key))
        }
        parts = [
            part
            for group in self.document.consumer_groups
            for part in (group.topology.subtopologies if group.topology else ())
        ]
        of_streams = [
            name for part in parts for name in (*part.changelog_topics, *part.repartition_source_topics)
        ]
        return frozenset(of_connectors.union(of_streams))

    def is_bookkeeping(self, topic: Topic) -> bool:
        """Whether the topic serves Kafka, Connect, a registry, a stream processor or a replicator itself."""
        return (
            topic.details.internal
            or topic.name in self._named_bookkeeping
            or is_streams_topic(topic.name)
            or _BOOKKEEPING_NAME.match(topic.name) is not None
        )

    def is_set_aside(self, topic: str) -> bool:
        return topic in self.set_aside or _SET_ASIDE_NAME.match(topic) is not None

    def is_judged_by_use(self, topic: Topic) -> bool:
        """Whether a topic should be written and read. Compacted ones are tables, which are read without a group and may
        stay unchanged for years."""
        policy = topic.details.cleanup_policy
        return policy is not None and "compact" not in policy and not self.is_bookkeeping(topic)

    @cached_property
    def records_since(self) -> Mapping[str, int]:
        """Topic → how many offsets it has assigned since `earlier`. Only topics that existed then, with the same id and
        partitions, and whose ends are known at both times."""
        found: dict[str, int] = {}
        if self.earlier is None:
            return found
        for topic in self.document.topics:
            old = self.earlier.topics.get(topic.name)
            if (
                old is None
                or old.id != topic.id
                or old.end is None
                or old.partitions != len(topic.partitions)
            ):
                continue
            end = end_of(topic)
            if end is not None:
                found[topic.name] = end - old.end
        return found


def minute(moment: datetime | None) -> str:
    return "at an unknown time" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
