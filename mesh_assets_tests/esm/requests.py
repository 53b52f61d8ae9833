"""Requests that are right, to be bent by tests."""

from typing import Any

from mesh_assets.esm.request import CreateRequest, UpdateRequest, read_request
from mesh_assets_tests.esm.fake_aws import ACCOUNT, CLUSTER_ARN, REGION, SECRET_ARN

VPC = [
    {"type": "VPC_SUBNET", "uri": "subnet:subnet-0a1b"},
    {"type": "VPC_SECURITY_GROUP", "uri": "security_group:sg-0a1b"},
]
SELF_MANAGED_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:kafka/payers-AbCdEf"

MSK: dict[str, Any] = {
    "target": "orders-handler",
    "kafka_topic": "orders",
    "event_source_arn": CLUSTER_ARN,
    "starting_position": "TRIM_HORIZON",
    "kafka_consumer_group_id": "orders-handler",
}
MSK_SCRAM: dict[str, Any] = {
    **MSK,
    "source_access_configurations": [{"type": "SASL_SCRAM_512_AUTH", "uri": SECRET_ARN}],
}
SELF_MANAGED: dict[str, Any] = {
    **{name: value for name, value in MSK.items() if name != "event_source_arn"},
    "kafka_bootstrap_servers": ["b1.example.com:9092", "b2.example.com:9092"],
    "source_access_configurations": [*VPC, {"type": "SASL_SCRAM_256_AUTH", "uri": SELF_MANAGED_SECRET}],
}
PROVISIONED: dict[str, Any] = {**MSK, "provisioned_mode": True}


def create(base: dict[str, Any], **changes: Any) -> CreateRequest:
    return read_request(CreateRequest, {**base, **changes})


def update(**changes: Any) -> UpdateRequest:
    return read_request(UpdateRequest, changes)
