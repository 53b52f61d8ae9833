"""Logins by SASL: what the client says, turn by turn, and where a token comes from.

kafka-python's mechanisms were looked at (3.0.12) and are not used: its SCRAM sends user names with `=` and
`,` unescaped, accepts an answer with one round of hashing, and does not compare in constant time; its
Kerberos has an open fault (dpkp/kafka-python issue 2643); and importing them takes longer than everything we
read.
"""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeAlias

import msgspec
from confluent_kafka import KafkaError

from mesh_assets.errors import (
    EstateError,
    PlatformError,
    RefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from mesh_assets.importing import importing
from mesh_assets.platforms.kafka.settings import MASK
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError

Turns: TypeAlias = Generator[bytes, bytes, None]
"""Yields what the client says, and is sent what the broker answers."""

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI")

# Kafka accepts no fewer from its users; more would let the peer keep this process busy.
_ITERATIONS = range(4_096, 1_000_001)
# How much of a token's life is used before we ask for another; a login is renewed at 85 % of it.
_OF_A_TOKEN = 0.8
_OIDC_SECONDS = 10.0


class Conversation:
    """One login. `next_words` may block, so it belongs in a thread of its own."""

    def __init__(self, turns: Callable[[], Turns]) -> None:
        self._begin = turns
        self._turns: Turns | None = None

    def next_words(self, received: bytes | None) -> bytes | None:
        """What to say to what was `received` (None: nothing was said yet); None: the login is over. Raises
        BrokerError if the broker does not prove who it is, MalformedError, PlatformError or EstateError."""
        try:
            if self._turns is None:
                self._turns = self._begin()
                return next(self._turns)
            return self._turns.send(received or b"")
        except StopIteration:
            return None


def plain(user: str, password: str) -> Turns:
    yield f"\0{user}\0{password}".encode()


def scram(mechanism: str, user: str, password: str) -> Turns:
    """RFC 5802; the broker has to prove that it also knows the password."""
    algorithm = mechanism.removeprefix("SCRAM-").replace("-", "").lower()
    name = user.replace("=", "=3D").replace(",", "=2C")
    nonce = secrets.token_urlsafe(24)
    first = f"n={name},r={nonce}"
    challenge = yield f"n,,{first}".encode()
    try:
        text = challenge.decode("ascii")
        fields = dict(part.split("=", 1) for part in text.split(","))
        their_nonce, rounds = fields["r"], int(fields["i"])
        salt = base64.b64decode(fields["s"], validate=True)
    except (ValueError, KeyError):
        raise MalformedError("a challenge that is not a SCRAM challenge") from None
    if rounds not in _ITERATIONS:
        raise MalformedError(
            f"a challenge of {rounds} rounds; expected {_ITERATIONS[0]} to {_ITERATIONS[-1]}"
        )
    if not their_nonce.startswith(nonce) or their_nonce == nonce:
        raise BrokerError(KafkaError._AUTHENTICATION, "the broker answered another client's login")
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, rounds)
    last = f"c=biws,r={their_nonce}"
    signed = f"{first},{text},{last}".encode()
    key = hmac.digest(salted, b"Client Key", algorithm)
    signature = hmac.digest(hashlib.new(algorithm, key).digest(), signed, algorithm)
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()
    final = yield f"{last},p={proof}".encode()
    expected = base64.b64encode(hmac.digest(hmac.digest(salted, b"Server Key", algorithm), signed, algorithm))
    if not hmac.compare_digest(final.removeprefix(b"v="), expected):
        raise BrokerError(KafkaError._AUTHENTICATION, "the broker does not know the user's password")


def bearer(tokens: "Tokens") -> Turns:
    """RFC 7628, with the extensions of KIP-342."""
    token, extensions = tokens.current()
    more = "".join(f"\x01{name}={value}" for name, value in extensions.items())
    refusal = yield f"n,,\x01auth=Bearer {token}{more}\x01\x01".encode()
    if refusal:
        yield b"\x01"  # the broker expects an acknowledgement of its refusal
        raise BrokerError(KafkaError._AUTHENTICATION, "the broker refused the token")


def kerberos(service: str, host: str) -> Turns:
    """RFC 4752 with the ticket of the process (`kinit`), and without a security layer of Kerberos: Kafka has
    none. Raises EstateError if the package gssapi is not installed."""
    with importing:
        try:
            import gssapi
        except (ImportError, OSError):
            raise EstateError(
                "kafka.properties.sasl.mechanism: GSSAPI needs the package gssapi, which is not installed here: pip install gssapi"
            ) from None
    try:
        name = gssapi.Name(f"{service}@{host}", gssapi.NameType.hostbased_service)
        context = gssapi.SecurityContext(name=name, usage="initiate")
        received: bytes | None = None
        while not context.complete:
            received = yield context.step(received) or b""
        offered = context.unwrap(received or b"").message
        if len(offered) != 4 or not offered[0] & 1:
            raise BrokerError(KafkaError._AUTHENTICATION, "the broker wants a security layer of Kerberos")
        yield context.wrap(b"\x01\0\0\0", False).message
    except gssapi.exceptions.GSSError as error:
        said = " ".join(str(error).split())
        raise BrokerError(KafkaError._AUTHENTICATION, f"Kerberos: {said}") from None


