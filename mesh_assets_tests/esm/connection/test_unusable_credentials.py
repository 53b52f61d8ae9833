"""Missing, unusable and ambiguous credentials: each is named without its value."""

import base64
import json
import threading
from pathlib import Path
from socket import create_connection, create_server
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from mesh_assets.errors import EstateError, RefusedError, UnexpectedAnswerError
from mesh_assets.esm.connection import KafkaLogin, check_connection, find_login, get_msk_bootstrap_brokers
from mesh_assets.esm.connection.login import lambda_refusal
from mesh_assets.esm.connection.steps import ConnectionReport
from mesh_assets.esm.errors import AUTHS, TwoLoginsError
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.mapping_commands import connection as command
from mesh_assets.sandbox.kafka_mappings.mapping import lambda_reads_key
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, SECRET_ARN, FakeAws, refusal
from mesh_assets_tests.esm.iam.situations import CONNECTION_ARN, TARGET_ARN
from mesh_assets_tests.esm.requests import HUSH, OTHER_ARN


def a_key(encoding: PrivateFormat, encryption: KeySerializationEncryption) -> str:
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(Encoding.PEM, encoding, encryption).decode()


PASSWORD = BestAvailableEncryption(b"pw")  # which is PBES2
# The beginning of a key that `openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES` encrypts: SHA-1 and 3DES, of PBES1.
PBES1 = base64.b64encode(
    bytes.fromhex("3081b4301c060a2a864886f70d010c0103300e0408") + bytes(8) + b"\x02\x02\x08\x00" + bytes(150)
).decode()
OF_PBES1 = f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{PBES1}\n-----END ENCRYPTED PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (a_key(PrivateFormat.PKCS8, NoEncryption()), None),
        (OF_PBES1, None),
        ("no key", None),
        (a_key(PrivateFormat.PKCS8, PASSWORD), "encrypted with PBES2"),
        (a_key(PrivateFormat.TraditionalOpenSSL, NoEncryption()), "only in PKCS #8 form"),
    ],
    ids=["PKCS #8", "PBES1", "none", "PBES2", "PKCS #1"],
)
def test_a_key_that_lambda_does_not_read_is_found_by_the_connection_test(key: str, says: str | None) -> None:
    login = KafkaLogin(bootstrap_servers="h:1", security_protocol="SSL", certificate="C", key=key)
    found = lambda_refusal(login)

    assert (found is None) == (says is None)
    assert says is None or says in str(found)
    # The stand-in's pollers fail on the same keys.
    assert key == "no key" or lambda_reads_key(key) == (found is None)
    assert "PRIVATE KEY-----" not in str(found)


def test_sasl_without_tls_is_found_before_a_password_is_sent() -> None:
    heard: list[bytes] = []
    with create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            for _ in range(2):
                plain, _ = listener.accept()
                with plain:
                    heard.append(plain.recv(1_000))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        report = check_connection(
            KafkaLogin(
                bootstrap_servers=f"127.0.0.1:{listener.getsockname()[1]}",
                security_protocol="SASL_PLAINTEXT",
                sasl_mechanism="PLAIN",
                username="u",
                password=HUSH,
            ),
            timeout_seconds=2,
        )
        with create_connection(listener.getsockname()):  # ends the listening
            pass
        thread.join(10)

    assert report.failure is not None
    assert report.failure.name == "authentication"
    assert "Lambda refuses SASL without TLS (SASL_PLAINTEXT); nothing was sent" in report.failure.said
    assert "SASL_SSL" in report.failure.cause
    assert heard == [b"", b""]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("not json " + HUSH, EstateError, "is not a JSON object"),
        (json.dumps({"token": HUSH}), EstateError, "has the fields token, which are not credentials"),
        (json.dumps({"sasl": {"sasl_mechanism": HUSH}}), EstateError, "sasl_mechanism is not valid"),
        (None, RefusedError, "has no secret"),
    ],
)
def test_an_unusable_secret_is_named_and_its_values_are_not(
    aws: FakeAws, secrets: dict[str, str], text: str | None, error: type[Exception], says: str
) -> None:
    if text is not None:
        secrets[SECRET_ARN] = text
    with pytest.raises(error, match=says) as caught:
        find_login(aws.account(), secret_arn=SECRET_ARN)
    assert HUSH not in str(caught.value)
    assert caught.value.__cause__ is None or HUSH not in str(caught.value.__cause__)


