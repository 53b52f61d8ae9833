"""Consumer groups as applications: what they read, and the topics that Kafka Streams keeps for them.

Kafka Streams names the topics of an application after its id, which is its group:
`<application.id>-<name>-changelog`, `-repartition`
(https://kafka.apache.org/documentation/streams/developer-guide/manage-topics.html) and, for a foreign-key join of tables, some
that end in `-topic`.
"""

from collections.abc import Iterator

from mesh_assets.analysis.graph import Edge, Node, Note
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.links import is_streams_topic, sink_group
from mesh_assets.lineage.clusters import ClusterFacts

# What Kafka Streams adds to the client ids of its consumers, after the application's id and a process id.
_STREAMS_CLIENT = "-StreamThread-"


class Applications:
    """The edges of a cluster's consumer groups. The group of a sink connector stands for what the connector
    reads and gets its node."""

    def __init__(self, facts: ClusterFacts, connectors: dict[str, Node]) -> None:
        """`connectors`: the sinks by their consumer group."""
        self._facts = facts
        self._connectors = connectors
        self._own = _streams_topics(facts)

    @property
    def internal(self) -> frozenset[str]:
        """The topics that Kafka Streams keeps for its applications."""
        return frozenset(self._own)

    def edges(self) -> Iterator[Edge]:
        for group in self._facts.document.consumer_groups:
            here = self._node(group)
            committed = {offset.topic for offset in group.offsets or () if offset.committed is not None}
            assigned = {topic for member in group.members or () for topic in member.assignment}
            of_earlier = _committed_on_earlier_topics(group)
            for topic in group.topics:
                active = _active(group, topic, assigned)
                if topic in assigned and (topic not in committed or topic in of_earlier):
                    by = "assigned partitions"
                elif topic in of_earlier:
                    by = "committed offsets, of an earlier topic of that name"
                    # A member that shows no assignment may read the new topic; no commit proves it.
                    active = None if group.members is None else False
                else:
                    by = "committed offsets"
                    if active is False:
                        by += ", of earlier: no member reads it now"
                whose = self._own.get(topic)
                yield Edge(
                    source=self._facts.topic(topic),
                    target=here,
                    known="observed",
                    by=by,
                    active=active,
                    purpose="internal" if whose == group.group_id else "data",
                )
        for topic, group_id in self._own.items():
            yield Edge(
                source=Node(kind="application", cluster=self._facts.name, name=group_id),
                target=self._facts.topic(topic),
                known="inferred",
                by=f"its name, which Kafka Streams makes of the application {group_id}",
                purpose="internal",
            )

    def nodes(self) -> Iterator[Node]:
        return map(self._node, self._facts.document.consumer_groups)

    def notes(self) -> Iterator[Note]:
        for group in self._facts.document.consumer_groups:
            if group.error is not None:
                yield Note(node=self._node(group), text=f"could not be read completely: {group.error}")

    def _node(self, group: ConsumerGroup) -> Node:
        return self._connectors.get(group.group_id) or self._facts.application(group)


def sinks_by_group(facts: ClusterFacts, node_of: dict[tuple[str, str], Node]) -> dict[str, Node]:
    """The sinks by the group they read with. `node_of`: by endpoint and name. Two that share a group cannot
    be told apart."""
    found: dict[str, Node | None] = {}
    for connector in facts.document.connectors:
        group = sink_group(connector)
        if group is not None:
            found[group] = None if group in found else node_of[(connector.connect, connector.name)]
    return {group: node for group, node in found.items() if node is not None}


def _committed_on_earlier_topics(group: ConsumerGroup) -> set[str]:
    """The topics whose commits were all made on an earlier topic of the same name, with another id."""
    current: dict[str, bool] = {}
    for offset in group.offsets or ():
        if offset.committed is not None:
            current[offset.topic] = current.get(offset.topic, False) or offset.lag_is != "topic_recreated"
    return {topic for topic, is_current in current.items() if not is_current}


def _active(group: ConsumerGroup, topic: str, assigned: set[str]) -> bool | None:
    if group.members is None:
        return None
    if topic in assigned:
        return True
    # Members that consume by assign() show no assignment to the coordinator; a group in a rebalance has none yet.
    return False if not group.members or (group.state == "Stable" and assigned) else None


def _streams_topics(facts: ClusterFacts) -> dict[str, str]:
    """The topics of Kafka Streams applications, with the group of each. If a name begins with the ids of
    several groups, only the longest counts, and only if Kafka Streams runs it."""
    groups = facts.document.consumer_groups
    candidates = [topic.name for topic in facts.document.topics if is_streams_topic(topic.name)]
    if not candidates:
        return {}
    groups_by_id = {group.group_id: group for group in groups}
    found = {}
    for topic in candidates:
        at = topic.rfind("-", 0, topic.rfind("-"))
        while at > 0:
            if (group := groups_by_id.get(topic[:at])) is not None:
                if _is_streams(group):
                    found[topic] = group.group_id
                break
            at = topic.rfind("-", 0, at)
    return found


def _is_streams(group: ConsumerGroup) -> bool:
    """Whether Kafka Streams runs it: by its protocol, its members' client ids, or because it reads back a topic that
    Streams named after it."""
    own = tuple(topic for topic in group.topics if topic.startswith(f"{group.group_id}-"))
    return (
        group.type == "streams"
        or any(_STREAMS_CLIENT in member.client_id for member in group.members or ())
        or any(map(is_streams_topic, own))
    )
