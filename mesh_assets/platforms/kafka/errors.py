"""What librdkafka's errors mean for the user: one sentence, without secrets, in a class that a caller can act
on."""

import re
from collections.abc import Mapping

from confluent_kafka import KafkaError

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.estate.connections import is_confluent_host
from mesh_assets.platforms.confluent_cloud.service import KAFKA_KEY_EXPECTED, role_for
from mesh_assets.platforms.kafka.settings import MASK, SECRET_PROPERTY, ClientProperties, shown_property
from mesh_assets.platforms.listeners import spoken_at

NO_ANSWER = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._TRANSPORT,
        KafkaError._RESOLVE,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._SSL,
        KafkaError._WAIT_COORD,
        KafkaError._DESTROY,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""Nobody answered, or a broker was not ready: trying again later can help."""

AUTHENTICATION = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.ILLEGAL_SASL_STATE,
    }
)

AUTHORIZATION = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)

# A broker's refusal of the client certificate over TLS: alerts 42 to 46, 48, 49 and 116 of RFC 8446, in
# OpenSSL's words.
_CERTIFICATE_REFUSED = re.compile(
    r"alert (certificate required|bad certificate|unsupported certificate|certificate revoked|certificate expired|certificate unknown"
    r"|unknown ca|access denied)"
)
# What librdkafka says about a connection that was accepted. A size of 1213486160 bytes is `HTTP` read as a
# number.
_BROKEN_OFF = re.compile(
    r"closed by peer|handshake failed: (?!.*certificate verify)|wrong version number|Invalid response size|ApiVersionRequest"
    r"|PLAINTEXT broker|[Cc]onnection reset|Protocol parse failure|setup timed out"
)
_ANSWERED_ONCE = re.compile(r"in state (UP|UPDATE)\b")
_NOISE = re.compile(r" \(after \d+ms in state (\w+)(?:, \d+ identical error\(s\) suppressed)?\)$")
_CONNECT_FAILED = re.compile(r"Connect to ipv[46]#(\S+) failed: (.+)$")
_NO_MECHANISM = re.compile(r"supported mechanisms: *(\(|$)")
# How the wire reader distinguishes reasons for mistrust; librdkafka gives one text for all.
_MISTRUST = re.compile(r"certificate verify failed: (the broker's certificate .+)$")
_BROKER_PREFIX = re.compile(r"^(?:\w+://)?(\S+:\d+)/(?:bootstrap|\d+): ")


class Redactor:
    """Removes the secrets of a connection from any text; librdkafka quotes values in some of its errors."""

    def __init__(self, properties: Mapping[str, object]) -> None:
        secrets = {
            str(value)
            for name, value in properties.items()
            if SECRET_PROPERTY.search(name) and value not in (None, "")
        }
        shown = properties.shown if isinstance(properties, ClientProperties) else {}
        stand_ins = dict.fromkeys(secrets, MASK) | {
            str(properties[name]): text for name, text in shown.items()
        }
        self._stand_ins = sorted(stand_ins.items(), key=lambda pair: len(pair[0]), reverse=True)

    def __call__(self, text: str) -> str:
        for secret, stand_in in self._stand_ins:
            text = text.replace(secret, stand_in)
        return text


class Endpoint:
    """The brokers and the user, as every message names the connection."""

    def __init__(self, properties: Mapping[str, object], *, on_confluent_cloud: bool = False) -> None:
        """`on_confluent_cloud`: the estate says so; the address may also show it."""
        self.servers = str(properties.get("bootstrap.servers", ""))
        self.protocol = str(properties.get("security.protocol", "PLAINTEXT")).upper()
        self.mechanism = shown_property(properties, "sasl.mechanism") or "GSSAPI"
        self.username = shown_property(properties, "sasl.username") or ""
        self.redact = Redactor(properties)
        self.takes_api_key = self.uses_sasl and (
            on_confluent_cloud or any(map(is_confluent_host, self.servers.split(",")))
        )

    @property
    def uses_sasl(self) -> bool:
        return self.protocol.startswith("SASL")

    @property
    def uses_tls(self) -> bool:
        return self.protocol.endswith("SSL")

    @property
    def identity(self) -> str:
        """`user alice (SCRAM-SHA-512)`, or whatever replaces a user."""
        if self.takes_api_key and self.username:
            return f"Kafka API key {self.username}"
        if self.uses_sasl:
            return (
                f"user {self.username} ({self.mechanism})"
                if self.username
                else f"the {self.mechanism} identity"
            )
        return "the client certificate" if self.uses_tls else "an anonymous client"


def _words(error: KafkaError) -> str:
    """The broker's words. Refusing what concerns the cluster, it prints its own object of the request, which differs each time
    and tells a user nothing (AuthHelper.authorizeClusterOperation): librdkafka's words take its place."""
    said = error.str()
    return KafkaError(error.code()).str() if said.startswith("Request Request(") else said


