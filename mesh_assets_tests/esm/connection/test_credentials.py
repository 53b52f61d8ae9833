"""Which credentials are used: a secret's, the mapping's own, or given ones; in every form that secrets have."""

import json
from typing import Any

import pytest

from mesh_assets.esm.connection import KafkaLogin, find_login
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.mapping_commands.login import chosen_login
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, SECRET_ARN, FakeAws
from mesh_assets_tests.esm.requests import HUSH, OTHER_ARN

THIRD_ARN = SECRET_ARN.replace("orders", "third")
OPTIONS = (
    "secret_arn",
    "auth",
    "bootstrap_servers",
    "cluster_arn",
    "protocol",
    "mechanism",
    "username",
    "ca",
    "certificate",
    "private_key",
)
FORMS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {
            "sasl": {
                "bootstrap_servers": "k:9096",
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": "u",
                "sasl_plain_password": HUSH,
            },
            "topic": "orders",
            "cluster_arn": CLUSTER_ARN,
        },
        {
            "bootstrap_servers": "k:9096",
            "sasl_mechanism": "SCRAM-SHA-512",
            "username": "u",
            "password": HUSH,
            "topic": "orders",
        },
    ),
    (
        {
            "iam": {
                "bootstrap_servers": "k:9098",
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "OAUTHBEARER",
            },
            "topic": "t",
        },
        {
            "bootstrap_servers": "k:9098",
            "sasl_mechanism": "AWS_MSK_IAM",
            "security_protocol": "SASL_SSL",
            "topic": "t",
        },
    ),
    (
        {"username": "u", "password": HUSH},
        {"bootstrap_servers": "given:1", "sasl_mechanism": "SCRAM-SHA-512", "password": HUSH},
    ),
    (
        {"certificate": "CERT", "privateKey": HUSH},
        {"security_protocol": "SSL", "certificate": "CERT", "key": HUSH},
    ),
    ({"certificate": "CA"}, {"security_protocol": "SSL", "authority": "CA", "certificate": None}),
]


