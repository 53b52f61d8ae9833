"""Tools: topics."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from mesh_assets.answering.answers import (
    About,
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    Name,
    Page,
    PatternArgument,
    SourceArgument,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.answering.views import View, the_topic
from mesh_assets.errors import MeshError
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.links import set_aside_topics
from mesh_assets.inventory.records import Partition, Topic
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.inventory.storage_records import TopicStorage
from mesh_assets.lineage.clusters import possible_readers
from mesh_assets.mesh_tools.products import Takes, TopicProduct, product_of_topic
from mesh_assets.mesh_tools.profiles import data_faults

_SHOWN = 50
TopicName = Annotated[Name, Field(description="The topic's name.")]


class TopicRow(Answer):
    """`message_count`: an upper bound where the topic is compacted. `leader_bytes`: on disk, without replicas.
    `schema_subjects`, `connectors`: how many."""

    name: str
    partitions: int
    replication_factor: int
    message_count: int | None = None
    cleanup_policy: str | None = None
    leader_bytes: int | None = None
    oldest_record_at: datetime | None = None
    newest_record_at: datetime | None = None
    schema_subjects: int
    connectors: int


class TopicPage(Page):
    topics: list[TopicRow]


class PartitionRow(Answer):
    partition: int
    leader: int | None = None
    replicas: list[int]
    isr: list[int]
    earliest: int | None = None
    latest: int | None = None
    bytes: int | None = None
    adding: list[int] | None = None
    removing: list[int] | None = None
    eligible_leaders: list[int] | None = None
    last_known_leaders: list[int] | None = None
    earliest_local: int | None = None
    latest_tiered: int | None = None
    error: str | None = None


class ReadingGroup(Answer):
    group_id: str
    state: str
    lag_records: int | None = None


class UsingConnector(Answer):
    """`known`: declared by its config, or observed by Connect."""

    connector: str
    type: str
    status: str
    known: str


class TopicDomain(Answer):
    """`known`: by which rule."""

    name: str
    known: str
    reason: str


class TopicEntity(Answer):
    """`key`: the canonical name of the field at `path`. `other_topics`: how many others have it."""

    entity: str
    key: str
    path: str
    other_topics: int


class TopicDescription(Answer):
    """`message_count_is`: how exact that count is. `retained_bytes`: on disk, without replicas; `replica_bytes`: with
    them. `oldest_record_at`, `newest_record_at`: timestamps that records carry. `config_overrides`: what is set on the
    topic itself. `unknown`: which parts of its storage could not be read, and why. Lists have at most 50 entries."""

    about: About
    name: str
    id: str | None = None
    partitions: int
    replication_factor: int
    cleanup_policy: str | None = None
    message_count: int | None = None
    message_count_is: str
    records_in_per_second: float | None = None
    retained_bytes: int | None = None
    replica_bytes: int | None = None
    oldest_record_at: datetime | None = None
    newest_record_at: datetime | None = None
    reassigning_partitions: int | None = None
    unknown: dict[str, str] | None = None
    config_overrides: dict[str, str | None]
    config_error: str | None = None
    error: str | None = None
    key_subjects: list[str]
    value_subjects: list[str]
    record_subjects: list[str]
    writers: list[UsingConnector] = Field(description="Source connectors that write to it.")
    reading_connectors: list[UsingConnector] = Field(description="Connectors that read it.")
    reading_groups: list[ReadingGroup] = Field(description="Consumer groups that read it.")
    possible_readers: list[str] = Field(
        description="Groups that may read it: it is not known what they read."
    )
    domain: TopicDomain | None = Field(
        default=None, description="What it belongs to, once the job analysis has run."
    )
    data_product: TopicProduct | None = Field(
        default=None, description="Once the job analysis has run; list_data_products says more."
    )
    takes: Takes | None = Field(default=None, description="Its share in the estate, as of that job.")
    entities: list[TopicEntity] = Field(description="What its keys identify; find_relationships says more.")
    data_faults: list[str] | None = Field(default=None, description="By its newest profile (get_profile).")
    partition_details: list[PartitionRow]
    hint: str | None = None


class TopicConfigs(Answer):
    """`overridden`: those set on the topic itself; the rest are the cluster's defaults. Sensitive values are
    left out."""

    about: About
    topic: str
    configs: dict[str, str | None]
    overridden: list[str]
    error: str | None = None


def list_topics(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    pattern: PatternArgument = None,
    sort: Annotated[
        Literal["name", "bytes", "messages", "oldest", "silent"],
        Field(
            description="`bytes`, `messages`: most first; `oldest` record first; `silent`: longest without a record first."
        ),
    ] = "name",
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
    source: SourceArgument = "latest",
) -> TopicPage:
    """Topics by name, size or age, with partitions, records, bytes on disk, cleanup policy, and how many subjects and
    connectors belong to each."""
    view = known.view(cluster, source, needs=("topics",))

    def place(topic: Topic) -> tuple[float | str, ...]:
        return (topic.name,) if sort == "name" else (*_rank(topic, sort), topic.name)

    return build_page(
        TopicPage,
        "topics",
        sorted((topic for topic in view.document.topics if matches(topic.name, pattern)), key=place),
        place=place,
        row=_row,
        limit=limit,
        cursor=cursor,
        question=("topics", view.document.cluster.name, pattern, sort, source),
        version=view.version,
        about=view.about("topics"),
    )


def describe_topic(
    known: KnownEstate, /, topic: TopicName, cluster: ClusterName = None, source: SourceArgument = "latest"
) -> TopicDescription:
    """One topic: partitions, configs set on it, its schemas, rates, who writes to it and who reads it."""
    view = known.view(cluster, source, needs=SECTION_NAMES)
    document = view.document
    found = the_topic(document, topic)
    rates = document.metrics.topics if document.metrics else ()
    rate = next((rate for rate in rates if rate.topic == topic), None)
    using = [
        UsingConnector(
            connector=connector.name, type=connector.type, status=connector.status, known=link.known
        )
        for connector in document.connectors
        for link in connector.topics
        if link.name == topic
    ]
    writers = [one for one in using if one.type == "source"]
    writers += [
        UsingConnector(
            connector=connector.name, type=connector.type, status=connector.status, known="declared"
        )
        for connector in document.connectors
        if topic in set_aside_topics(connector).values()
    ]
    readers = [one for one in using if one.type != "source"]
    groups = [_reading_group(group, topic) for group in document.consumer_groups if topic in group.topics]
    storage = found.storage or TopicStorage()
    partitions = _partition_rows(found.partitions, storage)
    possible = possible_readers(document)
    about = view.about("topics", "connectors", "schemas", "consumer_groups")
    domain, entities = _belonging(known, view, found.name, about)
    product, takes = product_of_topic(known, view, found.name, about)
    longest = max(len(entities), len(partitions), len(groups), len(writers), len(readers), len(possible))
    return TopicDescription(
        about=about,
        name=found.name,
        id=found.id,
        partitions=found.details.partitions,
        replication_factor=found.details.replication_factor,
        cleanup_policy=found.details.cleanup_policy,
        message_count=found.details.message_count,
        message_count_is=found.details.message_count_is,
        records_in_per_second=rate.records_in_per_second if rate else None,
        retained_bytes=storage.leader_bytes
        if storage.leader_bytes is not None or not rate
        else rate.retained_bytes,
        replica_bytes=storage.replica_bytes,
        oldest_record_at=storage.oldest_record_at,
        newest_record_at=storage.newest_record_at,
        reassigning_partitions=None if storage.reassignments is None else len(storage.reassignments),
        unknown=document.topics_unknown or None,
        config_overrides={key: (found.config or {}).get(key) for key in found.config_overrides},
        config_error=found.config_error,
        error=found.error,
        key_subjects=list(found.schema.key_subjects[:_SHOWN]),
        value_subjects=list(found.schema.value_subjects[:_SHOWN]),
        record_subjects=list(found.schema.record_subjects[:_SHOWN]),
        writers=writers[:_SHOWN],
        reading_connectors=readers[:_SHOWN],
        reading_groups=groups[:_SHOWN],
        possible_readers=list(possible[:_SHOWN]),
        domain=domain,
        data_product=product,
        takes=takes,
        entities=entities[:_SHOWN],
        data_faults=data_faults(known, view, found, about),
        partition_details=partitions[:_SHOWN],
        hint=f"lists are cut at {_SHOWN} of {longest}; get_lineage follows them all"
        if longest > _SHOWN
        else None,
    )


def get_topic_configs(
    known: KnownEstate,
    /,
    topic: TopicName,
    cluster: ClusterName = None,
    pattern: Annotated[
        str | None, Field(max_length=249, description="Only configs that match, e.g. `retention*`.")
    ] = None,
    source: SourceArgument = "latest",
) -> TopicConfigs:
    """All configs in effect for one topic, and which of them are set on the topic itself."""
    view = known.view(cluster, source, needs=("topics",))
    found = the_topic(view.document, topic)
    configs = {key: value for key, value in sorted((found.config or {}).items()) if matches(key, pattern)}
    return TopicConfigs(
        about=view.about("topics"),
        topic=found.name,
        configs=configs,
        overridden=[key for key in found.config_overrides if key in configs],
        error=found.config_error or (None if found.config is not None else "its configs are not known"),
    )


def _belonging(
    known: KnownEstate, view: View, topic: str, about: About
) -> tuple[TopicDomain | None, list[TopicEntity]]:
    """Only what is already known; a result that cannot be read becomes a note."""
    if view.source == "live":
        return None, []
    try:
        current = known.belonging.if_current(view.document, version=view.version)
    except MeshError as error:
        about.notes.append(f"domains and entities: {error}")
        return None, []
    if current is None:
        return None, []
    domain = next(
        (
            TopicDomain(name=one.name, known=member.known, reason=member.reason)
            for one in current.domains.domains
            for member in one.topics
            if member.topic == topic
        ),
        None,
    )
    entities = [
        TopicEntity(entity=one.name, key=one.key, path=use.path, other_topics=len(one.topics) - 1)
        for one in current.relationships.entities
        for use in one.uses
        if use.topic == topic
    ]
    return domain, entities


def _row(topic: Topic) -> TopicRow:
    schema = topic.schema
    return TopicRow(
        name=topic.name,
        partitions=topic.details.partitions,
        replication_factor=topic.details.replication_factor,
        message_count=topic.details.message_count,
        cleanup_policy=topic.details.cleanup_policy,
        leader_bytes=topic.storage.leader_bytes if topic.storage else None,
        oldest_record_at=topic.storage.oldest_record_at if topic.storage else None,
        newest_record_at=topic.storage.newest_record_at if topic.storage else None,
        schema_subjects=len(schema.key_subjects) + len(schema.value_subjects) + len(schema.record_subjects),
        connectors=len(topic.connectors),
    )


def _rank(topic: Topic, sort: str) -> tuple[int, float]:
    """Unknown values come last."""
    storage = topic.storage or TopicStorage()
    most_first = {"bytes": storage.leader_bytes, "messages": topic.details.message_count}
    if sort in most_first:
        count = most_first[sort]
        return (1, 0) if count is None else (0, -count)
    moment = storage.oldest_record_at if sort == "oldest" else storage.newest_record_at
    return (1, 0) if moment is None else (0, moment.timestamp())


def _partition_rows(partitions: Iterable[Partition], storage: TopicStorage) -> list[PartitionRow]:
    moving = {one.partition: one for one in storage.reassignments or ()}
    leaders = {one.partition: one for one in storage.eligible_leaders or ()}
    tiered = {one.partition: one for one in storage.tiered or ()}

    def row(partition: Partition) -> PartitionRow:
        number = partition.partition
        move, others, away = moving.get(number), leaders.get(number), tiered.get(number)
        return PartitionRow(
            partition=number,
            leader=partition.leader,
            replicas=list(partition.replicas),
            isr=list(partition.isr),
            earliest=partition.earliest,
            latest=partition.latest,
            bytes=partition.bytes,
            adding=list(move.adding) if move else None,
            removing=list(move.removing) if move else None,
            eligible_leaders=list(others.eligible) if others else None,
            last_known_leaders=list(others.last_known) if others else None,
            earliest_local=away.earliest_local if away else None,
            latest_tiered=away.latest_tiered if away else None,
            error=partition.error or (away.error if away else None),
        )

    return [row(partition) for partition in partitions]


def _reading_group(group: ConsumerGroup, topic: str) -> ReadingGroup:
    lags = [
        offset.lag_records
        for offset in group.offsets or ()
        if offset.topic == topic and offset.lag_records is not None
    ]
    return ReadingGroup(group_id=group.group_id, state=group.state, lag_records=sum(lags) if lags else None)