# --- tokens


class Tokens:
    """Bearer tokens for all connections of a cluster: one is used until most of its life is over.

    `ask`: confluent-kafka's `oauth_cb`: gets `config`, returns a token, its expiry in seconds since 1970, and
    maybe a principal and extensions.
    """

    def __init__(self, ask: Callable[[str], Any], config: str = "") -> None:
        self._ask = ask
        self._config = config
        self._lock = threading.Lock()
        self._token: tuple[str, Mapping[str, str]] = ("", {})
        self._until = 0.0

    def __repr__(self) -> str:
        return "Tokens()"

    def redact(self, text: str) -> str:
        token, _ = self._token
        return text.replace(token, MASK) if token else text

    def current(self) -> tuple[str, Mapping[str, str]]:
        """A valid token and its extensions. Raises whatever `ask` raises."""
        with self._lock:
            if time.monotonic() >= self._until:
                began = time.monotonic()
                token, ends, *more = self._ask(self._config)
                self._token = (str(token), dict(more[1]) if len(more) > 1 and more[1] else {})
                self._until = began + (float(ends) - time.time()) * _OF_A_TOKEN
            return self._token


class OidcToken:
    """Asks an OpenID provider for tokens by client credentials (RFC 6749, 4.4): librdkafka's method `oidc`."""

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        client_secret: str,
        scope: str | None,
        extensions: Mapping[str, str],
        authorities: Any,
    ) -> None:
        """`authorities`: a TLS context, or True for those of the machine."""
        self._url = url
        self._credential = (client_id, client_secret)
        self._scope = scope
        self._extensions = extensions
        self._authorities = authorities

    def __repr__(self) -> str:
        return f"OidcToken({self._url!r})"

    def __call__(self, _config: str) -> tuple[str, float, str, Mapping[str, str]]:
        with importing:
            import httpx

        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        try:
            answer = httpx.post(
                self._url,
                data=form,
                auth=self._credential,
                verify=self._authorities,
                timeout=_OIDC_SECONDS,
                follow_redirects=False,  # one could carry the credential elsewhere
            )
        except httpx.HTTPError as error:
            raise UnreachableError(
                f"the token endpoint {self._url} could not be reached: {type(error).__name__}; "
                "check sasl.oauthbearer.token.endpoint.url"
            ) from None
        return self._read(answer.status_code, answer.content)

    def _read(self, status: int, content: bytes) -> tuple[str, float, str, Mapping[str, str]]:
        if status != 200:
            raise self._refusal(status, content)
        try:
            read = msgspec.json.decode(content, type=_TokenAnswer)
        except msgspec.DecodeError:
            raise UnexpectedAnswerError(
                f"the token endpoint {self._url} returned no usable token; expected access_token in JSON"
            ) from None
        ends = _end_of(read.access_token)
        if ends is None and read.expires_in is not None:
            ends = time.time() + read.expires_in
        if ends is None:
            raise UnexpectedAnswerError(
                f"the token endpoint {self._url} does not say when its token expires; expected expires_in, or exp in the token"
            )
        return read.access_token, ends, "", self._extensions

    def _refusal(self, status: int, content: bytes) -> PlatformError:
        try:
            code = msgspec.json.decode(content, type=_TokenRefusal).error
        except msgspec.DecodeError:
            code = ""
        said = f"HTTP {status}" + (f", {code}" if code.replace("_", "").isalnum() else "")
        if status in (400, 401, 403):
            return RefusedError(
                f"the token endpoint {self._url} refused the client {self._credential[0]} ({said}); check "
                "sasl.oauthbearer.client.id, client.secret and scope"
            )
        return UnreachableError(f"the token endpoint {self._url} returned no token ({said})")


class _TokenAnswer(msgspec.Struct):
    access_token: str
    expires_in: float | None = None


class _TokenRefusal(msgspec.Struct):
    error: str = ""


class _Claims(msgspec.Struct):
    exp: float | None = None


def _end_of(token: str) -> float | None:
    """A JWT's own expiry; the broker checks it, we only plan with it."""
    parts = token.split(".")
    if len(parts) < 2:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=="), type=_Claims).exp
    except (ValueError, msgspec.DecodeError):
        return None
