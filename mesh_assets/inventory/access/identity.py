"""Where a system is reached and as whom, fit to be shown: never a secret."""

from collections.abc import Mapping
from pathlib import Path

from mesh_assets.errors import EstateError
from mesh_assets.estate.connections import HttpConnection, KafkaConnection
from mesh_assets.inventory.access.certificate import certificate_subject
from mesh_assets.platforms.http.urls import parse_base_url
from mesh_assets.platforms.kafka.settings import shown_property
from mesh_assets.platforms.secrets import resolve, shown

ANONYMOUS = "anonymous"


def kafka_identity(properties: Mapping[str, str]) -> str:
    """`alice (SCRAM-SHA-512)`, `certificate CN=discovery`, or anonymous, from librdkafka's properties."""
    protocol = properties.get("security.protocol", "PLAINTEXT").upper()
    if protocol.startswith("SASL"):
        mechanism = shown_property(properties, "sasl.mechanism") or "GSSAPI"
        username = shown_property(properties, "sasl.username")
        return f"{username} ({mechanism})" if username else f"by {mechanism}"
    if protocol != "SSL":
        return ANONYMOUS
    if "ssl.certificate.location" in properties:
        subject = certificate_subject(Path(properties["ssl.certificate.location"]))
        return f"certificate {subject or properties['ssl.certificate.location']}"
    given = any(name in properties for name in ("ssl.certificate.pem", "ssl.keystore.location"))
    return "certificate" if given else ANONYMOUS


def kafka_endpoint(connection: KafkaConnection) -> str:
    """The bootstrap servers, or the ARN they are asked by; as the estate has them when a reference in them
    cannot be resolved."""
    try:
        return resolve(connection.address)
    except EstateError:
        return connection.address


def http_endpoint(connection: HttpConnection, *, name: str) -> str:
    """The address without what may be secret in it; empty when it cannot be known."""
    try:
        return parse_base_url(resolve(connection.url), name=name).shown
    except EstateError:
        return ""


def http_identity(connection: HttpConnection, *, name: str) -> str:
    try:
        if connection.username is not None:
            return shown(connection.username)
        return parse_base_url(resolve(connection.url), name=name).username or ANONYMOUS
    except EstateError:
        return ""
