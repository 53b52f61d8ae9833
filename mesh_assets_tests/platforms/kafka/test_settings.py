"""The connection of the estate in librdkafka's words."""

from pathlib import Path

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.platforms.kafka import client_properties


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "certificate", "key")}
    for file in files.values():
        file.write_text("-")
    return {name: str(file) for name, file in files.items()}


def test_a_plain_connection_needs_only_the_brokers() -> None:
    connection = KafkaConnection(bootstrap_servers="one:9092,two:9092")
    assert client_properties(connection, environment={}) == {
        "bootstrap.servers": "one:9092,two:9092",
        "security.protocol": "PLAINTEXT",
    }


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_a_sasl_connection_carries_mechanism_user_and_the_resolved_password(
    protocol: str, mechanism: str
) -> None:
    connection = KafkaConnection.model_validate(
        {
            "bootstrap_servers": "one:9092",
            "security_protocol": protocol,
            "sasl_mechanism": mechanism,
            "username": "${KAFKA_USER}",
            "password": "${KAFKA_PASSWORD}",
        }
    )
    assert client_properties(
        connection, environment={"KAFKA_USER": "alice", "KAFKA_PASSWORD": "pa$$ word"}
    ) == {
        "bootstrap.servers": "one:9092",
        "security.protocol": protocol,
        "sasl.mechanism": mechanism,
        "sasl.username": "alice",
        "sasl.password": "pa$$ word",
    }


def test_mutual_tls_with_a_custom_ca_names_the_files_and_resolves_the_keys_password(
    certificates: dict[str, str],
) -> None:
    connection = KafkaConnection(
        bootstrap_servers="one:9093",
        security_protocol="SSL",
        ssl_ca_location=certificates["ca"],
        ssl_certificate_location=certificates["certificate"],
        ssl_key_location=certificates["key"],
        ssl_key_password="${KEY_PASSWORD}",
    )
    assert client_properties(connection, environment={"KEY_PASSWORD": "opens"}) == {
        "bootstrap.servers": "one:9093",
        "security.protocol": "SSL",
        "ssl.ca.location": certificates["ca"],
        "ssl.certificate.location": certificates["certificate"],
        "ssl.key.location": certificates["key"],
        "ssl.key.password": "opens",
    }


def test_properties_win_and_may_refer_to_secrets() -> None:
    connection = KafkaConnection(
        bootstrap_servers="one:9092",
        security_protocol="SASL_SSL",
        properties={
            "sasl.mechanisms": "OAUTHBEARER",
            "sasl.oauthbearer.client.secret": "${SECRET}",
            "security.protocol": "SASL_PLAINTEXT",
        },
    )
    assert client_properties(connection, environment={"SECRET": "hush"}) == {
        "bootstrap.servers": "one:9092",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.client.secret": "hush",
    }


@pytest.mark.parametrize(
    ("settings", "environment", "sentence"),
    [
        (
            {"username": "alice", "password": "${NOT_SET}"},
            {},
            "kafka.password: the estate refers to ${NOT_SET}, but",
        ),
        (
            {"username": "alice", "password": "${EMPTY}"},
            {"EMPTY": ""},
            "kafka.password: the value is empty; expected the value behind",
        ),
        (
            {"properties": {"ssl.keystore.password": "${NOT_SET}"}},
            {},
            "kafka.properties.ssl.keystore.password: the estate refers to",
        ),
        (
            {"ssl_ca_location": "/not/there.pem"},
            {},
            "kafka.ssl_ca_location: there is no readable file /not/there.pem",
        ),
    ],
)
def test_an_unresolvable_value_is_reported_with_its_field(
    settings: dict[str, object], environment: dict[str, str], sentence: str
) -> None:
    connection = KafkaConnection.model_validate({"bootstrap_servers": "one:9092", **settings})
    with pytest.raises(EstateError) as raised:
        client_properties(connection, environment=environment)
    assert str(raised.value).startswith(sentence)


def test_properties_print_without_their_secrets() -> None:
    connection = KafkaConnection(
        bootstrap_servers="one:9092",
        security_protocol="SASL_SSL",
        sasl_mechanism="PLAIN",
        username="alice",
        password="${KAFKA_PASSWORD}",
        properties={"ssl.key.pem": "${KEY}"},
    )
    properties = client_properties(connection, environment={"KAFKA_PASSWORD": "hush-1", "KEY": "hush-2"})
    assert "hush" not in f"{properties} {properties!r}"
    assert "'sasl.password': '***'" in repr(properties)
