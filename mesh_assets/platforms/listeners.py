"""Listeners, seen from a client: what they speak, and whether anyone on the way to them can read along.

A client of another protocol sees a connection that is closed, an answer that makes no sense, or silence. So when
a connection was accepted and then failed, we ask the listener in each protocol in turn: a failure costs a
second more, but its reason is known.
"""

import logging
import socket
import ssl
import struct
from contextlib import closing, suppress
from functools import cache
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from mesh_assets.errors import EstateError
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.platforms.secrets import shown

logger = logging.getLogger(__name__)

Spoken = Literal["TLS", "HTTP", "HTTPS", "Kafka in plain text"]

_SECONDS = 1.0
_HELLO_HTTP = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_API_VERSIONS, _CORRELATION = 18, 0x6D657368
_BODY = struct.pack(">hhih", _API_VERSIONS, 0, _CORRELATION, -1)
_HELLO_KAFKA = struct.pack(">i", len(_BODY)) + _BODY


def broker_addresses(connection: KafkaConnection) -> tuple[str, ...]:
    """The brokers as the estate names them, with the values of environment variables, to compare them with addresses from
    elsewhere; as written where a variable is not set. Empty where the estate names the cluster by its ARN."""
    text = connection.bootstrap_servers or ""
    with suppress(EstateError):  # connecting reports it
        text = shown(text)
    return tuple(one for server in text.split(",") if (one := server.strip()))


def spoken_at(host: str, port: int) -> Spoken | None:
    """What is spoken there; None if it is none of these, or the listener is not answering. Sends no
    credential."""
    try:
        with closing(_connected(host, port)) as plain:
            http = _answers_http(plain)
        with closing(_connected(host, port)) as plain:
            encrypted = _encrypted(plain, host)
        if encrypted is not None:
            return encrypted
        if http:
            return "HTTP"
        with closing(_connected(host, port)) as plain:
            return "Kafka in plain text" if _answers_kafka(plain) else None
    except OSError:  # a silent one does not cost a second question
        return None


def _encrypted(plain: socket.socket, host: str) -> Spoken | None:
    try:
        with closing(_tls(plain, host)) as encrypted:
            return "HTTPS" if _answers_http(encrypted) else "TLS"
    except ssl.SSLError as error:
        # An alert is a refusal of this client, in TLS.
        return "TLS" if "ALERT" in (error.reason or "") else None
    except ConnectionError:
        return None


def _connected(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), timeout=_SECONDS)


def _tls(plain: socket.socket, host: str) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # whether to trust it is another question
    return context.wrap_socket(plain, server_hostname=host)


def _answers_http(connection: socket.socket) -> bool:
    """False if the connection is closed; raises TimeoutError if nothing comes."""
    try:
        connection.sendall(_HELLO_HTTP)
        return _received(connection, 5) == b"HTTP/"
    except (ConnectionError, ssl.SSLError):
        return False


def _answers_kafka(connection: socket.socket) -> bool:
    connection.sendall(_HELLO_KAFKA)
    answer = _received(connection, 8)
    return len(answer) == 8 and struct.unpack(">ii", answer)[1] == _CORRELATION


def _received(connection: socket.socket, count: int) -> bytes:
    """Up to `count` bytes; fewer if the connection is closed earlier."""
    received = b""
    while len(received) < count and (part := connection.recv(count - len(received))):
        received += part
    return received


# Credentials in clear text.

IN_CLEAR = "its credential goes over the network in clear text, where anyone on the way can read it"


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def in_clear_note(url: str) -> str | None:
    """What is wrong if a credential is sent to the address over plain HTTP; None if it never leaves the
    machine or is encrypted."""
    parts = urlsplit(url)
    if parts.scheme != "http" or is_loopback(parts.hostname or ""):
        return None
    return f"{IN_CLEAR}: use https, or a tunnel that ends on this machine"


@cache
def warn_once(sentence: str) -> None:
    """Once per address: a sensor opens its services again in every tick."""
    logger.warning("%s", sentence)
