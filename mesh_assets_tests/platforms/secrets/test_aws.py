"""Systems Manager and Secrets Manager: against the stand-in for AWS, with refusals from botocore's Stubber."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from mesh_assets.errors import EstateError
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.platforms.kafka.settings import client_properties
from mesh_assets.platforms.secrets import read_ahead, resolve
from mesh_assets.platforms.secrets.references import SecretName, parse_reference
from mesh_assets.platforms.secrets.stores import read_parameters, read_secrets, region_of

KMS_REFUSAL = (
    "The ciphertext refers to a customer master key that does not exist, or you are not allowed to access."
)


@pytest.fixture
def client(aws_account: str) -> Iterator[Callable[[str], Any]]:  # noqa: ARG001 - its credentials
    made: list[Any] = []

    def make(service: str) -> Any:
        made.append(new_session().create_client(service))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def stubbed() -> Iterator[Callable[[str], Stubber]]:
    """Clients whose answers are checked against AWS's own model."""
    stubs: list[Stubber] = []

    def stub(service: str) -> Stubber:
        made = new_session().create_client(
            service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        stubs.append(Stubber(made))
        stubs[-1].activate()
        return stubs[-1]

    yield stub
    for one in stubs:
        one.assert_no_pending_responses()
        one.client.close()


def _reference(text: str) -> SecretName:
    reference = parse_reference(text)
    assert reference is not None
    return reference


@pytest.mark.sandbox
def test_a_parameter_comes_decrypted(client: Callable[[str], Any]) -> None:
    client("ssm").put_parameter(Name="/agent/api-secret", Value="hush", Type="SecureString")
    assert resolve("ssm:/agent/api-secret") == "hush"


@pytest.mark.sandbox
def test_thirteen_parameters_are_read_in_two_requests(client: Callable[[str], Any]) -> None:
    ssm = client("ssm")
    names = [f"/agent/key-{number}" for number in range(13)]
    for name in names:
        ssm.put_parameter(Name=name, Value=f"value of {name}", Type="SecureString")
    requests: list[str] = []
    ssm.meta.events.register("before-call.ssm", lambda model, **_: requests.append(model.name))
    read = read_parameters([_reference(f"ssm:{name}") for name in names], ssm)
    assert read == {name: f"value of {name}" for name in names}
    assert requests == ["GetParameters", "GetParameters"]


@pytest.mark.sandbox
def test_a_secret_a_field_of_it_and_missing_ones(client: Callable[[str], Any]) -> None:
    arn = client("secretsmanager").create_secret(
        Name="AmazonMSK_reader", SecretString='{"username": "alice", "password": "hush"}'
    )["ARN"]
    assert resolve(f"secretsmanager:{arn}#password") == "hush"
    assert resolve("secretsmanager:AmazonMSK_reader") == '{"username": "alice", "password": "hush"}'
    with pytest.raises(EstateError, match="has no field 'pass'; it has: password, username"):
        resolve("secretsmanager:AmazonMSK_reader#pass")
    with pytest.raises(EstateError, match="secretsmanager:nobody: there is no such secret"):
        resolve("secretsmanager:nobody")
    with pytest.raises(
        EstateError, match="ssm:/no/body: there is no such parameter in this account and region"
    ):
        resolve("ssm:/no/body")


@pytest.mark.sandbox
def test_a_connection_of_the_estate_takes_user_and_password_from_one_secret_and_shows_neither(
    client: Callable[[str], Any],
) -> None:
    client("secretsmanager").create_secret(
        Name="AmazonMSK_reader", SecretString='{"username": "alice", "password": "hush"}'
    )
    connection = KafkaConnection(
        bootstrap_servers="one:9096",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        username="secretsmanager:AmazonMSK_reader#username",
        password="secretsmanager:AmazonMSK_reader#password",
    )
    read_ahead(connection)
    properties = client_properties(connection)
    assert (properties["sasl.username"], properties["sasl.password"]) == ("alice", "hush")
    assert "alice" not in repr(properties)
    assert "hush" not in repr(properties)


def test_an_unreadable_parameter_is_named_among_ten_requested(
    stubbed: Callable[[str], Stubber],
) -> None:
    ssm = stubbed("ssm")
    ssm.add_client_error(
        "get_parameters", "AccessDeniedException", "User is not authorized to perform: ssm:GetParameters"
    )
    ssm.add_response(
        "get_parameter", {"Parameter": {"Name": "/a", "Value": "1"}}, {"Name": "/a", "WithDecryption": True}
    )
    ssm.add_client_error(
        "get_parameter", "AccessDeniedException", "User is not authorized to perform: ssm:GetParameter"
    )
    with pytest.raises(EstateError) as caught:
        read_parameters([_reference("ssm:/a"), _reference("ssm:/b")], ssm.client)
    assert str(caught.value) == (
        "ssm:GetParameter on ssm:/b: access denied; allow ssm:GetParameter on it to the role or user this runs as"
    )


@pytest.mark.parametrize(
    ("service", "method", "code", "message", "reference", "sentence"),
    [
        (
            "ssm",
            "get_parameter",
            "AccessDeniedException",
            KMS_REFUSAL,
            "ssm:/a",
            "kms:Decrypt on the key that encrypts ssm:/a: access denied",
        ),
        (
            "ssm",
            "get_parameter",
            "InvalidKeyId",
            "x",
            "ssm:/a",
            "kms:Decrypt on the key that encrypts ssm:/a: access denied",
        ),
        ("ssm", "get_parameter", "ParameterNotFound", "", "ssm:/a", "ssm:/a: there is no such parameter"),
        (
            "ssm",
            "get_parameter",
            "ThrottlingException",
            "Rate exceeded",
            "ssm:/a",
            "ssm:GetParameter on ssm:/a: AWS is busy",
        ),
        ("ssm", "get_parameter", "ExpiredTokenException", "x", "ssm:/a", "the AWS credentials have expired"),
        (
            "secretsmanager",
            "get_secret_value",
            "AccessDeniedException",
            "not authorized to perform: secretsmanager:GetSecretValue",
            "secretsmanager:kafka#password",
            "secretsmanager:GetSecretValue on secretsmanager:kafka#password: access denied; allow secretsmanager:GetSecretValue on it",
        ),
        (
            "secretsmanager",
            "get_secret_value",
            "AccessDeniedException",
            "Access to KMS is not allowed",
            "secretsmanager:kafka#password",
            "kms:Decrypt on the key that encrypts secretsmanager:kafka#password: access denied; allow kms:Decrypt",
        ),
        (
            "secretsmanager",
            "get_secret_value",
            "DecryptionFailure",
            "x",
            "secretsmanager:k",
            "kms:Decrypt on the key that encrypts",
        ),
    ],
)
def test_a_refusal_names_the_reference_the_action_and_the_missing_right(
    stubbed: Callable[[str], Stubber],
    service: str,
    method: str,
    code: str,
    message: str,
    reference: str,
    sentence: str,
) -> None:
    stub = stubbed(service)
    stub.add_client_error(method, code, message)
    read: Any = read_parameters if service == "ssm" else read_secrets
    with pytest.raises(EstateError) as caught:
        read([_reference(reference)], stub.client)
    assert str(caught.value).startswith(sentence) or sentence in str(caught.value)


def test_a_binary_secret_is_an_error(stubbed: Callable[[str], Stubber]) -> None:
    stub = stubbed("secretsmanager")
    stub.add_response("get_secret_value", {"SecretBinary": b"hush"}, {"SecretId": "kafka"})
    with pytest.raises(EstateError, match="secretsmanager:kafka: the secret is binary; expected text"):
        read_secrets([_reference("secretsmanager:kafka")], stub.client)


def test_the_region_of_a_secret_comes_from_its_arn() -> None:
    assert region_of("arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_x-AbCdEf") == "eu-west-1"
    assert region_of("AmazonMSK_x") is None
