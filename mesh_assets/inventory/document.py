"""The document: the complete state of one cluster at one moment, and the single source of truth. No other module
knows its JSON form."""

import hashlib
from collections.abc import Callable, Sized
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import field
from msgspec.structs import replace

from mesh_assets.errors import DamagedError
from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.broker_records import Brokers
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets.inventory.formats import FORMAT, newer_format, refuse_newer_format
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import (
    UNDECODABLE,
    Connector,
    Metrics,
    Record,
    RegistryFacts,
    Schema,
    Topic,
)
from mesh_assets.inventory.sections import (
    AccessSection,
    BrokersSection,
    ClusterLinksSection,
    ConnectorsSection,
    ConsumerGroupsSection,
    HostClock,
    MetricsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionState,
    TopicsSection,
    TransactionsSection,
)
from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.inventory.transaction_records import Transactions


class EnvironmentIdentity(Record, frozen=True, kw_only=True):
    id: str | None
    name: str | None


class ClusterIdentity(Record, frozen=True, kw_only=True):
    """`id`: as the brokers give it. `name`: the cluster's name in the estate."""

    id: str
    name: str


class Summary(Record, frozen=True, kw_only=True):
    """Counts of the document's lists. `active_connectors`: RUNNING with every task RUNNING. None: not known."""

    total_topics: int
    total_partitions: int
    total_messages: int | None
    total_connectors: int
    active_connectors: int
    total_schemas: int
    total_consumer_groups: int
    total_lag_records: int
    total_brokers: int | None = None
    fenced_brokers: int | None = None
    total_acls: int | None = None
    total_client_quotas: int | None = None
    total_scram_users: int | None = None
    total_transactional_ids: int | None = None
    open_transactions: int | None = None
    hanging_transactions: int | None = None
    total_cluster_links: int | None = None
    total_mirror_topics: int | None = None


NOT_READ_YET = SectionState(
    status="stale", collected_at=None, error="no version that has read this cluster so far knew the section"
)
"""The state of a section in a document written before the section existed."""


