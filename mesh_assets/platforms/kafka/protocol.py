"""Kafka's protocol, as far as it is spoken here: a connection with its login, and the forms of requests and answers.

librdkafka speaks it everywhere else; it lacks what `share_groups` asks.
"""

import base64
import hashlib
import hmac
import os
import secrets
import socket
import ssl
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from confluent_kafka import KafkaError

from mesh_assets.errors import EstateError

Item = TypeVar("Item")

_SASL_HANDSHAKE, _API_VERSIONS, _SASL_AUTHENTICATE = 17, 18, 36
# The version of ApiVersions whose answer every broker since 0.10 gives in the old form.
_OLDEST = 0
_LONGEST_ANSWER = 64 * 1024 * 1024
# Kafka takes no fewer from its users; more would let whoever answers keep this process busy.
_ITERATIONS = range(4_096, 1_000_001)
_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


class AnsweredError(Exception):
    """A broker answered with an error."""

    def __init__(self, code: int, said: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.said = said


# --- connection and login


@contextmanager
def connection(
    where: tuple[str, int], properties: Mapping[str, Any], timeout_seconds: float
) -> Iterator["BrokerConnection"]:
    protocol = str(properties.get("security.protocol", "PLAINTEXT")).upper()
    with ExitStack() as stack:
        connected: socket.socket = stack.enter_context(
            socket.create_connection(where, timeout=timeout_seconds)
        )
        if protocol.endswith("SSL"):
            context = _tls(properties)
            connected = stack.enter_context(context.wrap_socket(connected, server_hostname=where[0]))
        broker = BrokerConnection(connected, str(properties.get("client.id", "mesh-assets")))
        if protocol.startswith("SASL"):
            _log_in(broker, properties)
        yield broker


def _tls(properties: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(
        cafile=properties.get("ssl.ca.location"), cadata=properties.get("ssl.ca.pem")
    )
    if str(properties.get("ssl.endpoint.identification.algorithm", "https")).lower() == "none":
        context.check_hostname = False
    password = properties.get("ssl.key.password")
    if properties.get("ssl.certificate.location"):
        context.load_cert_chain(
            properties["ssl.certificate.location"], properties.get("ssl.key.location"), password
        )
    elif properties.get("ssl.certificate.pem"):
        with _in_memory(f"{properties['ssl.certificate.pem']}\n{properties['ssl.key.pem']}\n") as path:
            context.load_cert_chain(path, None, password)
    return context


@contextmanager
def _in_memory(secret: str) -> Iterator[str]:
    """A path to the text in anonymous memory: Python's TLS takes a key only from a file, and none may hold it."""
    if not hasattr(os, "memfd_create"):
        raise EstateError(
            "a share group is read with a client certificate on Linux only: other systems would need the private key in a file"
        )
    descriptor = os.memfd_create("key")
    try:
        os.write(descriptor, secret.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _log_in(broker: "BrokerConnection", properties: Mapping[str, Any]) -> None:
    mechanism = str(properties.get("sasl.mechanism", ""))
    user, password = str(properties.get("sasl.username", "")), str(properties.get("sasl.password", ""))
    answer = broker.ask(_SASL_HANDSHAKE, 1, _short(mechanism), flexible=False)
    if code := answer.int16():
        raise AnsweredError(code, f"it does not offer {mechanism}")
    match mechanism:
        case "PLAIN":
            _authenticate(broker, f"\0{user}\0{password}".encode())
        case "OAUTHBEARER" if callable(properties.get("oauth_cb")):
            token, _ = properties["oauth_cb"]("")
            _authenticate(broker, f"n,,\x01auth=Bearer {token}\x01\x01".encode())
        case "SCRAM-SHA-256" | "SCRAM-SHA-512":
            _scram(broker, _HASHES[mechanism], user, password)
        case _:
            raise EstateError(f"a share group cannot be read with {mechanism or 'no SASL mechanism'}")


def _authenticate(broker: "BrokerConnection", sent: bytes) -> bytes:
    answer = broker.ask(_SASL_AUTHENTICATE, 1, struct.pack(">i", len(sent)) + sent, flexible=False)
    code, said = answer.int16(), answer.short_text()
    if code:
        raise AnsweredError(code, said or "")
    return answer.take(answer.int32())


def _scram(broker: "BrokerConnection", algorithm: str, user: str, password: str) -> None:
    """RFC 5802; the broker has to prove that it knows the password as well."""
    name = user.replace("=", "=3D").replace(",", "=2C")
    nonce = secrets.token_urlsafe(24)
    first = f"n={name},r={nonce}"
    challenge = _authenticate(broker, f"n,,{first}".encode()).decode()
    fields = dict(part.split("=", 1) for part in challenge.split(","))
    if not fields.keys() >= {"r", "s", "i"} or int(fields["i"]) not in _ITERATIONS:
        raise ValueError("a challenge that is not one of SCRAM")
    if not fields["r"].startswith(nonce):
        raise AnsweredError(
            KafkaError.SASL_AUTHENTICATION_FAILED, "the broker answered another client's login"
        )
    salted = hashlib.pbkdf2_hmac(
        algorithm, password.encode(), base64.b64decode(fields["s"]), int(fields["i"])
    )
    last = f"c=biws,r={fields['r']}"
    signed = f"{first},{challenge},{last}".encode()
    key = hmac.digest(salted, b"Client Key", algorithm)
    signature = hmac.digest(hashlib.new(algorithm, key).digest(), signed, algorithm)
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()
    final = _authenticate(broker, f"{last},p={proof}".encode()).decode()
    expected = hmac.digest(hmac.digest(salted, b"Server Key", algorithm), signed, algorithm)
    if not hmac.compare_digest(final.removeprefix("v="), base64.b64encode(expected).decode()):
        raise AnsweredError(
            KafkaError.SASL_AUTHENTICATION_FAILED, "the broker does not know the user's password"
        )


# --- the protocol's forms

NO_TAGS = b"\0"


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def compact(text: str) -> bytes:
    return _varint(len(text.encode()) + 1) + text.encode()


def _short(text: str) -> bytes:
    return struct.pack(">h", len(text.encode())) + text.encode()


def array(items: list[bytes]) -> bytes:
    return _varint(len(items) + 1) + b"".join(items)


class Answer:
    """An answer, read from its beginning to its end."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, length: int) -> bytes:
        taken = self._content[self._at : self._at + length]
        if len(taken) < length:
            raise ValueError("the answer ends too early")
        self._at += length
        return taken

    skip = take

    def int16(self) -> int:
        return int(struct.unpack(">h", self.take(2))[0])

    def int32(self) -> int:
        return int(struct.unpack(">i", self.take(4))[0])

    def int64(self) -> int:
        return int(struct.unpack(">q", self.take(8))[0])

    def varint(self) -> int:
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def text(self) -> str | None:
        length = self.varint() - 1
        return None if length < 0 else self.take(length).decode()

    def short_text(self) -> str | None:
        length = self.int16()
        return None if length < 0 else self.take(length).decode()

    def items(self, read: Callable[[], Item]) -> list[Item]:
        return [read() for _ in range(self.varint() - 1)]

    def tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            self.skip(self.varint())


class BrokerConnection:
    """One connection, one request after the other."""

    def __init__(self, connected: socket.socket, client_id: str) -> None:
        self._connected = connected
        self._client_id = client_id
        self._asked = 0

    def newest(self, api: int) -> int:
        """The newest version of a request that the broker knows. Raises UnexpectedAnswerError for none."""
        answer = self.ask(_API_VERSIONS, _OLDEST, b"", flexible=False)
        if code := answer.int16():
            raise AnsweredError(code)
        known = {}
        for _ in range(answer.int32()):
            key, _, newest = answer.int16(), answer.int16(), answer.int16()
            known[key] = newest
        if api not in known:
            raise AnsweredError(KafkaError.UNSUPPORTED_VERSION, "it has no share groups")
        return known[api]

    def ask(self, api: int, version: int, body: bytes, *, flexible: bool = True) -> Answer:
        self._asked += 1
        head = struct.pack(">hhi", api, version, self._asked) + _short(self._client_id)
        request = head + (NO_TAGS if flexible else b"") + body
        self._connected.sendall(struct.pack(">i", len(request)) + request)
        length = struct.unpack(">i", self._read(4))[0]
        if not 4 <= length <= _LONGEST_ANSWER:
            raise ValueError("an answer of an impossible length")
        answer = Answer(self._read(length))
        if answer.int32() != self._asked:
            raise ValueError("an answer to another request")
        if flexible:
            answer.tags()
        return answer

    def _read(self, length: int) -> bytes:
        content = bytearray()
        while len(content) < length:
            part = self._connected.recv(length - len(content))
            if not part:
                raise EOFError
            content += part
        return bytes(content)
