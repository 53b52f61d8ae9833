"""Terraform's outputs, for tests to change."""

import json
from typing import Any

SECRETS = {
    "discovery_agent_cluster_api_key": "KAFKAKEY",
    "discovery_agent_cluster_api_secret": "kafka/s3cr3t+1=",
    "discovery_agent_sr_api_key": "REGISTRYKEY",
    "discovery_agent_sr_api_secret": "registry's s3cr3t #2",
    "discovery_agent_cloud_api_key": "CLOUDKEY",
    "discovery_agent_cloud_api_secret": "cloud-s3cr3t",
}
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/discovery-agent-triggers"
PLAIN = {
    "environment_id": "env-7zpqx1",
    "environment_name": "agentic-data-mesh",
    "kafka_cluster_id": "lkc-nd1ng3",
    "kafka_cluster_name": "data-mesh-cluster",
    "kafka_bootstrap_endpoint": "SASL_SSL://pkc-00000.eu-central-1.aws.confluent.cloud:9092",
    "schema_registry_id": "lsrc-8wrx70",
    "schema_registry_rest_endpoint": "https://psrc-00000.eu-central-1.aws.confluent.cloud",
    "parameter_path": "/discovery-agent",
    "trigger_queue_url": QUEUE,
    "trigger_dead_letter_queue_url": f"{QUEUE}-dlq",
    "store": "s3://discovery-agent-123456789012-eu-central-1/mesh",
    "runner_role_arn": "arn:aws:iam::123456789012:role/discovery-agent-runner",
}


def document() -> dict[str, Any]:
    """As `terraform output -json` prints them."""
    return {
        name: {"sensitive": name in SECRETS, "type": "string", "value": value}
        for name, value in {**PLAIN, **SECRETS}.items()
    }


def outputs_json(**changes: Any) -> str:
    """With the outputs in `changes` replaced; None: left out."""
    changed = {**document(), **changes}
    return json.dumps({name: item for name, item in changed.items() if item is not None})
