"""Tools: consumer groups."""

from collections import defaultdict
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
from mesh_assets.answering.views import the_group
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import ConsumerGroup, GroupMember, StreamsTopology
from mesh_assets.inventory.lag import lag_notes
from mesh_assets.inventory.records import GroupRate
from mesh_assets.inventory.transaction_records import GRACE, stable_offsets

_SHOWN = 40
# Both need all configs, the age of records and two readings of every offset: ten times the cost of the list.
_NOT_LIVE = (
    "lag in seconds and the share of retention used are not read for a live list; "
    "ask with source latest, or describe_consumer_group for one group"
)


class GroupRow(Answer):
    """`lag_seconds`: how far behind in time. `lag_seconds_at_least`: given instead where the readings kept do not go back
    far enough. `lost_records`: removed before the group read them, not part of the lag; left out where there are none.
    `retention_used_percent`: at 100, the next record the group reads is the next that retention removes."""

    group_id: str
    type: str
    state: str
    members: int | None = None
    topics: int
    lag_records: int | None = None
    lag_seconds: float | None = None
    lag_seconds_at_least: float | None = None
    lost_records: int | None = None
    retention_used_percent: float | None = None


class GroupPage(Page):
    consumer_groups: list[GroupRow]


class TopicLag(Answer):
    """`behind`: the partitions with the most lag, as partition: records. `undecided_records`: the part of the lag that open
    transactions hold back. `retention_left_seconds`: how much longer the next record is kept at least."""

    topic: str
    partitions: int
    lag_records: int | None = None
    behind: dict[str, int]
    undecided_records: int | None = None
    lost_records: int | None = None
    retention_used_percent: float | None = None
    retention_left_seconds: float | None = None


class MemberRow(Answer):
    """`tasks`: of a streams group, how many by role. `settled`: whether it has what the group wants it to have; left
    out where its protocol does not say."""

    client_id: str
    host: str
    partitions: int
    rack: str | None = None
    epoch: int | None = None
    tasks: dict[str, int] | None = None
    settled: bool | None = None


class SubtopologyRow(Answer):
    id: str
    reads: list[str]
    writes: list[str] = Field(description="Repartition topics; Kafka does not know what else it writes.")
    changelogs: list[str]


class GroupDescription(Answer):
    about: About
    group_id: str
    type: str
    state: str
    coordinator: int | None = None
    lag_records: int | None = None
    lag_seconds: float | None = None
    lag_seconds_at_least: float | None = None
    records_committed_per_second: float | None = None
    lost_records: int | None = None
    retention_used_percent: float | None = None
    epoch: int | None = None
    assignment_epoch: int | None = None
    assignor: str | None = None
    topics: list[TopicLag]
    subtopologies: list[SubtopologyRow] | None = Field(default=None, description="Of a streams group.")
    members: list[MemberRow] | None = None
    notes: list[str] = Field(description="What the lag in records cannot say about the group's position.")
    error: str | None = None
    hint: str | None = None


def list_consumer_groups(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    pattern: PatternArgument = None,
    topic: Annotated[
        str | None, Field(max_length=249, description="Only groups that read this topic.")
    ] = None,
    sort: Annotated[Literal["name", "lag"], Field(description="`lag`: furthest behind first.")] = "name",
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
    source: SourceArgument = "latest",
) -> GroupPage:
    """Consumer groups, with state, members and lag in records and, in the latest document, seconds."""
    view = known.view(cluster, source, needs=("consumer_groups",))
    rates = {} if view.source == "live" else _rates(view.document)
    about = view.about("consumer_groups")
    if view.source == "live":
        about.notes.append(_NOT_LIVE)

    def place(group: ConsumerGroup) -> tuple[object, ...]:
        return (group.group_id,) if sort == "name" else (-(group.total_lag_records or 0), group.group_id)

    groups = [
        g
        for g in view.document.consumer_groups
        if matches(g.group_id, pattern) and (topic is None or topic in g.topics)
    ]
    return build_page(
        GroupPage,
        "consumer_groups",
        sorted(groups, key=place),
        place=place,
        row=lambda group: _row(group, rates.get(group.group_id)),
        limit=limit,
        cursor=cursor,
        question=("consumer_groups", view.document.cluster.name, pattern, topic, sort, source),
        version=view.version,
        narrow="pattern or topic",
        about=about,
    )


