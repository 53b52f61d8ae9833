"""How a cluster's brokers are reached."""

import re
from typing import Literal

from pydantic import Field, model_validator

from mesh_assets.estate.fields import SECRET_REFERENCE, EstateModel, SecretReference

_SECRET_PROPERTY = re.compile(r"password|secret|\.pem$|sasl\.jaas|token|credential", re.IGNORECASE)


class KafkaConnection(EstateModel):
    """How the brokers are reached, in librdkafka's words. `properties` go to librdkafka as they are and win.

    `cluster_arn` in place of `bootstrap_servers`: a cluster of Amazon MSK, whose brokers are asked from AWS:
    those for the authentication chosen here, on the network that `msk_network` names. `sasl_mechanism`
    AWS_MSK_IAM: as the AWS identity this runs as. `region` None: that in the ARN or in the brokers' names,
    else boto3's. `username` may be a reference, too.
    """

    bootstrap_servers: str | None = Field(default=None, min_length=1)
    cluster_arn: str | None = Field(
        default=None, pattern=r"^arn:[a-z-]+:kafka:[a-z0-9-]+:\d{12}:cluster/[^/\s]+/\S+$"
    )
    msk_network: Literal["private", "public", "multi_vpc"] = "private"
    region: str | None = None
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "AWS_MSK_IAM"] | None = None
    username: str | None = None
    password: SecretReference | None = None
    ssl_ca_location: str | None = None
    ssl_certificate_location: str | None = None
    ssl_key_location: str | None = None
    ssl_key_password: SecretReference | None = None
    timeout_seconds: float = Field(default=15.0, gt=0)
    properties: dict[str, str] = Field(default_factory=dict)

    @property
    def address(self) -> str:
        """What the estate names the brokers by."""
        return self.bootstrap_servers or self.cluster_arn or ""

    @model_validator(mode="after")
    def _complete(self) -> "KafkaConnection":
        if (self.bootstrap_servers is None) == (self.cluster_arn is None):
            raise ValueError(
                "expected bootstrap_servers, or cluster_arn of a cluster of Amazon MSK, and not both"
            )
        if self.sasl_mechanism == "AWS_MSK_IAM":
            self._check_iam()
        elif (
            self.security_protocol.startswith("SASL")
            and "sasl.mechanism" not in self.properties
            and "sasl.mechanisms" not in self.properties
        ):
            missing = [f for f in ("sasl_mechanism", "username", "password") if getattr(self, f) is None]
            if missing:
                raise ValueError(f"security_protocol {self.security_protocol} needs {', '.join(missing)}")
        if self.cluster_arn is not None:
            self._check_msk()
        if (self.ssl_certificate_location is None) != (self.ssl_key_location is None):
            raise ValueError("mutual TLS needs both ssl_certificate_location and ssl_key_location")
        for name, value in self.properties.items():
            if _SECRET_PROPERTY.search(name) and not SECRET_REFERENCE.match(value):
                raise ValueError(
                    f"properties.{name} looks like a secret and must be named, not written here: expected ${{ENV_NAME}}"
                )
        return self

    def _check_iam(self) -> None:
        if self.security_protocol != "SASL_SSL":
            raise ValueError("sasl_mechanism AWS_MSK_IAM needs security_protocol SASL_SSL")
        if self.username is not None or self.password is not None:
            raise ValueError(
                "sasl_mechanism AWS_MSK_IAM takes no username and password: it signs with the AWS credentials this runs with"
            )

    def _check_msk(self) -> None:
        """MSK has brokers for these and no other ways to log in."""
        if self.security_protocol == "SASL_PLAINTEXT" or (
            self.security_protocol == "SASL_SSL"
            and self.sasl_mechanism not in ("AWS_MSK_IAM", "SCRAM-SHA-512")
        ):
            raise ValueError(
                "Amazon MSK knows SASL_SSL with AWS_MSK_IAM or SCRAM-SHA-512, SSL and PLAINTEXT; choose one of these, or name "
                "bootstrap_servers"
            )
        if self.security_protocol == "PLAINTEXT" and self.msk_network != "private":
            raise ValueError(
                f"msk_network {self.msk_network} has no brokers for PLAINTEXT; choose SSL or SASL_SSL"
            )
