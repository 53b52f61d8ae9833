"""What a connection needs: addresses and which part of them may be shown, TLS settings, what is wrong with
it, and a log that masks addresses."""

import logging
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import httpx

from mesh_assets.errors import EstateError
from mesh_assets.platforms.listeners import is_loopback, spoken_at


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A service's address. `shown` has no userinfo, query or trailing slash: safe in messages and logs.

    `username` and `password` are those in the address itself (`https://user:secret@host`), None without.
    """

    shown: str
    is_loopback: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_base_url(text: str, *, name: str) -> BaseUrl:
    """The parts of `text`, the address of the service called `name`.

    Userinfo is removed because httpx logs the address of every request. Raises EstateError without repeating
    the text, which may hold a secret.
    """
    expected = f"the url of {name} must look like https://host:port/path"
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise EstateError(f"{expected}; its host or port cannot be parsed") from error
    if parts.scheme not in ("http", "https") or not host:
        raise EstateError(f"{expected}; got scheme {parts.scheme!r} and host {host!r}")
    if parts.query or parts.fragment:
        raise EstateError(
            f"{expected}, without a query or a fragment; credentials go into username and password"
        )
    location = f"[{host}]" if ":" in host else host
    if port is not None:
        location = f"{location}:{port}"
    return BaseUrl(
        shown=urlunsplit((parts.scheme, location, parts.path.rstrip("/"), "", "")),
        is_loopback=is_loopback(host),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def path_segment(name: str) -> str:
    """`name` as one segment of a path: everything reserved is escaped, the slash too.

    All but the colon: it is allowed in a path, and a server that does not decode paths (AxonOps) would not
    find `:.context:subject`. `.` and `..` are escaped because clients and servers would fold them away and
    address something else.
    """
    return name.replace(".", "%2E") if name in (".", "..") else quote(name, safe=":")


# Trust in HTTPS services.


def tls_failure(error: BaseException) -> str | None:
    """What is wrong if the TLS handshake failed, which a retry would not change; None for any other
    failure."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has no certificate this machine trusts ({cause}); set ca_location, or check the url"
        if isinstance(cause, ssl.SSLError):
            return f"does not speak TLS as expected ({cause}); is the url right, https and the port?"
        cause = cause.__cause__ or cause.__context__
    return None


def tls_context(ca_location: str | None, *, name: str) -> ssl.SSLContext:
    """Whom to trust: the usual authorities, or those in the file or folder `ca_location` of the service
    called `name`.

    Raises EstateError when `ca_location` holds no certificates.
    """
    if ca_location is None:
        return _usual_authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    path = Path(ca_location).expanduser()
    try:
        return ssl.create_default_context(
            cafile=None if path.is_dir() else str(path), capath=str(path) if path.is_dir() else None
        )
    except (OSError, ssl.SSLError) as error:
        raise EstateError(
            f"ca_location of {name}: {ca_location} cannot be read as certificates in PEM form ({error})"
        ) from error


@cache
def _usual_authorities(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Read once, since it takes 20 ms, as long as the environment names the same replacements."""
    return httpx.create_ssl_context()


def another_protocol(url: str) -> str | None:
    """The sentence about a listener that does not speak the address's protocol; None if that is not the
    reason."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    spoken = spoken_at(host, port)
    if spoken == "Kafka in plain text":
        return f"{host}:{port} is a listener of a Kafka broker, which does not speak HTTP; correct the url"
    if spoken == "HTTP" and parts.scheme == "https":
        return f"{host}:{port} answers in plain HTTP; write http:// in the url, or give its TLS port"
    if spoken == "HTTPS" and parts.scheme == "http":
        return f"{host}:{port} expects TLS; write https:// in the url"
    if spoken == "TLS":
        return (
            f"{host}:{port} speaks TLS, but not HTTP (is it a listener of a Kafka broker?); correct the url"
        )
    return None


# Keeps secret addresses out of the logs of httpx and httpcore.

# httpx logs the address of every request; httpcore logs response headers, which may repeat it. A filter only
# sees the records of its own logger, not those of the loggers below, so each of them gets it.
_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)
_MASK = "***"


class LogMask(logging.Filter):
    """Replaces secret texts in every record of httpx and httpcore, from `attach` until `detach`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"LogMask({len(self._secrets)} secrets)"

    def attach(self) -> None:
        """Masks what is logged from now on."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def detach(self) -> None:
        """Ends the masking; harmless when it has ended already."""
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass, masked."""
        message = record.getMessage()
        masked = self.mask(message)
        if masked != message:
            record.msg, record.args = masked, ()
        return True

    def mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text
