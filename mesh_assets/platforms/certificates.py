"""What an X.509 certificate says: whose it is, who signed it, and how long it is valid."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mesh_assets.importing import importing


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """`subject` and `issuer` as Java and Kafka write them, most specific part first:
    `CN=discovery,O=Example`.

    None where they are empty.
    """

    subject: str | None
    issuer: str | None
    not_before: datetime
    not_after: datetime


def certificate_subject(path: Path) -> str | None:
    """The subject of the first certificate in a PEM file; None when there is no readable one."""
    try:
        facts = certificate_facts(path.read_text(encoding="ascii", errors="ignore"))
    except OSError:
        return None
    return None if facts is None else facts.subject


def certificate_facts(certificate: str | bytes) -> CertificateFacts | None:
    """The facts of a certificate, the first one in PEM text or one in DER; None when it cannot be read."""
    with importing:
        from cryptography import x509  # heavy, and needed only to look at a certificate

    try:
        found = (
            x509.load_pem_x509_certificate(certificate.encode())
            if isinstance(certificate, str)
            else x509.load_der_x509_certificate(certificate)
        )
        return CertificateFacts(
            subject=found.subject.rfc4514_string() or None,
            issuer=found.issuer.rfc4514_string() or None,
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
        )
    except ValueError:
        return None
