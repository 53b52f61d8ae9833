"""The toolsets: one table each, in the order in which clients see the tools."""

from collections.abc import Callable

from mesh_assets.agent_tools.access import describe_access
from mesh_assets.agent_tools.brokers import describe_brokers
from mesh_assets.agent_tools.cluster_links import describe_cluster_links
from mesh_assets.agent_tools.clusters import get_cluster_summary, list_clusters
from mesh_assets.agent_tools.connectors import describe_connector, get_connector_config, list_connectors
from mesh_assets.agent_tools.consumer_groups import describe_consumer_group, list_consumer_groups
from mesh_assets.agent_tools.discovering import run_discovery
from mesh_assets.agent_tools.finding import find
from mesh_assets.agent_tools.flink import execute_flink_sql, list_flink_statements
from mesh_assets.agent_tools.messages import sample_messages
from mesh_assets.agent_tools.metrics import get_metrics
from mesh_assets.agent_tools.schemas import describe_schema, get_schema, list_schemas
from mesh_assets.agent_tools.tool import LONG, AgentTool
from mesh_assets.agent_tools.topics import describe_topic, get_topic_configs, list_topics
from mesh_assets.agent_tools.transactions import describe_transactions
from mesh_assets.mapping_tools.connection import get_msk_bootstrap_brokers, test_kafka_connection
from mesh_assets.mapping_tools.mapping_answers import PlanAnswer, question_about_plan
from mesh_assets.mapping_tools.mappings import (
    UNLISTED_FOR_ROLES,
    add_msk_permissions,
    create_event_source_mapping,
    create_execution_role,
    delete_event_source_mapping,
    get_event_source_mapping,
    list_event_source_mappings,
    update_event_source_mapping,
)
from mesh_assets.mapping_tools.proof import (
    ProducedAnswer,
    ValidationAnswer,
    check_offset_after_production,
    get_initial_offset,
    produce_test_messages,
    question_about_messages,
    validate_esm_processing,
)
from mesh_assets.mesh_tools.belonging import find_relationships, list_domains
from mesh_assets.mesh_tools.changes import list_changes
from mesh_assets.mesh_tools.contracts import get_contract
from mesh_assets.mesh_tools.lineage import get_lineage
from mesh_assets.mesh_tools.problems import list_problems
from mesh_assets.mesh_tools.products import list_data_products
from mesh_assets.mesh_tools.profiles import get_profile

DISCOVERY = (
    AgentTool(list_clusters, "List clusters", "reads_documents"),
    AgentTool(get_cluster_summary, "Summarize a cluster", "reads_systems"),
    AgentTool(list_problems, "List problems", "reads_systems"),
    AgentTool(find, "Find anything", "reads_documents"),
    AgentTool(list_topics, "List topics", "reads_systems"),
    AgentTool(describe_topic, "Describe a topic", "reads_systems"),
    AgentTool(get_topic_configs, "Get a topic's configs", "reads_systems"),
    AgentTool(list_connectors, "List connectors", "reads_systems"),
    AgentTool(describe_connector, "Describe a connector", "reads_systems"),
    AgentTool(get_connector_config, "Get a connector's config", "reads_systems"),
    AgentTool(list_schemas, "List schemas", "reads_systems"),
    AgentTool(get_schema, "Get a schema's text", "reads_systems"),
    AgentTool(describe_schema, "Describe a schema", "reads_systems"),
    AgentTool(list_consumer_groups, "List consumer groups", "reads_systems"),
    AgentTool(describe_consumer_group, "Describe a consumer group", "reads_systems"),
    AgentTool(get_metrics, "Get metrics", "reads_systems"),
    AgentTool(describe_brokers, "Describe the brokers", "reads_systems"),
    AgentTool(describe_access, "Describe who may do what", "reads_systems"),
    AgentTool(describe_transactions, "Describe transactions", "reads_systems"),
    AgentTool(describe_cluster_links, "Describe cluster links", "reads_systems"),
    AgentTool(list_changes, "List changes", "reads_documents"),
    AgentTool(get_lineage, "Get lineage", "reads_systems"),
    AgentTool(list_domains, "List domains", "reads_documents"),
    AgentTool(find_relationships, "Find relationships", "reads_documents"),
    AgentTool(get_contract, "Get a data contract", "reads_documents"),
    AgentTool(get_profile, "Get a topic's profile", "reads_documents"),
    AgentTool(list_data_products, "List data products", "reads_documents"),
    AgentTool(sample_messages, "Sample messages", "reads_systems", times=LONG),
    AgentTool(list_flink_statements, "List Flink statements", "reads_systems"),
    AgentTool(execute_flink_sql, "Execute Flink SQL", "destroys", "changes", LONG),
    AgentTool(run_discovery, "Run a discovery", "changes", times=LONG),
)


def _planned(
    function: Callable[..., PlanAnswer], title: str, unlisted: frozenset[str] = frozenset()
) -> AgentTool:
    return AgentTool(function, title, "destroys", "reads_systems", LONG, question_about_plan, unlisted)


def _messages(function: Callable[..., ProducedAnswer | ValidationAnswer], title: str) -> AgentTool:
    return AgentTool(function, title, "changes", "reads_systems", LONG, question_about_messages)


ESM = (
    AgentTool(list_event_source_mappings, "List event source mappings", "reads_systems"),
    AgentTool(get_event_source_mapping, "Get an event source mapping", "reads_systems"),
    _planned(create_event_source_mapping, "Create event source mapping"),
    _planned(update_event_source_mapping, "Update event source mapping"),
    _planned(create_execution_role, "Create execution role", UNLISTED_FOR_ROLES),
    _planned(delete_event_source_mapping, "Delete an event source mapping"),
    _planned(add_msk_permissions, "Add the rights a mapping needs"),
    AgentTool(get_msk_bootstrap_brokers, "Get an MSK cluster's brokers", "reads_systems"),
    AgentTool(test_kafka_connection, "Test a connection to Kafka", "reads_systems", times=LONG),
    AgentTool(get_initial_offset, "Get a mapping's offsets", "reads_systems", times=LONG),
    _messages(produce_test_messages, "Produce test messages"),
    AgentTool(
        check_offset_after_production, "Check offsets after test messages", "reads_systems", times=LONG
    ),
    _messages(validate_esm_processing, "Validate that a mapping processes"),
)
