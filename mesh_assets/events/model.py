"""The two events as records, made by pure functions: a snapshot and a change; and what publishing them takes, whatever the
carrier."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec import field
from msgspec.structs import replace

from mesh_assets.errors import PublishError
from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.broker_records import Brokers
from mesh_assets.inventory.changes import Change, Trigger, TriggerType
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity, Summary
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Connector, Metrics, Record, RegistryFacts, Schema, Topic
from mesh_assets.inventory.sections import SECTION_NAMES, SectionState
from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.inventory.transaction_records import Transactions
from mesh_assets.store.pointers import EventPosition, Pointer, SchemaIds, WriteAhead

# In characters. A created resource is in `after` as JSON, which zstd compresses at least five times: both
# sides of a change together stay below Kafka's default max.message.bytes (1,048,588).
LONGEST_VALUE = 1_000_000
LONGEST_SENTENCE = 65_536

# Most severe first: what is broken, gone, different, new, asked for.
_SEVERITY: tuple[TriggerType, ...] = (
    "connector_failed",
    "cloudwatch_alarm",
    "metrics_anomaly",
    "schema_deleted",
    "resource_deleted",
    "schema_updated",
    "topic_changed",
    "connector_changed",
    "resource_created",
    "connector_recovered",
    "external",
    "api",
    "manual",
    "schedule",
)


class TriggerCause(Record, frozen=True, kw_only=True):
    """One cause of a discovery, as the events name it. `type` is open: a newer version may know more."""

    type: str
    resource: str | None
    details: str | None


class EventTrigger(Record, frozen=True, kw_only=True):
    """The leading cause, and in `changes` all of them, the leading one first."""

    type: str
    resource: str | None
    details: str | None
    changes: tuple[TriggerCause, ...]


class ClusterState(Record, frozen=True, kw_only=True):
    """The document's content. The lists are None in a claim check."""

    environment_id: str | None
    environment_name: str | None
    cluster_id: str
    cluster_name: str
    topics: tuple[Topic, ...] | None
    connectors: tuple[Connector, ...] | None
    schemas: tuple[Schema, ...] | None
    consumer_groups: tuple[ConsumerGroup, ...] | None
    metrics_snapshot: Metrics | None
    schema_registry: RegistryFacts | None
    excluded_topics: int
    excluded_consumer_groups: int
    topic_defaults: dict[str, str] | None = None
    brokers: Brokers | None = None
    access: Access | None = None
    log_directories: tuple[LogDirectory, ...] | None = None
    topics_unknown: dict[str, str] = field(default_factory=dict)
    transactions: Transactions | None = None
    cluster_links: ClusterLinks | None = None


class ClaimedDocument(Record, frozen=True, kw_only=True):
    """Where to find the state of a claim check. `sha256` and `bytes` are those of the stored JSON document."""

    uri: str
    sha256: str
    bytes: int


class DiscoveryEvent(Record, frozen=True, kw_only=True):
    """The complete state of a cluster at one moment. `document` None: the state is in the event. `sections` may grow."""

    format: int
    sequence: int
    discovery_timestamp: datetime
    run_id: str
    trigger: EventTrigger
    change_count: int
    cluster_state: ClusterState
    sections: dict[str, SectionState]
    summary: Summary
    document: ClaimedDocument | None
    store_id: str | None = None
    """The id of the store whose runs publish the cluster; None in events of versions that had none."""


class Origin(Record, frozen=True, kw_only=True):
    """Which snapshot a record is, according to its headers: readable without its schema, and kept by a tombstone, so
    that sequences continue after it. `store_id` None: not known."""

    sequence: int
    run_id: str
    store_id: str | None


class PublishedEvent(Record, frozen=True, kw_only=True):
    """Where the snapshot went. `bytes`: of its value. `compressed_bytes`: of the batch that carried it, as
    sent and stored; None if unknown."""

    position: EventPosition
    bytes: int
    compressed_bytes: int | None
    claim_check: bool


@dataclass(frozen=True)
class Newest:
    """The newest record of a cluster in the topic. `retired`: it is a tombstone. `read`: the event it holds,
    None for a tombstone; raises PublishError. `changes`: those it carries; None: not known."""

    origin: Origin
    retired: bool
    read: Callable[[], DiscoveryEvent | None]
    changes: Callable[[], "tuple[ChangeEvent, ...] | None"]


class ReadSnapshot(Record, frozen=True, kw_only=True):
    """An event as Kafka has it. `written_at`: the record's timestamp, None if it has none. `bytes`: of its
    value."""

    event: DiscoveryEvent
    position: EventPosition
    written_at: datetime | None
    bytes: int


