"""Tools: data products, and the resources that topics use."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from mesh_assets.answering.answers import (
    About,
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    Page,
    PatternArgument,
    UnknownError,
    age_text,
    moment_text,
    shown,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.known_products import KeptProducts, settings_digest
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.answering.views import View
from mesh_assets.costs.records import CostRow
from mesh_assets.errors import MeshError
from mesh_assets.products.records import DataProduct, JoinDraft

_TOPICS = 10
_NAMES = 10
_NOTES = 5


class Takes(Answer):
    """`quantities`, `shares`: by driver, shares of the whole estate from 0 to 1. `unknown`: drivers that are
    not known, or only in part, and why. `cost`: per month, a minimum where a driver is not known; only where
    the estate has prices."""

    quantities: dict[str, float]
    shares: dict[str, float]
    unknown: dict[str, str]
    cost: float | None = None
    cost_share: float | None = None
    currency: str | None = None


class JoinRow(Answer):
    """`sql`: a draft for Flink that has never been run; without one, `reason` says why."""

    left: str
    right: str
    key: str
    sql: str | None = None
    reason: str | None = None


class ProductRow(Answer):
    """`status`: a candidate, or accepted by a person. `score`: the mean of the known `parts`, 0 to 1;
    `unknown_parts` do not lower it. `vanished`: topics that belong to it and are not in the inventory."""

    product: str
    name: str
    status: str
    domain: str | None = None
    owner: str | None = None
    owner_reason: str
    description: str | None = None
    total_topics: int
    topics: list[str]
    producers: list[str]
    consumers: list[str]
    connectors: list[str]
    applications: list[str]
    entities: list[str]
    score: float | None = None
    parts: dict[str, float]
    unknown_parts: dict[str, str]
    newest_record_at: datetime | None = None
    takes: Takes | None = None
    vanished: list[str]
    notes: list[str]
    joins: list[JoinRow] | None = None


class ProductPage(Page):
    """`total_outside`: topics in no product."""

    products: list[ProductRow]
    total_outside: int


class TopicProduct(Answer):
    """`role`: output, intermediate, dead_letter, internal."""

    product: str
    name: str
    status: str
    owner: str | None = None
    role: str
    reason: str


def list_data_products(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    pattern: PatternArgument = None,
    product: Annotated[
        str | None,
        Field(max_length=63, description="Only the product of this id, with drafts of joins in Flink SQL."),
    ] = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> ProductPage:
    """Data products of the estate: topics that are kept and used as one thing, with owner, members,
    producers, consumers, quality score, freshness and what they use. Without a cluster: the products of
    all."""
    name = None if cluster is None else known.name(cluster)
    kept = known.products.latest()
    if kept is None:
        raise UnknownError(
            "data products are not known: the job analysis has not run since the estate was discovered; "
            "list_domains shows which topics belong together"
        )
    found = kept.found.products
    if product is not None and found.product(product) is None:
        ids = [one.id for one in found.products]
        raise UnknownError(
            f"there is no data product {shown(product)}; there are: {', '.join(ids[:_NAMES]) or 'none'}"
            + (f" and {len(ids) - _NAMES} more" if len(ids) > _NAMES else "")
        )
    rows = [
        one
        for one in found.products
        if (name is None or name in one.clusters)
        and (product is None or one.id == product)
        and (matches(one.name, pattern) or matches(one.id, pattern))
    ]
    currency = kept.found.costs.currency
    return build_page(
        ProductPage,
        "products",
        rows,
        place=lambda one: (one.id,),
        row=lambda one: _row(one, currency, joins=product is not None),
        limit=limit,
        cursor=cursor,
        question=("products", name, pattern, product),
        version=kept.made_at.isoformat(),
        about=_about(known, kept, name),
        total_outside=sum(1 for one in found.outside if name in (None, one.place.cluster)),
    )


def product_of_topic(
    known: KnownEstate, view: View, topic: str, about: About
) -> tuple[TopicProduct | None, Takes | None]:
    """The product of a topic and the resources the topic uses, according to the last analysis of this
    cluster; a result that cannot be read becomes a note."""
    if view.source == "live":
        return None, None
    try:
        kept = known.products.latest()
    except MeshError as error:
        about.notes.append(f"data product and costs: {error}")
        return None, None
    cluster = view.document.cluster
    if kept is None or kept.of_document(cluster.name, cluster.id) is None:
        return None, None
    row = kept.takes.get((cluster.name, topic))
    takes = None if row is None else _takes(row, kept.found.costs.currency)
    place = kept.of_topic.get((cluster.name, topic))
    if place is None:
        return None, takes
    product, member = place
    return (
        TopicProduct(
            product=product.id,
            name=product.name,
            status=product.status,
            owner=product.owner,
            role=member.role,
            reason=member.reason,
        ),
        takes,
    )


def _about(known: KnownEstate, kept: KeptProducts, name: str | None) -> About:
    notes = [*kept.found.products.notes, *kept.found.costs.notes][:_NOTES]
    estate = known.estate_if_any
    if estate is not None and settings_digest(estate) != kept.found.products.settings:
        notes.append(
            "the estate's decisions or prices have changed since: the next run of the job analysis will follow them"
        )
    for one in kept.found.documents:
        pointer = known.pointer(one.cluster) if name in (None, one.cluster) else None
        if pointer is not None and (pointer.cluster_id, pointer.sequence) != (one.cluster_id, one.sequence):
            notes.append(
                f"for {one.cluster} it is based on document {one.sequence}, and the newest is {pointer.sequence}: "
                "the job analysis runs after a discovery that changed something"
            )
    return About(
        cluster=name or "all",
        source="latest",
        as_of=moment_text(kept.made_at),
        age=age_text(datetime.now(UTC) - kept.made_at),
        notes=notes,
    )


def _row(one: DataProduct, currency: str | None, *, joins: bool) -> ProductRow:
    return ProductRow(
        product=one.id,
        name=one.name,
        status=one.status,
        domain=one.domain,
        owner=one.owner,
        owner_reason=one.owner_reason,
        description=one.description,
        total_topics=len(one.topics),
        topics=[str(member.place) for member in one.topics[:_TOPICS]],
        producers=list(one.producers[:_NAMES]),
        consumers=list(one.consumers[:_NAMES]),
        connectors=list(one.connectors[:_NAMES]),
        applications=list(one.applications[:_NAMES]),
        entities=list(one.entities[:_NAMES]),
        score=one.score,
        parts={part.name: part.value for part in one.parts if part.value is not None},
        unknown_parts={part.name: part.reason for part in one.parts if part.value is None},
        newest_record_at=one.freshness.newest_record_at,
        takes=None if one.costs is None else _takes(one.costs, currency),
        vanished=[f"{gone.place}, missed since {moment_text(gone.since)}" for gone in one.vanished[:_TOPICS]],
        notes=list(one.notes[:_NOTES]),
        joins=[_join(draft) for draft in one.joins] if joins else None,
    )


def _takes(row: CostRow, currency: str | None) -> Takes:
    return Takes(
        quantities={one.driver: one.value for one in row.taken if one.value is not None},
        shares={one.driver: one.share for one in row.taken if one.share is not None},
        unknown={one.driver: one.reason for one in row.taken if one.reason is not None},
        cost=row.cost,
        cost_share=row.cost_share,
        currency=None if row.cost is None else currency,
    )


def _join(draft: JoinDraft) -> JoinRow:
    return JoinRow(
        left=str(draft.left), right=str(draft.right), key=draft.key, sql=draft.sql, reason=draft.reason
    )
