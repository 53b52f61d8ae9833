"""Exactly the rights that a mapping needs its function's role to have.

`*` is the whole resource only for the EC2 network actions, which AWS cannot scope to what does not exist yet,
for kafka:GetBootstrapBrokers, for which AWS' service authorization reference names no resource (an ARN would
grant nothing), and for sts:GetWebIdentityToken, which a condition limits to the audience. A `*` ends a name
only where others create the names below it: log streams, a registry's schemas, a bucket's objects. It replaces a
cluster's name and UUID where they are unknown (`Wiring.cluster`).
"""

from collections.abc import Iterator

from mesh_assets.esm.arns import MskCluster, arn_in
from mesh_assets.esm.iam.policy import Statement
from mesh_assets.esm.iam.wiring import Wiring
from mesh_assets.esm.validation.records import KAFKA_DESTINATION
from mesh_assets.esm.validation.source_access import SCRAM_512

NETWORK_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVpcs",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
)

UNSCOPED_MSK_ACTION = "kafka:GetBootstrapBrokers"
UNSCOPED_TOKEN_ACTION = "sts:GetWebIdentityToken"

AUDIENCE_KEY = "sts:IdentityTokenAudience"


def needed_statements(wiring: Wiring) -> tuple[Statement, ...]:
    """All rights, one statement for each kind.

    Without a group the group's rights are left out: its name is not known yet.
    """
    return tuple(_statements(wiring))


def _statements(wiring: Wiring) -> Iterator[Statement]:
    cluster = wiring.cluster
    if cluster is not None and wiring.cluster_arn is not None:
        yield from _msk(wiring.cluster_arn, cluster, scram=SCRAM_512 in wiring.access)
    if cluster is not None and wiring.uses_iam_authentication:
        yield from _kafka(wiring, cluster)
    if wiring.web_identity_audience is not None:
        yield Statement(
            sid="WebIdentityToken",
            actions=(UNSCOPED_TOKEN_ACTION,),
            resources=("*",),
            condition={"ForAnyValue:StringEquals": {AUDIENCE_KEY: [wiring.web_identity_audience]}},
        )
    if wiring.uses_vpc:
        yield Statement(sid="NetworkOfThePollers", actions=NETWORK_ACTIONS, resources=("*",))
    yield from _logs(wiring)
    if wiring.secrets:
        yield Statement(sid="Secrets", actions=("secretsmanager:GetSecretValue",), resources=wiring.secrets)
    if wiring.keys:
        yield Statement(sid="KeysOfTheSecrets", actions=("kms:Decrypt",), resources=wiring.keys)
    if wiring.glue_registry_arn is not None:
        schemas = wiring.glue_registry_arn.replace(":registry/", ":schema/", 1) + "/*"
        yield Statement(sid="Registry", actions=("glue:GetRegistry",), resources=(wiring.glue_registry_arn,))
        yield Statement(
            sid="Schemas", actions=("glue:GetSchemaVersion",), resources=(wiring.glue_registry_arn, schemas)
        )
    if wiring.on_failure_destination is not None:
        yield from _destination(wiring, wiring.on_failure_destination)


def _msk(arn: str, cluster: MskCluster, *, scram: bool) -> Iterator[Statement]:
    """What Lambda asks MSK itself for; with a SCRAM secret, whether it is one of the cluster's ("Access your SCRAM secret", Lambda's
    guide, with-msk-permissions)."""
    yield Statement(sid="Cluster", actions=("kafka:DescribeClusterV2",), resources=(cluster.cluster_arn,))
    yield Statement(sid="BootstrapBrokers", actions=(UNSCOPED_MSK_ACTION,), resources=("*",))
    if scram:
        yield Statement(
            sid="ScramSecrets", actions=("kafka:ListScramSecrets",), resources=(cluster.cluster_arn,)
        )
    if ":vpc-connection/" in arn:
        yield Statement(sid="VpcConnection", actions=("kafka:DescribeVpcConnection",), resources=(arn,))


def _kafka(wiring: Wiring, cluster: MskCluster) -> Iterator[Statement]:
    """What a role that logs in by IAM needs in Kafka."""
    yield Statement(
        sid="Connect",
        actions=("kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"),
        resources=(cluster.cluster_arn,),
    )
    yield Statement(
        sid="ReadTopic",
        actions=("kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"),
        resources=(cluster.topic_arn(wiring.topic),),
    )
    if wiring.group is not None:
        yield Statement(
            sid="ConsumerGroup",
            actions=("kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"),
            resources=(cluster.group_arn(wiring.group),),
        )


def _logs(wiring: Wiring) -> Iterator[Statement]:
    name = wiring.log_group or f"/aws/lambda/{wiring.function_name}"
    group = f"arn:{wiring.partition}:logs:{wiring.region}:{wiring.account_id}:log-group:{name}"
    yield Statement(
        sid="LogGroup",
        actions=("logs:CreateLogGroup", "logs:CreateLogStream"),
        resources=(group, f"{group}:*"),
    )
    yield Statement(sid="LogEvents", actions=("logs:PutLogEvents",), resources=(f"{group}:log-stream:*",))


def _destination(wiring: Wiring, destination: str) -> Iterator[Statement]:
    if destination.startswith(KAFKA_DESTINATION):
        cluster = wiring.cluster
        if (
            cluster is not None and wiring.uses_iam_authentication
        ):  # otherwise the rights of the secret's user count
            topic = cluster.topic_arn(destination.removeprefix(KAFKA_DESTINATION))
            yield Statement(
                sid="WriteFailedRecords",
                actions=("kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"),
                resources=(topic,),
            )
        return
    arn = arn_in(destination)
    service = None if arn is None else arn.service
    match service:
        case "sqs":
            yield Statement(sid="FailedBatches", actions=("sqs:SendMessage",), resources=(destination,))
        case "sns":
            yield Statement(sid="FailedBatches", actions=("sns:Publish",), resources=(destination,))
        case "s3":
            yield Statement(sid="FailedBatches", actions=("s3:PutObject",), resources=(f"{destination}/*",))
            yield Statement(sid="FailedBatchesBucket", actions=("s3:ListBucket",), resources=(destination,))
    if wiring.destination_key is not None:
        actions = ["kms:GenerateDataKey"]
        if service in ("sqs", "sns"):
            actions.append("kms:Decrypt")
            key = arn_in(wiring.destination_key)
            if key is not None and key.account != wiring.account_id:
                # Lambda's guide also names these for another account's key; ReEncrypt is a pair in IAM.
                actions += ["kms:DescribeKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
        yield Statement(
            sid="KeyOfTheDestination", actions=tuple(actions), resources=(wiring.destination_key,)
        )
