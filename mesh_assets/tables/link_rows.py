"""Columns and rows of the tables of the section `cluster_links`. Unknown things have no rows."""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from mesh_assets.inventory.document import Document
from mesh_assets.tables.cluster_rows import Row

COLUMNS: dict[str, list[tuple[str, pa.DataType]]] = {
    "cluster_links": [
        ("cluster_link", pa.string()),
        ("id", pa.string()),
        ("source_cluster_id", pa.string()),
        ("destination_cluster_id", pa.string()),
        ("remote_cluster_id", pa.string()),
        ("state", pa.string()),
        ("error", pa.string()),
    ],
    "mirror_topics": [
        ("topic", pa.string()),
        ("cluster_link", pa.string()),
        ("source_topic", pa.string()),
        ("status", pa.string()),
        ("status_since", pa.timestamp("us", tz="UTC")),
        ("partitions", pa.int32()),
        ("lag_records", pa.int64()),
        ("largest_lag_records", pa.int64()),
    ],
}


def _links(document: Document) -> Iterator[Row]:
    for one in (document.cluster_links.links if document.cluster_links else None) or ():
        ends = one.source_cluster_id, one.destination_cluster_id, one.remote_cluster_id
        yield one.name, one.id, *ends, one.state, one.error


def _mirrors(document: Document) -> Iterator[Row]:
    for one in (document.cluster_links.mirror_topics if document.cluster_links else None) or ():
        yield (
            *(one.name, one.link, one.source_topic, one.status, one.status_since),
            *(one.partitions, one.lag_records, one.largest_lag_records),
        )


ROWS: dict[str, Callable[[Document], Iterable[Row]]] = {"cluster_links": _links, "mirror_topics": _mirrors}
