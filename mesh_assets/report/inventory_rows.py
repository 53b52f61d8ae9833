"""Rows of what the documents hold: topics, connectors, schemas, consumer groups and what they read."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Literal

from mesh_assets.analysis.schema_fields import schema_fields, why_unreadable
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup
from mesh_assets.inventory.lag import is_lag_unknown, lag_notes
from mesh_assets.inventory.records import Connector, GroupTopicRate, Schema, Topic
from mesh_assets.inventory.wording import shortened
from mesh_assets.report.places import Field, Places
from mesh_assets.report.rows import ClusterRow, ConnectorRow, GroupRow, ReadRow, SchemaRow, TopicRow

_MOST_FIELDS = 200
_MOST_TRACE, _MOST_CAUSES, _MOST_CAUSE = 600, 3, 300
_ROLES: tuple[tuple[Literal["key_subjects", "value_subjects", "record_subjects"], str], ...] = (
    ("key_subjects", "key"),
    ("value_subjects", "value"),
    ("record_subjects", "record"),
)


def cluster_row(document: Document) -> ClusterRow:
    return ClusterRow(
        name=document.cluster.name,
        id=document.cluster.id,
        environment=document.environment.name or document.environment.id,
        discovered=int(document.discovery_timestamp.timestamp()),
        sections={name: state.status for name, state in document.sections.items()},
    )


def topic_rows(
    document: Document, places: Places, domains: Mapping[str, tuple[int, str]]
) -> Iterator[TopicRow]:
    """`domains`: for each topic, the place of its domain (-1: none), and the reason."""
    cluster = document.cluster.name
    rates = {one.topic: one for one in document.metrics.topics} if document.metrics else {}
    for topic in document.topics:
        domain, reason = domains.get(topic.name, (-1, None))
        rate, details = rates.get(topic.name), topic.details
        yield TopicRow(
            cluster=places.clusters.known(cluster),
            name=topic.name,
            partitions=details.partitions,
            replication=details.replication_factor,
            cleanup_text=places.text(details.cleanup_policy),
            message_count=details.message_count,
            message_count_is=int(details.message_count_is == "upper_bound"),
            records_in=None if rate is None else rate.records_in_per_second,
            bytes=None if rate is None else rate.retained_bytes,
            internal=int(details.internal),
            domain=domain,
            reason_text=places.text(reason),
            subjects=tuple(
                (place, role)
                for kind, role in _ROLES
                for subject in getattr(topic.schema, kind)
                if (place := places.schemas.known((cluster, subject))) >= 0
            ),
            config=_own_config(topic),
            error=topic.error or topic.config_error,
        )


def _own_config(topic: Topic) -> dict[str, str | None] | None:
    if topic.config is None:
        return None
    return {name: topic.config.get(name) for name in topic.config_overrides}


def connector_rows(document: Document, places: Places) -> Iterator[ConnectorRow]:
    cluster = places.clusters.known(document.cluster.name)
    rates = (
        {(one.connect, one.connector): one for one in document.metrics.connectors} if document.metrics else {}
    )
    for one in document.connectors:
        rate = rates.get((one.connect, one.name))
        trace = _trace(one)
        yield ConnectorRow(
            cluster=cluster,
            name=one.name,
            connect_text=places.text(one.connect),
            type_text=places.text(one.type),
            class_text=places.text(one.connector_class),
            status_text=places.text(one.status),
            tasks=len(one.tasks),
            failed_tasks=one.failed_tasks,
            active=int(one.active),
            records_in=None if rate is None else rate.records_in_per_second,
            records_out=None if rate is None else rate.records_out_per_second,
            trace=None if trace is None else _shortened_trace(trace),
            note=one.topics_note,
            error=one.error,
        )


def _trace(connector: Connector) -> str | None:
    traces = (connector.trace, *(task.trace for task in connector.tasks if task.state == "FAILED"))
    return next((trace for trace in traces if trace), None)


def _shortened_trace(trace: str) -> str:
    """Its beginning, and the cause of each exception in it: the last cause says what is wrong."""
    if len(trace) <= _MOST_TRACE:
        return trace
    begins = shortened(trace, _MOST_TRACE)
    causes = (line for line in trace[_MOST_TRACE - 1 :].splitlines() if line.startswith("Caused by: "))
    return "\n".join((begins, *(shortened(line, _MOST_CAUSE) for line in list(causes)[-_MOST_CAUSES:])))


def schema_rows(document: Document, places: Places) -> Iterator[SchemaRow]:
    for one in document.schemas:
        fields, left_out, note = _fields(one, places)
        own = one.compatibility.own
        yield SchemaRow(
            cluster=places.clusters.known(document.cluster.name),
            subject=one.subject,
            version=one.version,
            id=one.id,
            type_text=places.text(one.schema_type),
            compatibility_text=places.text(one.compatibility.value),
            inherited=None if own is None else int(not own),
            owner=None if one.contract is None else one.contract.owner,
            fields=fields,
            fields_left_out=left_out,
            note=note,
            error=one.error,
        )


def _fields(schema: Schema, places: Places) -> tuple[tuple[int, ...] | None, int, str | None]:
    """The places of its fields, how many more there are, and why some or all may be missing."""
    found = schema_fields(schema.schema_type, schema.definition)
    if found is None:
        return None, 0, why_unreadable(schema.schema_type, schema.definition)
    shown = found.fields[:_MOST_FIELDS]
    place = places.fields.place
    return (
        tuple(place(Field(path=one.path, type=one.type, optional=int(one.optional))) for one in shown),
        len(found.fields) - len(shown),
        found.note,
    )


def group_rows(document: Document, places: Places) -> Iterator[GroupRow]:
    rates = {one.group_id: one for one in document.metrics.consumer_groups} if document.metrics else {}
    for one in document.consumer_groups:
        rate = rates.get(one.group_id)
        seconds = None if rate is None else rate.lag_seconds
        at_least = None if rate is None else rate.lag_seconds_at_least
        yield GroupRow(
            cluster=places.clusters.known(document.cluster.name),
            name=one.group_id,
            type_text=places.text(one.type),
            state_text=places.text(one.state),
            members=None if one.members is None else len(one.members),
            lag=one.total_lag_records,
            lag_is_more=int(is_lag_unknown(one)),
            lost=one.lost_records,
            lag_seconds=at_least if seconds is None else seconds,
            lag_seconds_at_least=int(seconds is None and at_least is not None),
            error=one.error,
        )


def read_rows(document: Document, places: Places) -> Iterator[ReadRow]:
    """What each group reads, and how far behind it is there."""
    cluster = document.cluster.name
    rates = (
        {(one.group_id, one.topic): one for one in document.metrics.group_topics} if document.metrics else {}
    )
    for group in document.consumer_groups:
        by_topic: defaultdict[str, list[CommittedOffset]] = defaultdict(list)
        for offset in group.offsets or ():
            by_topic[offset.topic].append(offset)
        for topic in dict.fromkeys((*group.topics, *by_topic)):
            yield _read_row(
                group, topic, by_topic.get(topic, []), rates.get((group.group_id, topic)), places, cluster
            )


def _read_row(
    group: ConsumerGroup,
    topic: str,
    offsets: list[CommittedOffset],
    rate: GroupTopicRate | None,
    places: Places,
    cluster: str,
) -> ReadRow:
    known = [one.lag_records for one in offsets if one.lag_records is not None]
    lost = [one.lost_records for one in offsets if one.lost_records is not None]
    place = places.topics.known((cluster, topic))
    note = "; ".join(lag_notes(offsets)) if offsets else group.error or "no commit is known"
    return ReadRow(
        group=places.groups.known((cluster, group.group_id)),
        topic=place,
        name=None if place >= 0 else topic,
        lag=sum(known) if known else None,
        lost=sum(lost) if lost else None,
        lag_seconds=None if rate is None else rate.lag_seconds,
        retention_used=None if rate is None else rate.retention_used_percent,
        note_text=places.text(note or None),
    )
