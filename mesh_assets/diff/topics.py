"""Changes of topics and of the cluster's defaults for them. Not changes: leaders, ISR, offsets and errors, which are
the health and traffic of the moment; links to schemas and connectors, which are derived; and inherited config values.
A change of the cluster's own default is reported once; of a static default (server.properties, or Kafka's own),
never: each broker has its own, a topic shows that of whichever broker answered, and while brokers restart one by one
both are true."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from mesh_assets.diff.fields import (
    Fields,
    created,
    deleted,
    differing_fields,
    json_text,
    shown,
    updated,
)
from mesh_assets.inventory.changes import Change, Severity
from mesh_assets.inventory.records import UNDECODABLE, Topic
from mesh_assets.inventory.wording import counted, listed, plural

# Configs that decide how long data is kept, how safe it is and what producers may send: changing one can lose
# data or break a producer.
_WEIGHTY_CONFIGS = frozenset(
    {
        "cleanup.policy",
        "max.message.bytes",
        "message.timestamp.type",
        "min.insync.replicas",
        "retention.bytes",
        "retention.ms",
        "local.retention.bytes",
        "local.retention.ms",
        "unclean.leader.election.enable",
    }
)
_CONFIG = "config."
TOPIC_DEFAULTS = "topic_defaults"
"""The resource of changes that concern the cluster's defaults for all topics."""

# Lists whose order does not matter (ConfigDef.Type.LIST in Kafka's LogConfig).
_UNORDERED = frozenset(
    {
        "cleanup.policy",
        "follower.replication.throttled.replicas",
        "leader.replication.throttled.replicas",
    }
)
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,20}")


def topic_fields(topic: Topic) -> Fields:
    """Those of the configs that are set on the topic itself."""
    fields: Fields = {"id": topic.id}
    if _described(topic):
        fields["partitions"] = str(topic.details.partitions)
        fields["replication_factor"] = str(topic.details.replication_factor)
        fields["internal"] = json_text(topic.details.internal)
        fields["replicas"] = _replicas_text(topic)
    else:
        fields |= dict.fromkeys(("partitions", "replication_factor", "internal", "replicas"))
    moving = _reassigning(topic)
    if moving is None:
        fields["reassigning"] = None
    elif moving:
        fields["reassigning"] = json_text(moving)
    if topic.config is None:
        fields[_CONFIG] = None
    else:
        own = topic.config.keys() & topic.config_overrides
        fields.update((_CONFIG + name, meaning(name, topic.config[name])) for name in sorted(own))
    return fields


def defaults_fields(defaults: Mapping[str, str]) -> Fields:
    return {_CONFIG + name: meaning(name, value) for name, value in defaults.items()}


def meaning(config: str, value: str | None) -> str | None:
    """`value` in a single spelling for all those that Kafka treats alike."""
    if value is None:
        return None
    plain = value.strip()
    if config in _UNORDERED:
        return ",".join(sorted({part.strip() for part in plain.split(",")} - {""}))
    if plain.lower() in ("true", "false"):
        return plain.lower()
    if _WHOLE_NUMBER.fullmatch(plain):
        return str(int(plain))
    if plain.startswith("{"):  # such as Confluent's placement constraints
        try:
            return json_text(msgspec.json.decode(plain))
        except UNDECODABLE:
            return plain
    return plain


def diff_topics(before: Iterable[Topic], after: Iterable[Topic]) -> Iterator[Change]:
    old, new = {topic.name: topic for topic in before}, {topic.name: topic for topic in after}
    for name, topic in old.items():
        if name not in new:
            yield deleted("topic", name, topic, sentence=f"Topic {name} deleted: it had {_size(topic)}")
    for name, topic in new.items():
        previous = old.get(name)
        if previous is None:
            yield created(
                "topic", name, topic, sentence=f"Topic {name} created: {_size(topic)}", severity="info"
            )
        elif not _unchanged(previous, topic):
            yield from _diff_topic(previous, topic)


def diff_topic_defaults(
    before: Mapping[str, str] | None, after: Mapping[str, str] | None, topics: Iterable[Topic]
) -> Iterator[Change]:
    """`topics`: those of the later reading."""
    if before is None or after is None:
        return
    for field, old, new in differing_fields(defaults_fields(before), defaults_fields(after)):
        config = field.removeprefix(_CONFIG)
        heirs = sum(
            config in (topic.config or {}) and config not in topic.config_overrides for topic in topics
        )
        yield updated(
            "topic_defaults",
            TOPIC_DEFAULTS,
            field,
            before=old,
            after=new,
            severity="warning" if config in _WEIGHTY_CONFIGS else "info",
            sentence=f"Topic default: {config} {_of_cluster(old)} → {_of_cluster(new)}, inherited by "
            f"{counted(heirs, 'topic')}",
        )


def _of_cluster(default: str | None) -> str:
    return shown(default, absent="not set for the cluster (each broker's own holds)")