class Document(Record, frozen=True, kw_only=True):
    """Lists are sorted by name, so equal states give equal bytes apart from times.

    `excluded_topics` and `excluded_consumer_groups`: how many the estate's patterns leave out.
    `topic_defaults`: the cluster-wide dynamic defaults of topics' configs, as far as topics inherit them;
    None: never read. `log_directories`: of all brokers; None: could not be read. `topics_unknown`: which parts of topics'
    storage could not be read, and why: log_directories, reassignments, eligible_leaders, record_times, tiered.
    `held`: what the sections hold back, if anything. `tickets`: the number of each section's reading (or of a later one),
    by which the store orders readings, in the `series` of the run that wrote the document; not in events, nor are `held`
    and the clocks of its times, `hold_clocks`.
    """

    format: int = 1
    environment: EnvironmentIdentity
    cluster: ClusterIdentity
    discovery_timestamp: datetime
    sequence: int
    run_id: str
    sections: dict[SectionName, SectionState]
    summary: Summary
    topics: tuple[Topic, ...]
    connectors: tuple[Connector, ...]
    schemas: tuple[Schema, ...]
    consumer_groups: tuple[ConsumerGroup, ...]
    metrics: Metrics | None
    schema_registry: RegistryFacts | None
    brokers: Brokers | None = None
    access: Access | None = None
    transactions: Transactions | None = None
    cluster_links: ClusterLinks | None = None
    excluded_topics: int = 0
    excluded_consumer_groups: int = 0
    topic_defaults: dict[str, str] | None = None
    log_directories: tuple[LogDirectory, ...] | None = None
    topics_unknown: dict[str, str] = field(default_factory=dict)
    held: dict[SectionName, dict[str, datetime]] = field(default_factory=dict)
    tickets: dict[SectionName, int] = field(default_factory=dict)
    series: str = ""
    hold_clocks: dict[SectionName, HostClock] = field(default_factory=dict)

    def state(self, name: SectionName) -> SectionState:
        return self.sections.get(name, NOT_READ_YET)

    def section(self, name: SectionName) -> Section:
        """That section as the document holds it."""
        return replace(
            self._section(name),
            held=self.held.get(name, {}),
            ticket=self.tickets.get(name),
            series=self.series,
            clock=self.hold_clocks.get(name),
        )

    def _section(self, name: SectionName) -> Section:
        state = self.state(name)
        match name:
            case "topics":
                return TopicsSection(
                    cluster_id=self.cluster.id,
                    state=state,
                    records=self.topics,
                    excluded=self.excluded_topics,
                    topic_defaults=self.topic_defaults,
                    log_directories=self.log_directories,
                    unknown=self.topics_unknown,
                )
            case "connectors":
                return ConnectorsSection(cluster_id=self.cluster.id, state=state, records=self.connectors)
            case "schemas":
                return SchemasSection(
                    cluster_id=self.cluster.id,
                    state=state,
                    records=self.schemas,
                    registry=self.schema_registry,
                )
            case "consumer_groups":
                return ConsumerGroupsSection(
                    cluster_id=self.cluster.id,
                    state=state,
                    records=self.consumer_groups,
                    excluded=self.excluded_consumer_groups,
                )
            case "metrics":
                return MetricsSection(cluster_id=self.cluster.id, state=state, records=self.metrics)
            case "brokers":
                return BrokersSection(cluster_id=self.cluster.id, state=state, records=self.brokers)
            case "access":
                return AccessSection(cluster_id=self.cluster.id, state=state, records=self.access)
            case "transactions":
                return TransactionsSection(cluster_id=self.cluster.id, state=state, records=self.transactions)
            case "cluster_links":
                return ClusterLinksSection(
                    cluster_id=self.cluster.id, state=state, records=self.cluster_links
                )


def summarize(
    topics: tuple[Topic, ...],
    connectors: tuple[Connector, ...],
    schemas: tuple[Schema, ...],
    groups: tuple[ConsumerGroup, ...],
    brokers: Brokers | None = None,
    access: Access | None = None,
    transactions: Transactions | None = None,
    links: ClusterLinks | None = None,
) -> Summary:
    counts = [topic.details.message_count for topic in topics]
    known = [count for count in counts if count is not None]
    return Summary(
        total_topics=len(topics),
        total_partitions=sum(topic.details.partitions for topic in topics),
        total_messages=sum(known) if len(known) == len(counts) else None,
        total_connectors=len(connectors),
        active_connectors=sum(1 for connector in connectors if connector.active),
        total_schemas=len(schemas),
        total_consumer_groups=len(groups),
        total_lag_records=sum(group.total_lag_records or 0 for group in groups),
        total_brokers=None if brokers is None else len(brokers.brokers),
        fenced_brokers=None if brokers is None else brokers.fenced,
        total_acls=_count(None if access is None else access.acls),
        total_client_quotas=_count(None if access is None else access.quotas),
        total_scram_users=_count(None if access is None else access.scram_users),
        total_transactional_ids=None if transactions is None else transactions.total_transactional_ids,
        open_transactions=None if transactions is None else transactions.total_open_transactions,
        hanging_transactions=_count(
            None if transactions is None or transactions.open_transactions is None else transactions.hanging
        ),
        total_cluster_links=_count(None if links is None else links.links),
        total_mirror_topics=_count(None if links is None else links.mirror_topics),
    )


def _count(known: Sized | None) -> int | None:
    return None if known is None else len(known)


_encoder = msgspec.json.Encoder()

