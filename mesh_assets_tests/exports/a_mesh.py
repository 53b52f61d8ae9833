"""A small mesh, and OpenLineage's events of it."""

import json
from typing import Any

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.answering.mesh import Mesh
from mesh_assets.exports.openlineage import openlineage_events
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import TopicSchema
from mesh_assets.relationships.records import Domain, Domains, DomainTopic
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.exports.graphs import EVERY_KIND

AVRO = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "doc": "What a customer bought.",
        "fields": [
            {"name": "id", "type": "string", "doc": "Unique."},
            {
                "name": "who",
                "type": {"type": "record", "name": "Who", "fields": [{"name": "ssn", "type": "int"}]},
            },
        ],
    }
)
CONTRACT = DataContract(
    properties={"Owner": "team-orders", "password": "***"},
    sensitive=("password",),
    tags={"who.ssn": ("PII",)},
)
DOCUMENT = a_document(
    topics=(
        a_topic("orders", schema=TopicSchema(value_subjects=("orders-value",))),
        a_topic("users", schema=TopicSchema(value_subjects=("users-value",))),
        a_topic("lonely"),
    ),
    connectors=(a_connector("lake"), a_connector("cdc", type="source")),
    schemas=(
        a_schema("orders-value", schema_type="AVRO", definition=AVRO, contract=CONTRACT),
        a_schema("users-value", schema_type="AVRO", definition="{"),
    ),
    consumer_groups=(a_group("fraud"),),
)
DOMAINS = Domains(
    domains=(
        Domain(
            cluster="warehouse",
            name="shop",
            topics=(DomainTopic(topic="orders", known="prefix", reason="its name"),),
            owners=(),
        ),
    ),
    unassigned=(),
)


def a_mesh(graph: LineageGraph = EVERY_KIND, document: Document = DOCUMENT, *addresses: str) -> Mesh:
    return Mesh(
        documents={"warehouse": document},
        graph=graph,
        addresses={"warehouse": addresses or ("b:9092", "a:9092")},
        notes=(),
    )


def events_of(mesh: Mesh) -> list[dict[str, Any]]:
    return [json.loads(event) for event in openlineage_events(mesh, {"warehouse": DOMAINS})]
