"""Data products and costs as Parquet tables: `tables/data_products`, `tables/data_product_topics`,
`tables/costs`. They cover the whole estate, one file each, and every analysis rewrites them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from mesh_assets.costs.records import CostRow, EstateCosts
from mesh_assets.estate.costs import DRIVERS
from mesh_assets.products.records import DataProduct, DataProducts
from mesh_assets.store.objects import ObjectStore
from mesh_assets.tables.columns import column, parquet, release_unused

TABLES = ("data_products", "data_product_topics", "costs")


def write_product_tables(
    objects: ObjectStore, products: DataProducts, costs: EstateCosts, *, made_at: datetime
) -> dict[str, int]:
    """Overwrites the tables; returns the number of rows by table. `made_at`, the same in each row: when the
    analysis ran (UTC). Raises StoreError."""
    texts, number, time = pa.list_(pa.string()), pa.float64(), pa.timestamp("us", tz="UTC")
    columns: dict[str, list[tuple[str, pa.DataType]]] = {
        "data_products": [
            ("product", pa.string()),
            ("name", pa.string()),
            ("status", pa.string()),
            ("domain", pa.string()),
            ("owner", pa.string()),
            ("clusters", texts),
            ("topics", pa.int32()),
            ("vanished", pa.int32()),
            ("producers", texts),
            ("consumers", texts),
            ("entities", texts),
            ("score", number),
            *((f"score_{part}", number) for part in _PARTS),
            ("newest_record_at", time),
            ("cost", number),
            ("cost_share", number),
        ],
        "data_product_topics": [
            ("product", pa.string()),
            ("cluster", pa.string()),
            ("topic", pa.string()),
            ("role", pa.string()),
            ("reason", pa.string()),
        ],
        "costs": [
            ("kind", pa.string()),
            ("cluster", pa.string()),
            ("name", pa.string()),
            ("topics", pa.int32()),
            *((f"{driver}{end}", number) for driver in DRIVERS for end in ("", "_share", "_cost")),
            *((f"{driver}_unknown", pa.int32()) for driver in DRIVERS),
            ("fixed_cost", number),
            ("cost", number),
            ("cost_share", number),
            ("currency", pa.string()),
        ],
    }
    rows: dict[str, list[Sequence[Any]]] = {
        "data_products": [_product(one) for one in products.products],
        "data_product_topics": [row for one in products.products for row in _topics(one)],
        "costs": [(*_cost(one), costs.currency) for one in costs.rows],
    }
    for name, of in columns.items():
        values = list(zip(*rows[name], strict=True)) if rows[name] else [()] * len(of)
        arrays = {key: column(given, kind) for (key, kind), given in zip(of, values, strict=True)}
        schema = pa.schema([("made_at", time), *of])
        objects.put(f"tables/{name}/data.parquet", parquet(schema, arrays, stamp={"made_at": made_at}))
    release_unused()
    return {name: len(of) for name, of in rows.items()}


_PARTS = ("completeness", "validity", "freshness", "schema", "findings")


def _product(one: DataProduct) -> Sequence[Any]:
    parts: dict[str, float | None] = {part.name: part.value for part in one.parts}
    return (
        one.id,
        one.name,
        one.status,
        one.domain,
        one.owner,
        one.clusters,
        len(one.topics),
        len(one.vanished),
        one.producers,
        one.consumers,
        one.entities,
        one.score,
        *(parts.get(part) for part in _PARTS),
        one.freshness.newest_record_at,
        None if one.costs is None else one.costs.cost,
        None if one.costs is None else one.costs.cost_share,
    )


def _topics(one: DataProduct) -> Iterator[Sequence[Any]]:
    for member in one.topics:
        yield one.id, member.place.cluster, member.place.topic, member.role, member.reason


def _cost(one: CostRow) -> Sequence[Any]:
    by_driver = {part.driver: part for part in one.taken}
    taken = [by_driver[driver] for driver in DRIVERS]
    return (
        one.kind,
        one.cluster,
        one.name,
        one.topics,
        *(figure for part in taken for figure in (part.value, part.share, part.cost)),
        *(part.unknown for part in taken),
        one.fixed_cost,
        one.cost,
        one.cost_share,
    )
