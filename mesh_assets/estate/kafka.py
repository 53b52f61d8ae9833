"""How a cluster's brokers are reached."""

import re
from typing import Literal

from pydantic import Field, model_validator

from mesh_assets.estate.fields import SECRET_REFERENCE, EstateModel, SecretReference

_SECRET_PROPERTY = re.compile(r"password|secret|\.pem$|sasl\.jaas|token|credential", re.IGNORECASE)


class KafkaConnection(EstateModel):
    """How the brokers are reached, in librdkafka's words. `properties` go to librdkafka as they are and win."""

    bootstrap_servers: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    username: str | None = None
    password: SecretReference | None = None
    ssl_ca_location: str | None = None
    ssl_certificate_location: str | None = None
    ssl_key_location: str | None = None
    ssl_key_password: SecretReference | None = None
    timeout_seconds: float = Field(default=15.0, gt=0)
    properties: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> "KafkaConnection":
        if (
            self.security_protocol.startswith("SASL")
            and "sasl.mechanism" not in self.properties
            and "sasl.mechanisms" not in self.properties
        ):
            missing = [f for f in ("sasl_mechanism", "username", "password") if getattr(self, f) is None]
            if missing:
                raise ValueError(f"security_protocol {self.security_protocol} needs {', '.join(missing)}")
        if (self.ssl_certificate_location is None) != (self.ssl_key_location is None):
            raise ValueError("mutual TLS needs both ssl_certificate_location and ssl_key_location")
        for name, value in self.properties.items():
            if _SECRET_PROPERTY.search(name) and not SECRET_REFERENCE.match(value):
                raise ValueError(f"properties.{name} looks like a secret and must be named, not written here: expected ${{ENV_NAME}}")
        return self
