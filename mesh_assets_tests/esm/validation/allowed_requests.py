"""Requests that Lambda accepts: a base from `requests.py`, and its changes."""

from typing import Any

from mesh_assets_tests.esm.fake_aws import ACCOUNT, CLUSTER_ARN, QUEUE_ARN, REGION
from mesh_assets_tests.esm.requests import (
    CONFLUENT,
    GLUE,
    MSK,
    MSK_SCRAM,
    PROVISIONED,
    QUEUE,
    SECRET,
    SELF_MANAGED,
    VPC,
    YESTERDAY,
    access,
)

RIGHT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (MSK, {}),
    (MSK_SCRAM, {}),
    (SELF_MANAGED, {}),
    (QUEUE, {}),
    (QUEUE, {"retry_attempts": 0}),
    (MSK, {"event_source_arn": CLUSTER_ARN.replace("arn:aws:", "arn:aws-cn:").replace(REGION, "cn-north-1")}),
    (
        MSK,
        {
            "event_source_arn": CLUSTER_ARN.replace("arn:aws:", "arn:aws-us-gov:").replace(
                REGION, "us-gov-west-1"
            )
        },
    ),
    (
        MSK,
        {"event_source_arn": f"arn:aws:kafka:{REGION}:{ACCOUNT}:vpc-connection/999999999999/orders/0f6d-7"},
    ),
    (MSK, {"target": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders-handler:live"}),
    (MSK, {"batch_size": 1}),
    (MSK, {"batch_size": 10_000, "max_batching_window": 300}),
    (MSK, {"max_batching_window": 0}),
    (MSK, {"starting_position": "AT_TIMESTAMP", "starting_position_timestamp": YESTERDAY}),
    (
        MSK,
        {
            "retry_attempts": -1,
            "max_record_age": -1,
            "bisect_batch_on_error": True,
            "report_batch_item_failures": True,
        },
    ),
    (MSK, {"retry_attempts": 10_000, "max_record_age": 60}),
    (SELF_MANAGED, {"retry_attempts": 3, "max_record_age": 604_800, "bisect_batch_on_error": False}),
    (MSK, {"on_failure_destination": QUEUE_ARN}),
    (MSK, {"on_failure_destination": f"arn:aws:sns:{REGION}:{ACCOUNT}:dead"}),
    (MSK, {"on_failure_destination": "arn:aws:s3:::dead-letters"}),
    (PROVISIONED, {"on_failure_destination": "kafka://orders-dead"}),
    (MSK, {"min_pollers": 1, "on_failure_destination": "kafka://orders-dead"}),
    (MSK, {"min_pollers": 200, "max_pollers": 2_000, "poller_group": "team-a", "log_level": "DEBUG"}),
    (MSK, {"min_pollers": 5}),
    (
        MSK,
        {
            "filter_patterns": [{"value": {"status": ["failed"]}}],
            "filter_kms_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
        },
    ),
    *[
        (MSK, {"filter_patterns": [{"value": pattern}]})
        for pattern in (
            ["", None, 1, 2.5, True, "text"],
            {"a": {"b": {"c": [{"prefix": "x"}, {"suffix": "y"}, {"equals-ignore-case": "z"}]}}},
            {"a": [{"exists": False}], "b": [{"exists": True}]},
            {"a": [{"numeric": ["=", 1]}, {"numeric": [">", 10, "<=", 20.5]}, {"numeric": ["<", -1]}]},
            {"a": [{"anything-but": "x"}, {"anything-but": ["x", "y"]}, {"anything-but": [1, 2.5]}]},
            {"a": [{"anything-but": {"prefix": "x"}}, {"anything-but": {"suffix": "x"}}]},
            {"$or": [{"a": ["x"]}, {"b": [{"exists": True}], "c": ["y"]}]},
        )
    ],
    (MSK, {"filter_patterns": ['{"value": [1]}'] * 10}),
    (MSK, {"metrics": ["EventCount", "ErrorCount", "KafkaMetrics"]}),
    (PROVISIONED, {"schema_registry": {"uri": GLUE, "validate_attributes": ["KEY", "VALUE"]}}),
    (
        PROVISIONED,
        {
            "schema_registry": {
                "uri": CONFLUENT,
                "access_configurations": [
                    {"type": "BASIC_AUTH", "uri": SECRET},
                    {"type": "SERVER_ROOT_CA_CERTIFICATE", "uri": SECRET},
                ],
            }
        },
    ),
    (MSK, {"tags": {"team": "Zahlungen é/1"}}),
    (MSK, {"source_access_configurations": [{"type": "CLIENT_CERTIFICATE_TLS_AUTH", "uri": SECRET}]}),
    (SELF_MANAGED, {"source_access_configurations": access("VPC_SUBNET", "VPC_SECURITY_GROUP")}),
    (
        SELF_MANAGED,
        {"source_access_configurations": [*VPC, {"type": "VPC_SUBNET", "uri": "subnet:subnet-0c"}]},
    ),
    (SELF_MANAGED, {"source_access_configurations": access("BASIC_AUTH", "SERVER_ROOT_CA_CERTIFICATE")}),
    (SELF_MANAGED, {"source_access_configurations": access("CLIENT_CERTIFICATE_TLS_AUTH")}),
    (
        SELF_MANAGED,
        {
            "source_access_configurations": access(
                "OAUTHBEARER_AUTH", "OAUTHBEARER_SCOPE", "OAUTHBEARER_AUDIENCE"
            )
        },
    ),
    (
        SELF_MANAGED,
        {
            "source_access_configurations": access(
                "OAUTHBEARER_AUTH", "OAUTHBEARER_LOGICAL_CLUSTER", "OAUTHBEARER_IDENTITY_POOL"
            )
        },
    ),
    (SELF_MANAGED, {"source_access_configurations": access("IAM_AUTH")}),
    (SELF_MANAGED, {"source_access_configurations": access("IAM_OAUTHBEARER_AUTH", "OAUTHBEARER_AUDIENCE")}),
]
