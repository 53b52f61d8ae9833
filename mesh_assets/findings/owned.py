"""Which topics have an owner through a decision about their data product."""

from dataclasses import dataclass

from mesh_assets.errors import DamagedError
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.records import Record
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import ResultStore


@dataclass(frozen=True)
class ProductOwners:
    """`topics`: of one cluster. `unread`: why there may be more; None: there are not."""

    topics: frozenset[str] = frozenset()
    unread: str | None = None


class _Place(Record, frozen=True, kw_only=True):
    cluster: str
    topic: str


class _Member(Record, frozen=True, kw_only=True):
    place: _Place


class _Product(Record, frozen=True, kw_only=True):
    id: str
    topics: tuple[_Member, ...]


class _Products(Record, frozen=True, kw_only=True):
    """The part of `analysis/data_products.json` that determines owners; the package that makes it is above this one."""

    products: tuple[_Product, ...]


def product_owners(
    estate: Estate, store: InventoryStore, cluster: str, topics: frozenset[str]
) -> ProductOwners:
    """Those of `topics` that a decision with an owner names, or whose product it accepts. Raises StoreError."""
    owning = [one for one in estate.products.decisions if one.owner is not None]
    named = {topic for topic in topics if any(one.names(cluster, topic) for one in owning)}
    accepted = {product for one in owning if not one.topics for product in (one.product, *one.merge)}
    if not accepted:
        return ProductOwners(topics=frozenset(named))
    unread = None
    try:
        kept = ResultStore(store, "data_products", _Products).get()
    except DamagedError as error:
        kept, unread = None, str(error)
    if kept is None:
        why = (
            unread
            or "a decision names the owner of a data product, whose topics are known once the job `analysis` has run"
        )
        return ProductOwners(topics=frozenset(named), unread=why)
    members = {
        member.place.topic
        for product in kept.result.products
        if product.id in accepted
        for member in product.topics
        if member.place.cluster == cluster
    }
    return ProductOwners(topics=frozenset(named | members))
