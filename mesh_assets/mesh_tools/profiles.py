"""Tool: how good the data of a topic is, according to its newest profile."""

from datetime import datetime
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
    UnknownError,
    shown,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.answering.views import View, the_topic
from mesh_assets.errors import MeshError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.records import Topic
from mesh_assets.profiling.records import FieldProfile, KeyOverlap, TopicProfile
from mesh_assets.profiling.results import of_present_topics

_SHOWN = 20


class FaultRow(Answer):
    """`share`: of the sampled records. `field` None: it concerns the whole topic."""

    kind: str
    field: str | None = None
    share: float | None = None
    sentence: str


class FieldRow(Answer):
    """`completeness`: the share of decoded records that have it, not null. `types`: shares by type.
    `figures_of`: what `minimum` to `quantiles` measure: numbers, times in seconds since 1970, or lengths of
    texts. `withheld`: why they are not shown. `values`: if there are few distinct ones, how often each
    occurs, by its name where the estate allows it, else by a hash. `looks_personal`: shares by kind."""

    path: str
    types: dict[str, float]
    completeness: float | None = None
    optional: bool | None = None
    distinct: int | None = None
    declared: str | None = None
    type_conformance: float | None = None
    figures_of: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    quantiles: dict[str, float] | None = None
    histogram: dict[str, int] | None = None
    withheld: str | None = None
    values: dict[str, int] | None = None
    looks_personal: dict[str, float] | None = None


class SharedKey(Answer):
    """`shared`: of the distinct sampled values of the field that has fewer of them, the share that the other
    field has as well."""

    path: str
    other_topic: str
    other_path: str
    shared: float


class TopicFigures(Answer):
    """Shares are of the sampled records. `decoded`: of the values that are not tombstones. `latest_schema`:
    of the values that name a schema. `age_seconds`: of the newest record when it was sampled;
    `usual_gap_seconds`: the longest time that the topic usually waits for its next record. `inferred`: no
    schema describes the values. `unread_partitions`: why partitions are missing from the sample, in whole or
    in part."""

    taken_at: datetime
    strategy: str
    sampled_records: int
    sampled_partitions: int
    format: str | None = None
    decoded: float | None = None
    undecodable: dict[str, int] | None = None
    null_keys: float | None = None
    tombstones: float | None = None
    duplicate_keys: float | None = None
    latest_schema: float | None = None
    schema_ids: dict[str, int] | None = None
    age_seconds: float | None = None
    usual_gap_seconds: float | None = None
    inferred: bool | None = None
    error: str | None = None
    unread_partitions: dict[str, str] | None = None
    earlier_profiles: int


class ProfilePage(Page):
    """The fields of a topic's sample, with the figures for the whole sample."""

    topic: str
    figures: TopicFigures
    faults: list[FaultRow]
    shared_keys: list[SharedKey]
    fields: list[FieldRow]


