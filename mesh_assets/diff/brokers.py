"""Changes of brokers and of what applies to the whole cluster: the configs that brokers share, feature levels, the
voters of the quorum.

Not changes: which controller is active and how far its followers are, which vary by themselves; and where a value is
set, as long as the value stays the same.
"""

from collections import Counter
from collections.abc import Iterator

from mesh_assets.diff.fields import Fields, created, deleted, differing_fields, json_text, shown, updated
from mesh_assets.inventory.broker_records import BrokerConfig, BrokerConfigs, Brokers, ClusterBroker
from mesh_assets.inventory.changes import Change, Severity

CLUSTER = "cluster"
"""The resource of changes that concern the cluster as a whole."""

_CONFIG, _FEATURE, _VOTERS = "config.", "feature.", "quorum.voters"
# What distinguishes brokers: it differs by nature, and the broker's own fields have it.
_OF_ITS_OWN = frozenset({"broker.id", "node.id", "broker.rack", "listeners", "advertised.listeners"})
# Changing one can lose data, lock clients out or let anybody in.
_WEIGHTY_CONFIGS = frozenset(
    {
        "allow.everyone.if.no.acl.found",
        "authorizer.class.name",
        "auto.create.topics.enable",
        "default.replication.factor",
        "log.retention.bytes",
        "log.retention.hours",
        "log.retention.minutes",
        "log.retention.ms",
        "message.max.bytes",
        "min.insync.replicas",
        "super.users",
        "unclean.leader.election.enable",
    }
)


def broker_fields(broker: ClusterBroker, configs: BrokerConfigs | None) -> Fields:
    """Includes the configs in which it differs from the other brokers; all below `config.` is unknown if its configs are."""
    fields: Fields = {
        "host": broker.host,
        "port": str(broker.port),
        "fenced": None if broker.fenced is None else json_text(broker.fenced),
    }
    if broker.rack is not None:
        fields["rack"] = broker.rack
    if configs is None or broker.id not in configs.brokers:
        fields[_CONFIG] = None
    else:
        shared = _shared(configs)
        for entry in configs.entries:
            if broker.id in (entry.brokers or configs.brokers) and shared.get(entry.name) is not entry:
                fields.update(_config_field(entry))
    return fields


def cluster_fields(brokers: Brokers) -> Fields:
    """A config's value is the most common among brokers; a broker with a different value shows it itself."""
    fields: Fields = {}
    if brokers.configs is None:
        fields[_CONFIG] = None
    else:
        for entry in _shared(brokers.configs).values():
            if entry is not None:
                fields.update(_config_field(entry))
    if brokers.features is None:
        fields[_FEATURE] = None
    else:
        levels = ((one.name, one.level) for one in brokers.features.features)
        fields.update({_FEATURE + name: str(level) for name, level in levels if level is not None})
    voters = None if brokers.quorum is None else sorted({voter.id for voter in brokers.quorum.voters})
    fields[_VOTERS] = None if voters is None else json_text(voters)
    return fields


def _shared(configs: BrokerConfigs) -> dict[str, BrokerConfig | None]:
    """By name, the most common entry among brokers; None where each of several has its own."""
    found: dict[str, BrokerConfig | None] = {}
    counts: Counter[str] = Counter()
    for entry in configs.entries:
        count = len(entry.brokers or configs.brokers)
        if count > counts[entry.name]:
            found[entry.name] = None if count == 1 < len(configs.brokers) else entry
            counts[entry.name] = count
    return found


def _config_field(entry: BrokerConfig) -> Fields:
    """A sensitive value is unknown; a value that is not set has no field."""
    if entry.name in _OF_ITS_OWN or (entry.value is None and not entry.sensitive):
        return {}
    return {_CONFIG + entry.name: entry.value}


def diff_brokers(before: Brokers | None, after: Brokers | None) -> Iterator[Change]:
    if before is None or after is None:
        return
    old = {broker.id: broker for broker in before.brokers}
    new = {broker.id: broker for broker in after.brokers}
    for number in sorted(old.keys() - new.keys()):
        yield deleted(
            "broker",
            str(number),
            old[number],
            sentence=f"Broker {number} ({_address(old[number])}) is gone{_left(after)}",
        )
    for number in sorted(new.keys() - old.keys()):
        fenced = ", fenced" if new[number].fenced else ""
        yield created(
            "broker",
            str(number),
            new[number],
            sentence=f"Broker {number} joined, at {_address(new[number])}{fenced}",
            severity="info",
        )
    for number in sorted(new):
        # A new broker's record has no configs: those in which it differs follow.
        was = (
            broker_fields(old[number], before.configs)
            if number in old
            else broker_fields(new[number], BrokerConfigs(brokers=(number,), entries=(), cluster_wide={}))
        )
        yield from _updates("broker", str(number), was, broker_fields(new[number], after.configs))
    yield from _updates("cluster", CLUSTER, cluster_fields(before), cluster_fields(after))


def _updates(type_: str, resource: str, before: Fields, after: Fields) -> Iterator[Change]:
    for field, old, new in differing_fields(before, after):
        yield updated(
            "broker" if type_ == "broker" else "cluster",
            resource,
            field,
            before=old,
            after=new,
            severity=_severity(field, old, new),
            sentence=_sentence("Broker " + resource if type_ == "broker" else "Brokers", field, old, new),
        )


def _severity(field: str, before: str | None, after: str | None) -> Severity:
    if field == "fenced":
        return "critical" if after == "true" else "info"
    if field.startswith(_FEATURE):
        lowered = before is not None and (after is None or int(after) < int(before))
        return "warning" if lowered else "info"
    if field == _VOTERS or field.removeprefix(_CONFIG) in _WEIGHTY_CONFIGS:
        return "warning"
    return "info"


def _sentence(subject: str, field: str, before: str | None, after: str | None) -> str:
    change = f"{shown(before, absent='not set')} → {shown(after, absent='not set')}"
    if field == "fenced":
        return f"{subject} is fenced: it serves nothing" if after == "true" else f"{subject} serves again"
    if field == _VOTERS:
        return f"Voters of the controller quorum: {change}"
    if field.startswith(_FEATURE):
        return f"Feature {field.removeprefix(_FEATURE)}: level {change}"
    if field.startswith(_CONFIG):
        return f"{subject}: config {field.removeprefix(_CONFIG)} {change}"
    return f"{subject}: {field} {change}"


def _address(broker: ClusterBroker) -> str:
    return f"{broker.host}:{broker.port}"


def _left(brokers: Brokers) -> str:
    return f", {len(brokers.brokers):,} left"