def test_without_credentials_the_choices_are_listed(aws: FakeAws) -> None:
    with pytest.raises(
        EstateError, match="name a secret by its ARN, name a mapping to use its own, or give them"
    ):
        find_login(aws.account())


def test_brokers_are_listed_by_login_and_network(aws: FakeAws, secrets: dict[str, str]) -> None:  # noqa: ARG001 - they stand by
    brokers = get_msk_bootstrap_brokers(aws.account(), CLUSTER_ARN)
    assert brokers.by_network == {
        "private": {"plaintext": "b-1:9092", "tls": "b-1:9094", "scram": "b-1:9096", "iam": "b-1:9098"},
        "public": {"iam": "b-1-public:9198"},
    }
    with pytest.raises(
        RefusedError,
        match=r"has no brokers for SASL/SCRAM on its public network; it has: plain text \(private\).*IAM \(public\)",
    ):
        brokers.servers("scram", network="public")
    with pytest.raises(RefusedError, match="is not the ARN of an MSK cluster"):
        get_msk_bootstrap_brokers(aws.account(), "arn:aws:sqs:eu-central-1:123456789012:q")


@pytest.mark.parametrize(
    ("login", "access", "servers"),
    [
        ("SASL_IAM", [], "b-1:14001"),
        ("SASL_SCRAM", [{"Type": "SASL_SCRAM_512_AUTH", "URI": OTHER_ARN}], "b-1:14101"),
    ],
)
def test_a_mapping_by_a_vpc_connection_asks_for_the_brokers_of_its_cluster(
    aws: FakeAws, secrets: dict[str, str], login: str, access: Any, servers: str
) -> None:
    """AWS gives brokers only by the cluster's ARN, and a connection leads to separate listeners."""
    secrets[OTHER_ARN] = json.dumps({"username": "u", "password": "p"})
    aws.connections[CONNECTION_ARN] = (TARGET_ARN, login)
    aws.answers["kafka.get_bootstrap_brokers"] = lambda ClusterArn: {  # noqa: N803 - AWS' name
        TARGET_ARN: {
            "BootstrapBrokerStringSaslScram": "b-1:9096",
            "BootstrapBrokerStringVpcConnectivitySaslScram": "b-1:14101",
            "BootstrapBrokerStringVpcConnectivitySaslIam": "b-1:14001",
        }
    }[ClusterArn]
    uuid = aws.add_mapping(EventSourceArn=CONNECTION_ARN, SourceAccessConfigurations=access)

    found = find_login(aws.account(), mapping=get_mapping(aws.account(), uuid))

    assert found.bootstrap_servers == servers
    assert get_msk_bootstrap_brokers(aws.account(), CONNECTION_ARN).cluster_arn == TARGET_ARN


def test_a_missing_cluster_is_reported_without_the_estate_which_does_not_name_it(aws: FakeAws) -> None:
    with pytest.raises(
        RefusedError, match=rf"^eu-central-1 has no VPC connection {CONNECTION_ARN}; correct the ARN$"
    ):
        get_msk_bootstrap_brokers(aws.account(), CONNECTION_ARN)
    aws.failing["kafka.get_bootstrap_brokers"] = [refusal("NotFoundException", status=404)]
    with pytest.raises(
        RefusedError, match=rf"^eu-central-1 has no MSK cluster {CLUSTER_ARN}; correct the ARN$"
    ):
        get_msk_bootstrap_brokers(aws.account(), CLUSTER_ARN)


def test_a_vpc_connection_without_a_cluster_says_what_to_name_instead(aws: FakeAws) -> None:
    aws.answers["kafka.describe_vpc_connection"] = lambda Arn: {"VpcConnectionArn": Arn}  # noqa: N803
    with pytest.raises(UnexpectedAnswerError, match="does not name its cluster; name the cluster's own ARN"):
        get_msk_bootstrap_brokers(aws.account(), CONNECTION_ARN)


