"""MirrorMaker 2: topics of one cluster copied to another, and its own topics for offsets and heartbeats.

Source: https://kafka.apache.org/documentation/#georeplication and Kafka's `MirrorSourceConfig`,
`MirrorCheckpointConfig`, `DefaultReplicationPolicy`, `IdentityReplicationPolicy`. Its connectors run beside the
cluster that they copy to.
"""

from collections.abc import Iterable

from mesh_assets.analysis.graph import Known, Node
from mesh_assets.connector_rules.datasets import dataset, kafka_namespace
from mesh_assets.connector_rules.facts import Facts, OwnTopic, Rules, Servers, Source
from mesh_assets.connector_rules.tables import not_followed
from mesh_assets.patterns.java import java_pattern

_EXCLUDED = (r".*[\-\.]internal", r".*\.replica", "__.*")
_IDENTITY = ("IdentityReplicationPolicy", "LegacyReplicationPolicy")
_SEPARATES_OWN = "replication.policy.internal.topic.separator.enabled"
_POLICIES = ("", "DefaultReplicationPolicy", *_IDENTITY)


class _Policy:
    """The names of copied topics."""

    def __init__(self, facts: Facts) -> None:
        name = (facts.value("replication.policy.class") or "").rpartition(".")[2]
        self.is_known = name in _POLICIES
        self._is_identity = name in _IDENTITY
        separator = facts.value("replication.policy.separator") or "."
        self.alias = facts.value("source.cluster.alias") or "source"
        self._prefix = f"{self.alias}{separator}"
        self._separator = separator
        self.heartbeats = facts.value("heartbeats.topic.name") or "heartbeats"
        # Its own topics are also named with the separator, unless configured otherwise.
        self._own = separator if facts.is_set(_SEPARATES_OWN, default=True) else "."
        self.checkpoints = self._own.join((self.alias, "checkpoints", "internal"))
        self._target = facts.value("target.cluster.alias") or "target"

    def offset_syncs(self, alias: str) -> str:
        return self._own.join(("mm2-offset-syncs", alias, "internal"))

    def copy_of(self, topic: str) -> str:
        if self._is_identity and not topic.endswith(self.heartbeats):
            return topic
        return f"{self._prefix}{topic}"

    def is_heartbeats(self, topic: str) -> bool:
        """Whether it holds heartbeats of any cluster, copied any number of times."""
        return topic.split(self._separator)[-1] == self.heartbeats

    def original_of(self, copy: str, *, is_seen: bool) -> str | None:
        """The name of the copied topic in the source; None if nothing marks it as a copy: neither its name nor, where
        copies keep their names, that Connect saw it written (`is_seen`)."""
        if self._is_identity and not copy.endswith(self.heartbeats):
            return copy if is_seen else None
        return copy.removeprefix(self._prefix) if copy.startswith(self._prefix) else None

    def came_from_target(self, topic: str) -> bool:
        """Whether it is not copied because its name says that it came from the target, directly or through others. A name in
        which the target's alias means something else is not copied either (`isCycle` in Kafka's MirrorSourceConnector)."""
        if self._is_identity and not topic.endswith(self.heartbeats):
            return False
        return self._target in topic.split(self._separator)[:-1]


