"""librdkafka's configuration for a connection of the estate: the only place that holds its secrets in clear."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from mesh_assets.errors import EstateError
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.importing import importing
from mesh_assets.platforms.listeners import IN_CLEAR, is_loopback, warn_once
from mesh_assets.platforms.secrets import read_ahead, resolve, shown

SECRET_PROPERTY = re.compile(
    r"password|passphrase|secret|\.pem$|sasl\.jaas|sasl\.oauthbearer\.config|token$|token\.value|credential",
    re.IGNORECASE,
)
"""Names of librdkafka properties whose values must never be shown."""

MASK = "***"


class ClientProperties(dict[str, Any]):
    """librdkafka properties by name, including callbacks. They print without secrets, so no traceback or log
    shows one.

    `shown`: by property, what replaces a value whose name does not mark it as secret (a username kept with
    its password).
    """

    def __init__(
        self, properties: Mapping[str, Any] | None = None, *, shown: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(properties or {})
        self.shown: dict[str, str] = {
            **(properties.shown if isinstance(properties, ClientProperties) else {}),
            **(shown or {}),
        }

    def __repr__(self) -> str:
        return repr(
            {
                name: MASK if SECRET_PROPERTY.search(name) else self.shown.get(name, value)
                for name, value in self.items()
            }
        )

    __str__ = __repr__


def shown_property(properties: Mapping[str, Any], name: str) -> str | None:
    """A property fit to be shown; None when it is not set."""
    value = properties.get(name)
    shown = properties.shown.get(name, value) if isinstance(properties, ClientProperties) else value
    return None if shown is None else str(shown)


def bootstrap_servers(connection: KafkaConnection, *, environment: Mapping[str, str] | None = None) -> str:
    """The brokers in the estate, or those that AWS returns for `cluster_arn`.

    Raises EstateError when a reference cannot be resolved, PlatformError when AWS fails.
    """
    if connection.cluster_arn is None:
        return _resolved("bootstrap_servers", connection.bootstrap_servers or "", environment)
    with importing:
        from mesh_assets.platforms.aws.msk import (
            brokers_by_arn,  # boto3 is heavy, and needed only for such a cluster
        )

    return brokers_by_arn(connection)


def client_properties(
    connection: KafkaConnection, *, environment: Mapping[str, str] | None = None
) -> ClientProperties:
    """The connection in librdkafka's terms, with secrets resolved; `connection.properties` override
    everything derived.

    Raises EstateError naming the field and never a value: a reference that cannot be resolved, an empty
    value, a missing file (for which librdkafka only says "BIO lib"). Raises PlatformError when AWS does not
    return the brokers of a cluster by its ARN, or has no credentials for IAM.
    """

    if environment is None:
        read_ahead(connection)

    def resolved(field: str, text: str) -> str:
        return _resolved(field, text, environment)

    def existing(field: str, text: str) -> str:
        path = resolved(field, text)
        if not os.access(path, os.R_OK):
            raise EstateError(f"kafka.{field}: there is no readable file {path}")
        return path

    fields: tuple[tuple[str, str, Callable[[str, str], str]], ...] = (
        ("security_protocol", "security.protocol", resolved),
        ("sasl_mechanism", "sasl.mechanism", resolved),
        ("username", "sasl.username", resolved),
        ("password", "sasl.password", resolved),
        ("ssl_ca_location", "ssl.ca.location", existing),
        ("ssl_certificate_location", "ssl.certificate.location", existing),
        ("ssl_key_location", "ssl.key.location", existing),
        ("ssl_key_password", "ssl.key.password", resolved),
    )
    properties = ClientProperties(
        {"bootstrap.servers": bootstrap_servers(connection, environment=environment)}
    )
    for field, name, read in fields:
        text = getattr(connection, field)
        if text is not None:
            properties[name] = read(field, text)
    if connection.username is not None:
        public = shown(connection.username, environment=environment)
        if public != properties["sasl.username"]:
            properties.shown["sasl.username"] = public
    if connection.sasl_mechanism == "AWS_MSK_IAM":
        with importing:
            from mesh_assets.platforms.aws.msk import iam_properties

        properties |= iam_properties(connection, properties["bootstrap.servers"])
        properties.shown["sasl.mechanism"] = "AWS_MSK_IAM"
    for name, text in connection.properties.items():
        if (
            name == "sasl.mechanisms"
        ):  # librdkafka's older spelling of the same property; both at once would conflict
            name = "sasl.mechanism"
        properties[name] = resolved(f"properties.{name}", text)
    if (note := in_clear_note(properties)) is not None:
        warn_once(f"Kafka at {properties['bootstrap.servers']}: {note}")
    return properties


def in_clear_note(properties: Mapping[str, Any]) -> str | None:
    """What is wrong if a password or token is sent to brokers without TLS. SCRAM and Kerberos send none."""
    if str(properties.get("security.protocol", "")).upper() != "SASL_PLAINTEXT":
        return None
    if str(properties.get("sasl.mechanism", "")).upper() not in ("PLAIN", "OAUTHBEARER"):
        return None
    servers = str(properties["bootstrap.servers"]).split(",")
    if all(
        is_loopback(urlsplit(f"//{server.rpartition('://')[2].strip()}").hostname or "") for server in servers
    ):
        return None
    return f"{IN_CLEAR}: use SASL_SSL"


def _resolved(field: str, text: str, environment: Mapping[str, str] | None) -> str:
    try:
        value = resolve(text, environment=environment)
    except EstateError as error:
        raise EstateError(f"kafka.{field}: {error}") from error
    if not value:
        raise EstateError(f"kafka.{field}: the value is empty; expected the value behind {text!r} to be set")
    return value
