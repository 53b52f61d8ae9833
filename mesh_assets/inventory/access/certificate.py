"""The subject of a client's certificate: the name by which brokers know a client that speaks mutual TLS.

The standard library reads the subject of a peer, not of a file; this walks just so far into the DER (X.690) of a certificate (RFC 5280,
4.1) as its subject is.
"""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

_FIRST = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_CONTEXT_0 = 0xA0
_SHORT_NAMES = {"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU"}
_ENCODINGS = {0x1E: "utf-16-be", 0x14: "latin-1"}  # BMPString, TeletexString; all others are read as UTF-8


def certificate_subject(path: Path) -> str | None:
    """`CN=discovery,O=Example` of the first certificate in the PEM file, in Java's order (the last part first); None when it has none."""
    try:
        found = _FIRST.search(path.read_text(encoding="ascii", errors="ignore"))
        return None if found is None else _subject(ssl.PEM_cert_to_DER_cert(found.group()))
    except (OSError, ValueError, IndexError):
        return None


def _subject(der: bytes) -> str | None:
    ((_, certificate),) = _parts(der)
    (_, signed), *_ = _parts(certificate)
    # version (optional), serial number, signature algorithm, issuer, validity, subject
    fields = [content for tag, content in _parts(signed) if tag != _CONTEXT_0]
    names = []
    for _, group in _parts(fields[4]):
        for _, pair in _parts(group):
            (_, kind), (encoding, value) = _parts(pair)
            name = _SHORT_NAMES.get(_object_id(kind))
            if name is not None:
                names.append(f"{name}={value.decode(_ENCODINGS.get(encoding, 'utf-8'))}")
    return ",".join(reversed(names)) or None


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
