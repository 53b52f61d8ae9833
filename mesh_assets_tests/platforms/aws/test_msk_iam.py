"""The token of MSK's IAM login: its form, its life, its region. That MSK accepts it cannot be tried here."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.estate.kafka import KafkaConnection
from mesh_assets.inventory.access.identity import kafka_identity
from mesh_assets.platforms.aws.msk_iam import MskIamToken, region_of_brokers, signing_region
from mesh_assets.platforms.kafka import client_properties
from mesh_assets.platforms.kafka.errors import Endpoint

BROKERS = "b-1.payments.abc123.c2.kafka.eu-west-1.amazonaws.com:9098,b-2.payments.abc123.c2.kafka.eu-west-1.amazonaws.com:9098"
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


def test_a_connection_carries_the_callback_and_shows_iam_in_place_of_librdkafkas_word(
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
def test_the_region_stands_in_the_brokers_names(brokers: str, region: str | None) -> None:
    assert region_of_brokers(brokers) == region


def test_the_region_is_the_one_given_else_the_arns_else_the_brokers_else_boto3s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arn = "arn:aws:kafka:eu-north-1:123456789012:cluster/payments/1"
    assert signing_region(given="sa-east-1", cluster_arn=arn, bootstrap_servers=BROKERS) == "sa-east-1"
    assert signing_region(given=None, cluster_arn=arn, bootstrap_servers="x:9098") == "eu-north-1"
    assert signing_region(given=None, cluster_arn=None, bootstrap_servers=BROKERS) == "eu-west-1"
    with pytest.raises(EstateError, match="write `region:` beside it"):
        signing_region(given=None, cluster_arn=None, bootstrap_servers="x:9098")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ca-west-1")
    assert signing_region(given=None, cluster_arn=None, bootstrap_servers="x:9098") == "ca-west-1"