TWO_LOGINS = {
    "iam": {"bootstrap_servers": "k:9098"},
    "sasl": {"bootstrap_servers": "k:9096", "sasl_plain_username": "u", "sasl_plain_password": HUSH},
}


def test_of_a_secret_with_two_logins_the_intended_one_is_used(aws: FakeAws, secrets: dict[str, str]) -> None:
    secrets[SECRET_ARN] = json.dumps(TWO_LOGINS)
    account = aws.account()

    with pytest.raises(TwoLoginsError, match="say which is meant: auth iam or auth sasl") as open_question:
        find_login(account, secret_arn=SECRET_ARN)
    assert HUSH not in str(open_question.value)
    iam, sasl = (find_login(account, secret_arn=SECRET_ARN, auth=auth) for auth in AUTHS)
    assert (iam.sasl_mechanism, iam.bootstrap_servers) == ("AWS_MSK_IAM", "k:9098")
    assert (sasl.sasl_mechanism, sasl.bootstrap_servers) == ("SCRAM-SHA-512", "k:9096")
    # A mechanism decides it too: the mapping's own, or a given one.
    uuid = aws.add_mapping(SourceAccessConfigurations=[{"Type": "SASL_SCRAM_512_AUTH", "URI": SECRET_ARN}])
    assert find_login(account, mapping=get_mapping(account, uuid)).password == HUSH
    secrets[SECRET_ARN] = json.dumps({"username": "u", "password": HUSH})
    with pytest.raises(EstateError, match="has no login by iam; it has the fields password, username"):
        find_login(account, secret_arn=SECRET_ARN, auth="iam")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--username", "alice"], "add --mechanism, one of PLAIN, SCRAM-SHA-256"),
        (["--auth", "iam"], "and none is named; add --secret"),
        (["--ca", "ca.der"], "ca.der is no PEM file; expected text with -----BEGIN"),
        (["--ca", "notes.txt"], "notes.txt is no PEM file"),
        (
            ["--protocol", "PLAINTEXT", "--certificate", "own.pem", "--private-key", "own.pem"],
            "a client certificate needs TLS, which security protocol PLAINTEXT lacks",
        ),
    ],
)
def test_an_option_that_would_do_nothing_is_refused_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.der").write_bytes(b"\x30\x82\x05\xff\xfe")
    (tmp_path / "notes.txt").write_text("to do")
    (tmp_path / "own.pem").write_text("-----BEGIN CERTIFICATE-----\n")

    done = CliRunner().invoke(command.connection, ["--bootstrap-servers", "localhost:1", *options])

    assert isinstance(done.exception, EstateError)
    assert says in str(done.exception)


def test_a_file_that_fails_to_be_read_is_not_said_to_be_of_another_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")

    def fails(_: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fails)
    done = CliRunner().invoke(command.connection, ["--bootstrap-servers", "localhost:1", "--ca", "ca.pem"])

    assert isinstance(done.exception, EstateError)
    assert "ca.pem cannot be read: Input/output error; see that" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "typed", "mechanism"),
    [(["--auth=iam"], None, "AWS_MSK_IAM"), ([], "sasl\n", "SCRAM-SHA-512"), ([], None, None)],
)
def test_the_command_line_takes_the_login_or_asks_for_it(
    aws: FakeAws,
    secrets: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    typed: str | None,
    mechanism: str | None,
) -> None:
    secrets[SECRET_ARN] = json.dumps(TWO_LOGINS)
    seen: list[KafkaLogin] = []

    def check(login: KafkaLogin, **_: Any) -> ConnectionReport:
        seen.append(login)
        return ConnectionReport(endpoint="e", login="l", origin="o", steps=())

    monkeypatch.setattr(command, "aws_account", lambda _: aws.account())
    monkeypatch.setattr(command, "check_connection", check)
    done = CliRunner().invoke(command.connection, [f"--secret={SECRET_ARN}", *arguments], input=typed)

    assert [login.sasl_mechanism for login in seen] == ([] if mechanism is None else [mechanism])
    assert isinstance(done.exception, TwoLoginsError) == (mechanism is None)
    assert HUSH not in done.output
