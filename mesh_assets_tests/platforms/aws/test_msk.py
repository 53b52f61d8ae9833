"""MSK's brokers by ARN, against AWS's own model of the answers, and once against the stand-in."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from mesh_assets.errors import RefusedError
from mesh_assets.estate.kafka import KafkaConnection
from mesh_assets.platforms.aws.msk import Login, Network, bootstrap_brokers
from mesh_assets.platforms.kafka import ConfluentKafkaReader, client_properties
from mesh_assets.sandbox.servers import Endpoints

ARN = "arn:aws:kafka:eu-west-1:123456789012:cluster/payments/0f1c9f2e-6f0e-4b0a-9d1c-0c9a8d9b7f66-2"
ANSWER = {
    "BootstrapBrokerString": "b-1:9092",
    "BootstrapBrokerStringTls": "b-1:9094",
    "BootstrapBrokerStringSaslScram": "b-1:9096",
    "BootstrapBrokerStringSaslIam": "b-1:9098",
    "BootstrapBrokerStringPublicSaslIam": "b-1-public:9198",
    "BootstrapBrokerStringVpcConnectivityTls": "b-1.vpc:14001",
}


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = boto3.session.Session().client(
        "kafka", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        yield stubber
    client.close()


@pytest.mark.parametrize(
    ("login", "network", "expected"),
    [
        ("plaintext", "private", "b-1:9092"),
        ("tls", "private", "b-1:9094"),
        ("scram", "private", "b-1:9096"),
        ("iam", "private", "b-1:9098"),
        ("iam", "public", "b-1-public:9198"),
        ("tls", "multi_vpc", "b-1.vpc:14001"),
    ],
)
def test_the_brokers_are_those_for_the_way_to_log_in(
    stub: Stubber, login: Login, network: Network, expected: str
) -> None:
    stub.add_response("get_bootstrap_brokers", ANSWER, {"ClusterArn": ARN})
    assert bootstrap_brokers(ARN, login=login, network=network, client=stub.client) == expected


def test_a_serverless_cluster_has_iam_only_and_the_error_says_so(stub: Stubber) -> None:
    stub.add_response(
        "get_bootstrap_brokers", {"BootstrapBrokerStringSaslIam": "boot-x:9098"}, {"ClusterArn": ARN}
    )
    with pytest.raises(RefusedError) as caught:
        bootstrap_brokers(ARN, login="scram", client=stub.client)
    assert str(caught.value) == (
        f"{ARN} has no brokers for SASL/SCRAM on its private network; it has: IAM (private). Correct security_protocol, sasl_mechanism or "
        "msk_network, or switch that on in the cluster's settings"
    )


def test_a_cluster_without_any_brokers_is_told(stub: Stubber) -> None:
    stub.add_response("get_bootstrap_brokers", {}, {"ClusterArn": ARN})
    with pytest.raises(RefusedError, match="has no brokers yet"):
        bootstrap_brokers(ARN, login="iam", client=stub.client)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("NotFoundException", "it does not exist in this account and region; check its name in the estate"),
        (
            "ForbiddenException",
            "access denied; allow kafka:GetBootstrapBrokers on it to the role or user this runs as",
        ),
        ("AccessDeniedException", "access denied; allow kafka:GetBootstrapBrokers"),
    ],
)
def test_a_refusal_names_the_cluster_and_the_right(stub: Stubber, code: str, sentence: str) -> None:
    stub.add_client_error("get_bootstrap_brokers", code, "no")
    with pytest.raises(RefusedError) as caught:
        bootstrap_brokers(ARN, login="iam", client=stub.client)
    assert str(caught.value).startswith(f"kafka:GetBootstrapBrokers on {ARN}: ")
    assert sentence in str(caught.value)


@pytest.mark.sandbox
def test_a_cluster_that_is_named_by_its_arn_is_read(aws_account: str, endpoints: Endpoints) -> None:  # noqa: ARG001 - its credentials
    client = boto3.session.Session().client("kafka")
    nodes = {"InstanceType": "kafka.t3.small", "ClientSubnets": ["subnet-1"]}
    made = client.create_cluster(
        ClusterName="warehouse", KafkaVersion="3.6.0", NumberOfBrokerNodes=1, BrokerNodeGroupInfo=nodes
    )
    client.close()
    properties = client_properties(KafkaConnection(cluster_arn=made["ClusterArn"]))
    assert properties["bootstrap.servers"] == endpoints.bootstrap_servers
    with ConfluentKafkaReader(properties, 15) as reader:
        assert len(reader.metadata().topics) >= 37
