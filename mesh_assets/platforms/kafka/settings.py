"""librdkafka's configuration for a connection of the estate. The only place where its secrets are in clear."""

import os
import re
from collections.abc import Callable, Mapping

from mesh_assets.errors import EstateError
from mesh_assets.estate.kafka import KafkaConnection
from mesh_assets.estate.secrets import resolve

SECRET_PROPERTY = re.compile(r"password|secret|\.pem$|sasl\.jaas|sasl\.oauthbearer\.config|token$|token\.value|credential", re.IGNORECASE)
"""Names of librdkafka properties whose values must never be shown."""

MASK = "***"


class ClientProperties(dict[str, str]):
    """librdkafka properties by name. They print without their secrets, so that no traceback or log shows one."""

    def __repr__(self) -> str:
        return repr({name: MASK if SECRET_PROPERTY.search(name) else value for name, value in self.items()})

    __str__ = __repr__


def client_properties(connection: KafkaConnection, *, environment: Mapping[str, str] | None = None) -> ClientProperties:
    """The connection in librdkafka's words, secrets resolved; `connection.properties` win over everything derived.

    Raises EstateError naming the field and never a value: a reference that cannot be resolved, a value that is empty, a file that is not
    there. (librdkafka's own words for a missing file are "BIO lib".)
    """

    def resolved(field: str, text: str) -> str:
        try:
            value = resolve(text, environment=environment)
        except EstateError as error:
            raise EstateError(f"kafka.{field}: {error}") from error
        if not value:
            raise EstateError(f"kafka.{field}: the value is empty; expected the value behind {text!r} to be set")
        return value

    def existing(field: str, text: str) -> str:
        path = resolved(field, text)
        if not os.access(path, os.R_OK):
            raise EstateError(f"kafka.{field}: there is no readable file {path}")
        return path

    fields: tuple[tuple[str, str, Callable[[str, str], str]], ...] = (
        ("bootstrap_servers", "bootstrap.servers", resolved),
        ("security_protocol", "security.protocol", resolved),
        ("sasl_mechanism", "sasl.mechanism", resolved),
        ("username", "sasl.username", resolved),
        ("password", "sasl.password", resolved),
        ("ssl_ca_location", "ssl.ca.location", existing),
        ("ssl_certificate_location", "ssl.certificate.location", existing),
        ("ssl_key_location", "ssl.key.location", existing),
        ("ssl_key_password", "ssl.key.password", resolved),
    )
    properties = ClientProperties()
    for field, name, read in fields:
        text = getattr(connection, field)
        if text is not None:
            properties[name] = read(field, text)
    for name, text in connection.properties.items():
        if name == "sasl.mechanisms":  # librdkafka's older spelling of the same property; two spellings would contradict each other
            name = "sasl.mechanism"
        properties[name] = resolved(f"properties.{name}", text)
    return properties
