"""What librdkafka's properties say about connecting: how the broker is trusted, and as whom we log in.

The estate and confluent-kafka, which publishes, use these properties; a reader that uses them has to
understand each one that changes how to connect. docs/connecting.md lists them.
"""

import secrets
import socket
import ssl
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mesh_assets.errors import EstateError
from mesh_assets.importing import importing
from mesh_assets.platforms.kafka.errors import Endpoint
from mesh_assets.platforms.kafka.wire import sasl

_UNDERSTOOD = """
    bootstrap.servers metadata.broker.list security.protocol client.id broker.address.family client.dns.lookup
    ssl.ca.location ssl.ca.pem ssl.crl.location ssl.certificate.location ssl.certificate.pem ssl.key.location ssl.key.pem
    ssl.key.password ssl.keystore.location ssl.keystore.password ssl.cipher.suites ssl.endpoint.identification.algorithm
    enable.ssl.certificate.verification
    sasl.mechanism sasl.mechanisms sasl.username sasl.password sasl.kerberos.service.name oauth_cb
    enable.sasl.oauthbearer.unsecure.jwt
    sasl.oauthbearer.config sasl.oauthbearer.method sasl.oauthbearer.client.id sasl.oauthbearer.client.secret
    sasl.oauthbearer.client.credentials.client.id sasl.oauthbearer.client.credentials.client.secret
    sasl.oauthbearer.scope sasl.oauthbearer.extensions sasl.oauthbearer.token.endpoint.url sasl.oauthbearer.grant.type
    sasl.oauthbearer.sub.claim.name sasl.oauthbearer.metadata.authentication.type https.ca.location https.ca.pem
"""
# How librdkafka, its producers and its consumers work; none of it changes whom we connect to, or as whom.
_OF_NO_MATTER = """
    acks allow.auto.create.topics api.version.fallback.ms api.version.request api.version.request.timeout.ms
    auto.commit.enable auto.commit.interval.ms auto.offset.reset batch.num.messages batch.size broker.address.ttl
    broker.version.fallback builtin.features check.crcs client.rack client.software.name client.software.version
    compression.codec compression.level compression.type connections.max.idle.ms consume.callback.max.messages
    coordinator.query.interval.ms debug default.topic.config delivery.report.only.error delivery.timeout.ms
    enable.auto.commit enable.auto.offset.store enable.gapless.guarantee enable.idempotence enable.metrics.push
    enable.partition.eof enable.random.seed enable.sparse.connections enabled_events error_cb fetch.error.backoff.ms
    fetch.max.bytes fetch.message.max.bytes fetch.min.bytes fetch.queue.backoff.ms fetch.wait.max.ms group.id
    group.instance.id group.protocol group.protocol.type group.remote.assignor heartbeat.interval.ms
    internal.termination.signal isolation.level linger.ms log.connection.close log.queue log.thread.name log_cb log_level
    logger max.in.flight max.in.flight.requests.per.connection max.partition.fetch.bytes max.poll.interval.ms
    max.poll.records message.copy.max.bytes message.max.bytes message.send.max.retries message.timeout.ms
    metadata.max.age.ms metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy metadata.request.timeout.ms
    offset.store.method offset.store.path offset.store.sync.interval.ms on_commit on_delivery
    partition.assignment.strategy partitioner produce.offset.report queue.buffering.backpressure.threshold
    queue.buffering.max.kbytes queue.buffering.max.messages queue.buffering.max.ms queued.max.messages.kbytes
    queued.min.messages queuing.strategy receive.message.max.bytes reconnect.backoff.jitter.ms reconnect.backoff.max.ms
    reconnect.backoff.ms request.required.acks request.timeout.ms retries retry.backoff.max.ms retry.backoff.ms
    session.timeout.ms share.acknowledgement.mode socket.blocking.max.ms socket.connection.setup.timeout.ms
    socket.keepalive.enable socket.max.fails socket.nagle.disable socket.receive.buffer.bytes socket.send.buffer.bytes
    socket.timeout.ms statistics.interval.ms stats_cb sticky.partitioning.linger.ms throttle_cb topic.blacklist
    topic.metadata.propagation.max.ms topic.metadata.refresh.fast.cnt topic.metadata.refresh.fast.interval.ms
    topic.metadata.refresh.interval.ms topic.metadata.refresh.sparse transaction.timeout.ms transactional.id
"""
# Those that we understand with one value only.
_ONLY = {
    "client.dns.lookup": "use_all_dns_ips",
    "enable.sasl.oauthbearer.unsecure.jwt": "false",
    "sasl.oauthbearer.grant.type": "client_credentials",
    "sasl.oauthbearer.metadata.authentication.type": "none",
}
_FAMILIES = {"any": socket.AF_UNSPEC, "v4": socket.AF_INET, "v6": socket.AF_INET6}
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_YES, _NO = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})


