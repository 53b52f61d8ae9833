"""A small shop in a document."""

from typing import Any

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import TopicSchema
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic

ORDER = """{"type": "object", "owner": "payments", "domain": "Money & shops", "description": "One line of a shop's order.",
"required": ["id"], "properties": {"id": {"type": "integer", "description": "Of the shop"}, "email": {"type": "string"}}}"""


def a_shop(**fields: Any) -> Document:
    """Orders, which a sink and a group read."""
    return a_document(
        topics=(
            a_topic("orders", schema=TopicSchema(value_subjects=("orders-value",))),
            a_topic("refunds", partitions=3),
        ),
        schemas=(a_schema("orders-value", definition=ORDER),),
        connectors=(a_connector("orders-sink"),),
        consumer_groups=(a_group("fraud-detection"),),
        **fields,
    )
