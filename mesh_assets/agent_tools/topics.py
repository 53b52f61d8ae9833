"""Tools: topics."""

from typing import Annotated

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
from mesh_assets.answering.known_estate import the_topic
from mesh_assets.answering.pages import cut_page, matches
from mesh_assets.inventory.records import Connector, ConsumerGroup, EdgeKnown, Partition, Topic
from mesh_assets.inventory.sections import SectionName
from mesh_assets.mcp_server.server import MeshServer

_SHOWN = 50
_EVERYTHING_OF_A_TOPIC: tuple[SectionName, ...] = (
    "topics",
    "connectors",
    "schemas",
    "consumer_groups",
    "metrics",
)
TopicName = Annotated[Name, Field(description="The topic's name.")]


class TopicRow(Answer):
    """`records`: an upper bound where the topic is compacted. `schema_subjects`, `connectors`: how many."""

    name: str
    partitions: int
    replication_factor: int
    records: int | None = None
    cleanup_policy: str | None = None
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
    error: str | None = None


class ReadingGroup(Answer):
    group: str
    state: str
    lag_records: int | None = None


class UsingConnector(Answer):
    """`known`: declared by its config, or observed by Connect."""

    connector: str
    type: str
    status: str
    known: str


class TopicDescription(Answer):
    """`records_are`: how exact that count is. `config_overrides`: what is set on the topic itself. Lists show
    at most 50."""

    about: About
    name: str
    id: str | None = None
    partitions: int
    replication_factor: int
    cleanup_policy: str | None = None
    records: int | None = None
    records_are: str
    records_in_per_second: float | None = None
    retained_bytes: int | None = None
    config_overrides: dict[str, str | None]
    config_error: str | None = None
    error: str | None = None
    key_subjects: list[str]
    value_subjects: list[str]
    record_subjects: list[str]
    writers: list[UsingConnector] = Field(description="Source connectors that write to it.")
    reading_connectors: list[UsingConnector] = Field(description="Connectors that read it.")
    reading_groups: list[ReadingGroup] = Field(description="Consumer groups that read it.")
    partition_details: list[PartitionRow]
    hint: str | None = None


class TopicConfigs(Answer):
    """`overridden`: which of them are set on the topic itself; the others are defaults of the cluster. A
    sensitive value is left out."""

    about: About
    topic: str
    configs: dict[str, str | None]
    overridden: list[str]
    error: str | None = None


def add_topics(server: MeshServer) -> None:
    known = server.known

    @server.answers("List topics", "reads_systems")
    def list_topics(
        cluster: ClusterName = None,
        pattern: PatternArgument = None,
        limit: LimitArgument = None,
        cursor: CursorArgument = None,
        source: SourceArgument = "latest",
    ) -> TopicPage:
        """Topics by name, with partitions, records, cleanup policy, and how many subjects and connectors
        belong to each."""
        view = known.view(cluster, source, needs=("topics",))
        page = cut_page(
            [topic for topic in view.document.topics if matches(topic.name, pattern)],
            place=lambda topic: (topic.name,),
            row=_row,
            limit=limit,
            cursor=cursor,
            question=("topics", view.document.cluster.name, pattern, source),
            version=view.version,
        )
        return TopicPage(
            about=view.about("topics"),
            topics=page.rows,
            total=page.total,
            next_cursor=page.next_cursor,
            hint=page.hint,
        )

    @server.answers("Describe a topic", "reads_systems")
    def describe_topic(
        topic: TopicName, cluster: ClusterName = None, source: SourceArgument = "latest"
    ) -> TopicDescription:
        """One topic: partitions, what is set on it, its schemas, rates, who writes to it and who reads it."""
        view = known.view(cluster, source, needs=_EVERYTHING_OF_A_TOPIC)
        document = view.document
        found = the_topic(document, topic)
        rates = {rate.topic: rate for rate in document.metrics.topics} if document.metrics else {}
        rate = rates.get(topic)
        using = [
            _using(connector, link.known)
            for connector in document.connectors
            for link in connector.topics
            if link.name == topic
        ]
        writers = [one for one in using if one.type == "source"]
        readers = [one for one in using if one.type != "source"]
        groups = [_reading(group, topic) for group in document.consumer_groups if topic in group.topics]
        partitions = [_partition(partition) for partition in found.partitions]
        longest = max(len(partitions), len(groups), len(writers), len(readers))
        return TopicDescription(
            about=view.about("topics", "connectors", "schemas", "consumer_groups"),
            name=found.name,
            id=found.id,
            partitions=found.details.partitions,
            replication_factor=found.details.replication_factor,
            cleanup_policy=found.details.cleanup_policy,
            records=found.details.message_count,
            records_are=found.details.message_count_is,
            records_in_per_second=rate.records_in_per_second if rate else None,
            retained_bytes=rate.retained_bytes if rate else None,
            config_overrides={key: (found.config or {}).get(key) for key in found.config_overrides},
            config_error=found.config_error,
            error=found.error,
            key_subjects=list(found.schema.key_subjects[:_SHOWN]),
            value_subjects=list(found.schema.value_subjects[:_SHOWN]),
            record_subjects=list(found.schema.record_subjects[:_SHOWN]),
            writers=writers[:_SHOWN],
            reading_connectors=readers[:_SHOWN],
            reading_groups=groups[:_SHOWN],
            partition_details=partitions[:_SHOWN],
            hint=f"lists are cut at {_SHOWN} of {longest}; get_lineage follows them all"
            if longest > _SHOWN
            else None,
        )

    @server.answers("Get a topic's configs", "reads_systems")
    def get_topic_configs(
        topic: TopicName,
        cluster: ClusterName = None,
        pattern: Annotated[
            str | None, Field(max_length=249, description="Only configs that match, e.g. `retention*`.")
        ] = None,
        source: SourceArgument = "latest",
    ) -> TopicConfigs:
        """All configs of one topic in force, and which of them are set on the topic itself."""
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


def _row(topic: Topic) -> TopicRow:
    schema = topic.schema
    return TopicRow(
        name=topic.name,
        partitions=topic.details.partitions,
        replication_factor=topic.details.replication_factor,
        records=topic.details.message_count,
        cleanup_policy=topic.details.cleanup_policy,
        schema_subjects=len(schema.key_subjects) + len(schema.value_subjects) + len(schema.record_subjects),
        connectors=len(topic.connectors),
    )


def _partition(partition: Partition) -> PartitionRow:
    return PartitionRow(
        partition=partition.partition,
        leader=partition.leader,
        replicas=list(partition.replicas),
        isr=list(partition.isr),
        earliest=partition.earliest,
        latest=partition.latest,
        error=partition.error,
    )


def _using(connector: Connector, known: EdgeKnown) -> UsingConnector:
    return UsingConnector(connector=connector.name, type=connector.type, status=connector.status, known=known)


def _reading(group: ConsumerGroup, topic: str) -> ReadingGroup:
    lags = [
        offset.lag_records
        for offset in group.offsets or ()
        if offset.topic == topic and offset.lag_records is not None
    ]
    return ReadingGroup(group=group.group_id, state=group.state, lag_records=sum(lags) if lags else None)