def item_error(error: KafkaError, right: str) -> str:
    """The error of one topic, partition or group, for its value. `right`: what a refused user needs."""
    text = f"{error.name()}: {_words(error)}"
    return f"{text}; needs {right}" if error.code() in AUTHORIZATION else text


def from_kafka_error(
    error: KafkaError, *, endpoint: Endpoint, doing: str, right: str, cause: str | None = None
) -> PlatformError:
    """The PlatformError for a call that failed entirely.

    `doing`: "reading the topic configs"; `right`: what a refused user needs; `cause`: what librdkafka said
    about its connections.
    """
    code = error.code()
    said = endpoint.redact(_words(error))
    if code in AUTHENTICATION:
        return authentication_refused(endpoint, said)
    if code in AUTHORIZATION:
        role = f"; on Confluent Cloud that is {role_for(right)}" if endpoint.takes_api_key else ""
        return RefusedError(
            f"Kafka at {endpoint.servers} refused {doing} ({said}): {endpoint.identity} needs {right}{role}"
        )
    if code in NO_ANSWER:
        return UnreachableError(
            f"Kafka at {endpoint.servers} could not be reached while {doing}: {cause or said}"
        )
    if code == KafkaError._UNSUPPORTED_FEATURE or code == KafkaError.UNSUPPORTED_VERSION:
        return UnexpectedAnswerError(f"Kafka at {endpoint.servers} does not support {doing}: {said}")
    return UnexpectedAnswerError(f"Kafka at {endpoint.servers} failed {doing}: {error.name()}: {said}")


def authentication_refused(endpoint: Endpoint, said: str) -> RefusedError:
    hint = ""
    if _NO_MECHANISM.search(said):
        return RefusedError(
            f"the listener of Kafka at {endpoint.servers} does not accept SASL logins, but kafka.security_protocol is {endpoint.protocol}; "
            f"set {endpoint.protocol.removeprefix('SASL_')}, or give the address of a listener with SASL"
        )
    if "supported mechanisms" in said:
        hint = "; check kafka.sasl_mechanism, and that this listener expects SASL at all"
    elif endpoint.takes_api_key:
        hint = f"; {KAFKA_KEY_EXPECTED}"
    return RefusedError(
        f"Kafka at {endpoint.servers} refused {endpoint.identity}: {explain(endpoint, said)}{hint}"
    )


def connection_failed(endpoint: Endpoint, said: str, *, seconds: float) -> PlatformError:
    """The PlatformError for a connection that never opened, from what librdkafka said about it. If a listener
    accepted it and then broke it off, we ask the listener what it speaks."""
    if match := _CERTIFICATE_REFUSED.search(said):
        return RefusedError(
            f"Kafka at {endpoint.servers} refused the client's certificate ({match.group(1)}); "
            "check kafka.ssl_certificate_location and kafka.ssl_key_location"
        )
    if _BROKEN_OFF.search(said) and (sentence := _another_protocol(endpoint, said)) is not None:
        return UnexpectedAnswerError(sentence)
    reason = explain(endpoint, said)
    advice = (
        "" if reason.endswith(")") else "; are the brokers running, and is kafka.bootstrap_servers right?"
    )
    within = (
        f" within {seconds:.0f} s" if seconds >= 1 else ""
    )  # a certain failure is reported without a second attempt
    return UnreachableError(f"Kafka at {endpoint.servers} could not be reached{within}: {reason}{advice}")


