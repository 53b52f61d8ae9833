"""What publishing needs from the cluster that carries the events: two topics, or the right to create them,
and a schema registry.
"""

from collections.abc import Iterator, Sequence

from confluent_kafka import KafkaError

from mesh_assets.access_checks.access_check import AccessCheck, answered
from mesh_assets.access_checks.kafka import everything, holds_everything
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.estate.model import Cluster, Events
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import one_line
from mesh_assets.platforms.kafka.errors import AUTHORIZATION
from mesh_assets.platforms.kafka.rights import ClusterRights, ResourceRights

EVENT_TOPICS = {EVENTS_TOPIC: "compact", CHANGES_TOPIC: "delete"}
"""With their cleanup policies."""

_HOLDS = {EVENTS_TOPIC: "snapshots", CHANGES_TOPIC: "changes"}


class EventsRights(Record, frozen=True, kw_only=True):
    """What the user may do with the event topics.

    `topics`: both of them. `policies`: the cleanup policies of those that exist; None where unreadable.
    `creation`: for each absent topic that discovery is to create, why Kafka would refuse to; None: it would
    not.
    """

    cluster: ClusterRights
    topics: dict[str, ResourceRights]
    policies: dict[str, str | None]
    creation: dict[str, KafkaError | None]

    def those(self, state: str) -> list[str]:
        return [topic for topic in EVENT_TOPICS if self.topics[topic].state == state]


def judge_events(
    carrier: Cluster,
    events: Events,
    carried: Sequence[str],
    rights: EventsRights,
    *,
    endpoint: str,
    identity: str,
) -> AccessCheck:
    """The check of a carrier. `carried`: the clusters whose events it carries."""
    facts: dict[str, int | str] = (
        {} if tuple(carried) == (carrier.name,) else {"carried_clusters": len(carried)}
    )
    facts |= {topic: _fact(topic, rights) for topic in EVENT_TOPICS}
    return answered(
        carrier.name,
        "events",
        endpoint,
        identity,
        facts=facts,
        rights=_rights(rights, identity),
        missing=[
            *_missing_topics(events, rights),
            *_missing_rights(rights),
            *_wrong_policies(rights),
            *_missing_registry(carrier),
        ],
        notes=list(_notes(rights)),
    )


def _fact(topic: str, rights: EventsRights) -> str:
    state = rights.topics[topic].state
    if state == "refused":
        return "not visible"
    if state == "absent":
        return "absent (the first discovery creates it)" if topic in _creatable(rights) else "absent"
    return rights.policies.get(topic) or "(cleanup policy unknown)"


def _creatable(rights: EventsRights) -> list[str]:
    return [topic for topic in EVENT_TOPICS if topic in rights.creation and rights.creation[topic] is None]


def _rights(rights: EventsRights, identity: str) -> str:
    if holds_everything(rights.cluster, rights.topics):
        return everything(identity)
    held = [
        f"{operation} on {topic}"
        for topic in EVENT_TOPICS
        for operation in _wanted(topic)
        if operation in (rights.topics[topic].operations or frozenset())
    ]
    held += [f"CREATE of {topic}" for topic in _creatable(rights)]
    if any(rights.topics[topic].operations is None for topic in rights.those("here")):
        return "the brokers do not report them"
    return ", ".join(held) or "none"


def _wanted(topic: str) -> tuple[str, ...]:
    return ("WRITE", "READ") if topic == EVENTS_TOPIC else ("WRITE",)


def _missing_topics(events: Events, rights: EventsRights) -> Iterator[str]:
    hidden = rights.those("refused")
    if hidden:
        yield (
            f"{_all_of(hidden)} not visible: without DESCRIBE Kafka does not say whether a topic exists, and nothing can be published; "
            f"{_grants(hidden)} (they include DESCRIBE), and create what does not exist"
        )
    absent = rights.those("absent")
    if not absent:
        return
    if not events.create_topics:
        yield f"{_all_of(absent)} missing and events.create_topics is false: nothing can be published; {_recipe(absent)}, or set it to true"
        return
    by_reason: dict[str, list[str]] = {}
    for topic in absent:
        if (refusal := rights.creation[topic]) is not None:
            by_reason.setdefault(_reason(refusal), []).append(topic)
    for reason, topics in by_reason.items():
        yield (
            f"{_all_of(topics)} missing and {reason}: nothing can be published; "
            f"{_recipe(topics)} and {_grants(topics)}{_OR.get(reason, '')}"
        )


_NOT_ALLOWED = "this user may not create topics of such names"
_OR = {_NOT_ALLOWED: ", or grant CREATE on these topics or on the cluster"}


def _reason(refusal: KafkaError) -> str:
    if refusal.code() in AUTHORIZATION:
        return _NOT_ALLOWED
    return f"Kafka would refuse to create what discovery asks for ({one_line(refusal.str())})"


def _recipe(topics: list[str]) -> str:
    return "create " + " and ".join(
        f"{topic} (1 partition, cleanup.policy={EVENT_TOPICS[topic]})" for topic in topics
    )


def _missing_rights(rights: EventsRights) -> Iterator[str]:
    for topic in rights.those("here"):
        held = rights.topics[topic].operations
        if held is None:
            continue
        if "WRITE" not in held:
            yield f"no WRITE on {topic}: {_HOLDS[topic]} cannot be published; grant WRITE on topic {topic}"
        if topic == EVENTS_TOPIC and "READ" not in held:
            yield f"no READ on {topic}: the newest snapshot cannot be read back (mesh-assets snapshot show); grant READ on topic {topic}"


def _wrong_policies(rights: EventsRights) -> Iterator[str]:
    events, changes = (rights.policies.get(topic) for topic in EVENT_TOPICS)
    if events is not None and "compact" not in events:
        yield (
            f"{EVENTS_TOPIC} has cleanup.policy={events}: the newest snapshot of a cluster would eventually be deleted; "
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


def _notes(rights: EventsRights) -> Iterator[str]:
    here, creatable = rights.those("here"), _creatable(rights)
    unread = [topic for topic in here if rights.policies.get(topic) is None]
    if unread:
        yield f"no DESCRIBE_CONFIGS on {' and '.join(unread)}: the cleanup policy is not checked; grant it on topic {' and '.join(unread)}"
    policy = rights.policies.get(EVENTS_TOPIC) or ""
    if "compact" in policy and "delete" in policy:
        yield f"{EVENTS_TOPIC} has cleanup.policy={policy}: snapshots older than its retention are deleted"
    if creatable and not holds_everything(rights.cluster, rights.topics):
        yield f"whether this user may write to {' and '.join(creatable)} cannot be determined before they exist"


def _grants(topics: list[str]) -> str:
    return "grant " + " and ".join(f"{' and '.join(_wanted(topic))} on {topic}" for topic in topics)


def _all_of(topics: list[str]) -> str:
    return f"{' and '.join(topics)} {'are' if len(topics) > 1 else 'is'}"
