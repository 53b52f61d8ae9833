"""Tools: which topics belong together, and which are about the same things."""

from typing import Annotated

from pydantic import Field

from mesh_assets.answering.answers import (
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    Page,
    PatternArgument,
    UnknownError,
    shown,
)
from mesh_assets.answering.belonging import ClusterBelonging
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.answering.views import the_topic
from mesh_assets.relationships.records import Domain, Entity, KeyUse

_TOPICS = 30
_USES = 20
_GAPS = 5


class DomainRow(Answer):
    """`known`: how many topics each rule placed. `reason`: that of the first."""

    domain: str
    total_topics: int
    topics: list[str]
    known: dict[str, int]
    owners: list[str]
    reason: str


class DomainPage(Page):
    """`without_domain`: the first topics without one, and why."""

    domains: list[DomainRow]
    total_without_domain: int
    without_domain: dict[str, str]


class KeyRow(Answer):
    """`in_key`: part of the record's key. `score`: 0 to 1, how sure it is."""

    topic: str
    path: str
    type: str
    in_key: bool = False
    score: float
    reason: str


class EntityRow(Answer):
    """`described_by`: topics that hold these things; the others refer to them."""

    entity: str
    key: str
    described_by: list[str]
    total_topics: int
    total_uses: int
    uses: list[KeyRow]
    reason: str


class RelationshipPage(Page):
    """`not_read`: the first places where keys may be missing, and why."""

    entities: list[EntityRow]
    total_not_read: int
    not_read: list[str]


def list_domains(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    pattern: PatternArgument = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> DomainPage:
    """Which topics belong together: domains by the estate's rules, quickstarts, schemas' owners, names and shared keys,
    with the reason. describe_topic has the domain of one topic."""
    view = known.view(cluster, "latest")
    found = known.belonging.of(view.document, version=view.version).domains
    unassigned = {one.topic: one.reason for one in found.unassigned[:_GAPS]}
    return build_page(
        DomainPage,
        "domains",
        [one for one in found.domains if matches(one.name, pattern)],
        place=lambda one: (one.name,),
        row=_domain_row,
        limit=limit,
        cursor=cursor,
        question=("domains", view.document.cluster.name, pattern),
        version=view.version,
        about=view.about("topics", "schemas", "connectors", "consumer_groups"),
        total_without_domain=len(found.unassigned),
        without_domain=unassigned,
    )


def find_relationships(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    topic: Annotated[
        str | None, Field(max_length=249, description="Only what this topic shares with others.")
    ] = None,
    pattern: Annotated[
        str | None, Field(max_length=249, description="Only entities or keys with such names, e.g. `user*`.")
    ] = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> RelationshipPage:
    """Entities that topics share (users, orders), by the keys in their schemas: topics of one entity can be joined by its
    key. Each says why it counts as one. Without a topic, entities of a single topic come last."""
    view = known.view(cluster, "latest")
    if topic is not None:
        topic = the_topic(view.document, topic).name
    current = known.belonging.of(view.document, version=view.version)
    wanted = [
        one
        for one in current.relationships.entities
        if (topic is None or topic in one.topics)
        and any(matches(name, pattern) for name in (one.name, one.key))
    ]
    gaps = _gaps(current)
    if topic is not None and not wanted and pattern is None:
        schema = next(one.schema for one in view.document.topics if one.name == topic)
        if not (schema.key_subjects or schema.value_subjects or schema.record_subjects):
            raise UnknownError(
                f"topic {shown(topic)} has no schema in the registry, so what its records hold is not known"
            )
    return build_page(
        RelationshipPage,
        "entities",
        wanted,
        place=lambda one: (-len(one.topics), one.name, one.key),
        row=_entity_row,
        limit=limit,
        cursor=cursor,
        question=("relationships", view.document.cluster.name, topic, pattern),
        version=view.version,
        about=view.about("topics", "schemas"),
        total_not_read=len(gaps),
        not_read=gaps[:_GAPS],
    )


def _domain_row(domain: Domain) -> DomainRow:
    known: dict[str, int] = {}
    for member in domain.topics:
        known[member.known] = known.get(member.known, 0) + 1
    return DomainRow(
        domain=domain.name,
        total_topics=len(domain.topics),
        topics=[member.topic for member in domain.topics[:_TOPICS]],
        known=known,
        owners=list(domain.owners[:_TOPICS]),
        reason=domain.topics[0].reason,
    )


def _entity_row(entity: Entity) -> EntityRow:
    return EntityRow(
        entity=entity.name,
        key=entity.key,
        described_by=list(entity.described_by[:_USES]),
        total_topics=len(entity.topics),
        total_uses=len(entity.uses),
        uses=[_key_row(use) for use in entity.uses[:_USES]],
        reason=entity.reason,
    )


def _key_row(use: KeyUse) -> KeyRow:
    return KeyRow(
        topic=use.topic,
        path=use.path,
        type=use.type[:80],
        in_key=use.in_key,
        score=use.score,
        reason=use.reason,
    )


def _gaps(current: ClusterBelonging) -> list[str]:
    return [
        gap.reason if gap.subject is None else f"{gap.subject}: {gap.reason}"
        for gap in current.relationships.gaps
    ]
