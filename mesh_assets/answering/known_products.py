"""Data products and costs as the job `analysis` keeps them and, for answers, read once each time they are written."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from mesh_assets.costs.records import CostRow, EstateCosts
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.records import Record
from mesh_assets.products.records import DataProduct, DataProducts, Member
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import DocumentRead, ResultStore


class EstateProducts(Record, frozen=True, kw_only=True):
    """The products and costs, the documents they were derived from, and what is missing or older than these."""

    products: DataProducts
    costs: EstateCosts
    documents: tuple[DocumentRead, ...]
    notes: tuple[str, ...] = ()


def product_results(store: InventoryStore) -> ResultStore[DataProducts]:
    """Where the newest products are kept: `analysis/data_products.json`."""
    return ResultStore(store, "data_products", DataProducts)


def cost_results(store: InventoryStore) -> ResultStore[EstateCosts]:
    """Where the newest costs are kept: `analysis/costs.json`."""
    return ResultStore(store, "costs", EstateCosts)


def keep_estate_products(
    store: InventoryStore, found: EstateProducts, *, made_at: datetime
) -> tuple[str, str]:
    """Keeps both as the newest; their locations, for people. Costs come first: whoever finds products finds their costs."""
    costs = cost_results(store).put(found.costs, documents=found.documents, made_at=made_at)
    return product_results(store).put(found.products, documents=found.documents, made_at=made_at), costs


def settings_digest(estate: Estate) -> str:
    """A fingerprint of all that an estate says about products and costs: a different one gives a different result for the
    same documents."""
    parts = [estate.products, estate.costs, estate.policy, estate.domains, estate.relationships]
    text = "\n".join(one.model_dump_json(exclude={"file"}) for one in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class KeptProducts(Record, frozen=True, kw_only=True):
    """`of_topic`: by cluster and topic, the product and the topic's part in it. `takes`: by cluster and topic."""

    made_at: datetime
    found: EstateProducts
    of_topic: Mapping[tuple[str, str], tuple[DataProduct, Member]]
    takes: Mapping[tuple[str, str], CostRow]

    def of_document(self, cluster: str, cluster_id: str) -> DocumentRead | None:
        """The document of that cluster that the result was derived from; None: of none, or of another cluster by that name."""
        read = (one for one in self.found.documents if one.cluster == cluster)
        return next((one for one in read if one.cluster_id == cluster_id), None)


class KnownProducts:
    """Safe to use from many threads."""

    def __init__(self, store: Callable[[], InventoryStore]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._kept: tuple[object, KeptProducts] | None = None

    def latest(self) -> KeptProducts | None:
        """None: the job `analysis` has not run yet. Raises StoreError."""
        store = self._store()
        products, costs = product_results(store), cost_results(store)
        # Products are written last, so that costs are never older than they are.
        listed = products.listed()
        with self._lock:
            if listed is None:
                return None
            if self._kept is None or self._kept[0] != listed:
                found, taken = products.get(), costs.get()
                if found is None or taken is None:
                    return None
                self._kept = (
                    listed,
                    _kept(
                        EstateProducts(products=found.result, costs=taken.result, documents=found.documents),
                        found.made_at,
                    ),
                )
            return self._kept[1]


def _kept(found: EstateProducts, made_at: datetime) -> KeptProducts:
    return KeptProducts(
        made_at=made_at,
        found=found,
        of_topic={
            (member.place.cluster, member.place.topic): (product, member)
            for product in found.products.products
            for member in product.topics
        },
        takes={
            (row.cluster, row.name): row
            for row in found.costs.rows_of("topic")
            if row.cluster is not None and row.name is not None
        },
    )
