"""Every rule of a new mapping, for MSK and for self-managed sources: what breaks it, and which field is
named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mesh_assets.esm.api_request import create_arguments
from mesh_assets.esm.errors import InvalidRequestError, Violation
from mesh_assets.esm.validation import create_violations, require_no_fault
from mesh_assets_tests.esm.botocore_model import request_problems
from mesh_assets_tests.esm.fake_aws import ACCOUNT, CLUSTER_ARN, REGION, SECRET_ARN
from mesh_assets_tests.esm.requests import (
    MSK,
    MSK_SCRAM,
    PROVISIONED,
    SELF_MANAGED,
    SELF_MANAGED_SECRET,
    VPC,
    create,
)

SECRET = SELF_MANAGED_SECRET
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}:registry/main"
CONFLUENT = "https://psrc-1.eu-central-1.aws.confluent.cloud"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
QUEUE = {name: value for name, value in SELF_MANAGED.items() if name != "starting_position"} | {
    "consumption_mode": "Queue"
}
YESTERDAY = datetime(2026, 1, 1, tzinfo=UTC)


def access(*kinds: str) -> list[dict[str, str]]:
    """One entry of each type, with the URI the type asks for."""
    uris = {
        "VPC_SUBNET": "subnet:subnet-0a1b",
        "VPC_SECURITY_GROUP": "security_group:sg-0a1b",
        "OAUTHBEARER_SCOPE": "kafka",
        "OAUTHBEARER_AUDIENCE": "kafka.example.com",
        "OAUTHBEARER_LOGICAL_CLUSTER": "lkc-1",
        "OAUTHBEARER_IDENTITY_POOL": "pool-1",
    }
    return [
        {"type": kind} if kind.startswith("IAM") else {"type": kind, "uri": uris.get(kind, SECRET)}
        for kind in kinds
    ]


def faults(base: dict[str, Any], **changes: Any) -> list[Violation]:
    return [
        violation for violation in create_violations(create(base, **changes)) if violation.severity == "fault"
    ]


def warnings(base: dict[str, Any], **changes: Any) -> list[Violation]:
    return [
        violation
        for violation in create_violations(create(base, **changes))
        if violation.severity == "warning"
    ]


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


@pytest.mark.parametrize(("base", "changes"), RIGHT)
def test_what_is_right_has_no_fault_and_is_right_for_botocore_too(
    base: dict[str, Any], changes: dict[str, Any]
) -> None:
    request = create(base, **changes)

    assert faults(base, **changes) == []
    assert request_problems("lambda", "CreateEventSourceMapping", create_arguments(request)) == []


SAC = "source_access_configurations"
OF_BOTH: list[tuple[dict[str, Any], str, str]] = [
    ({"target": "a b"}, "target", "neither a function's name"),
    (
        {"provisioned_mode": True, "schema_registry": {"uri": "https://me:hunter2@registry.example"}},
        "schema_registry.uri",
        "has a login in it (not shown)",
    ),
    ({"target": "x" * 65}, "target", "at most 64"),
    ({"target": f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"}, "target", "neither a function's name"),
    ({"kafka_topic": "a,b"}, "kafka_topic", "exactly one topic"),
    ({"kafka_topic": ".hidden"}, "kafka_topic", "not starting with a dot"),
    ({"kafka_topic": "or ders"}, "kafka_topic", "letters, digits"),
    ({"kafka_topic": "x" * 250}, "kafka_topic", "at most 249"),
    ({"batch_size": 0}, "batch_size", "1-10000"),
    ({"batch_size": 10_001}, "batch_size", "1-10000"),
    ({"max_batching_window": -1}, "max_batching_window", "0-300"),
    ({"max_batching_window": 301}, "max_batching_window", "0-300"),
    ({"starting_position": None}, "starting_position", "is missing"),
    ({"starting_position": "FOO"}, "starting_position", "not one of LATEST, TRIM_HORIZON, AT_TIMESTAMP"),
    ({"starting_position": "AT_TIMESTAMP"}, "starting_position_timestamp", "AT_TIMESTAMP needs it"),
    (
        {"starting_position_timestamp": YESTERDAY},
        "starting_position_timestamp",
        "goes with starting_position AT_TIMESTAMP only",
    ),
    (
        {
            "starting_position": "AT_TIMESTAMP",
            "starting_position_timestamp": datetime.now(UTC) + timedelta(days=365),
        },
        "starting_position_timestamp",
        "future",
    ),
    ({"retry_attempts": -2}, "retry_attempts", "-1 (until the record expires) to 10000"),
    ({"retry_attempts": 10_001}, "retry_attempts", "10000"),
    ({"max_record_age": 59}, "max_record_age", "60-604800"),
    ({"max_record_age": 0}, "max_record_age", "60-604800"),
    ({"max_record_age": 604_801}, "max_record_age", "60-604800"),
    ({"tumbling_window": 30}, "tumbling_window", "Kinesis and DynamoDB streams only"),
    ({"parallelization_factor": 2}, "parallelization_factor", "Kinesis and DynamoDB streams only"),
    ({"maximum_concurrency": 5}, "maximum_concurrency", "SQS only"),
    ({"on_success_destination": QUEUE_ARN}, "on_success_destination", "no on-success destination"),
    (
        {"on_failure_destination": "kafka://orders"},
        "on_failure_destination",
        "the topic that the mapping reads",
    ),
    ({"on_failure_destination": "kafka://"}, "on_failure_destination", "followed by a topic"),
    ({"on_failure_destination": "kafka://a b"}, "on_failure_destination", "followed by a topic"),
    ({"on_failure_destination": ""}, "on_failure_destination", "is empty"),
    ({"on_failure_destination": "dead"}, "on_failure_destination", "neither the ARN of an SQS queue"),
    (
        {"on_failure_destination": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"},
        "on_failure_destination",
        "neither the ARN of an SQS queue",
    ),
    ({"on_failure_destination": "arn:aws:s3:::bucket/key"}, "on_failure_destination", "is a bucket"),
    (
        {"on_failure_destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{'x' * 330}"},
        "on_failure_destination",
        "at most 350",
    ),
    ({"min_pollers": 0}, "min_pollers", "1-200"),
    ({"min_pollers": 201, "max_pollers": 300}, "min_pollers", "1-200"),
    ({"max_pollers": 2_001}, "max_pollers", "1-2000 for Kafka"),
    ({"max_pollers": 0}, "max_pollers", "1-2000"),
    ({"min_pollers": 3, "max_pollers": 2}, "min_pollers", "more than max_pollers"),
    ({"provisioned_mode": False, "min_pollers": 1}, "min_pollers", "provisioned_mode is false"),
    ({"poller_group": "team-a"}, "poller_group", "provisioned mode"),
    ({"provisioned_mode": True, "poller_group": "x" * 129}, "poller_group", "up to 128"),
    ({"provisioned_mode": True, "poller_group": "a b"}, "poller_group", "letters, digits"),
    ({"provisioned_mode": True, "poller_group": ""}, "poller_group", "an empty name"),
    ({"metrics": []}, "metrics", "is empty"),
    ({"metrics": ["Events"]}, "metrics", "not one of EventCount"),
    ({"metrics": ["EventCount", "EventCount"]}, "metrics", "2 times"),
    ({"log_level": "INFO"}, "log_level", "provisioned mode only"),
    ({"provisioned_mode": True, "log_level": "TRACE"}, "log_level", "not one of DEBUG, INFO, WARN"),
    ({"schema_registry": {"uri": GLUE}}, "schema_registry", "provisioned mode only"),
    (
        {
            "provisioned_mode": True,
            "schema_registry": {
                "uri": GLUE,
                "access_configurations": [{"type": "BASIC_AUTH", "uri": SECRET}],
            },
        },
        "schema_registry.access_configurations",
        "Glue registry takes none",
    ),
    (
        {"provisioned_mode": True, "schema_registry": {"uri": "main"}},
        "schema_registry.uri",
        "neither a Glue registry's ARN",
    ),
    (
        {"provisioned_mode": True, "schema_registry": {"uri": GLUE, "event_record_format": "AVRO"}},
        "schema_registry.event_record_format",
        "not one of JSON, SOURCE",
    ),
    (
        {"provisioned_mode": True, "schema_registry": {"uri": GLUE, "validate_attributes": ["BODY"]}},
        "schema_registry.validate_attributes",
        "not one of KEY, VALUE",
    ),
    (
        {
            "provisioned_mode": True,
            "schema_registry": {
                "uri": CONFLUENT,
                "access_configurations": [{"type": "BASIC_AUTH", "uri": "u:p"}],
            },
        },
        "schema_registry.access_configurations[0].uri",
        "is not an ARN",
    ),
    (
        {
            "provisioned_mode": True,
            "schema_registry": {
                "uri": CONFLUENT,
                "access_configurations": [{"type": "TOKEN", "uri": SECRET}],
            },
        },
        "schema_registry.access_configurations[0].type",
        "not one of BASIC_AUTH",
    ),
    ({"on_failure_destination": "kafka://orders-dead"}, "on_failure_destination", "in provisioned mode only"),
    (
        {"provisioned_mode": False, "on_failure_destination": "kafka://orders-dead"},
        "on_failure_destination",
        "in provisioned mode only",
    ),
    ({"provisioned_mode": True, "log_level": ""}, "log_level", "is empty"),
    ({"provisioned_mode": True, "schema_registry": {}}, "schema_registry.uri", "is missing"),
    (
        {
            "provisioned_mode": True,
            "schema_registry": {
                "uri": CONFLUENT,
                "access_configurations": [
                    {"type": "BASIC_AUTH", "uri": SECRET},
                    {"type": "CLIENT_CERTIFICATE_TLS_AUTH", "uri": SECRET},
                    {"type": "SERVER_ROOT_CA_CERTIFICATE", "uri": SECRET},
                ],
            },
        },
        "schema_registry.access_configurations",
        "at most 2",
    ),
    (
        {
            "provisioned_mode": True,
            "schema_registry": {
                "uri": CONFLUENT,
                "access_configurations": [{"type": "BASIC_AUTH", "uri": SECRET}] * 2,
            },
        },
        "schema_registry.access_configurations",
        "2 times",
    ),
    ({"filter_patterns": []}, "filter_patterns", "is empty"),
    ({"filter_patterns": ["{"]}, "filter_patterns[0]", "is not JSON"),
    ({"filter_patterns": ["[1]"]}, "filter_patterns[0]", "JSON object"),
    *[
        ({"filter_patterns": [text]}, "filter_patterns[0]", words)
        for text, words in (
            ('{"body": {"a": "x"}}', "is a text; the values of a field stand in a list"),
            ('{"value": {"a": 1}}', "is a number; the values"),
            ('{"value": {"a": true}}', "is true or false; the values"),
            ('{"value": null}', "is null; the values"),
            ("{}", "an object without a field"),
            ('{"value": {"a": ["x"], "b": {}}}', "an object without a field"),
            ('{"value": []}', "an empty list"),
            ('{"value": [["a"]]}', "a list within a list"),
            ('{"value": [{}]}', "an object with 0 names"),
            ('{"value": [{"prefix": "a", "suffix": "b"}]}', "an object with 2 names"),
            ('{"value": [{"status": ["failed"]}]}', '"status", which compares nothing'),
            ('{"value": [{"prefix": 1}]}', "prefix takes a text"),
            ('{"value": [{"suffix": ["a"]}]}', "suffix takes a text"),
            ('{"value": [{"equals-ignore-case": 1}]}', "equals-ignore-case takes a text"),
            ('{"value": [{"exists": "true"}]}', "exists takes true or false"),
            ('{"value": [{"numeric": 5}]}', "numeric takes a list"),
            ('{"value": [{"numeric": ["=", "5"]}]}', "numeric takes a list"),
            ('{"value": [{"numeric": ["=", true]}]}', "numeric takes a list"),
            ('{"value": [{"numeric": [">", 5, "<", 1]}]}', "numeric takes a list"),
            ('{"value": [{"numeric": ["<", 5, ">", 1]}]}', "numeric takes a list"),
            ('{"value": [{"numeric": [">", 1, "<", 5, "<", 9]}]}', "numeric takes a list"),
            ('{"value": [{"anything-but": []}]}', "anything-but takes"),
            ('{"value": [{"anything-but": ["a", 1]}]}', "anything-but takes"),
            ('{"value": [{"anything-but": null}]}', "anything-but takes"),
            ('{"value": [{"anything-but": {"exists": true}}]}', "anything-but takes"),
            ('{"$or": [{"value": ["a"]}]}', "two or more objects"),
            ('{"value": {"$or": ["a", "b"]}}', "two or more objects"),
            ('{"$or": {"value": ["a"]}}', "two or more objects"),
            ('{"$or": [{"value": ["a"]}, {"value": "b"}]}', "is a text; the values"),
            ('{"value": [NaN]}', "no value of JSON"),
            ("[" * 4_000, "nested deeper"),
        )
    ],
    ({"filter_patterns": ['{"value": [1]}'] * 11}, "filter_patterns", "at most 10 filters"),
    ({"filter_patterns": ['{"value": ["' + "x" * 4_096 + '"]}']}, "filter_patterns[0]", "at most 4096"),
    ({"filter_kms_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"}, "filter_kms_key_arn", "there are none"),
    (
        {"filter_kms_key_arn": "key", "filter_patterns": ['{"value": [1]}']},
        "filter_kms_key_arn",
        "not the ARN of a KMS key",
    ),
    ({"kafka_consumer_group_id": ""}, "kafka_consumer_group_id", "1-200 characters"),
    ({"kafka_consumer_group_id": "x" * 201}, "kafka_consumer_group_id", "1-200 characters"),
    ({"kafka_consumer_group_id": "a#b"}, "kafka_consumer_group_id", "1-200 characters"),
    ({"tags": {"aws:x": "1"}}, "tags", "reserved for AWS"),
    ({"tags": {"x" * 129: "1"}}, "tags", "1-128"),
    ({"tags": {"a;b": "1"}}, "tags", "letters, digits"),
    ({"tags": {str(n): "" for n in range(51)}}, "tags", "at most 50"),
    ({SAC: access("VIRTUAL_HOST")}, f"{SAC}[0].type", ""),
    ({SAC: access("KERBEROS")}, f"{SAC}[0].type", "source takes"),
    ({SAC: [{"type": "CLIENT_CERTIFICATE_TLS_AUTH"}]}, f"{SAC}[0].uri", "is missing"),
    ({SAC: [{"type": "CLIENT_CERTIFICATE_TLS_AUTH", "uri": "hunter2"}]}, f"{SAC}[0].uri", "not shown"),
    ({SAC: [{"type": "CLIENT_CERTIFICATE_TLS_AUTH", "uri": QUEUE_ARN}]}, f"{SAC}[0].uri", "not of a secret"),
    (
        {SAC: [{"type": "CLIENT_CERTIFICATE_TLS_AUTH", "uri": SECRET + "x" * 200}]},
        f"{SAC}[0].uri",
        "at most 200",
    ),
    ({SAC: access("CLIENT_CERTIFICATE_TLS_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH")}, SAC, "2 times"),
    ({SAC: access(*["CLIENT_CERTIFICATE_TLS_AUTH"] * 24)}, SAC, "at most 23"),
]

OF_MSK: list[tuple[dict[str, Any], str, str]] = [
    ({"event_source_arn": "orders"}, "event_source_arn", "is not an ARN"),
    ({"event_source_arn": QUEUE_ARN}, "event_source_arn", "an ARN of sqs"),
    (
        {"event_source_arn": f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/orders"},
        "event_source_arn",
        "ends in cluster/NAME/UUID",
    ),
    ({"event_source_arn": None}, "event_source_arn, kafka_bootstrap_servers", "neither is given"),
    ({"consumption_mode": "Stream"}, "consumption_mode", "only self-managed sources do"),
    ({SAC: access("SASL_SCRAM_256_AUTH")}, f"{SAC}[0].type", "SHA-512 only"),
    ({SAC: access("BASIC_AUTH")}, f"{SAC}[0].type", "an MSK source takes"),
    ({SAC: access("VPC_SUBNET")}, f"{SAC}[0].type", "from the cluster"),
    ({SAC: access("IAM_AUTH")}, f"{SAC}[0].type", "when there is no secret"),
    ({SAC: access("OAUTHBEARER_AUTH")}, f"{SAC}[0].type", "an MSK source takes"),
    ({SAC: access("SERVER_ROOT_CA_CERTIFICATE")}, f"{SAC}[0].type", "an MSK source takes"),
    ({SAC: access("SASL_SCRAM_512_AUTH")}, f"{SAC}[0].uri", "starts with AmazonMSK_"),
    (
        {SAC: [{"type": "SASL_SCRAM_512_AUTH", "uri": SECRET_ARN.replace(REGION, "eu-west-1")}]},
        f"{SAC}[0].uri",
        "in the cluster's account and region",
    ),
    (
        {SAC: [{"type": "SASL_SCRAM_512_AUTH", "uri": SECRET_ARN.replace(ACCOUNT, "999999999999")}]},
        f"{SAC}[0].uri",
        "in the cluster's account and region",
    ),
]

OF_SELF_MANAGED: list[tuple[dict[str, Any], str, str]] = [
    ({"kafka_bootstrap_servers": []}, "event_source_arn, kafka_bootstrap_servers", "neither is given"),
    ({"kafka_bootstrap_servers": ["b1"]}, "kafka_bootstrap_servers", "host:port"),
    ({"kafka_bootstrap_servers": ["SASL_SSL://b1:9092"]}, "kafka_bootstrap_servers", "without a scheme"),
    ({"kafka_bootstrap_servers": ["b1:99999"]}, "kafka_bootstrap_servers", "1-65535"),
    ({"kafka_bootstrap_servers": ["b1:0"]}, "kafka_bootstrap_servers", "1-65535"),
    ({"kafka_bootstrap_servers": ["b1:9092", "b1:9092"]}, "kafka_bootstrap_servers", "2 times"),
    ({"kafka_bootstrap_servers": [f"b{n}:9092" for n in range(11)]}, "kafka_bootstrap_servers", "at most 10"),
    ({"kafka_bootstrap_servers": [f"{'x' * 300}:9092"]}, "kafka_bootstrap_servers", "at most 300"),
    ({"consumption_mode": "Share"}, "consumption_mode", "not one of Stream, Queue"),
    ({"consumption_mode": "Queue"}, "starting_position", "has no starting position"),
    ({"consumption_mode": "Queue", "max_batching_window": 5}, "max_batching_window", "no batching window"),
    ({"consumption_mode": "Queue", "retry_attempts": -1}, "retry_attempts", "endlessly"),
    ({SAC: []}, SAC, "must authenticate"),
    ({SAC: access("SERVER_ROOT_CA_CERTIFICATE")}, SAC, "must authenticate"),
    ({SAC: access("VPC_SUBNET", "BASIC_AUTH")}, SAC, "go together"),
    ({SAC: access("VPC_SECURITY_GROUP", "BASIC_AUTH")}, SAC, "go together"),
    ({SAC: [*VPC, VPC[0]]}, SAC, "2 times"),
    ({SAC: [{"type": "VPC_SUBNET", "uri": "vpc-1"}, VPC[1]]}, f"{SAC}[0].uri", "subnet:subnet-"),
    ({SAC: [VPC[0], {"type": "VPC_SECURITY_GROUP", "uri": "web"}]}, f"{SAC}[1].uri", "security_group:sg-"),
    ({SAC: [VPC[0], {"type": "VPC_SECURITY_GROUP"}]}, f"{SAC}[1].uri", "needs one"),
    ({SAC: access("BASIC_AUTH", "OAUTHBEARER_SCOPE")}, SAC, "goes with OAUTHBEARER_AUTH only"),
    ({SAC: access("BASIC_AUTH", "OAUTHBEARER_LOGICAL_CLUSTER")}, SAC, "goes with OAUTHBEARER_AUTH only"),
    ({SAC: access("BASIC_AUTH", "OAUTHBEARER_IDENTITY_POOL")}, SAC, "goes with OAUTHBEARER_AUTH only"),
    (
        {SAC: access("BASIC_AUTH", "OAUTHBEARER_AUDIENCE")},
        SAC,
        "goes with OAUTHBEARER_AUTH or IAM_OAUTHBEARER_AUTH",
    ),
    ({SAC: access("IAM_OAUTHBEARER_AUTH")}, SAC, "needs OAUTHBEARER_AUDIENCE"),
    (
        {SAC: access("IAM_OAUTHBEARER_AUTH", "OAUTHBEARER_AUDIENCE", "OAUTHBEARER_AUTH")},
        SAC,
        "cannot go with",
    ),
    (
        {SAC: access("IAM_OAUTHBEARER_AUTH", "OAUTHBEARER_AUDIENCE", "OAUTHBEARER_SCOPE")},
        SAC,
        "cannot go with",
    ),
    ({SAC: [{"type": "IAM_AUTH", "uri": "x"}]}, f"{SAC}[0].uri", "takes no URI"),
    (
        {SAC: [*access("OAUTHBEARER_AUTH"), {"type": "OAUTHBEARER_SCOPE", "uri": "a\nb"}]},
        f"{SAC}[1].uri",
        "at most 200 characters of",
    ),
]

TABLE = [
    *((MSK, *row) for row in OF_BOTH),
    *((SELF_MANAGED, *row) for row in OF_BOTH),
    *((MSK, *row) for row in OF_MSK),
    *((SELF_MANAGED, *row) for row in OF_SELF_MANAGED),
]


@pytest.mark.parametrize(("base", "changes", "field", "words"), TABLE)
def test_a_broken_rule_is_a_fault_that_names_the_field_and_what_to_do(
    base: dict[str, Any], changes: dict[str, Any], field: str, words: str
) -> None:
    found = faults(base, **changes)

    assert any(violation.field == field and words in violation.rule for violation in found), [
        str(violation) for violation in found
    ]
    assert all(violation.action for violation in found)
    assert "hunter2" not in str(found)


def test_both_sources_given_says_which_argument_to_leave_out() -> None:
    [found] = faults(MSK, kafka_bootstrap_servers=["b1:9092"])

    assert found.field == "event_source_arn, kafka_bootstrap_servers"
    assert found.action == (
        "leave out kafka_bootstrap_servers for the MSK cluster, or event_source_arn for the self-managed one"
    )


def test_an_empty_value_is_shown_as_one() -> None:
    [found] = faults(MSK, kafka_topic="")
    assert str(found).startswith("kafka_topic = '': Lambda takes")


def test_all_faults_come_at_once() -> None:
    asked = create(MSK, batch_size=0, max_record_age=5, tumbling_window=1, kafka_topic=".x", log_level="LOUD")

    with pytest.raises(InvalidRequestError) as caught:
        require_no_fault(create_violations(asked))

    assert {violation.field for violation in caught.value.violations} == {
        "batch_size",
        "max_record_age",
        "tumbling_window",
        "kafka_topic",
        "log_level",
    }
    assert str(caught.value).startswith("the request has 6 faults; nothing was done\n  kafka_topic = .x: ")


@pytest.mark.parametrize(
    ("base", "changes", "field", "words"),
    [
        (MSK, {"kafka_consumer_group_id": None}, "kafka_consumer_group_id", "the mapping's UUID"),
        (
            MSK,
            {},
            "starting_position",
            "offsets that group orders-handler has already committed take precedence",
        ),
        (MSK, {"max_batching_window": 5}, "max_batching_window", "cannot return to the default of 500 ms"),
        (MSK, {"on_failure_destination": QUEUE_ARN}, "on_failure_destination", "makes 10 attempts"),
        (MSK, {"retry_attempts": 2}, "retry_attempts", "provisioned mode only"),
        (MSK, {"metrics": ["EventCount"]}, "metrics", "without it they may never come"),
        (QUEUE, {}, "consumption_mode", "Kafka 4.2 or later"),
        (MSK, {"filter_patterns": ['{"value": [1]}'] * 6}, "filter_patterns", "5 filters"),
        (MSK, {"filter_patterns": [{"body": {"a": ["x"]}}]}, "filter_patterns[0]", "by their value only"),
        (
            MSK,
            {"filter_patterns": [{"$or": [{"key": ["x"]}, {"value": ["x"]}]}]},
            "filter_patterns[0]",
            "by their value only",
        ),
        (
            MSK,
            {"filter_patterns": [{"value": {"a": [{"wildcard": "a*b"}]}}]},
            "filter_patterns[0]",
            "guide does not list",
        ),
        (
            MSK,
            {"filter_patterns": [{"value": {"a": [{"numeric": ["=", 6e9]}]}}]},
            "filter_patterns[0]",
            "from -5e9 to 5e9",
        ),
        (
            MSK_SCRAM,
            {SAC: [*MSK_SCRAM[SAC], *access("CLIENT_CERTIFICATE_TLS_AUTH")]},
            SAC,
            "uses the certificate",
        ),
        (SELF_MANAGED, {SAC: access("BASIC_AUTH", "SASL_SCRAM_512_AUTH")}, SAC, "authenticates in one way"),
        (
            PROVISIONED,
            {"schema_registry": {"uri": CONFLUENT}},
            "schema_registry.access_configurations",
            "asks for credentials",
        ),
    ],
)
def test_what_is_allowed_but_surprising_is_a_warning(
    base: dict[str, Any], changes: dict[str, Any], field: str, words: str
) -> None:
    assert any(
        violation.field == field and words in violation.rule for violation in warnings(base, **changes)
    )


@pytest.mark.parametrize(
    "destination", [QUEUE_ARN, f"arn:aws:sns:{REGION}:{ACCOUNT}:dead", "arn:aws:s3:::dead-letters"]
)
def test_a_queue_a_topic_of_sns_and_a_bucket_need_no_provisioned_mode(destination: str) -> None:
    said = [str(violation) for violation in warnings(MSK, on_failure_destination=destination)]

    assert [text for text in said if "provisioned" in text] == []


def test_with_provisioned_mode_nothing_is_said_of_it() -> None:
    found = create_violations(
        create(PROVISIONED, metrics=["EventCount"], retry_attempts=2, on_failure_destination="kafka://dead")
    )

    assert [str(violation) for violation in found if "provisioned" in str(violation)] == []


def test_provisioned_mode_has_its_defaults_when_it_is_asked_for() -> None:
    def pollers(**changes: Any) -> Any:
        return create_arguments(create(MSK, **changes)).get("ProvisionedPollerConfig")

    assert pollers() is None
    assert pollers(provisioned_mode=True) == {"MinimumPollers": 1, "MaximumPollers": 2}
    assert pollers(min_pollers=5) == {"MinimumPollers": 5, "MaximumPollers": 5}
    assert pollers(max_pollers=9) == {"MinimumPollers": 1, "MaximumPollers": 9}


def test_the_group_is_in_the_sources_own_config() -> None:
    assert create_arguments(create(MSK))["AmazonManagedKafkaEventSourceConfig"] == {
        "ConsumerGroupId": "orders-handler"
    }
    assert create_arguments(create(SELF_MANAGED))["SelfManagedKafkaEventSourceConfig"] == {
        "ConsumerGroupId": "orders-handler"
    }


def test_a_limit_that_only_the_model_knows_is_a_fault_as_well() -> None:
    """As if a newer botocore allowed fewer records: our own rule lets 10,000 pass."""
    from mesh_assets.esm.validation import check

    check._input_shape("CreateEventSourceMapping").members["BatchSize"].metadata["max"] = 5_000
    try:
        [found] = faults(MSK, batch_size=6_000)
    finally:
        check._input_shape.cache_clear()
    assert (found.field, found.rule) == ("batch_size", "Lambda's API takes 1-5000")
