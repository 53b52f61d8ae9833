"""What a rule is given about a connector, and what it returns."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mesh_assets.analysis.graph import Known, Node
from mesh_assets.inventory.links import kafka_addresses
from mesh_assets.inventory.records import Connector
from mesh_assets.masking.configs import MASK

# `${env:HOST}`: only the worker can resolve it. `${topic}` is the connector's own placeholder.
_REFERENCE = re.compile(r"\$\{[^}:]+:")


class Names:
    """Sorted names, for finding those with a prefix without checking each: there may be ten thousand topics, and a
    thousand connectors asking."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._set = frozenset(names)
        self._sorted = sorted(self._set)

    def __contains__(self, name: object) -> bool:
        return name in self._set

    def __iter__(self) -> Iterator[str]:
        return iter(self._sorted)

    def starting_with(self, prefix: str) -> Iterator[str]:
        """In order."""
        for at in range(bisect_left(self._sorted, prefix), len(self._sorted)):
            if not self._sorted[at].startswith(prefix):
                break
            yield self._sorted[at]


@dataclass(frozen=True, slots=True)
class Servers:
    """A cluster of the estate as connectors and statements name it. `topics`: all those in its document."""

    cluster: str
    cluster_id: str
    bootstrap_servers: frozenset[str]
    topics: Names


@dataclass(frozen=True, slots=True)
class Facts:
    """A connector, the topics of its cluster, and the estate's clusters. `cluster`: its name in the estate.
    `prefixes`: the topic prefixes in the configs of all source connectors of the cluster. `knows_all_topics`: whether a
    topic that is not among `topics` does not exist. `fields`: the fields of a topic's values by their paths, if one schema
    describes them."""

    connector: Connector
    cluster: str
    topics: Names = field(default_factory=Names)
    clusters: Sequence[Servers] = ()
    prefixes: Names = field(default_factory=Names)
    knows_all_topics: bool = False
    fields: Callable[[str], tuple[str, ...] | None] = lambda _: None

    def is_gone(self, topic: str) -> bool:
        return self.knows_all_topics and topic not in self.topics

    @property
    def is_source(self) -> bool:
        return self.connector.type == "source"

    @property
    def observed(self) -> frozenset[str]:
        """The topics that Connect has seen the connector use; empty also where it does not say."""
        return frozenset(topic.name for topic in self.connector.topics if topic.known == "observed")

    def value(self, *keys: str) -> str | None:
        """The first of the configs that is set, stripped of blanks. A value that is fully masked, or contains a reference that
        only the worker resolves, counts as not set."""
        for key in keys:
            value = (self.connector.config.get(key) or "").strip()
            if value and value != MASK and not _REFERENCE.search(value):
                return value
        return None

    def names(self, *keys: str) -> list[str]:
        """The names of the first list config that is set."""
        return [name.strip() for name in (self.value(*keys) or "").split(",") if name.strip()]

    def is_set(self, key: str, *, default: bool = False) -> bool:
        value = self.value(key)
        return default if value is None else value.lower() == "true"

    def pairs(self, *keys: str, between: str = ":") -> dict[str, str]:
        """The entries of a map config (`topic:table,topic:table`) by their first part; malformed ones are left out. No topic
        has a colon in its name; a pattern (`regex=table`) may have anything."""
        entries = (
            entry.partition(between) if between == ":" else entry.rpartition(between)
            for entry in self.names(*keys)
        )
        return {left.strip(): right.strip() for left, _, right in entries if left.strip() and right.strip()}

    def cluster_at(self, servers: str | None) -> Servers | None:
        """The cluster of the estate at one of these addresses."""
        wanted = frozenset(kafka_addresses(servers))
        return next((one for one in self.clusters if wanted & one.bootstrap_servers), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A dataset (or a topic of another cluster) and the topic that it becomes. `topic`: the connector's name for it, before
    its transforms; after them if `is_routed`."""

    dataset: Node
    topic: str
    by: str
    known: Known = "declared"
    is_routed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTopic:
    """A topic that the connector keeps for itself. `reads`: the connector reads it (signals). `cluster` None: the
    connector's own."""

    name: str
    by: str
    reads: bool = False
    cluster: str | None = None


@dataclass(slots=True, kw_only=True)
class Source:
    """What a source reads and writes. `datasets`: those whose topics are not known, with the evidence. `topics`: those
    whose datasets are not known, before transforms. `row`: the path in a record's value below which the table's columns
    are, before transforms (``: at the top); None: not known."""

    pairs: list[Pair] = field(default_factory=list)
    datasets: list[tuple[Node, str]] = field(default_factory=list)
    topics: list[tuple[str, str]] = field(default_factory=list)
    own: list[OwnTopic] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    row: str | None = None

    def pair(
        self, dataset: Node, topic: str, by: str, *, known: Known = "declared", is_routed: bool = False
    ) -> None:
        self.pairs.append(Pair(dataset=dataset, topic=topic, by=by, known=known, is_routed=is_routed))


@dataclass(slots=True, kw_only=True)
class Sink:
    """Where a sink writes. `table`: the dataset for a topic by its name after transforms, or a sentence why it is not known.
    `whole`: used where the table is not known; None: even the system is not. `others`: several datasets that every topic
    may go to, instead of the whole. `by`: the config that says so. `column`: which column of a table that the sink itself
    creates a top-level field becomes; None: not known."""

    whole: Node | None
    by: str
    table: Callable[[str], Node | str]
    own: list[OwnTopic] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    known: Known = "declared"
    others: list[Node] = field(default_factory=list)
    column: Callable[[str], str] | None = None


def unknown_sink(what: str) -> Sink:
    """A sink whose config does not say which `what` it writes to."""
    return Sink(
        whole=None, by="", table=lambda _: f"its config does not say, or hides, which {what} it writes to"
    )


Rule = Callable[[Facts], Source | Sink]
Rules = Mapping[str, Rule]
"""Rules by connector class: its full name, or Confluent Cloud's name for it."""