@pytest.mark.parametrize(
    ("fields", "expected"), FORMS, ids=["sasl", "iam", "password", "key pair", "authority"]
)
def test_a_secret_is_understood_in_every_form_and_never_shown(
    aws: FakeAws, secrets: dict[str, str], fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    secrets[SECRET_ARN] = json.dumps(fields)

    login = find_login(aws.account(), secret_arn=SECRET_ARN, given=KafkaLogin(bootstrap_servers="given:1"))

    assert {name: getattr(login, name) for name in expected} == expected
    assert login.origin == f"secret {SECRET_ARN}"
    assert HUSH not in repr(login)


def test_the_secret_precedes_the_mapping_and_the_mapping_the_given_options(
    aws: FakeAws, secrets: dict[str, str]
) -> None:
    secrets[SECRET_ARN] = json.dumps({"username": "of-the-secret", "password": "p"})
    secrets[OTHER_ARN] = json.dumps({"username": "of-the-mapping", "password": "p"})
    uuid = aws.add_mapping(SourceAccessConfigurations=[{"Type": "SASL_SCRAM_512_AUTH", "URI": OTHER_ARN}])
    mapping, given = (
        get_mapping(aws.account(), uuid),
        KafkaLogin(bootstrap_servers="", security_protocol="SASL_SSL"),
    )

    both = find_login(aws.account(), secret_arn=SECRET_ARN, mapping=mapping, given=given)
    own = find_login(aws.account(), mapping=mapping, given=given)

    assert (both.username, both.bootstrap_servers) == ("of-the-secret", "b-1:9096")
    assert (own.username, own.topic) == ("of-the-mapping", "orders")
    assert find_login(aws.account(), given=KafkaLogin(bootstrap_servers="h:1")).bootstrap_servers == "h:1"


@pytest.mark.parametrize(
    ("access", "mechanism", "servers"),
    [
        ([], "AWS_MSK_IAM", "b-1:9098"),
        ([{"Type": "SASL_SCRAM_512_AUTH", "URI": OTHER_ARN}], "SCRAM-SHA-512", "b-1:9096"),
        ([{"Type": "CLIENT_CERTIFICATE_TLS_AUTH", "URI": THIRD_ARN}], None, "b-1:9094"),
    ],
)
def test_a_mapping_to_msk_uses_the_brokers_of_its_own_authentication(
    aws: FakeAws, secrets: dict[str, str], access: Any, mechanism: str | None, servers: str
) -> None:
    secrets[OTHER_ARN] = json.dumps({"username": "u", "password": "p"})
    secrets[THIRD_ARN] = json.dumps({"certificate": "C", "privateKey": "K"})
    login = find_login(
        aws.account(), mapping=get_mapping(aws.account(), aws.add_mapping(SourceAccessConfigurations=access))
    )
    assert (login.sasl_mechanism, login.bootstrap_servers) == (mechanism, servers)


def test_a_self_managed_mapping_brings_its_servers_and_authority(
    aws: FakeAws, secrets: dict[str, str]
) -> None:
    secrets[OTHER_ARN], secrets[THIRD_ARN] = (
        json.dumps({"username": "u", "password": "p"}),
        json.dumps({"certificate": "CA"}),
    )
    uuid = aws.add_mapping(
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k1:9096", "k2:9096"]}},
        SourceAccessConfigurations=[
            {"Type": "BASIC_AUTH", "URI": OTHER_ARN},
            {"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": THIRD_ARN},
        ],
    )
    login = find_login(aws.account(), mapping=get_mapping(aws.account(), uuid))
    assert (login.bootstrap_servers, login.sasl_mechanism, login.authority) == (
        "k1:9096,k2:9096",
        "PLAIN",
        "CA",
    )


def test_a_secret_beside_a_mapping_keeps_its_mechanism_authority_and_servers(
    aws: FakeAws, secrets: dict[str, str]
) -> None:
    secrets[SECRET_ARN] = json.dumps({"username": "another", "password": HUSH})
    secrets[THIRD_ARN] = json.dumps({"certificate": "CA"})
    uuid = aws.add_mapping(
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k1:9096", "k2:9096"]}},
        SourceAccessConfigurations=[
            {"Type": "SASL_SCRAM_256_AUTH", "URI": OTHER_ARN},
            {"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": THIRD_ARN},
        ],
    )
    mapping = get_mapping(aws.account(), uuid)

    def login(**given: Any) -> KafkaLogin:
        base = KafkaLogin(**{"bootstrap_servers": "", **given}) if given else None
        return find_login(aws.account(), secret_arn=SECRET_ARN, mapping=mapping, given=base)

    beside = login()
    assert (beside.username, beside.bootstrap_servers) == ("another", "k1:9096,k2:9096")
    assert (beside.sasl_mechanism, beside.authority) == ("SCRAM-SHA-256", "CA")
    assert login(authority="given").authority == "given"
    assert login(security_protocol="SASL_SSL", sasl_mechanism="PLAIN").sasl_mechanism == "PLAIN"


def test_a_cluster_named_by_hand_precedes_the_mappings(aws: FakeAws, secrets: dict[str, str]) -> None:
    secrets[SECRET_ARN] = json.dumps({"username": "u", "password": HUSH})
    asked: list[str] = []

    def brokers(ClusterArn: str) -> dict[str, str]:  # noqa: N803 - AWS' name
        asked.append(ClusterArn)
        return {"BootstrapBrokerStringSaslScram": "b-1:9096"}

    aws.answers["kafka.get_bootstrap_brokers"] = brokers
    own: dict[str, Any] = {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k1:9096"]}}}
    other = CLUSTER_ARN.replace("orders", "other")
    sources: tuple[dict[str, Any], ...] = ({}, own)
    for source in sources:
        mapping = get_mapping(aws.account(), aws.add_mapping(**source))
        options = dict.fromkeys(OPTIONS) | {"secret_arn": SECRET_ARN, "cluster_arn": other}
        found, _ = chosen_login(aws.account, mapping, options)
        assert found.bootstrap_servers == "b-1:9096"
    assert asked == [other, other]
