"""A small shop, in a document and an estate."""

from datetime import timedelta

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import ConnectorTopic, TopicSchema
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_group, a_metrics, a_schema, a_topic

LATER = MOMENT + timedelta(hours=1)
ESTATE = """clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}
  payments: {kafka: {bootstrap_servers: "127.0.0.1:2"}}
domains:
  overrides: {orders: sales, shipments: sales}
"""
ORDERS = (
    '{"type": "record", "name": "Order", "fields": [{"name": "order_id", "type": "string"}, '
    '{"name": "note", "type": ["null", "string"]}]}'
)
SHIPMENTS = ORDERS.replace("Order", "Shipment").replace("note", "carrier")


def a_shop() -> Document:
    """Orders from a table, shipments, a sink that failed, and a group that is behind."""
    return a_document(
        topics=(
            a_topic(
                "orders",
                config={"retention.ms": "60000"},
                schema=TopicSchema(value_subjects=("orders-value",)),
            ),
            a_topic("shipments", schema=TopicSchema(value_subjects=("shipments-value",))),
        ),
        connectors=(
            a_connector(
                "orders-source",
                type="source",
                topics=(ConnectorTopic(name="orders", known="declared"),),
                config={
                    "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
                    "connection.url": "jdbc:postgresql://db:5432/shop",
                    "table.whitelist": "orders",
                    "topic.prefix": "",
                },
            ),
            a_connector("orders-sink", tasks=("FAILED",), task_trace="java.io.IOException: no room"),
        ),
        schemas=(
            a_schema("orders-value", schema_type="AVRO", definition=ORDERS),
            a_schema("shipments-value", schema_type="AVRO", definition=SHIPMENTS),
        ),
        consumer_groups=(a_group("fraud-detection"),),
        metrics=a_metrics(orders=2.5),
    )