def describe_consumer_group(
    known: KnownEstate,
    /,
    group: Annotated[Name, Field(description="The group's id.")],
    cluster: ClusterName = None,
    source: SourceArgument = "latest",
) -> GroupDescription:
    """One consumer group of any kind: lag by topic with the partitions furthest behind, what it lost or is about to
    lose to retention, members, state, commit rate; for a streams group, its topology."""
    view = known.view(cluster, source, needs=("consumer_groups", "metrics"))
    found = the_group(view.document, group)
    rate = _rates(view.document).get(found.group_id)
    topics = _topics(found, view.document)
    members = (
        None if found.members is None else [_member(member) for member in found.members]
    )  # None: unreadable
    subtopologies = None if found.topology is None else _subtopologies(found.topology)
    return GroupDescription(
        about=view.about("consumer_groups"),
        group_id=found.group_id,
        type=found.type,
        state=found.state,
        coordinator=found.coordinator,
        lag_records=found.total_lag_records,
        lag_seconds=rate.lag_seconds if rate else None,
        lag_seconds_at_least=rate.lag_seconds_at_least if rate else None,
        records_committed_per_second=rate.records_committed_per_second if rate else None,
        lost_records=found.lost_records or None,
        retention_used_percent=rate.retention_used_percent if rate else None,
        epoch=found.epoch,
        assignment_epoch=found.assignment_epoch,
        assignor=found.assignor,
        topics=topics[:_SHOWN],
        subtopologies=None if subtopologies is None else subtopologies[:_SHOWN],
        members=None if members is None else members[:_SHOWN],
        notes=list(lag_notes(found.offsets or ())),
        error=found.error,
        hint=f"lists are cut at {_SHOWN}: {len(topics)} topics, {len(members or ())} members, "
        f"{len(subtopologies or ())} subtopologies"
        if max(len(topics), len(members or ()), len(subtopologies or ())) > _SHOWN
        else None,
    )


def _rates(document: Document) -> dict[str, GroupRate]:
    return {rate.group_id: rate for rate in document.metrics.consumer_groups} if document.metrics else {}


def _row(group: ConsumerGroup, rate: GroupRate | None) -> GroupRow:
    return GroupRow(
        group_id=group.group_id,
        type=group.type,
        state=group.state,
        members=None if group.members is None else len(group.members),
        topics=len(group.topics),
        lag_records=group.total_lag_records,
        lag_seconds=rate.lag_seconds if rate else None,
        lag_seconds_at_least=rate.lag_seconds_at_least if rate else None,
        lost_records=group.lost_records or None,
        retention_used_percent=rate.retention_used_percent if rate else None,
    )


def _topics(group: ConsumerGroup, document: Document) -> list[TopicLag]:
    """Furthest behind first."""
    every = document.metrics.group_topics if document.metrics else ()
    near = {rate.topic: rate for rate in every if rate.group_id == group.group_id}
    losses: defaultdict[str, int] = defaultdict(int)
    lags: defaultdict[str, dict[int, int | None]] = defaultdict(dict)
    undecided: defaultdict[str, int] = defaultdict(int)
    stable = _stable_offsets(group, document)
    for offset in group.offsets or ():
        if (first := stable.get((offset.topic, offset.partition))) is not None:
            undecided[offset.topic] += offset.undecided_records(first)
        lags[offset.topic][offset.partition] = offset.lag_records
        losses[offset.topic] += offset.lost_records or 0
    rows = []
    for topic in group.topics:
        known = {partition: lag for partition, lag in lags[topic].items() if lag is not None}
        worst = sorted(((lag, partition) for partition, lag in known.items() if lag), reverse=True)[:5]
        rows.append(
            TopicLag(
                topic=topic,
                partitions=len(lags[topic]),
                lag_records=sum(known.values()) if known else None,
                behind={str(partition): lag for lag, partition in worst},
                undecided_records=undecided[topic] or None,
                lost_records=losses[topic] or None,
                retention_used_percent=near[topic].retention_used_percent if topic in near else None,
                retention_left_seconds=near[topic].retention_left_seconds if topic in near else None,
            )
        )
    return sorted(rows, key=lambda row: (-(row.lag_records or 0), row.topic))


def _stable_offsets(group: ConsumerGroup, document: Document) -> dict[tuple[str, int], int]:
    """Empty for a share group, whose lag brokers count, and where the transactions were not read with the group: they may
    have ended."""
    read_at, group_read_at = (
        document.state("transactions").collected_at,
        document.state("consumer_groups").collected_at,
    )
    if group.type == "share" or document.transactions is None or read_at is None or group_read_at is None:
        return {}
    return stable_offsets(document.transactions) if abs(read_at - group_read_at) <= GRACE else {}


def _member(member: GroupMember) -> MemberRow:
    tasks: dict[str, int] | None = None
    settled = None if member.target_assignment is None else member.target_assignment == member.assignment
    if member.streams is not None:
        tasks = {}
        for one in member.streams.tasks:
            tasks[one.role] = tasks.get(one.role, 0) + len(one.partitions)
        settled = member.streams.tasks == member.streams.target_tasks
    return MemberRow(
        client_id=member.client_id,
        host=member.host,
        partitions=sum(map(len, member.assignment.values())),
        rack=member.rack,
        epoch=member.epoch,
        tasks=tasks,
        settled=settled,
    )


def _subtopologies(topology: StreamsTopology) -> list[SubtopologyRow]:
    return [
        SubtopologyRow(
            id=one.id,
            reads=[*one.source_topics, *one.repartition_source_topics],
            writes=list(one.repartition_sink_topics),
            changelogs=list(one.changelog_topics),
        )
        for one in topology.subtopologies
    ]
