"""MSK's brokers by ARN, against AWS's own model of the answers, and once against the stand-in."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.stub import Stubber

from mesh_assets.access_checks.access_check import kafka_identity
from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.connection import KafkaLogin
from mesh_assets.esm.connection.login import properties_of
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.estate.model import AwsAccountSettings
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.platforms.aws.msk import (
    MskIamToken,
    bootstrap_brokers,
    region_of_brokers,
    signing_region,
)
from mesh_assets.platforms.aws.records import MskLogin, MskNetwork
from mesh_assets.platforms.kafka import WireReader, client_properties
from mesh_assets.platforms.kafka.errors import Endpoint
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
    client = new_session().create_client(
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
def test_the_brokers_are_those_for_the_login_method(
    stub: Stubber, login: MskLogin, network: MskNetwork, expected: str
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
        f"{ARN} has no brokers for SASL/SCRAM on its private network; it has: IAM (private). Correct the security protocol, the SASL "
        "mechanism or the network, or turn that login on in the cluster's settings"
    )


def test_a_cluster_without_any_brokers_is_an_error(stub: Stubber) -> None:
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
def test_a_cluster_named_by_its_arn_is_read(aws_account: str, broker: Endpoints) -> None:  # noqa: ARG001 - its credentials
    client = new_session().create_client("kafka")
    nodes = {"InstanceType": "kafka.t3.small", "ClientSubnets": ["subnet-1"]}
    made = client.create_cluster(
        ClusterName="warehouse", KafkaVersion="3.6.0", NumberOfBrokerNodes=1, BrokerNodeGroupInfo=nodes
    )
    client.close()
    properties = client_properties(KafkaConnection(cluster_arn=made["ClusterArn"]))
    assert properties["bootstrap.servers"] == broker.bootstrap_servers
    with WireReader(properties, 15) as reader:
        assert len(reader.metadata().topics) >= 37


# The token of MSK's IAM login: its form, its life, its region. That MSK accepts it cannot be tried here.

BROKERS = "b-1.payments.abc123.c2.kafka.eu-west-1.amazonaws.com:9098,b-2.payments.abc123.c2.kafka.eu-west-1.amazonaws.com:9098"
LOGIN = KafkaLogin(bootstrap_servers="b-1:9098", security_protocol="SASL_SSL", sasl_mechanism="AWS_MSK_IAM")
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_SESSION_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@pytest.fixture
def connection() -> KafkaConnection:
    return KafkaConnection(
        bootstrap_servers=BROKERS, security_protocol="SASL_SSL", sasl_mechanism="AWS_MSK_IAM"
    )


def test_a_token_is_a_signed_request_to_connect_that_ends_after_fifteen_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-a-role")
    token, ends = MskIamToken("eu-west-1", resource="payments")()
    url = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.scheme, url.netloc, url.path) == ("https", "kafka.eu-west-1.amazonaws.com", "/")
    assert asked["Action"] == "kafka-cluster:Connect"
    assert asked["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert asked["X-Amz-Credential"].startswith("AKIDEXAMPLE/")
    assert asked["X-Amz-Credential"].endswith("/eu-west-1/kafka-cluster/aws4_request")
    assert asked["X-Amz-Expires"] == "900"
    assert asked["X-Amz-Security-Token"] == "of-a-role"
    assert asked["X-Amz-SignedHeaders"] == "host"
    assert len(asked["X-Amz-Signature"]) == 64
    signed_at = datetime.strptime(asked["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert ends == signed_at.timestamp() + 900
    assert "=" not in token


def test_a_connection_carries_the_callback_and_shows_iam_instead_of_librdkafkas_word(
    connection: KafkaConnection,
) -> None:
    properties = client_properties(connection)
    assert properties["sasl.mechanism"] == "OAUTHBEARER"
    assert isinstance(properties["oauth_cb"], MskIamToken)
    assert "OAUTHBEARER" not in repr(properties)
    assert SECRET not in repr(properties)
    assert Endpoint(properties).identity == "the AWS_MSK_IAM identity"
    assert kafka_identity(properties) == "by AWS_MSK_IAM"


def test_without_credentials_it_says_how_to_give_some(
    connection: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(RefusedError) as caught:
        client_properties(connection)
    assert str(caught.value) == (
        f"kafka-cluster:Connect on {BROKERS}: no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, "
        "or give the machine a role"
    )


@pytest.mark.parametrize(
    ("brokers", "region"),
    [
        (BROKERS, "eu-west-1"),
        ("b-1-public.payments.abc123.c2.kafka.us-east-2.amazonaws.com:9198", "us-east-2"),
        ("boot-abc123.c3.kafka-serverless.ap-southeast-2.amazonaws.com:9098", "ap-southeast-2"),
        ("b-1.payments.abc123.c2.kafka.cn-north-1.amazonaws.com.cn:9098", "cn-north-1"),
        ("kafka.example:9098", None),
    ],
)
def test_the_region_comes_from_the_brokers_names(brokers: str, region: str | None) -> None:
    assert region_of_brokers(brokers) == region


@pytest.mark.parametrize(
    ("profile", "key"), [("payments", "AKIDOFPAYMENTS"), (None, "AKIDOFDEFAULT")], ids=["named", "none"]
)
def test_msk_iam_signs_with_the_accounts_own_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str | None, key: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {known}\naws_secret_access_key = {SECRET}\n"
            for name, known in (("default", "AKIDOFDEFAULT"), ("payments", "AKIDOFPAYMENTS"))
        )
    )
    account = AwsAccount(AwsAccountSettings(region="eu-central-1", profile=profile))

    token, _ = properties_of(LOGIN, account)["oauth_cb"]("")

    assert f"X-Amz-Credential={key}%2F" in base64.urlsafe_b64decode(token + "==").decode()


def test_a_missing_profile_is_named() -> None:
    account = AwsAccount(AwsAccountSettings(region="eu-central-1", profile="no-such"))
    with pytest.raises(RefusedError, match="no-such"):
        properties_of(LOGIN, account)


def test_the_region_is_the_given_one_or_the_arns_or_the_brokers_or_boto3s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arn = "arn:aws:kafka:eu-north-1:123456789012:cluster/payments/1"
    assert signing_region(given="sa-east-1", cluster_arn=arn, bootstrap_servers=BROKERS) == "sa-east-1"
    assert signing_region(given=None, cluster_arn=arn, bootstrap_servers="x:9098") == "eu-north-1"
    assert signing_region(given=None, cluster_arn=None, bootstrap_servers=BROKERS) == "eu-west-1"
    with pytest.raises(EstateError, match="write `region:` next to it"):
        signing_region(given=None, cluster_arn=None, bootstrap_servers="x:9098")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ca-west-1")
    assert signing_region(given=None, cluster_arn=None, bootstrap_servers="x:9098") == "ca-west-1"