def get_profile(
    known: KnownEstate,
    /,
    topic: Annotated[Name, Field(description="The topic's name.")],
    cluster: ClusterName = None,
    pattern: PatternArgument = None,
    histograms: Annotated[
        bool, Field(description="Also show how the figures of each field are distributed.")
    ] = False,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> ProfilePage:
    """How good a topic's data is, from a sample of its records: what is likely wrong, how complete, fresh and decodable it
    is, and for each field (`pattern`: its path) types, completeness, distinct values, ranges and what looks personal.
    Figures only, no values. The job `profiling` profiles the topics under the estate's
    allow_message_reading."""
    view = known.view(cluster, "latest")
    document = view.document
    found = known.profiles.of(document.cluster.id, the_topic(document, topic))
    if found is None:
        raise UnknownError(_why_none(known, view, topic))
    kept = known.profiles.latest()
    present = None if kept is None else of_present_topics(kept.result, {found.cluster: document})
    overlaps = [] if present is None else _overlaps(present.overlaps, found)
    return build_page(
        ProfilePage,
        "fields",
        sorted((one for one in found.fields if matches(one.path, pattern)), key=lambda one: one.path),
        place=lambda one: (one.path,),
        row=lambda one: _field_row(one, histograms=histograms),
        limit=limit,
        cursor=cursor,
        question=("profile", document.cluster.name, topic, pattern, histograms),
        version=found.taken_at.isoformat(),
        beside_bytes=1_500,
        about=view.about("topics"),
        topic=topic,
        figures=_figures(found),
        faults=fault_rows(found),
        shared_keys=overlaps[:_SHOWN],
    )


def fault_rows(profile: TopicProfile) -> list[FaultRow]:
    """At most 20 of the profile's faults."""
    return [
        FaultRow(kind=one.kind, field=one.path, share=one.share, sentence=one.sentence)
        for one in profile.faults[:_SHOWN]
    ]


def data_faults(known: KnownEstate, view: View, topic: Topic, about: About) -> list[str] | None:
    """What the newest profile found wrong; None: there is no profile, or the topic is read live. A profile
    that cannot be read becomes a note."""
    if view.source == "live":
        return None
    try:
        found = known.profiles.of(view.document.cluster.id, topic)
    except MeshError as error:
        about.notes.append(f"profiles: {error}")
        return None
    if found is None:
        return None
    problem = [] if found.error is None else [found.error]
    return [*problem, *(one.sentence for one in found.faults[:_SHOWN])]


def _why_none(known: KnownEstate, view: View, topic: str) -> str:
    name = view.document.cluster.name
    estate = known.estate_if_any
    cluster: Cluster | None = None if estate is None else estate.clusters.get(name)
    if cluster is not None and not cluster.may_read(topic):
        allowed = ", ".join(cluster.allow_message_reading) or "none"
        return (
            f"there is no profile of {shown(topic)}: it is not under allow_message_reading of cluster {name} in the estate "
            f"({allowed})"
        )
    return f"there is no profile of {shown(topic)} yet; the job profiling makes one, once a day or when it is launched"


def _figures(found: TopicProfile) -> TopicFigures:
    fresh = found.freshness
    unread = {str(one.partition): one.error for one in found.windows if one.error is not None}
    return TopicFigures(
        taken_at=found.taken_at,
        strategy=found.strategy,
        sampled_records=found.sampled_records,
        sampled_partitions=found.sampled_partitions,
        format=found.format,
        decoded=found.decoded_share,
        undecodable={f"{one.part} {one.reason}": one.records for one in found.undecodable} or None,
        null_keys=found.null_key_share,
        tombstones=found.tombstone_share,
        duplicate_keys=found.duplicate_key_share,
        latest_schema=found.latest_schema_share,
        schema_ids={str(one.id): one.records for one in found.schemas[:_SHOWN]} or None,
        age_seconds=None if fresh is None else fresh.age_seconds,
        usual_gap_seconds=None if fresh is None else fresh.usual_gap_seconds,
        inferred=found.inferred,
        error=found.error,
        unread_partitions=dict(list(unread.items())[:_SHOWN]) or None,
        earlier_profiles=len(found.trend),
    )


def _overlaps(overlaps: tuple[KeyOverlap, ...], profile: TopicProfile) -> list[SharedKey]:
    found = []
    for one in overlaps:
        if one.cluster != profile.cluster or profile.topic not in (one.topic, one.other_topic):
            continue
        ends = [(one.topic, one.path), (one.other_topic, one.other_path)]
        mine, other = ends if one.topic == profile.topic else ends[::-1]
        found.append(
            SharedKey(path=mine[1], other_topic=other[0], other_path=other[1], shared=round(one.contained, 3))
        )
    return found


def _field_row(one: FieldProfile, *, histograms: bool) -> FieldRow:
    binned = one.histogram if histograms else None
    return FieldRow(
        path=one.path,
        types={kind.type: round(kind.share, 4) for kind in one.types},
        completeness=one.completeness,
        optional=one.optional,
        distinct=one.distinct,
        declared=one.declared,
        type_conformance=one.type_conformance,
        figures_of=one.figures_of,
        minimum=one.minimum,
        maximum=one.maximum,
        mean=one.mean,
        quantiles={f"{quantile.at:g}": quantile.value for quantile in one.quantiles} or None,
        histogram=None
        if binned is None
        else {
            f"from {low:g} to {high:g}": count
            for low, high, count in zip(binned.edges, binned.edges[1:], binned.counts, strict=False)
        },
        withheld=one.withheld,
        values={value.name or f"#{value.hash}": value.records for value in one.values} or None,
        looks_personal={kind.kind: round(kind.share, 4) for kind in one.looks_personal} or None,
    )
