"""Lineage between assets: what feeds each, and its columns, also through a connector."""

from mesh_assets.analysis.graph import ColumnPair, Edge, Flow, LineageGraph, Node, build_graph
from mesh_assets.components.links import Links
from mesh_assets.components.mesh_asset import MeshAsset
from mesh_assets.components.names import asset_key, dataset_key

TABLE = Node(kind="dataset", namespace="postgres://pg:5432", name="shop.public.orders")
CDC = Node(kind="connector", cluster="c", namespace="main", name="cdc")
TOPIC = Node(kind="topic", cluster="c", name="orders")


def graph(*columns: ColumnPair) -> LineageGraph:
    return build_graph(
        edges=[
            Edge(source=TABLE, target=CDC, known="declared", by="its config"),
            Edge(source=CDC, target=TOPIC, known="declared", by="its config"),
        ],
        flows=[Flow(source=TABLE, through=CDC, target=TOPIC, columns=columns or None)],
    )


def linked(graph: LineageGraph) -> MeshAsset:
    topic = MeshAsset(
        key=asset_key("c", "topics", "orders"), kind="topics", name="orders", cluster="c", description=""
    )
    return Links(graph).linked(topic)


def test_a_topic_has_the_columns_of_the_table_behind_its_connector() -> None:
    found = linked(graph(ColumnPair(source="id", target="after.id")))

    assert found.upstream == (asset_key("c", "connectors", "cdc"),)
    assert found.column_sources == {
        "after.id": ((dataset_key("postgres://pg:5432", "shop.public.orders"), "id"),)
    }


def test_a_topic_with_unknown_columns_has_none() -> None:
    assert linked(graph()).column_sources == {}


def test_what_a_statement_reads_feeds_what_it_writes_column_by_column() -> None:
    statement = Node(kind="statement", cluster="c", name="totals")
    read = Node(kind="topic", cluster="c", name="payments")
    pair = ColumnPair(source="amount", target="total")
    found = linked(
        build_graph(
            edges=[
                Edge(source=read, target=statement, known="declared", by="its SQL"),
                Edge(source=statement, target=TOPIC, known="declared", by="its SQL"),
            ],
            flows=[Flow(source=read, through=statement, target=TOPIC, columns=(pair,))],
        )
    )
    key = asset_key("c", "topics", "payments")
    assert found.upstream == (key,)
    assert found.column_sources == {"total": ((key, "amount"),)}
