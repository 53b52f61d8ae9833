"""The report's part on data products and costs, as lines of two tables: the products, and what uses the
most."""

from collections.abc import Iterator
from datetime import datetime

from mesh_assets.answering.known_products import EstateProducts
from mesh_assets.costs.records import CostRow
from mesh_assets.costs.text import KINDS, share_text, value_text
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import listed

MOST_PRODUCTS = 200
_MOST_TAKERS = 10


class ProductLine(Record, frozen=True, kw_only=True):
    """`score`, `cost`: as text, `unknown` if nothing is known. `unknown_parts`: of the score. `attention`:
    what a person should look into."""

    name: str
    id: str
    status: str
    owner: str | None
    topics: int
    consumers: int
    entities: str
    score: str
    unknown_parts: tuple[str, ...]
    newest: datetime | None
    cost: str
    attention: tuple[str, ...]


class TakerLine(Record, frozen=True, kw_only=True):
    """`takes`: a text for each driver, in the order of DRIVERS."""

    kind: str
    name: str
    cost: str
    takes: tuple[str, ...]


def product_lines(found: EstateProducts | None, clusters: frozenset[str]) -> tuple[ProductLine, ...]:
    """At most 200 products with a topic in these clusters."""
    if found is None:
        return ()
    chosen = [one for one in found.products.products if clusters.intersection(one.clusters)]
    return tuple(
        ProductLine(
            name=one.name,
            id=one.id,
            status=one.status,
            owner=one.owner,
            topics=len(one.topics),
            consumers=len(one.consumers),
            entities=listed(one.entities),
            score="unknown" if one.score is None else f"{one.score:.2f}",
            unknown_parts=tuple(part.name for part in one.parts if part.value is None),
            newest=one.freshness.newest_record_at,
            cost=_cost(one.costs, found.costs.currency),
            attention=(
                *(f"{gone.place} has vanished" for gone in one.vanished),
                *one.notes,
            ),
        )
        for one in chosen[:MOST_PRODUCTS]
    )


def taker_lines(found: EstateProducts | None, clusters: frozenset[str]) -> Iterator[TakerLine]:
    """For domains, applications and topics of these clusters, the ten of each kind that use the most."""
    if found is None:
        return
    for kind, words in KINDS.items():
        if kind == "product":
            continue
        rows = [one for one in found.costs.rows_of(kind) if one.cluster in clusters and one.name is not None]
        for row in rows[:_MOST_TAKERS]:
            yield TakerLine(
                kind=words,
                name=f"{row.cluster}: {row.name}",
                cost=_cost(row, found.costs.currency),
                takes=tuple(
                    value_text(taken).replace("?", "unknown")
                    + (f" ({share_text(taken)})" if taken.share is not None else "")
                    for taken in row.taken
                ),
            )


def _cost(row: CostRow | None, currency: str | None) -> str:
    """`12.40 EUR (3.1%)`; `at least` if something that has a price is not known."""
    if row is None or row.cost is None:
        return "no prices" if currency is None else "unknown"
    least = "at least " if row.cost_unknown else ""
    share = "" if row.cost_share is None else f" ({row.cost_share:.1%})"
    return f"{least}{row.cost:,.2f} {currency}{share}"