def _unchanged(before: Topic, after: Topic) -> bool:
    """Whether everything that counts is equal. Builds nothing: nearly all of 9,000 topics differ only in their
    offsets."""
    a, b = before.details, after.details
    return (
        before.id == after.id
        and a.partitions == b.partitions
        and a.replication_factor == b.replication_factor
        and a.internal == b.internal
        and before.error == after.error
        and before.config == after.config
        and before.config_overrides == after.config_overrides
        and _reassigning(before) == _reassigning(after)
        and (
            before.partitions == after.partitions
            or [(p.partition, p.replicas) for p in before.partitions]
            == [(p.partition, p.replicas) for p in after.partitions]
        )
    )


def _diff_topic(before: Topic, after: Topic) -> Iterator[Change]:
    name = after.name
    if before.id is not None and after.id is not None and before.id != after.id:
        # A different topic under the old name, with its own records and offsets, so nothing about it is an
        # update.
        yield deleted(
            "topic",
            name,
            before,
            sentence=f"Topic {name} deleted and created again: the old one had {_size(before)}",
        )
        yield created(
            "topic",
            name,
            after,
            sentence=f"Topic {name} created again after deletion: {_size(after)}",
            severity="warning",
        )
        return
    for field, old, new in differing_fields(topic_fields(before), topic_fields(after)):
        yield updated(
            "topic",
            name,
            field,
            before=old,
            after=new,
            severity=_severity(field, before, after),
            sentence=f"Topic {name}: {_what(field, old, new, before, after)}",
        )


def _severity(field: str, before: Topic, after: Topic) -> Severity:
    match field:
        case "partitions":
            return "warning"  # keys map to other partitions from now on
        case "replication_factor":
            fewer = after.details.replication_factor < before.details.replication_factor
            return "warning" if fewer else "info"
        case _ if field.removeprefix(_CONFIG) in _WEIGHTY_CONFIGS:
            old, new = (_in_force(field.removeprefix(_CONFIG), topic) for topic in (before, after))
            return "warning" if None not in (old, new) and old != new else "info"
        case _:
            return "info"


def _what(field: str, old: str | None, new: str | None, before: Topic, after: Topic) -> str:
    if field == "replicas":
        return _moved(_replicas(before), _replicas(after))
    if field == "reassigning":
        return _reassigned(_reassigning(before) or (), _reassigning(after) or ())
    if not field.startswith(_CONFIG):
        return f"{field.replace('_', ' ')} {shown(old)} → {shown(new)}"
    config = field.removeprefix(_CONFIG)
    if old is None:
        inherited = _in_force(config, before)
        if inherited == new:
            return f"{config} set on the topic to {shown(new)}, as inherited"
        return (
            f"{config} {'set to' if inherited is None else f'{shown(inherited)} (inherited) →'} {shown(new)}"
        )
    if new is None:
        inherited = _in_force(config, after)
        return f"{config} {shown(old)} → {shown(inherited)} (override removed)"
    return f"{config} {shown(old)} → {shown(new)}"


def _in_force(config: str, topic: Topic) -> str | None:
    """The value in effect for the topic, its own or inherited; None if it is unknown."""
    return meaning(config, (topic.config or {}).get(config))


def _moved(old: Mapping[int, tuple[int, ...]], new: Mapping[int, tuple[int, ...]]) -> str:
    moved = [partition for partition in old.keys() & new.keys() if old[partition] != new[partition]]
    added = new.keys() - old.keys()
    gone = old.keys() - new.keys()
    parts = []
    if moved:
        parts.append(f"{len(moved):,} of {counted(len(old), 'partition')} moved to other replicas")
    if added:
        brokers = sorted({broker for partition in added for broker in new[partition]})
        on = f"{plural(len(brokers), 'broker')} {listed([str(broker) for broker in brokers])}"
        parts.append(f"{counted(len(added), 'new partition')} on {on}")
    if gone:
        parts.append(f"{counted(len(gone), 'partition')} gone")
    return ", ".join(parts)


def _reassigning(topic: Topic) -> tuple[int, ...] | None:
    """The partitions that are being moved; None: unknown. How far they are is transient; that they are moving is not."""
    if topic.storage is None or topic.storage.reassignments is None:
        return None
    return tuple(sorted({one.partition for one in topic.storage.reassignments}))


def _reassigned(old: Sequence[int], new: Sequence[int]) -> str:
    parts = [
        f"reassignment of {counted(len(some), 'partition')} {what} ({listed([str(number) for number in some])})"
        for what, some in (("began", sorted({*new} - {*old})), ("ended", sorted({*old} - {*new})))
        if some
    ]
    return ", ".join(parts)


def _replicas(topic: Topic) -> dict[int, tuple[int, ...]]:
    """Partition → replicas in order; the first is the preferred leader."""
    return {p.partition: p.replicas for p in sorted(topic.partitions, key=lambda p: p.partition)}


def _replicas_text(topic: Topic) -> str | None:
    """None (unknown) if the replicas of any partition are missing."""
    replicas = _replicas(topic)
    if not all(replicas.values()):
        return None
    return json_text({str(partition): brokers for partition, brokers in replicas.items()})


def _described(topic: Topic) -> bool:
    """Whether the brokers have ever said anything about it. A topic in error without partitions is only a
    name."""
    return topic.error is None or bool(topic.partitions)


def _size(topic: Topic) -> str:
    if not _described(topic):
        return "partitions unknown"
    return f"{counted(topic.details.partitions, 'partition')}, replication factor {topic.details.replication_factor}"