class Login:
    """`tls` None: plain text. `mechanism` None: no login. Contacts nothing; prints without secrets.

    Raises EstateError for a property that we do not understand, or a file that cannot be used; the error
    never quotes a value that may be a secret.
    """

    def __init__(self, properties: Mapping[str, Any], *, on_confluent_cloud: bool = False) -> None:
        _check_names(properties)
        self.endpoint = Endpoint(properties, on_confluent_cloud=on_confluent_cloud)
        self.client_id = str(properties.get("client.id", "mesh-assets"))
        self.family = _FAMILIES[_choice(properties, "broker.address.family", tuple(_FAMILIES), "any")]
        protocol = _choice(properties, "security.protocol", _PROTOCOLS, "PLAINTEXT")
        self.tls = _tls(properties) if protocol.endswith("SSL") else None
        self.mechanism: str | None = None
        self._tokens: sasl.Tokens | None = None
        self._turns: Callable[[str], sasl.Turns] | None = None
        if protocol.startswith("SASL"):
            name = "sasl.mechanism" if "sasl.mechanism" in properties else "sasl.mechanisms"
            self.mechanism = _choice(properties, name, sasl.MECHANISMS, "GSSAPI")
            if self.mechanism == "OAUTHBEARER":
                config = str(properties.get("sasl.oauthbearer.config", ""))
                self._tokens = sasl.Tokens(_token_source(properties), config)
            self._turns = _turns(self.mechanism, properties, self._tokens)

    def __repr__(self) -> str:
        return f"Login(tls={self.tls is not None}, mechanism={self.mechanism!r})"

    def redact(self, text: str) -> str:
        """Without the secrets in the properties, and without the token made with them."""
        text = self.endpoint.redact(text)
        return text if self._tokens is None else self._tokens.redact(text)

    def conversation(self, host: str) -> sasl.Conversation:
        """A login at the broker of that name."""
        assert self._turns is not None, "called only if there is a mechanism"
        return sasl.Conversation(partial(self._turns, host))


def _check_names(properties: Mapping[str, Any]) -> None:
    known = {*_UNDERSTOOD.split(), *_OF_NO_MATTER.split()}
    for name in properties:
        if name not in known:
            raise EstateError(
                f"kafka.properties.{name}: Kafka cannot be read with this property; take it out (docs/connecting.md lists the known)"
            )
    for name, only in _ONLY.items():
        if str(properties.get(name, only)).lower() != only:
            raise EstateError(
                f"kafka.properties.{name}: Kafka can only be read with {only}; take the property out"
            )