def mirror_source(facts: Facts) -> Source:
    policy = _Policy(facts)
    servers = facts.names("source.cluster.bootstrap.servers")
    there = facts.cluster_at(",".join(servers))
    if not policy.is_known:
        return Source(
            notes=[
                f"its topics are named by a class that is not known here: {facts.value('replication.policy.class')}"
            ]
        )
    wanted = _Patterns(
        facts.names("topics") or [".*"], facts.names("topics.exclude", "topics.blacklist") or _EXCLUDED
    )
    found = Source(notes=wanted.notes)
    if facts.value("topics.blacklist") and not facts.value("topics.exclude"):
        # findings/connect-options-under-old-names.sh
        found.notes.append(
            "what topics.blacklist names is taken to be left out, but workers of Kafka 4.0 and later ignore that config "
            "and copy it"
        )
    found.own += _offset_syncs(facts, there)
    # Whatever `topics` says (`shouldReplicateTopic` in Kafka's MirrorSourceConnector).
    copies_heartbeats = facts.is_set("heartbeats.replication.enabled", default=True)
    by = "its configs topics, topics.exclude and replication.policy.class"
    if there is not None:
        for topic in there.topics:
            if policy.came_from_target(topic):
                continue
            if copies_heartbeats and policy.is_heartbeats(topic):
                found.own.append(
                    OwnTopic(name=policy.copy_of(topic), by="a copy of MirrorMaker's heartbeats")
                )
            elif wanted.match(topic):
                found.pair(Node(kind="topic", cluster=there.cluster, name=topic), policy.copy_of(topic), by)
        return found
    namespace = kafka_namespace(servers)
    if namespace is None:
        found.notes.append("its config does not say, or hides, which cluster it copies from")
        return found
    known: Known = "inferred"
    for topic in facts.topics:
        original = policy.original_of(topic, is_seen=topic in facts.observed)
        if original and wanted.match(original):
            found.pair(
                dataset(namespace, original),
                topic,
                f"the topic's name, and {by}",
                known=known,
                is_routed=True,
            )
    if not found.pairs:
        found.datasets.append((dataset(namespace, "/"), "its config source.cluster.bootstrap.servers"))
    found.notes.append(
        f"it copies from {namespace}, which is not one of the clusters that were looked at: topics not copied yet are not known"
    )
    return found


def mirror_checkpoints(facts: Facts) -> Source:
    """The source's group offsets, translated to the copies."""
    policy = _Policy(facts)
    there = facts.cluster_at(facts.value("source.cluster.bootstrap.servers"))
    own = [OwnTopic(name=policy.checkpoints, by="MirrorMaker's checkpoints: offsets of groups")]
    own += [
        OwnTopic(name=topic.name, by=topic.by, reads=True, cluster=topic.cluster)
        for topic in _offset_syncs(facts, there)
    ]
    return Source(own=own)


def mirror_heartbeats(facts: Facts) -> Source:
    return Source(own=[OwnTopic(name=_Policy(facts).heartbeats, by="MirrorMaker's heartbeats")])


def _offset_syncs(facts: Facts, there: Servers | None) -> list[OwnTopic]:
    """Kept in the source, named after the target, unless configured otherwise."""
    in_target = facts.value("offset-syncs.topic.location") == "target"
    if not in_target and there is None:
        return []
    alias = facts.value("source.cluster.alias" if in_target else "target.cluster.alias")
    alias = alias or ("source" if in_target else "target")
    cluster = None if in_target or there is None else there.cluster
    name = _Policy(facts).offset_syncs(alias)
    return [OwnTopic(name=name, by="MirrorMaker's offset syncs", cluster=cluster)]


class _Patterns:
    """Names that one list of patterns matches and another does not; a pattern that Python cannot read as Java does matches
    nothing."""

    def __init__(self, included: Iterable[str], excluded: Iterable[str]) -> None:
        self._included = {text: java_pattern(text) for text in included}
        self._excluded = {text: java_pattern(text) for text in excluded}

    @property
    def notes(self) -> list[str]:
        lists = (*self._included.items(), *self._excluded.items())
        unread = [text for text, pattern in lists if pattern is None]
        return [not_followed([text]) for text in unread]

    def match(self, topic: str) -> bool:
        if any(pattern is None or pattern.fullmatch(topic) for pattern in self._excluded.values()):
            return False
        return any(pattern is not None and pattern.fullmatch(topic) for pattern in self._included.values())


MIRRORS: Rules = {
    "org.apache.kafka.connect.mirror.MirrorSourceConnector": mirror_source,
    "org.apache.kafka.connect.mirror.MirrorCheckpointConnector": mirror_checkpoints,
    "org.apache.kafka.connect.mirror.MirrorHeartbeatConnector": mirror_heartbeats,
}
