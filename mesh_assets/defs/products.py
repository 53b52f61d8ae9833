"""`analysis/data_products`: which topics are kept and used as one thing, how good they are and what they use."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from mesh_assets.answering.known_products import EstateProducts, keep_estate_products
from mesh_assets.answering.products import read_estate_products
from mesh_assets.costs.records import CostRow
from mesh_assets.defs.belonging import DOMAINS_KEY, RELATIONSHIPS_KEY
from mesh_assets.defs.findings import FINDINGS_KEY
from mesh_assets.defs.lineage import LINEAGE_KEY
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.section_metadata import table_metadata
from mesh_assets.products.records import DataProduct
from mesh_assets.products.tables import write_product_tables
from mesh_assets.runs.failures import masking_failures

DATA_PRODUCTS_KEY = dg.AssetKey(["analysis", "data_products"])


def data_products_asset(*, retry_seconds: float = 5) -> dg.AssetsDefinition:
    @dg.asset(
        key=DATA_PRODUCTS_KEY,
        group_name="analysis",
        kinds={"kafka"},
        deps=[LINEAGE_KEY, RELATIONSHIPS_KEY, DOMAINS_KEY, FINDINGS_KEY],
        description="Topics that are kept and used as one thing, with owner, quality and costs (docs/products.md).",
        # Only reads, and replaces each result as a whole, so retrying is safe.
        retry_policy=dg.RetryPolicy(max_retries=1, delay=retry_seconds),
    )
    @masking_failures
    def data_products(
        context: dg.AssetExecutionContext, estate: EstateResource, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        now = datetime.now(UTC)
        found = read_estate_products(estate.estate(), store.documents_once(), now=now)
        locations = keep_estate_products(store.documents_once(), found, made_at=now)
        rows = write_product_tables(store.documents_once().objects, found.products, found.costs, made_at=now)
        for note in (*found.notes, *found.products.notes):
            context.log.info(note)
        return dg.MaterializeResult(
            asset_key=DATA_PRODUCTS_KEY, metadata=products_metadata(found, locations, rows)
        )

    return data_products


def products_metadata(
    found: EstateProducts, locations: tuple[str, str], rows: Mapping[str, int]
) -> dict[str, Any]:
    """Dagster metadata: counts, tables of products and of what uses most, and what a person should look at."""
    products, costs = found.products, found.costs
    status = Counter(one.status for one in products.products)
    vanished = [(one.id, gone) for one in products.products for gone in one.vanished]
    notes = (*found.notes, *products.notes, *costs.notes)
    return {
        "dagster/row_count": len(products.products),
        "accepted": status["accepted"],
        "candidates": status["candidate"],
        "topics": sum(len(one.topics) for one in products.products),
        "outside": len(products.outside),
        "vanished": len(vanished),
        "result": locations[0],
        "costs": locations[1],
        "tables": dg.MetadataValue.json(dict(rows)),
        **({} if costs.cost is None else {f"{costs.currency}_a_month": round(costs.cost, 2)}),
        "documents": dg.MetadataValue.json({one.cluster: one.sequence for one in found.documents}),
        **({"notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in notes))} if notes else {}),
        **table_metadata("products", products.products, _product),
        **table_metadata(
            "costs",
            [one for one in costs.rows if one.kind != "topic"],
            lambda one: _cost(one, costs.currency),
        ),
        **table_metadata(
            "outside of products",
            products.outside,
            lambda one: {"cluster": one.place.cluster, "topic": one.place.topic, "reason": one.reason},
        ),
        **table_metadata(
            "vanished",
            vanished,
            lambda one: {"product": one[0], "topic": str(one[1].place), "reason": one[1].reason},
        ),
    }


def _product(one: DataProduct) -> dict[str, Any]:
    return {
        "product": one.id,
        "name": one.name,
        "status": one.status,
        "domain": one.domain,
        "owner": one.owner,
        "topics": len(one.topics),
        "score": None if one.score is None else round(one.score, 3),
        "consumers": len(one.consumers),
        "entities": ", ".join(one.entities[:10]),
        "cost_share": None
        if one.costs is None or one.costs.cost_share is None
        else round(one.costs.cost_share, 4),
    }


def _cost(one: CostRow, currency: str | None) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "cluster": one.cluster,
        "name": one.name or "none",
        "topics": one.topics,
        **{part.driver: part.value for part in one.taken},
        **({} if currency is None else {f"{currency}_a_month": one.cost, "share": one.cost_share}),
    }