# Configs are most of the 26 MB of a document with 9,000 topics, and few of them differ: those with equal bytes are read once
# and shared, which halves the memory (28 MB instead of 55). The lists that an outline leaves out are not read at all.
_BARE_TOPIC: Any = msgspec.defstruct(
    "Topic", [("config", msgspec.Raw)], bases=(Topic,), frozen=True, kw_only=True
)
_BARE_DOCUMENT: Any = msgspec.defstruct(
    "Document", [("topics", tuple[_BARE_TOPIC, ...])], bases=(Document,), frozen=True, kw_only=True
)
_OUTLINE: Any = msgspec.defstruct(
    "Document",
    [("topics", msgspec.Raw), ("consumer_groups", msgspec.Raw)],
    bases=(Document,),
    frozen=True,
    kw_only=True,
)
_bare_decoder = msgspec.json.Decoder(_BARE_DOCUMENT)
_outline_decoder = msgspec.json.Decoder(_OUTLINE)
_config_decoder: msgspec.json.Decoder[dict[str, str | None] | None] = msgspec.json.Decoder(
    dict[str, str | None] | None
)
# One expression for all fields: 9,000 calls that go through a list of them take twice as long.
_fields = ", ".join(f"{name}=bare.{name}" for name in Topic.__struct_fields__ if name != "config")
_topic: Callable[[Any, dict[str, str | None] | None], Topic] = eval(
    f"lambda bare, config: Topic(config=config, {_fields})", {"Topic": Topic}
)
_section_decoder: msgspec.json.Decoder[Section] = msgspec.json.Decoder(Section)


def encode_document(document: Document) -> bytes:
    return _encoder.encode(document)


def decode_document(data: bytes, *, source: str) -> Document:
    """The document. Raises DamagedError, which names `source`, if the bytes are not a document of this version,
    NewerFormatError if they are one of a later format."""
    try:
        bare = _bare_decoder.decode(data)
        if bare.format <= FORMAT:
            return _document(bare, topics=_with_configs(bare.topics))
    except UNDECODABLE as error:
        refuse_newer_format(data, source=source)
        raise DamagedError(f"{source} is not a discovery document of this version: {error}") from error
    raise newer_format(bare.format, source=source)


def decode_outline(data: bytes, *, source: str) -> Document:
    """The document without its topics and consumer groups, in a seventh of the time. Raises DamagedError like
    `decode_document`, as far as the rest reveals damage."""
    try:
        outline = _outline_decoder.decode(data)
        if outline.format <= FORMAT:
            return _document(outline, topics=(), consumer_groups=())
    except UNDECODABLE as error:
        refuse_newer_format(data, source=source)
        raise DamagedError(f"{source} is not a discovery document of this version: {error}") from error
    raise newer_format(outline.format, source=source)


def _document(read: Any, **instead: Any) -> Document:
    return Document(**{name: getattr(read, name) for name in Document.__struct_fields__} | instead)


def _with_configs(topics: tuple[Any, ...]) -> tuple[Topic, ...]:
    known: dict[bytes, dict[str, str | None] | None] = {}
    read = []
    for topic in topics:
        raw = bytes(topic.config)
        if raw not in known:
            try:
                known[raw] = _config_decoder.decode(raw)
            except UNDECODABLE as error:
                raise msgspec.ValidationError(f"{error}, in the config of topic {topic.name}") from error
        read.append(_topic(topic, known[raw]))
    return tuple(read)


def encode_section(section: Section) -> bytes:
    return _encoder.encode(section)


def decode_section(data: bytes, *, source: str) -> Section:
    """Raises DamagedError, which names `source`, if the bytes are not a section of this version."""
    try:
        return _section_decoder.decode(data)
    except UNDECODABLE as error:
        raise DamagedError(f"{source} is not a collected section of this version: {error}") from error


def document_name(moment: datetime) -> str:
    """`inventory-2026-11-23T16-40-02Z.json`: sorts by time, and is a valid file name everywhere."""
    return f"inventory-{moment.astimezone(UTC).strftime('%Y-%m-%dT%H-%M-%SZ')}.json"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