class ChangeEvent(Record, frozen=True, kw_only=True):
    """One change. `id` is `<cluster id>-<sequence>-<index>`. `truncated`: a value was too long for an event and
    was cut."""

    id: str
    sequence: int
    cluster_id: str
    discovery_timestamp: datetime
    kind: str
    resource_type: str
    resource: str
    field: str | None
    before: str | None
    after: str | None
    truncated: bool
    severity: str
    sentence: str
    trigger: TriggerCause


class RefusedEventError(PublishError):
    """The brokers refused the event for good: it is certainly not in the topic."""


class NotAllowedError(RefusedEventError):
    """The brokers refused the event because a right is missing."""


class RefusedChangesError(PublishError):
    """The brokers refused a change for good, after its snapshot went out. `refusal`: what they said. `not_allowed`: only
    until a right is granted."""

    def __init__(self, refusal: str, *, advice: str = "", not_allowed: bool = False) -> None:
        super().__init__(f"{refusal}{advice}")
        self.refusal = refusal
        self.not_allowed = not_allowed


class Publisher(Protocol):
    def prepare(self, cached: SchemaIds | None) -> SchemaIds | None:
        """Makes sure that topics and schemas exist; returns the schemas' ids now in use, to be cached.

        `cached` helps if the registry does not answer. Raises PublishError with what to do.
        """
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know though it stops nothing, one sentence each; complete after `prepare`."""
        ...

    def look(self, cluster_id: str, *, timeout_seconds: float) -> Newest | None:
        """The newest record of the cluster in the topic, None if there is none. Call after `prepare`; affects no other
        writer. Raises PublishError."""
        ...

    def take_over(self, cluster_id: str, *, timeout_seconds: float) -> Newest | None:
        """Shuts out every earlier writer of the cluster's events; then like `look`.

        Call after `prepare` and before anything is published. Raises PublishError.
        """
        ...

    def publish_snapshot(
        self,
        event: DiscoveryEvent,
        *,
        changes: Sequence[ChangeEvent],
        claimed: ClaimedDocument | None,
        timeout_seconds: float,
    ) -> PublishedEvent:
        """Publishes and waits for the delivery. If the event is too large, publishes a claim check for `claimed` instead,
        if given. It carries the `changes` that come after it, if there is room.

        Sends nothing after `timeout_seconds`. Raises RefusedEventError if the event is certainly not in the topic,
        ConflictError if a newer run has shut this one out, PublishError if it failed or the outcome is uncertain.
        """
        ...

    def newest_change(self, cluster_id: str, *, timeout_seconds: float) -> str | None:
        """The id of the newest change of the cluster in the topic; None if there is none, or it cannot be read."""
        ...

    def publish_changes(self, events: Iterable[ChangeEvent], *, timeout_seconds: float) -> None:
        """Publishes in order and waits for the delivery of all. Raises RefusedChangesError if one will certainly never
        be accepted, PublishError if it failed otherwise."""
        ...


def leading_trigger(triggers: Sequence[Trigger]) -> Trigger:
    """The most severe trigger; of equally severe ones, the first. There must be at least one."""
    return most_severe_first(triggers)[0]


def most_severe_first(triggers: Sequence[Trigger]) -> tuple[Trigger, ...]:
    """The triggers with the leading one in front, otherwise in order; of equally severe ones, the first leads."""
    leading = min(range(len(triggers)), key=lambda index: _SEVERITY.index(triggers[index].type))
    return (triggers[leading], *triggers[:leading], *triggers[leading + 1 :])


def discovery_event(
    document: Document, *, triggers: Sequence[Trigger], change_count: int, store_id: str | None = None
) -> DiscoveryEvent:
    causes = tuple(_cause(trigger) for trigger in most_severe_first(triggers))
    first = causes[0]
    return DiscoveryEvent(
        format=document.format,
        sequence=document.sequence,
        discovery_timestamp=document.discovery_timestamp,
        run_id=document.run_id,
        trigger=EventTrigger(type=first.type, resource=first.resource, details=first.details, changes=causes),
        change_count=change_count,
        cluster_state=ClusterState(
            environment_id=document.environment.id,
            environment_name=document.environment.name,
            cluster_id=document.cluster.id,
            cluster_name=document.cluster.name,
            topics=document.topics,
            connectors=document.connectors,
            schemas=document.schemas,
            consumer_groups=document.consumer_groups,
            metrics_snapshot=document.metrics,
            schema_registry=document.schema_registry,
            excluded_topics=document.excluded_topics,
            excluded_consumer_groups=document.excluded_consumer_groups,
            topic_defaults=document.topic_defaults,
            brokers=document.brokers,
            access=document.access,
            log_directories=document.log_directories,
            topics_unknown=document.topics_unknown,
            transactions=document.transactions,
            cluster_links=document.cluster_links,
        ),
        sections=dict(document.sections.items()),
        summary=document.summary,
        document=None,
        store_id=store_id,
    )


def claim_check(event: DiscoveryEvent, claimed: ClaimedDocument) -> DiscoveryEvent:
    """The event without its lists: the claimed document has the state."""
    state = replace(
        event.cluster_state,
        topics=None,
        connectors=None,
        schemas=None,
        consumer_groups=None,
        metrics_snapshot=None,
        brokers=None,
        access=None,
        log_directories=None,
        transactions=None,
        cluster_links=None,
    )
    return replace(event, cluster_state=state, document=claimed)


def document_of(event: DiscoveryEvent) -> Document:
    """The document that the event was made from, except the names of what its sections hold back and the numbers of
    their readings, which are internal to the store. A hold continued from an event starts over, and any reading is
    newer than it. Raises PublishError for a claim check, which does not contain the document."""
    state = event.cluster_state
    if event.document is not None:
        what = f"snapshot {event.sequence} of {state.cluster_name}"
        raise PublishError(f"{what} is a claim check; its state is at {event.document.uri}")
    return Document(
        format=event.format,
        environment=EnvironmentIdentity(id=state.environment_id, name=state.environment_name),
        cluster=ClusterIdentity(id=state.cluster_id, name=state.cluster_name),
        discovery_timestamp=event.discovery_timestamp,
        sequence=event.sequence,
        run_id=event.run_id,
        sections={name: event.sections[name] for name in SECTION_NAMES if name in event.sections},
        summary=event.summary,
        topics=state.topics or (),
        connectors=state.connectors or (),
        schemas=state.schemas or (),
        consumer_groups=state.consumer_groups or (),
        metrics=state.metrics_snapshot,
        schema_registry=state.schema_registry,
        brokers=state.brokers,
        access=state.access,
        transactions=state.transactions,
        cluster_links=state.cluster_links,
        excluded_topics=state.excluded_topics,
        excluded_consumer_groups=state.excluded_consumer_groups,
        topic_defaults=state.topic_defaults,
        log_directories=state.log_directories,
        topics_unknown=state.topics_unknown,
    )


def change_events(
    changes: Sequence[Change],
    *,
    cluster_id: str,
    sequence: int,
    discovery_timestamp: datetime,
    triggers: Sequence[Trigger],
) -> Iterator[ChangeEvent]:
    """The changes in order, each with an id that stays the same however often they are published."""
    trigger = _cause(leading_trigger(triggers))
    for index, change in enumerate(changes):
        before, after = _shortened(change.before, LONGEST_VALUE), _shortened(change.after, LONGEST_VALUE)
        sentence = change.sentence[:LONGEST_SENTENCE]
        yield ChangeEvent(
            id=f"{cluster_id}-{sequence}-{index}",
            sequence=sequence,
            cluster_id=cluster_id,
            discovery_timestamp=discovery_timestamp,
            kind=change.kind,
            resource_type=change.resource_type,
            resource=change.resource,
            field=change.field,
            before=before,
            after=after,
            truncated=(before, after, sentence) != (change.before, change.after, change.sentence),
            severity=change.severity,
            sentence=sentence,
            trigger=trigger,
        )


def _cause(trigger: Trigger) -> TriggerCause:
    return TriggerCause(
        type=trigger.type,
        resource=_shortened(trigger.resource, LONGEST_SENTENCE),
        details=_shortened(trigger.details, LONGEST_SENTENCE),
    )


def _shortened(text: str | None, longest: int) -> str | None:
    return None if text is None else text[:longest]


def is_behind(newest: Origin | DiscoveryEvent, latest: Pointer) -> bool:
    """Whether the topic's newest snapshot is the store's latest, or an earlier one (the topic was lost)."""
    return newest.sequence < latest.sequence or (
        newest.sequence == latest.sequence and newest.run_id == latest.run_id
    )


def is_of(newest: Origin, record: WriteAhead) -> bool:
    """Whether the snapshot is the record's. A retried run has published more than one."""
    return (newest.sequence, newest.run_id) == (record.sequence, record.run_id)
