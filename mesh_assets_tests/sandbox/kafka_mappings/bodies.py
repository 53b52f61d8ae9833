"""Requests to the stand-in's mappings without its servers: bodies, and functions that exist."""

from collections.abc import Callable
from typing import Any

from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping
from mesh_assets.sandbox.kafka_mappings.refusals import FaultBoard, RefusedRequest
from mesh_assets.sandbox.kafka_mappings.service import MappingService

ACCOUNT = "123456789012"
CLUSTER = f"arn:aws:kafka:us-east-1:{ACCOUNT}:cluster/orders/11111111-2222-3333-4444-555555555555-1"
NETWORK = [
    {"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"},
    {"Type": "VPC_SECURITY_GROUP", "URI": "security_group:sg-1"},
]
MSK: dict[str, Any] = {
    "EventSourceArn": CLUSTER,
    "FunctionName": "consume",
    "Topics": ["orders"],
    "StartingPosition": "LATEST",
}
OWN: dict[str, Any] = {
    "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka.example:9092"]}},
    "SourceAccessConfigurations": NETWORK,
    "FunctionName": "consume",
    "Topics": ["orders"],
    "StartingPosition": "TRIM_HORIZON",
}
FULL: dict[str, Any] = {
    "BatchSize": 10000,
    "MaximumBatchingWindowInSeconds": 300,
    "MaximumRetryAttempts": 3,
    "MaximumRecordAgeInSeconds": 60,
    "BisectBatchOnFunctionError": True,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 2},
    "DestinationConfig": {"OnFailure": {"Destination": "kafka://failed"}},
    "FilterCriteria": {"Filters": [{"Pattern": '{"value": {"a": [1]}}'}]},
    "MetricsConfig": {"Metrics": ["EventCount"]},
    "LoggingConfig": {"SystemLogLevel": "INFO"},
    "Tags": {"team": "orders"},
}


class _Functions:
    def get_function_configuration(self, FunctionName: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        """Like ministack's answer: with the alias's version, or without it."""
        name = FunctionName.rpartition(":function:")[2].split(":")[0]
        return {"FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"}


class _Accounts:
    def client(self, account: str, service: str) -> Any:  # noqa: ARG002 - the seam's signature
        return _Functions()


def a_service(
    faults: FaultBoard, watch: Callable[[KafkaMapping, bool], None] = lambda *_: None
) -> MappingService:
    return MappingService(
        _Accounts(),  # type: ignore[arg-type]
        faults,
        cluster_exists=lambda account, arn: (account, arn) == (ACCOUNT, CLUSTER),
        watch=watch,
    )


def refusal(body: dict[str, Any]) -> str | None:
    """Why the stand-in refuses such a mapping; None: it accepts it."""
    try:
        a_service(FaultBoard()).create(ACCOUNT, body)
    except RefusedRequest as refused:
        return refused.message
    return None
