from pathlib import Path

import pytest

from mesh_assets.access_checks.access_check import (
    http_endpoint,
    http_identity,
    kafka_endpoint,
    kafka_identity,
)
from mesh_assets.estate.connections import HttpConnection, KafkaConnection
from mesh_assets.platforms.certificates import certificate_subject

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIB9jCCAZugAwIBAgIUfOxk58MaD9Sp+SqPTwyK/e01UvswCgYIKoZIzj0EAwIw
UDELMAkGA1UEBhMCU0UxEzARBgNVBAoMCkV4YW1wbGUgQUIxGDAWBgNVBAsMD0Rh
dGVuICYgRmzDvHNzZTESMBAGA1UEAwwJZGlzY292ZXJ5MB4XDTI2MTEyMzIzMDcy
NVoXDTI2MTEyNDIzMDcyNVowUDELMAkGA1UEBhMCU0UxEzARBgNVBAoMCkV4YW1w
bGUgQUIxGDAWBgNVBAsMD0RhdGVuICYgRmzDvHNzZTESMBAGA1UEAwwJZGlzY292
ZXJ5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExIpy8Wdrvtn5WKbdR7DoOzy7
ZNI8G9dp7nNOJJG8dZdAuQr4v2N9+/16gkHrRQA5wU5uFX9XoussnfSq7azy1aNT
MFEwHQYDVR0OBBYEFMvSk6dcYjjyi1TXiCYrDZWE6/CDMB8GA1UdIwQYMBaAFMvS
k6dcYjjyi1TXiCYrDZWE6/CDMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID
SQAwRgIhAI4tJ52omTdRr6oAHAizMgEWqSIYpYPvu42HSeX8cXiwAiEAmEqrD6kQ
zJpoIF+YoXLifch/ZMmvK+IB7GQxH5WP4GM=
-----END CERTIFICATE-----
"""
SUBJECT = "CN=discovery,OU=Daten & Flüsse,O=Example AB,C=SE"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "client.pem"
    path.write_text(f"Bag Attributes\n{CERTIFICATE}{CERTIFICATE}")
    return path


def test_a_certificate_gives_its_subject(certificate: Path) -> None:
    assert certificate_subject(certificate) == SUBJECT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        CERTIFICATE.replace("MIIB9jCC", "MIIB9jCD"),
        CERTIFICATE[:200] + "\n-----END CERTIFICATE-----\n",
    ],
)
def test_a_file_that_is_not_a_certificate_has_no_subject(certificate: Path, text: str) -> None:
    certificate.write_text(text)
    assert certificate_subject(certificate) is None


def test_a_missing_file_has_no_subject(tmp_path: Path) -> None:
    assert certificate_subject(tmp_path / "missing.pem") is None


@pytest.mark.parametrize(
    ("properties", "identity"),
    [
        ({}, "anonymous"),
        ({"security.protocol": "SSL"}, "anonymous"),
        ({"security.protocol": "SSL", "ssl.keystore.location": "client.p12"}, "certificate"),
        (
            {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "alice"},
            "alice (SCRAM-SHA-512)",
        ),
        ({"security.protocol": "sasl_ssl", "sasl.mechanism": "OAUTHBEARER"}, "by OAUTHBEARER"),
    ],
)
def test_the_check_names_the_user_that_the_brokers_see(properties: dict[str, str], identity: str) -> None:
    assert kafka_identity({"sasl.password": "hunter2", **properties}) == identity


def test_a_certificate_is_named_by_its_subject(certificate: Path) -> None:
    assert (
        kafka_identity({"security.protocol": "SSL", "ssl.certificate.location": str(certificate)})
        == f"certificate {SUBJECT}"
    )
    certificate.write_text("")
    assert (
        kafka_identity({"security.protocol": "SSL", "ssl.certificate.location": str(certificate)})
        == f"certificate {certificate}"
    )


def test_an_address_is_shown_without_its_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY", "https://key:hunter2@registry.test/path")
    connection = HttpConnection(url="${REGISTRY}")
    assert http_endpoint(connection, name="x") == "https://registry.test/path"
    assert http_identity(connection, name="x") == "key"


def test_an_unresolvable_reference_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    connection = HttpConnection(url="${NOWHERE}")
    assert (http_endpoint(connection, name="x"), http_identity(connection, name="x")) == ("", "")
    assert kafka_endpoint(KafkaConnection(bootstrap_servers="${NOWHERE}")) == "${NOWHERE}"


def test_a_username_kept_with_its_password_is_shown_as_its_reference_and_not_fetched() -> None:
    connection = HttpConnection(
        url="https://registry.test", username="ssm:/agent/key", password="ssm:/agent/secret"
    )
    assert http_identity(connection, name="x") == "ssm:/agent/key"
