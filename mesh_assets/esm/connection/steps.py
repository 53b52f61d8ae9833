"""What a connection check reports, and its steps below Kafka: the name, the port, the certificate."""

import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from mesh_assets.esm.connection.login import KafkaLogin
from mesh_assets.platforms.certificates import CertificateFacts, certificate_facts

StepName = Literal["name resolution", "TCP", "TLS", "authentication", "metadata", "topic", "rights"]
State = Literal["ok", "failed", "skipped"]

STEPS: tuple[StepName, ...] = (
    "name resolution",
    "TCP",
    "TLS",
    "authentication",
    "metadata",
    "topic",
    "rights",
)


class Step(Struct, frozen=True, kw_only=True):
    """`facts`: what was found, for people. `said`: what happened (failed) or why not (skipped).

    `cause`: the likely cause and what to do; empty unless the step failed.
    """

    name: StepName
    state: State
    facts: Mapping[str, str | int] = {}
    said: str = ""
    cause: str = ""


class ConnectionReport(Struct, frozen=True, kw_only=True):
    """`endpoint`: the brokers; `login`: as whom, in words; `origin`: where the credentials come from.

    Contains no secret.
    """

    endpoint: str
    login: str
    origin: str
    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        return all(step.state != "failed" for step in self.steps)

    @property
    def failure(self) -> Step | None:
        return next((step for step in self.steps if step.state == "failed"), None)


Address = tuple[str, int]

_PLAIN_TEXT = (
    "WRONG_VERSION_NUMBER",
    "UNEXPECTED_MESSAGE",
    "RECORD_LAYER_FAILURE",
    "UNSUPPORTED_PROTOCOL",
    "HTTP_REQUEST",
)


def addresses(servers: str) -> list[Address]:
    """Host and port of each server; 0 for a port that is not valid."""
    found = []
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        found.append(
            (
                host.removeprefix("[").removesuffix("]"),
                int(port) if port.isdigit() and int(port) < 65536 else 0,
            )
        )
    return found


def resolve_names(servers: Sequence[Address]) -> tuple[Step, list[Address]]:
    """The step, and the servers whose names resolve: one is enough, as for any client."""
    resolved, failures = [], []
    for host, port in servers:
        if not host or not port:
            failures.append(f"{host or '(no host)'} has no port; expected host:port")
            continue
        try:
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            resolved.append((host, port))
        except (OSError, UnicodeError) as error:
            failures.append(
                f"{host}: {error.strerror if isinstance(error, OSError) and error.strerror else 'no name'}"
            )
    if not resolved:
        cause = "a typo, or a private name: MSK's brokers resolve only inside their VPC or through its DNS"
        return Step(name="name resolution", state="failed", said="; ".join(failures), cause=cause), []
    facts: dict[str, str | int] = {"resolved": f"{len(resolved)} of {len(servers)}"}
    if failures:
        facts["not resolved"] = "; ".join(failures)
    return Step(name="name resolution", state="ok", facts=facts), resolved


def connect(servers: Sequence[Address], *, timeout_seconds: float) -> tuple[Step, Address | None]:
    """The step, and the first server that accepts a connection."""
    failures = []
    for host, port in servers:
        begun = time.monotonic()
        try:
            with socket.create_connection((host, port), timeout=timeout_seconds):
                milliseconds = int((time.monotonic() - begun) * 1000)
            return Step(
                name="TCP", state="ok", facts={"server": f"{host}:{port}", "milliseconds": milliseconds}
            ), (host, port)
        except TimeoutError:
            failures.append((f"{host}:{port}: no answer within {timeout_seconds:.0f} s", True))
        except OSError as error:
            failures.append((f"{host}:{port}: {error.strerror or type(error).__name__}", False))
    silent = any(late for _, late in failures)
    cause = (
        "a security group, network ACL or route drops it: allow the broker port from here (and from the mapping's subnets)"
        if silent
        else "nothing listens there: check the port (MSK: 9092 plain text, 9094 TLS, 9096 SCRAM, 9098 IAM) and that the broker runs"
    )
    return Step(name="TCP", state="failed", said="; ".join(text for text, _ in failures), cause=cause), None


def shake_hands(server: Address, login: KafkaLogin, *, timeout_seconds: float) -> Step:
    """The TLS handshake and the certificate's facts.

    Only Kafka's client presents the client's own certificate, later.
    """
    try:
        context = ssl.create_default_context(cadata=login.authority)
    except ssl.SSLError:
        return Step(
            name="TLS",
            state="failed",
            said="the authority's certificate is not PEM text",
            cause="the secret or file holds something else; expected -----BEGIN CERTIFICATE-----",
        )
    try:
        found = certificate_facts(_handshake(server, context, timeout_seconds))
        return Step(name="TLS", state="ok", facts=_facts(found))
    except ssl.SSLCertVerificationError as error:
        found = _unverified(server, timeout_seconds)
        return Step(
            name="TLS",
            state="failed",
            facts=_facts(found),
            said=f"the broker's certificate could not be verified: {error.verify_message}",
            cause=_verification_cause(error, found, server[0], login),
        )
    except (ssl.SSLError, OSError) as error:
        said = str(
            error.reason
            if isinstance(error, ssl.SSLError) and error.reason
            else error.strerror or type(error).__name__
        )
        if "CERTIFICATE_REQUIRED" in said:  # a TLS 1.2 listener asks for a client certificate at once
            return Step(name="TLS", state="ok", facts={"client certificate": "wanted"})
        plain = isinstance(error, ssl.SSLEOFError | ConnectionResetError | TimeoutError) or any(
            word in said for word in _PLAIN_TEXT
        )
        cause = (
            "the listener does not speak TLS: use the TLS port, or security protocol PLAINTEXT"
            if plain
            else "no protocol or cipher in common"
        )
        return Step(name="TLS", state="failed", said=f"the handshake failed: {said}", cause=cause)


def _handshake(server: Address, context: ssl.SSLContext, timeout_seconds: float) -> bytes:
    with (
        socket.create_connection(server, timeout=timeout_seconds) as plain,
        context.wrap_socket(plain, server_hostname=server[0]) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _unverified(server: Address, timeout_seconds: float) -> CertificateFacts | None:
    """The facts of a certificate that failed verification. Nothing is sent over this connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return certificate_facts(_handshake(server, context, timeout_seconds))
    except OSError:
        return None


def _facts(found: CertificateFacts | None) -> dict[str, str | int]:
    if found is None:
        return {"certificate": "could not be read"}
    days = (found.not_after - datetime.now(UTC)).days
    return {
        "subject": found.subject or "(none)",
        "issuer": found.issuer or "(none)",
        "expires": f"{found.not_after:%Y-%m-%d}",
        "days left": days,
    }


def _verification_cause(
    error: ssl.SSLCertVerificationError, found: CertificateFacts | None, host: str, login: KafkaLogin
) -> str:
    text = error.verify_message.lower()
    if "expired" in text:
        return (
            f"it expired on {found.not_after:%Y-%m-%d}: renew the broker's certificate"
            if found
            else "renew the broker's certificate"
        )
    if "not yet valid" in text:
        return "it is not valid yet: check the clocks"
    if "hostname" in text or "ip address" in text:
        return f"it was not issued for {host}: use a name it was issued for, or add this one to it"
    if login.authority is not None:
        return "another authority than the given one signed it: give the one that did"
    return "a private authority signed it: give that authority's certificate (SERVER_ROOT_CA_CERTIFICATE of the mapping, or --ca)"
