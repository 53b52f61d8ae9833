"""Facts about certificates made by another library; unreadable ones have none."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mesh_assets.platforms.certificates import CertificateFacts, certificate_facts

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def a_certificate(subject: dict[x509.ObjectIdentifier, str], *, until: datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(kind, value) for kind, value in subject.items()]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example CA")]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize("until", [NOW + timedelta(days=90), datetime(2060, 1, 1, tzinfo=UTC)])
def test_the_facts_are_those_of_the_certificate_in_either_format(until: datetime) -> None:
    certificate = a_certificate(
        {NameOID.ORGANIZATION_NAME: "Example, Inc.", NameOID.COMMON_NAME: "discovery"}, until=until
    )
    expected = CertificateFacts(
        subject="CN=discovery,O=Example\\, Inc.", issuer="CN=Example CA", not_before=NOW, not_after=until
    )
    assert certificate_facts(certificate.public_bytes(serialization.Encoding.DER)) == expected
    assert certificate_facts(certificate.public_bytes(serialization.Encoding.PEM).decode()) == expected


def test_an_empty_subject_is_none() -> None:
    certificate = a_certificate({}, until=NOW + timedelta(days=1))
    facts = certificate_facts(certificate.public_bytes(serialization.Encoding.DER))
    assert facts is not None
    assert facts.subject is None


@pytest.mark.parametrize("certificate", [b"", b"\x30\x00", b"\x30\x82\xff", "", "no certificate"])
def test_what_is_not_a_certificate_has_no_facts(certificate: str | bytes) -> None:
    assert certificate_facts(certificate) is None
