"""Who reads the bytes that leave a topic, as far as that follows from what was measured.

Brokers count bytes by topic, not by reader. If a topic has only one reader, its bytes are that reader's; otherwise they
are divided by the records that each one read, where that is known: for groups that read no other topic.
"""

from collections import defaultdict
from collections.abc import Mapping

from mesh_assets.analysis.graph import LineageGraph, Node
from mesh_assets.inventory.document import Document

Place = tuple[str, str]
"""A cluster and one of its topics."""
_READERS = ("application", "connector", "statement", "event_source_mapping")


def readers_of(graph: LineageGraph) -> dict[Place, frozenset[Node]]:
    """Who reads each topic now. A reader that is merely permitted, or known to be inactive, does not count."""
    found: defaultdict[Place, set[Node]] = defaultdict(set)
    for edge in graph.edges:
        source, target = edge.source, edge.target
        if source.kind != "topic" or source.cluster is None or target.kind not in _READERS:
            continue
        if edge.purpose != "schema" and edge.known != "permitted" and edge.active is not False:
            found[source.cluster, source.name].add(target)
    return {place: frozenset(nodes) for place, nodes in found.items()}


def kept_by(graph: LineageGraph) -> dict[Place, Node]:
    """The topics that an application keeps for itself, by place: what they use is the application's."""
    return {
        (edge.target.cluster, edge.target.name): edge.source
        for edge in graph.edges
        if edge.purpose == "internal" and edge.source.kind == "application" and edge.target.kind == "topic"
        if edge.target.cluster is not None
    }


def split(
    readers: frozenset[Node], rates: Mapping[str, float], only_topic: Mapping[str, str], topic: str
) -> dict[Node, float] | None:
    """Which share of a topic's bytes each reader takes; None: not known. `rates`: records per second that groups of the
    cluster commit; `only_topic`: the topic of those that read only one."""
    if len(readers) < 2:
        return dict.fromkeys(readers, 1.0)
    taken: dict[Node, float] = {}
    for node in readers:
        if node.kind != "application" or only_topic.get(node.name) != topic or node.name not in rates:
            return None
        taken[node] = rates[node.name]
    total = sum(taken.values())
    return {node: rate / total for node, rate in taken.items()} if total > 0 else None


def group_rates(document: Document) -> tuple[dict[str, float], dict[str, str]]:
    """Records committed per second by group, where known; and the topic of groups that read a single one."""
    rates = {
        one.group_id: one.records_committed_per_second
        for one in (document.metrics.consumer_groups if document.metrics else ())
        if one.records_committed_per_second is not None
    }
    single = {one.group_id: one.topics[0] for one in document.consumer_groups if len(one.topics) == 1}
    return rates, single


def taker_name(node: Node) -> str:
    """`application fraud`, `connector lake on main`."""
    return str(node) if node.kind != "connector" or not node.namespace else f"{node} on {node.namespace}"
