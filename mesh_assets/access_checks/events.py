"""What publishing needs of the cluster that carries the events: two topics, or the right to make them, and a
schema registry."""

from collections.abc import Iterator, Sequence

from mesh_assets.access_checks.access_check import AccessCheck, answered, counted
from mesh_assets.access_checks.kafka import everything, holds_everything
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.estate.model import Cluster, Events
from mesh_assets.inventory.records import Record
from mesh_assets.platforms.kafka.rights import ClusterAccess, ResourceAccess

EVENT_TOPICS = (EVENTS_TOPIC, CHANGES_TOPIC)
_HOLDS = {EVENTS_TOPIC: "snapshots", CHANGES_TOPIC: "changes"}
_POLICY = {EVENTS_TOPIC: "compact", CHANGES_TOPIC: "delete"}


class EventsRights(Record, frozen=True, kw_only=True):
    """`topics`: the two; `policies`: the cleanup policies of those that exist, None where they could not be
    read."""

    cluster: ClusterAccess
    topics: dict[str, ResourceAccess]
    policies: dict[str, str | None]

    def those(self, state: str) -> list[str]:
        return [topic for topic in EVENT_TOPICS if self.topics[topic].state == state]


def judge_events(
    carrier: Cluster,
    events: Events,
    carried: Sequence[str],
    reading: EventsRights,
    *,
    endpoint: str,
    identity: str,
) -> AccessCheck:
    """`carried`: the clusters whose events go there."""
    facts: dict[str, int | str] = (
        {} if tuple(carried) == (carrier.name,) else {"carried_clusters": len(carried)}
    )
    facts |= {topic: _fact(topic, reading, events) for topic in EVENT_TOPICS}
    return answered(
        carrier.name,
        "events",
        endpoint,
        identity,
        facts=facts,
        rights=_rights(reading, identity),
        missing=[
            *_missing_topics(events, reading),
            *_missing_rights(reading),
            *_wrong_policies(reading),
            *_missing_registry(carrier),
        ],
        notes=list(_notes(reading)),
    )


def _fact(topic: str, reading: EventsRights, events: Events) -> str:
    state = reading.topics[topic].state
    if state == "refused":
        return "not visible"
    if state == "absent":
        return (
            "absent (the first discovery creates it)"
            if events.create_topics and _may_create(reading)
            else "absent"
        )
    return reading.policies.get(topic) or "(cleanup policy unknown)"


def _may_create(reading: EventsRights) -> bool:
    return "CREATE" in (reading.cluster.operations or frozenset())


def _rights(reading: EventsRights, identity: str) -> str:
    if holds_everything(reading.cluster, reading.topics):
        return everything(identity)
    held = [
        f"{operation} on {topic}"
        for topic in EVENT_TOPICS
        for operation in _wanted(topic)
        if operation in (reading.topics[topic].operations or frozenset())
    ]
    if reading.those("absent") and _may_create(reading):
        held.append("CREATE on the cluster")
    if any(reading.topics[topic].operations is None for topic in reading.those("here")):
        return "the brokers do not tell"
    return ", ".join(held) or "none"


def _wanted(topic: str) -> tuple[str, ...]:
    return ("WRITE", "READ") if topic == EVENTS_TOPIC else ("WRITE",)


def _missing_topics(events: Events, reading: EventsRights) -> Iterator[str]:
    hidden = reading.those("refused")
    if hidden:
        yield (
            f"{_all_of(hidden)} not visible: without DESCRIBE Kafka does not tell whether a topic exists, and nothing can be published; "
            f"{_grants(hidden)} (they include DESCRIBE), and create what does not exist"
        )
    absent = reading.those("absent")
    if not absent:
        return
    recipe = "create " + " and ".join(
        f"{topic} (1 partition, cleanup.policy={_POLICY[topic]})" for topic in absent
    )
    if not events.create_topics:
        yield f"{_all_of(absent)} missing and events.create_topics is false: nothing can be published; {recipe}, or set it to true"
    elif reading.cluster.operations is None:
        yield (
            f"{_all_of(absent)} missing, and without DESCRIBE on the cluster Kafka does not tell whether this user may create topics; "
            f"{recipe} and {_grants(absent)}, or grant DESCRIBE and CREATE on the cluster"
        )
    elif not _may_create(reading):
        yield (
            f"{_all_of(absent)} missing and CREATE on the cluster is not granted: nothing can be published; {recipe} and {_grants(absent)} "
            "(CREATE for these names alone would do as well, but cannot be seen before they exist)"
        )
    elif events.replication_factor is not None and events.replication_factor > reading.cluster.brokers:
        yield (
            f"{_all_of(absent)} missing, and cannot be created with events.replication_factor {events.replication_factor} on "
            f"{counted(reading.cluster.brokers, 'brokers')}: nothing can be published; lower it"
        )


def _missing_rights(reading: EventsRights) -> Iterator[str]:
    for topic in reading.those("here"):
        told = reading.topics[topic].operations
        if told is None:
            continue
        if "WRITE" not in told:
            yield f"no WRITE on {topic}: {_HOLDS[topic]} cannot be published; grant WRITE on topic {topic}"
        if topic == EVENTS_TOPIC and "READ" not in told:
            yield f"no READ on {topic}: the newest snapshot cannot be read back (mesh-assets snapshot show); grant READ on topic {topic}"


def _wrong_policies(reading: EventsRights) -> Iterator[str]:
    events, changes = (reading.policies.get(topic) for topic in EVENT_TOPICS)
    if events is not None and "compact" not in events:
        yield (
            f"{EVENTS_TOPIC} has cleanup.policy={events}: the newest snapshot of a cluster would be deleted with time; "
            "set cleanup.policy=compact"
        )
    if changes is not None and "compact" in changes:
        yield (
            f"{CHANGES_TOPIC} has cleanup.policy={changes}: all but the newest change of a cluster would be lost; set cleanup.policy=delete"
        )


def _missing_registry(carrier: Cluster) -> Iterator[str]:
    if carrier.schema_registry is None:
        yield (
            f"{carrier.name} has no schema_registry in the estate, and the events are Avro: nothing can be published; "
            "add one, or let a cluster that has one carry the events (events: {cluster: NAME})"
        )


def _notes(reading: EventsRights) -> Iterator[str]:
    here, absent = reading.those("here"), reading.those("absent")
    unread = [topic for topic in here if reading.policies.get(topic) is None]
    if unread:
        yield f"no DESCRIBE_CONFIGS on {' and '.join(unread)}: the cleanup policy is not checked; grant it on topic {' and '.join(unread)}"
    policy = reading.policies.get(EVENTS_TOPIC) or ""
    if "compact" in policy and "delete" in policy:
        yield f"{EVENTS_TOPIC} has cleanup.policy={policy}: snapshots older than its retention are deleted"
    if absent and _may_create(reading) and not holds_everything(reading.cluster, reading.topics):
        yield f"whether this user may write to {' and '.join(absent)} cannot be told before they exist"


def _grants(topics: list[str]) -> str:
    return "grant " + " and ".join(f"{' and '.join(_wanted(topic))} on {topic}" for topic in topics)


def _all_of(topics: list[str]) -> str:
    return f"{' and '.join(topics)} {'are' if len(topics) > 1 else 'is'}"
