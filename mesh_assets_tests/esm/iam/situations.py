"""The situations whose reviewed policies are in `policies/`, each planned from its request in its own AWS.

`python -m mesh_assets_tests.esm.iam.situations` rewrites the files; review the changes before committing them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mesh_assets.esm.request import CreateRequest
from mesh_assets.esm.service import MappingService
from mesh_assets_tests.esm.fake_aws import (
    ACCOUNT,
    BUCKET_ARN,
    CLUSTER_ARN,
    DESTINATION_TOPIC_ARN,
    KEY_ARN,
    QUEUE_ARN,
    REGION,
    SECRET_ARN,
    FakeAws,
    function_arn,
    refusal,
)
from mesh_assets_tests.esm.requests import MSK, MSK_SCRAM, PROVISIONED, SELF_MANAGED, VPC, create

FOLDER = Path(__file__).parent / "policies"
OWNER = "999999999999"
TARGET_ARN = CLUSTER_ARN.replace(ACCOUNT, OWNER)
CONNECTION_ARN = f"arn:aws:kafka:{REGION}:{ACCOUNT}:vpc-connection/{OWNER}/orders/c0nn-7"
OWNERS_SECRET = SECRET_ARN.replace(ACCOUNT, OWNER)
OWNERS_KEY = KEY_ARN.replace(ACCOUNT, OWNER)
SERVERLESS_ARN = CLUSTER_ARN.replace("3a-7", "3a-s1")
REGISTRY_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:registry-AbCdEf"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}:registry/main"
CONFLUENT: dict[str, Any] = {
    "uri": "https://psrc-1.eu-central-1.aws.confluent.cloud",
    "access_configurations": [{"type": "BASIC_AUTH", "uri": REGISTRY_SECRET}],
}
ALIAS = "alias/kafka"
QUEUE: dict[str, Any] = {"consumption_mode": "Queue", "starting_position": None}
PARTITIONS = {"aws": "eu-central-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

Situation = tuple[dict[str, Any], dict[str, Any], Callable[[FakeAws], None]]
"""A request, its changes, and what differs in its AWS."""


def _secret(name: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"


def _access(*entries: tuple[str, str | None], vpc: bool = False) -> dict[str, Any]:
    own = [{"type": kind, **({} if uri is None else {"uri": uri})} for kind, uri in entries]
    return {"source_access_configurations": [*(VPC if vpc else []), *own]}


def _as_it_is(aws: FakeAws) -> None:
    pass


def _alias_of_the_secret(aws: FakeAws) -> None:
    aws.secrets[SECRET_ARN] = ALIAS
    aws.aliases[ALIAS] = KEY_ARN


def _without_iam(aws: FakeAws) -> None:
    aws.clusters[CLUSTER_ARN] = False


def _serverless(aws: FakeAws) -> None:
    aws.clusters[SERVERLESS_ARN] = True


def _connected(login: str) -> Callable[[FakeAws], None]:
    def change(aws: FakeAws) -> None:
        aws.connections[CONNECTION_ARN] = (TARGET_ARN, login)
        aws.secrets |= {OWNERS_SECRET: OWNERS_KEY, SECRET_ARN: None}

    return change


def _unreadable_connection(aws: FakeAws) -> None:
    aws.failing["kafka.describe_vpc_connection"] = [refusal("AccessDeniedException", status=403)] * 9


def _own_log_group(aws: FakeAws) -> None:
    aws.log_groups["orders-handler"] = "/teams/orders"


def _deep_role(aws: FakeAws) -> None:
    aws.functions["orders-handler"] = f"arn:aws:iam::{ACCOUNT}:role/teams/orders/deep-role"
    aws.roles["deep-role"] = {}


def _destination_key(arn: str, key: str) -> Callable[[FakeAws], None]:
    def change(aws: FakeAws) -> None:
        aws.destinations[arn] = key
        aws.aliases |= {ALIAS: KEY_ARN, f"arn:aws:kms:{REGION}:{ACCOUNT}:{ALIAS}": KEY_ARN}

    return change


def _msk() -> dict[str, Situation]:
    by_connection = {"event_source_arn": CONNECTION_ARN}
    scram = "SASL_SCRAM_512_AUTH"
    return {
        "IAM": (MSK, {}, _as_it_is),
        "IAM, without a group": (MSK, {"kafka_consumer_group_id": None}, _as_it_is),
        "SCRAM, the secret under a customer key": (MSK_SCRAM, {}, _as_it_is),
        "SCRAM, the key named by an alias": (MSK_SCRAM, {}, _alias_of_the_secret),
        "mTLS": (MSK, _access(("CLIENT_CERTIFICATE_TLS_AUTH", _secret("client"))), _as_it_is),
        "serverless": (MSK, {"event_source_arn": SERVERLESS_ARN}, _serverless),
        "a cluster without IAM": (MSK, {}, _without_iam),
        "another account, IAM": (MSK, by_connection, _connected("SASL_IAM")),
        "another account, IAM, a connection that may not be read": (
            MSK,
            by_connection,
            _unreadable_connection,
        ),
        "another account, SCRAM by a copy of the secret": (
            MSK_SCRAM,
            by_connection,
            _connected("SASL_SCRAM"),
        ),
        "another account, SCRAM by the cluster's own secret": (
            MSK,
            {**by_connection, **_access((scram, OWNERS_SECRET))},
            _connected("SASL_SCRAM"),
        ),
        "IAM, Glue registry": (PROVISIONED, {"schema_registry": {"uri": GLUE}}, _as_it_is),
        "IAM, Confluent registry with a secret": (PROVISIONED, {"schema_registry": CONFLUENT}, _as_it_is),
        "SCRAM, Confluent registry with a secret": (
            MSK_SCRAM,
            {"provisioned_mode": True, "schema_registry": CONFLUENT},
            _as_it_is,
        ),
        "an alias of the function": (MSK, {"target": f"{function_arn('orders-handler')}:live"}, _as_it_is),
        "a version of the function": (MSK, {"target": f"{function_arn('orders-handler')}:7"}, _as_it_is),
        "a role with a path": (MSK, {}, _deep_role),
        "a log group of the function's own": (MSK, {}, _own_log_group),
    }


def _self_managed() -> dict[str, Situation]:
    ca = ("SERVER_ROOT_CA_CERTIFICATE", _secret("ca"))
    return {
        "in a VPC, without authentication": (SELF_MANAGED, _access(vpc=True), _as_it_is),
        "BASIC_AUTH over the internet": (SELF_MANAGED, _access(("BASIC_AUTH", _secret("plain"))), _as_it_is),
        "SASL_SCRAM_256_AUTH": (SELF_MANAGED, {}, _as_it_is),
        "SASL_SCRAM_512_AUTH, the secret under a customer key": (
            SELF_MANAGED,
            _access(("SASL_SCRAM_512_AUTH", SECRET_ARN), vpc=True),
            _as_it_is,
        ),
        "CLIENT_CERTIFICATE_TLS_AUTH, with the servers' CA": (
            SELF_MANAGED,
            _access(("CLIENT_CERTIFICATE_TLS_AUTH", _secret("client")), ca, vpc=True),
            _as_it_is,
        ),
        "OAUTHBEARER_AUTH": (SELF_MANAGED, _access(("OAUTHBEARER_AUTH", _secret("oauth"))), _as_it_is),
        "IAM_AUTH": (SELF_MANAGED, _access(("IAM_AUTH", None), vpc=True), _as_it_is),
        "IAM_AUTH, with the servers' CA, failed records to a topic": (
            SELF_MANAGED,
            {
                **_access(("IAM_AUTH", None), ca, vpc=True),
                "provisioned_mode": True,
                "on_failure_destination": "kafka://orders-dead",
            },
            _as_it_is,
        ),
        # A share group needs READ and DESCRIBE on the group and READ on the topic (KIP-932), in MSK AlterGroup, DescribeGroup
        # and ReadData: https://docs.aws.amazon.com/msk/latest/developerguide/kafka-actions.html
        "queue mode, IAM_AUTH": (SELF_MANAGED, {**QUEUE, **_access(("IAM_AUTH", None), vpc=True)}, _as_it_is),
        "queue mode, IAM_AUTH, without a group": (
            SELF_MANAGED,
            {**QUEUE, **_access(("IAM_AUTH", None), vpc=True), "kafka_consumer_group_id": None},
            _as_it_is,
        ),
        "queue mode, SASL_SCRAM_512_AUTH, failed records to a queue": (
            SELF_MANAGED,
            {
                **QUEUE,
                **_access(("SASL_SCRAM_512_AUTH", SECRET_ARN), vpc=True),
                "on_failure_destination": QUEUE_ARN,
            },
            _as_it_is,
        ),
        "IAM_OAUTHBEARER_AUTH": (
            SELF_MANAGED,
            _access(("IAM_OAUTHBEARER_AUTH", None), ("OAUTHBEARER_AUDIENCE", "kafka-cluster"), ca),
            _as_it_is,
        ),
        "Glue registry": (
            SELF_MANAGED,
            {"provisioned_mode": True, "schema_registry": {"uri": GLUE}},
            _as_it_is,
        ),
        "Confluent registry with a secret": (
            SELF_MANAGED,
            {"provisioned_mode": True, "schema_registry": CONFLUENT},
            _as_it_is,
        ),
    }


def _destinations() -> dict[str, Situation]:
    found: dict[str, Situation] = {}
    for name, arn in (("SQS", QUEUE_ARN), ("SNS", DESTINATION_TOPIC_ARN), ("S3", BUCKET_ARN)):
        to = {"on_failure_destination": arn}
        found |= {
            name: (MSK, to, _as_it_is),
            f"{name} under AWS' own key": (MSK, to, _destination_key(arn, f"alias/aws/{name.lower()}")),
            f"{name} under a customer key": (MSK, to, _destination_key(arn, KEY_ARN)),
            f"{name} under a key named by an alias": (MSK, to, _destination_key(arn, ALIAS)),
            f"{name} under a key of another account": (MSK, to, _destination_key(arn, OWNERS_KEY)),
        }
    kafka = {"on_failure_destination": "kafka://orders-dead"}
    return {
        **found,
        "a topic, by IAM": (PROVISIONED, kafka, _as_it_is),
        "a topic, by SCRAM": (MSK_SCRAM, {**kafka, "provisioned_mode": True}, _as_it_is),
    }


SITUATIONS = {"msk": _msk(), "self_managed": _self_managed(), "destinations": _destinations()}


def planned(situation: Situation) -> dict[str, Any]:
    """The policy for a role that has none."""
    _, service, request = planned_service(situation)
    return _policy(service, request)


def planned_service(
    situation: Situation, *, aws: FakeAws | None = None
) -> tuple[FakeAws, MappingService, CreateRequest]:
    """The AWS of the situation, the service over it, and the request."""
    base, changes, change = situation
    aws = aws or _aws()
    change(aws)
    request = {name: value for name, value in {**base, **changes}.items() if value is not None}
    return aws, _service(aws), create(request)


def planned_in(partition: str) -> dict[str, Any]:
    """The same mapping in each partition: MSK, a secret, a registry, a queue under a key."""
    region = PARTITIONS[partition]

    def there(arn: str) -> str:
        return arn.replace("arn:aws:", f"arn:{partition}:").replace(REGION, region)

    aws = _aws(partition=partition, region=region)
    aws.functions["orders-handler"] = there(aws.functions["orders-handler"])
    aws.clusters[there(CLUSTER_ARN)] = True
    aws.secrets |= {there(REGISTRY_SECRET): there(KEY_ARN)}
    aws.destinations[there(QUEUE_ARN)] = there(KEY_ARN)
    registry = {**CONFLUENT, "access_configurations": [{"type": "BASIC_AUTH", "uri": there(REGISTRY_SECRET)}]}
    request = create(
        PROVISIONED,
        event_source_arn=there(CLUSTER_ARN),
        schema_registry=registry,
        on_failure_destination=there(QUEUE_ARN),
    )
    return _policy(_service(aws), request)


def _aws(**where: str) -> FakeAws:
    aws = FakeAws(**where)
    aws.secrets |= dict.fromkeys(map(_secret, ("client", "ca", "plain", "oauth")))
    aws.secrets |= {REGISTRY_SECRET: None, SELF_MANAGED["source_access_configurations"][-1]["uri"]: None}
    return aws


def _service(aws: FakeAws) -> MappingService:
    return MappingService(aws.account(), lookup_topic=lambda *_: 3, sleep=lambda _: None)


def _policy(service: MappingService, request: CreateRequest) -> dict[str, Any]:
    rights = service.plan_create(request).permissions
    assert rights is not None
    assert rights.change is not None, rights
    return dict(rights.change.document)


def texts() -> dict[str, str]:
    """The content of every file, a statement per line."""
    policies = {
        kind: {name: planned(situation) for name, situation in situations.items()}
        for kind, situations in SITUATIONS.items()
    }
    policies["partitions"] = {partition: planned_in(partition) for partition in PARTITIONS}
    return {f"{kind}.json": _text(found) for kind, found in policies.items()}


def _text(policies: dict[str, dict[str, Any]]) -> str:
    blocks = []
    for name, policy in policies.items():
        statements = ",\n".join(f"      {json.dumps(statement)}" for statement in policy["Statement"])
        blocks.append(
            f'  {json.dumps(name)}: {{\n    "Version": "{policy["Version"]}",\n    "Statement": [\n{statements}\n    ]\n  }}'
        )
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, content in texts().items():
        (FOLDER / file).write_text(content, encoding="utf-8")
