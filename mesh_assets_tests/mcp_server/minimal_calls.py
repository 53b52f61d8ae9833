"""A call of every tool with the fewest arguments, on the small estate of these tests."""

from typing import Any

UUID = "a8c5714d-6203-416a-a404-1a18c8ae03ef"
NO_REGION = "no AWS region is known"
NO_FLINK = "`flink: {url, organization_id"
MAPPING = {
    "target": "bill-orders",
    "kafka_topic": "orders",
    "event_source_arn": "arn:aws:kafka:eu-central-1:123456789012:cluster/x/y",
}
# The arguments of a call, and what its refusal says where the estate lacks what it needs (None: it answers).
CALLS: dict[str, tuple[dict[str, Any], str | None]] = {
    "list_clusters": ({}, None),
    "get_cluster_summary": ({}, None),
    "list_problems": ({}, None),
    "find": ({"text": "email"}, None),
    "list_topics": ({}, None),
    "describe_topic": ({"topic": "orders"}, None),
    "get_topic_configs": ({"topic": "orders"}, None),
    "list_connectors": ({}, None),
    "describe_connector": ({"connector": "orders-sink"}, None),
    "get_connector_config": ({"connector": "orders-sink"}, None),
    "list_schemas": ({}, None),
    "get_schema": ({"subject": "users-value"}, None),
    "describe_schema": ({"subject": "users-value"}, None),
    "list_consumer_groups": ({}, None),
    "describe_consumer_group": ({"group": "billing"}, None),
    "get_metrics": ({}, None),
    "describe_brokers": ({}, "nothing is known about the brokers"),
    "describe_access": ({}, "who may do what on"),
    "describe_transactions": ({}, "nothing is known about the transactions"),
    "describe_cluster_links": ({}, "nothing is known about the cluster links"),
    "list_changes": ({"since": "2026-11-23T00:00:00Z"}, None),
    "get_lineage": ({"topic": "orders"}, None),
    "list_domains": ({}, None),
    "find_relationships": ({}, None),
    "get_contract": ({"topic": "orders"}, "is in no data product"),
    "get_profile": ({"topic": "orders"}, "is not under allow_message_reading"),
    "list_data_products": ({}, "data products are not known"),
    "sample_messages": ({"topic": "orders"}, "is not under allow_message_reading"),
    "list_flink_statements": ({}, NO_FLINK),
    "execute_flink_sql": ({"sql": "SHOW TABLES"}, NO_FLINK),
    "run_discovery": ({}, "--allow-writes"),
    "list_event_source_mappings": ({}, NO_REGION),
    "get_event_source_mapping": ({"uuid": UUID}, NO_REGION),
    "create_event_source_mapping": (MAPPING, NO_REGION),
    "update_event_source_mapping": ({"uuid": UUID, "batch_size": 10}, NO_REGION),
    "create_execution_role": ({"role_name": "bill-orders-role", **MAPPING}, NO_REGION),
    "delete_event_source_mapping": ({"uuid": UUID}, NO_REGION),
    "add_msk_permissions": ({"uuid": UUID}, NO_REGION),
    "get_msk_bootstrap_brokers": ({"event_source_arn": MAPPING["event_source_arn"]}, NO_REGION),
    "test_kafka_connection": ({"uuid": UUID}, NO_REGION),
    "get_initial_offset": ({"uuid": UUID}, NO_REGION),
    "produce_test_messages": ({"uuid": UUID}, NO_REGION),
    "check_offset_after_production": ({"uuid": UUID, "initial": {}, "produced": {}}, "as they were answered"),
    "validate_esm_processing": ({"uuid": UUID}, NO_REGION),
}
