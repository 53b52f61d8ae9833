"""In front of ministack: it answers its own routes and forwards everything else, through boto3."""

import json

import pytest
from botocore.exceptions import ClientError

from mesh_assets_tests.an_aws_account import AwsAccount
from mesh_assets_tests.esm.botocore_model import answer_problems

pytestmark = pytest.mark.sandbox
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambdaMSKExecutionRole"


def test_msk_clusters_have_real_looking_arns_in_both_versions_of_the_api(account: AwsAccount) -> None:
    kafka = account.client("kafka")
    arn = account.cluster(Sasl={"Scram": {"Enabled": True}, "Iam": {"Enabled": True}})

    v1, v2 = kafka.describe_cluster(ClusterArn=arn), kafka.describe_cluster_v2(ClusterArn=arn)
    brokers = kafka.get_bootstrap_brokers(ClusterArn=arn)

    assert arn.startswith(f"arn:aws:kafka:us-east-1:{account.id}:cluster/orders-")
    assert len(arn.rpartition("/")[2]) == 38  # a UUID, and -1
    assert v1["ClusterInfo"]["ClusterArn"] == v2["ClusterInfo"]["ClusterArn"] == arn
    assert v2["ClusterInfo"]["Provisioned"]["ClientAuthentication"]["Sasl"] == {
        "Scram": {"Enabled": True},
        "Iam": {"Enabled": True},
    }
    assert brokers["BootstrapBrokerStringSaslScram"] == account.ends.sasl_bootstrap_servers
    answers = [("DescribeCluster", v1), ("DescribeClusterV2", v2), ("GetBootstrapBrokers", brokers)]
    answers += [("ListClustersV2", kafka.list_clusters_v2()), ("ListClusters", kafka.list_clusters())]
    assert [problem for name, answer in answers for problem in answer_problems("kafka", name, answer)] == []
    assert [one["ClusterArn"] for one in kafka.list_clusters_v2()["ClusterInfoList"]] == [arn]
    with pytest.raises(ClientError, match="NotFoundException"):
        kafka.describe_cluster_v2(ClusterArn=arn.replace("orders-", "others-"))


def test_the_managed_policy_has_its_document_and_counts_in_a_simulation(account: AwsAccount) -> None:
    iam = account.client("iam")
    arn = account.role()
    iam.attach_role_policy(RoleName="runs", PolicyArn=MANAGED)

    version = iam.get_policy(PolicyArn=MANAGED)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=MANAGED, VersionId=version)["PolicyVersion"]["Document"]
    asked = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["kafka:DescribeClusterV2", "kafka-cluster:ReadData"]
    )

    assert "kafka:DescribeClusterV2" in document["Statement"][0]["Action"]
    decisions = {one["EvalActionName"]: one["EvalDecision"] for one in asked["EvaluationResults"]}
    assert decisions == {"kafka:DescribeClusterV2": "allowed", "kafka-cluster:ReadData": "implicitDeny"}


def test_a_missing_role_is_not_simulated(account: AwsAccount) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        account.client("iam").simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{account.id}:role/nobody", ActionNames=["kafka:DescribeClusterV2"]
        )


def test_requests_that_it_does_not_handle_reach_ministack_in_the_same_account(account: AwsAccount) -> None:
    url, _ = account.queue("through")
    account.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"n": 1}))
    assert account.messages(url) == [{"n": 1}]
    account.client("s3").create_bucket(Bucket=f"b-{account.id}")
    account.client("s3").put_object(Bucket=f"b-{account.id}", Key="k", Body=b"x" * 300_000)
    assert len(account.client("s3").get_object(Bucket=f"b-{account.id}", Key="k")["Body"].read()) == 300_000
    assert account.client("sts").get_caller_identity()["Account"] == account.id


def test_what_aws_refuses_but_boto3_does_not_reaches_the_caller_as_awss_own_error(
    account: AwsAccount,
) -> None:
    account.function()
    with pytest.raises(ClientError, match=r"ValidationException.*less than or equal to 10000"):
        account.mapping(topic="orders", BatchSize=100_000)
    made = account.mapping(topic=account.topic(1))
    with pytest.raises(ClientError, match="ResourceConflictException") as caught:
        account.mapping(topic=made["Topics"][0])
    assert made["UUID"] in caught.value.response["Error"]["Message"]
    with pytest.raises(ClientError, match="Function not found"):
        account.mapping(topic="orders", function="nobody")