def _choice(properties: Mapping[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    """The value in the spelling of the choices."""
    given = str(properties.get(name, default)).lower()
    for choice in choices:
        if choice.lower() == given:
            return choice
    raise EstateError(f"kafka.properties.{name} is not one of {', '.join(choices)}")


def _boolean(properties: Mapping[str, Any], name: str, default: bool) -> bool:
    given = str(properties.get(name, default)).lower()
    if given not in _YES | _NO:
        raise EstateError(f"kafka.properties.{name} is neither true nor false")
    return given in _YES


def _needed(properties: Mapping[str, Any], name: str, what_for: str) -> str:
    value = str(properties.get(name) or "")
    if not value:
        raise EstateError(f"kafka.properties.{name} is not set; {what_for} needs it")
    return value


# --- who logs in


def _turns(
    mechanism: str, properties: Mapping[str, Any], tokens: sasl.Tokens | None
) -> Callable[[str], sasl.Turns]:
    """The login at a broker, given its host."""
    if tokens is not None:
        return lambda _: sasl.bearer(tokens)
    if mechanism == "GSSAPI":
        return partial(sasl.kerberos, str(properties.get("sasl.kerberos.service.name", "kafka")))
    user = _needed(properties, "sasl.username", mechanism)
    password = _needed(properties, "sasl.password", mechanism)
    if mechanism == "PLAIN":
        return lambda _: sasl.plain(user, password)
    return lambda _: sasl.scram(mechanism, user, password)


def _token_source(properties: Mapping[str, Any]) -> Callable[[str], Any]:
    method = _choice(properties, "sasl.oauthbearer.method", ("default", "oidc"), "default")
    callback: Callable[[str], Any] | None = properties.get("oauth_cb")
    if method == "default":
        if callback is None:
            raise EstateError(
                "kafka.properties.sasl.oauthbearer.method is not oidc, so nothing says where tokens for OAUTHBEARER come from; set oidc "
                "with its properties, or kafka.sasl_mechanism AWS_MSK_IAM"
            )
        return callback
    given = {
        name: properties.get(f"sasl.oauthbearer.{name}")
        or properties.get(f"sasl.oauthbearer.client.credentials.{name}")
        for name in ("client.id", "client.secret")
    }
    for name, value in given.items():
        _needed({f"sasl.oauthbearer.{name}": value}, f"sasl.oauthbearer.{name}", "the method oidc")
    url = _needed(properties, "sasl.oauthbearer.token.endpoint.url", "the method oidc")
    if not url.startswith(("https://", "http://")):
        raise EstateError(
            "kafka.properties.sasl.oauthbearer.token.endpoint.url is not an address; expected https://…"
        )
    pairs = [
        pair.partition("=") for pair in str(properties.get("sasl.oauthbearer.extensions") or "").split(",")
    ]
    return sasl.OidcToken(
        url,
        client_id=str(given["client.id"]),
        client_secret=str(given["client.secret"]),
        scope=properties.get("sasl.oauthbearer.scope"),
        extensions={name.strip(): value.strip() for name, _, value in pairs if name.strip()},
        authorities=_authorities(properties, "https.ca"),
    )


# --- whom we trust, and with which certificate


def _authorities(properties: Mapping[str, Any], prefix: str) -> ssl.SSLContext:
    """Trusts the authorities that `<prefix>.location` or `<prefix>.pem` names, else the machine's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    location, pem = properties.get(f"{prefix}.location"), properties.get(f"{prefix}.pem")
    if location == "probe":
        location = None
    try:
        if location:
            path = Path(str(location))
            context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": str(path)})
        if pem:
            context.load_verify_locations(cadata=str(pem))
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        which = f"{prefix}.pem holds" if not location else f"{prefix}.location: {location} holds"
        raise EstateError(f"kafka.properties.{which} no certificates in PEM form that can be read") from None
    if not location and not pem:
        context.load_default_certs()
    return context


def _tls(properties: Mapping[str, Any]) -> ssl.SSLContext:
    context = _authorities(properties, "ssl.ca")
    algorithm = _choice(properties, "ssl.endpoint.identification.algorithm", ("https", "none"), "https")
    verified = _boolean(properties, "enable.ssl.certificate.verification", True)
    context.check_hostname = verified and algorithm == "https"
    if not verified:
        context.verify_mode = ssl.CERT_NONE
    if revoked := properties.get("ssl.crl.location"):
        try:
            context.load_verify_locations(cafile=str(revoked))
        except OSError:
            raise EstateError(
                f"kafka.properties.ssl.crl.location: {revoked} holds no revocation list in PEM form"
            ) from None
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    if suites := properties.get("ssl.cipher.suites"):
        try:
            context.set_ciphers(str(suites))
        except ssl.SSLError:
            raise EstateError("kafka.properties.ssl.cipher.suites names no known cipher") from None
    _present_certificate(context, properties)
    return context


def _present_certificate(context: ssl.SSLContext, properties: Mapping[str, Any]) -> None:
    """The client's certificate, from files, texts or a PKCS#12 keystore."""
    certificate, key = properties.get("ssl.certificate.location"), properties.get("ssl.key.location")
    password = properties.get("ssl.key.password")
    if keystore := properties.get("ssl.keystore.location"):
        _from_keystore(context, Path(str(keystore)), properties.get("ssl.keystore.password"))
    elif certificate and key:
        _load(context, str(certificate), str(key), password)
    elif certificate or properties.get("ssl.certificate.pem"):
        chain = properties.get("ssl.certificate.pem") or _text(str(certificate), "ssl.certificate.location")
        text = properties.get("ssl.key.pem") or _text(
            _needed(properties, "ssl.key.location", "a client certificate"), "ssl.key.location"
        )
        with importing:
            from cryptography.hazmat.primitives.serialization import load_pem_private_key
        try:
            secret = load_pem_private_key(str(text).encode(), str(password).encode() if password else None)
        except (ValueError, TypeError):
            raise EstateError(_KEY_UNREADABLE) from None
        _load_key(context, str(chain), secret)


_KEY_UNREADABLE = "the client's private key cannot be read; check kafka.ssl_key_location (or ssl.key.pem) and kafka.ssl_key_password"


def _text(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        raise EstateError(f"kafka.properties.{name}: {path} is not a readable PEM file") from None


def _from_keystore(context: ssl.SSLContext, path: Path, password: Any) -> None:
    with importing:
        from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
    try:
        secret, certificate, chain = pkcs12.load_key_and_certificates(
            path.read_bytes(), str(password).encode() if password else None
        )
    except (OSError, ValueError):
        raise EstateError(
            f"kafka.properties.ssl.keystore.location: {path} is not a readable PKCS#12 keystore; check ssl.keystore.password"
        ) from None
    if secret is None or certificate is None:
        raise EstateError(
            f"kafka.properties.ssl.keystore.location: {path} does not hold a certificate with its private key"
        )
    _load_key(
        context, "".join(one.public_bytes(Encoding.PEM).decode() for one in (certificate, *chain)), secret
    )


def _load_key(context: ssl.SSLContext, chain: str, secret: Any) -> None:
    """Python's TLS only takes a key from a file. This one holds it under a password that only this call
    knows, and is gone afterwards."""
    with importing:
        from cryptography.hazmat.primitives.serialization import (
            BestAvailableEncryption,
            Encoding,
            PrivateFormat,
        )
    password = secrets.token_urlsafe(32)
    locked = secret.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
    )
    with tempfile.NamedTemporaryFile(prefix="mesh-assets-", suffix=".pem") as file:
        file.write(chain.encode() + b"\n" + locked)
        file.flush()
        _load(context, file.name, None, password)


def _load(context: ssl.SSLContext, certificate: str, key: str | None, password: Any) -> None:
    def given() -> str:
        """Without it, OpenSSL would ask at the terminal."""
        if not password:
            raise EstateError("the client's private key is encrypted, but kafka.ssl_key_password is not set")
        return str(password)

    try:
        context.load_cert_chain(certificate, key, given)
    except (OSError, ValueError):
        where = f"{certificate} and {key}" if key else "ssl.certificate.pem and its key"
        raise EstateError(
            f"the client's certificate and private key ({where}) cannot be used together; check kafka.ssl_certificate_location, "
            "kafka.ssl_key_location and kafka.ssl_key_password"
        ) from None
