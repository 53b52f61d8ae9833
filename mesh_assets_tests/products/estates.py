"""A shop whose topics belong to two domains and two owners, and how products are made from it."""

from datetime import datetime
from typing import Any

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.estate.policy import Policy
from mesh_assets.estate.products import ProductDecision, ProductSettings
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Topic
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.products.finding import Ground, make_products, place_topics
from mesh_assets.products.flows import flows_of
from mesh_assets.products.quality import Evidence
from mesh_assets.products.records import DataProduct, DataProducts, TopicPlace
from mesh_assets.relationships.domains import DomainRules, find_domains
from mesh_assets.relationships.relating import find_relationships
from mesh_assets_tests.documents import MOMENT, a_topic
from mesh_assets_tests.relationships.estates import a_cluster, avro

PATTERNS = {"sales": ("order*", "invoice*"), "people": ("user*", "address*")}


def place(topic: str, cluster: str = "warehouse") -> TopicPlace:
    return TopicPlace(cluster=cluster, topic=topic)


def a_shop(*more: Topic | str, **fields: Any) -> Document:
    """`orders` and `invoices` share order_id, `orders` and `users` user_id; `noise` shares nothing."""
    compacted = a_topic("users", config={"cleanup.policy": "compact"})
    return a_cluster(
        avro("orders-value", ("order_id", "string"), ("user_id", "long"), ("price", "double")),
        avro("invoices-value", ("invoice_id", "string"), ("order_id", "string")),
        avro("users-value", ("user_id", "int"), ("name", "string"), record="User"),
        topics=("orders", "invoices", compacted, "noise", *more),
        **fields,
    )


def ground_of(
    document: Document,
    *,
    graph: LineageGraph | None = None,
    owners: dict[str, str] | None = None,
    evidence: Evidence | None = None,
    patterns: dict[str, tuple[str, ...]] | None = None,
) -> Ground:
    documents = {document.cluster.name: document}
    relationships = find_relationships([document])
    return Ground(
        documents=documents,
        flows=flows_of(graph or estate_graph([ClusterFacts(document=document)])),
        domains=find_domains(
            [document], relationships, DomainRules(patterns=PATTERNS if patterns is None else patterns)
        ),
        relationships=relationships,
        owners={place(topic): owner for topic, owner in (owners or {}).items()},
        evidence=evidence or Evidence(documents=documents),
    )


def products_of(
    ground: Ground,
    *decisions: dict[str, Any],
    before: DataProducts | None = None,
    policy: Policy | None = None,
    now: datetime = MOMENT,
) -> DataProducts:
    settings = ProductSettings(decisions=tuple(ProductDecision(**one) for one in decisions))
    policy = policy or Policy()
    placed = place_topics(ground, settings, policy, before=before, now=now)
    return make_products(ground, placed, policy, {})


def topics_of(product: DataProduct | None) -> list[str]:
    assert product is not None
    return [member.place.topic for member in product.topics]


def shown(products: DataProducts) -> dict[str, list[str]]:
    return {one.id: topics_of(one) for one in products.products}
