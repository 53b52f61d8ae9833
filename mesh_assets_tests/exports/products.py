"""Products of a small shop, as exports show them."""

from datetime import timedelta
from functools import cache

from mesh_assets.analysis.graph import LineageGraph, Node, build_graph
from mesh_assets.answering.mesh import Mesh
from mesh_assets.costs.records import EstateCosts
from mesh_assets.costs.sharing import share_costs
from mesh_assets.estate.costs import ClusterPrices, CostSettings
from mesh_assets.estate.policy import Policy
from mesh_assets.estate.products import ProductDecision, ProductSettings
from mesh_assets.products.finding import make_products, place_topics
from mesh_assets.products.records import DataProducts
from mesh_assets_tests.documents import MOMENT
from mesh_assets_tests.exports.graphs import edge
from mesh_assets_tests.products.estates import a_shop, ground_of

OWNER = "Team Shop <shop@example.org>"
DECISIONS = (
    ProductDecision(
        product="warehouse.sales", name="Sales | *all*", owner=OWNER, description="What\nis sold."
    ),
    ProductDecision(product="people", name="People", topics=("users", "gone")),
)


@cache
def a_mesh() -> Mesh:
    return Mesh(
        documents={"warehouse": a_shop()},
        graph=a_graph(),
        addresses={"warehouse": ("b:9092", "a:9092")},
        notes=(),
    )


def a_graph() -> LineageGraph:
    """cdc alone fills orders; fraud reads them."""
    orders = Node(kind="topic", cluster="warehouse", name="orders")
    return build_graph(
        edges=[
            edge(Node(kind="connector", cluster="warehouse", namespace="main", name="cdc"), orders),
            edge(orders, Node(kind="application", cluster="warehouse", name="fraud")),
        ]
    )


@cache
def some_products() -> tuple[DataProducts, EstateCosts]:
    """Two accepted products, one of which has lacked a topic for a day."""
    mesh, decided = a_mesh(), ProductSettings(decisions=DECISIONS)
    with_it = ground_of(a_shop("gone"), graph=mesh.graph)
    placed = place_topics(with_it, decided, Policy(), before=None, now=MOMENT - timedelta(days=2))
    before = make_products(with_it, placed, Policy(), {})
    ground = ground_of(mesh.documents["warehouse"], graph=mesh.graph)
    placed = place_topics(ground, decided, Policy(), before=before, now=MOMENT - timedelta(days=1))
    settings = CostSettings(currency="EUR", prices=(ClusterPrices(partition_hour=0.01),))
    costs = share_costs(mesh.documents.values(), mesh.graph, settings, domains={}, products=placed.product_of)
    rows = {row.name: row for row in costs.rows_of("product")}
    return make_products(ground, placed, Policy(), rows), costs
