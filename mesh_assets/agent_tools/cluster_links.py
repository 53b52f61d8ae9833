"""Tool: links between clusters, and the topics that they mirror."""

from typing import Annotated

from pydantic import Field

from mesh_assets.answering.answers import (
    About,
    Answer,
    ClusterName,
    SourceArgument,
    UnknownError,
    cut,
    moment_text,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import matches
from mesh_assets.inventory.cluster_link_records import ClusterLink, MirrorTopic

_SHOWN = 40
_TASKS = 10
# The worst first: broken, paused, in transition, healthy, ended.
_ORDER = ("FAILED", "LINK_FAILED", "SOURCE_UNAVAILABLE", "PAUSED", "LINK_PAUSED")


class LinkRow(Answer):
    """`source_cluster`, `destination_cluster`: ids; whichever is this cluster is left out."""

    name: str
    source_cluster: str | None = None
    destination_cluster: str | None = None
    state: str | None = None
    error: str | None = None
    tasks_in_error: list[str] | None = None
    config_error: str | None = None


class MirrorRow(Answer):
    """`topic` of this cluster is filled from `source_topic`. `lag_records`: how far it is behind, over all partitions."""

    topic: str
    source_topic: str
    link: str
    status: str
    since: str | None = None
    lag_records: int | None = None
    errors: list[str] | None = None


class ClusterLinksAnswer(Answer):
    about: About
    links: list[LinkRow] | None = None
    mirror_topics: list[MirrorRow] | None = None
    totals: dict[str, int]
    unknown: dict[str, str] = Field(description="What could not be read → why.")
    hint: str | None = None


def describe_cluster_links(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    link: Annotated[str | None, Field(max_length=249, description="Pattern.")] = None,
    topic: Annotated[
        str | None, Field(max_length=249, description="Pattern, of the mirror or its source.")
    ] = None,
    source: SourceArgument = "latest",
) -> ClusterLinksAnswer:
    """Links to other clusters and the topics that they mirror, broken and paused ones first."""
    view = known.view(cluster, source, needs=("cluster_links",))
    document = view.document
    found = document.cluster_links
    if found is None:
        state = document.state("cluster_links")
        why = state.error or "the cluster has neither kafka_rest nor control_plane in the estate"
        raise UnknownError(f"nothing is known about the cluster links of {document.cluster.name}: {why}")
    links = None if found.links is None else [one for one in found.links if matches(one.name, link)]
    mirrors = (
        None
        if found.mirror_topics is None
        else [
            one
            for one in found.mirror_topics
            if matches(one.link, link) and (matches(one.name, topic) or matches(one.source_topic, topic))
        ]
    )
    shown = sorted(mirrors or (), key=_position)[:_SHOWN]
    shown_links = sorted(links or (), key=lambda one: one.error is None)[:_SHOWN]
    totals = {"links": links, "mirror_topics": mirrors}
    return ClusterLinksAnswer(
        about=view.about("cluster_links"),
        links=None if links is None else [_link(one) for one in shown_links],
        mirror_topics=None if mirrors is None else [_mirror(one) for one in shown],
        totals={name: len(ones) for name, ones in totals.items() if ones is not None},
        unknown={part: cut(reason, 300) for part, reason in found.unknown.items()},
        hint=f"lists are cut at {_SHOWN}; narrow by link or topic"
        if max(len(links or ()), len(mirrors or ())) > _SHOWN
        else None,
    )


def _position(mirror: MirrorTopic) -> tuple[int, int, str]:
    place = _ORDER.index(mirror.status) if mirror.status in _ORDER else len(_ORDER)
    return place, -(mirror.lag_records or 0), mirror.name


def _link(link: ClusterLink) -> LinkRow:
    failed = [
        cut(f"{task.name}: {'; '.join(task.errors) or task.state}", 200) for task in link.tasks if task.errors
    ]
    said = ": ".join(part for part in (link.error, link.error_message) if part)
    return LinkRow(
        name=link.name,
        source_cluster=link.origin_id,
        destination_cluster=link.destination_cluster_id,
        state=link.state,
        error=cut(said, 300) if said else None,
        tasks_in_error=failed[:_TASKS] or None,
        config_error=None if link.config_error is None else cut(link.config_error, 300),
    )


def _mirror(mirror: MirrorTopic) -> MirrorRow:
    return MirrorRow(
        topic=mirror.name,
        source_topic=mirror.source_topic,
        link=mirror.link,
        status=mirror.status,
        since=None if mirror.status_since is None else moment_text(mirror.status_since),
        lag_records=mirror.lag_records,
        errors=[cut(error, 200) for error in mirror.errors[:_TASKS]] or None,
    )