def _another_protocol(endpoint: Endpoint, said: str) -> str | None:
    """The sentence about a listener that does not speak the estate's protocol; None if that is not the
    reason."""
    match = _BROKER_PREFIX.match(said)
    address = match.group(1) if match else endpoint.servers.split(",")[0]
    host, _, port = address.rpartition(":")
    spoken = spoken_at(host.strip("[]"), int(port)) if port.isdigit() else None
    configured = f"kafka.security_protocol is {endpoint.protocol}"
    sasl = "SASL_" if endpoint.uses_sasl else ""
    tls = "SASL_SSL" if endpoint.uses_sasl else "SSL or SASL_SSL"
    match spoken:
        case "HTTP" | "HTTPS":
            return (
                f"the address of Kafka, {address}, answers in {spoken}, so it is not a broker's listener; "
                "correct kafka.bootstrap_servers (host and port)"
            )
        case "TLS" if not endpoint.uses_tls:
            return (
                f"the listener of Kafka at {address} expects TLS, but {configured}; set {tls}, or give the address of "
                "a listener in plain text"
            )
        case "Kafka in plain text" if endpoint.uses_tls:
            return (
                f"the listener of Kafka at {address} speaks plain text, but {configured}; set {sasl}PLAINTEXT, or give the address "
                "of a TLS listener"
            )
        case "TLS" | "Kafka in plain text" if not endpoint.uses_sasl and _ANSWERED_ONCE.search(said):
            return (
                f"the listener of Kafka at {address} expects a SASL login, but {configured}; set SASL_{endpoint.protocol} with "
                "kafka.sasl_mechanism, username and password, or give the address of a listener without SASL"
            )
        case _:
            return None


def explain(endpoint: Endpoint, said: str) -> str:
    """librdkafka's log line about a connection, without decoration, and with its meaning where we know it."""
    state = match.group(1) if (match := _NOISE.search(said)) else ""
    text = _NOISE.sub("", said)
    broker = named = ""
    if match := _BROKER_PREFIX.match(text):
        text, named = text[match.end() :], match.group(1)
        broker = f"{named}: " if named != endpoint.servers else ""
    if match := _CONNECT_FAILED.match(text):
        where = "" if match.group(1) in (endpoint.servers, named) else f"{match.group(1)}: "
        text = f"{where}{match.group(2)}"
    elif "closed by peer" in text and not endpoint.uses_tls and state == "APIVERSION_QUERY":
        text += f" (does the listener expect TLS? kafka.security_protocol is {endpoint.protocol})"
    elif "closed by peer" in text and not endpoint.uses_sasl and state == "UP":
        text += f" (does the listener expect SASL? kafka.security_protocol is {endpoint.protocol})"
    elif state == "SSL_HANDSHAKE" and ("by peer" in text or "PLAINTEXT broker" in text):
        text = f"TLS handshake failed: the listener hung up (does it expect plain text? kafka.security_protocol is {endpoint.protocol})"
    elif match := _MISTRUST.search(text):
        text = f"TLS handshake failed: {match.group(1)}"
    elif "certificate verify failed" in text:
        text = "TLS handshake failed: the broker's certificate could not be verified (check kafka.ssl_ca_location, and the broker's name)"
    elif ("ApiVersionRequest" in text and "imed out" in text) or "Connection setup timed out" in text:
        text = "the connection was accepted, but nothing answered on it (is that a Kafka broker?)"
    return broker + endpoint.redact(text)
