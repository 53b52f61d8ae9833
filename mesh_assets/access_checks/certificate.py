"""The subject of a certificate, the name by which brokers know a client that speaks mutual TLS; and who
signed it, until when.

The standard library reads these of a peer that it has verified, not of a file or of one it has not; this
walks just so far into the DER (X.690) of a certificate (RFC 5280, 4.1) as its subject is.
"""

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mesh_assets.inventory.records import Record

_FIRST = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_CONTEXT_0 = 0xA0
_SHORT_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
}
_ENCODINGS = {0x1E: "utf-16-be", 0x14: "latin-1"}  # BMPString, TeletexString; all others are read as UTF-8


_GENERALIZED_TIME = 0x18


class CertificateFacts(Record, frozen=True, kw_only=True):
    """`subject` and `issuer` in Java's order (the last part first): `CN=discovery,O=Example`; None where they
    are empty."""

    subject: str | None
    issuer: str | None
    not_before: datetime
    not_after: datetime


def certificate_subject(path: Path) -> str | None:
    """The subject of the first certificate in the PEM file; None when it has none."""
    try:
        found = _FIRST.search(path.read_text(encoding="ascii", errors="ignore"))
    except OSError:
        return None
    facts = None if found is None else certificate_facts(found.group())
    return None if facts is None else facts.subject


def certificate_facts(certificate: str | bytes) -> CertificateFacts | None:
    """Of a certificate as PEM text or DER; None when it cannot be read."""
    try:
        der = ssl.PEM_cert_to_DER_cert(certificate) if isinstance(certificate, str) else certificate
        ((_, whole),) = _parts(der)
        (_, signed), *_ = _parts(whole)
        # version (optional), serial number, signature algorithm, issuer, validity, subject
        fields = [content for tag, content in _parts(signed) if tag != _CONTEXT_0]
        not_before, not_after = (_time(tag, content) for tag, content in _parts(fields[3]))
        return CertificateFacts(
            subject=_name(fields[4]), issuer=_name(fields[2]), not_before=not_before, not_after=not_after
        )
    except (ValueError, IndexError):
        return None


def _name(content: bytes) -> str | None:
    names = []
    for _, group in _parts(content):
        for _, pair in _parts(group):
            (_, kind), (encoding, value) = _parts(pair)
            name = _SHORT_NAMES.get(_object_id(kind))
            if name is not None:
                names.append(f"{name}={value.decode(_ENCODINGS.get(encoding, 'utf-8'))}")
    return ",".join(reversed(names)) or None


def _time(tag: int, content: bytes) -> datetime:
    """Years of two digits are those of 1950 to 2049."""
    text = content.decode("ascii")
    if tag != _GENERALIZED_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each value in a row."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size], "big"), at + size
        if at + length > len(der):
            raise ValueError("cut short")
        yield tag, der[at : at + length]
        at += length


def _object_id(content: bytes) -> str:
    numbers, number = [], 0
    for byte in content:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))
