"""How a client logs in: brokers, protocol, credentials. Held for one session, never stored, never shown."""

import base64
import binascii
import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mesh_assets.errors import EstateError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.importing import importing
from mesh_assets.platforms.kafka.settings import ClientProperties

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "AWS_MSK_IAM"]

PROTOCOLS: tuple[Protocol, ...] = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: tuple[Mechanism, ...] = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "AWS_MSK_IAM")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaLogin:
    """How to log in, and where the credentials come from (`origin`, for people).

    `certificate`, `key` and `authority` are PEM text. `authority` None: the authorities this machine trusts.
    A secret may name `topic` and `cluster_arn` beside the credentials.
    """

    bootstrap_servers: str
    security_protocol: Protocol = "PLAINTEXT"
    sasl_mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)
    authority: str | None = field(default=None, repr=False)
    origin: str = "none needed"
    topic: str | None = None
    cluster_arn: str | None = None

    @property
    def authentication(self) -> str:
        """In words: `SCRAM-SHA-512 as alice over TLS`."""
        who = {"AWS_MSK_IAM": "MSK IAM"}.get(self.sasl_mechanism or "", self.sasl_mechanism)
        over = "over TLS" if self.uses_tls else "without TLS"
        if who is not None:
            return f"{who}{f' as {self.username}' if self.username else ''} {over}"
        if self.certificate is not None:
            return "a client certificate (mutual TLS)"
        return "no authentication, TLS" if self.uses_tls else "no authentication, plain text"

    @property
    def uses_tls(self) -> bool:
        return self.security_protocol.endswith("SSL")

    def at(self, bootstrap_servers: str) -> "KafkaLogin":
        return replace(self, bootstrap_servers=bootstrap_servers)

    def checked(self) -> "KafkaLogin":
        """The login itself. Raises EstateError, which names fields but no values, when it cannot work."""
        uses_sasl = self.security_protocol.startswith("SASL")
        if not self.bootstrap_servers:
            raise EstateError("no bootstrap servers are known; name them, or the MSK cluster's ARN")
        if uses_sasl != (self.sasl_mechanism is not None):
            problem = (
                "needs a SASL mechanism"
                if uses_sasl
                else f"does not take {self.sasl_mechanism}; expected SASL_SSL"
            )
            raise EstateError(f"security protocol {self.security_protocol} {problem}")
        if self.sasl_mechanism not in (None, "AWS_MSK_IAM") and not (self.username and self.password):
            raise EstateError(f"{self.sasl_mechanism} needs a username and a password; {self.origin}")
        if self.sasl_mechanism == "AWS_MSK_IAM" and self.security_protocol != "SASL_SSL":
            raise EstateError("MSK IAM needs security protocol SASL_SSL")
        if (self.certificate is None) != (self.key is None):
            raise EstateError("mutual TLS needs both a certificate and its private key")
        if self.certificate is not None and not self.uses_tls:
            raise EstateError(
                f"a client certificate needs TLS, which security protocol {self.security_protocol} lacks; choose SSL"
            )
        return self


# PBES2's object identifier, 1.2.840.113549.1.5.13, as it appears at the beginning of an encrypted PKCS #8 key.
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PEM_KEY = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----\s(.*?)-----END \1-----", re.DOTALL)


def lambda_refusal(login: KafkaLogin) -> tuple[str, str] | None:
    """Why Lambda does not log in this way, though other clients can, and what to do; None: it does.

    Says nothing about a key that no client can read.
    """
    if login.security_protocol == "SASL_PLAINTEXT":
        return (
            "Lambda refuses SASL without TLS (SASL_PLAINTEXT); nothing was sent",
            "give the brokers a SASL_SSL listener and use its port",
        )
    found = _PEM_KEY.search(login.key or "")
    if found is None:
        return None
    kind, text = found.groups()
    if kind not in ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"):
        return (
            f"Lambda takes private keys only in PKCS #8 form, and this one is a {kind}",
            "convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem",
        )
    try:
        encrypted_by_pbes2 = _PBES2 in base64.b64decode(text)[:40]
    except binascii.Error:
        return None
    if kind == "ENCRYPTED PRIVATE KEY" and encrypted_by_pbes2:
        return (
            "Lambda does not decrypt private keys encrypted with PBES2, such as this one",
            "encrypt it with PBES1: openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in key.pem; or store it without a password",
        )
    return None


def properties_of(login: KafkaLogin, account: AwsAccount | None = None) -> ClientProperties:
    """The login as librdkafka's properties. MSK IAM signs for the region of `account`, if given, and with its
    profile: an estate can name several accounts, and the default credentials may be another's.

    Raises EstateError for a login that cannot work or a region that is not known, RefusedError without AWS
    credentials.
    """
    login.checked()
    given: dict[str, Any] = {
        "bootstrap.servers": login.bootstrap_servers,
        "security.protocol": login.security_protocol,
        "sasl.mechanism": login.sasl_mechanism,
        "sasl.username": login.username,
        "sasl.password": login.password,
        "ssl.certificate.pem": login.certificate,
        "ssl.key.pem": login.key,
        "ssl.key.password": login.key_password,
        "ssl.ca.pem": login.authority,
    }
    properties = ClientProperties({name: value for name, value in given.items() if value is not None})
    if login.sasl_mechanism == "AWS_MSK_IAM":
        with importing:
            from mesh_assets.platforms.aws.msk import (
                MskIamToken,
                signing_region,
            )  # boto3 is heavy, and only needed for MSK IAM

        region = signing_region(
            given=None if account is None else account.region,
            cluster_arn=login.cluster_arn,
            bootstrap_servers=login.bootstrap_servers,
        )
        token = MskIamToken(
            region,
            resource=login.cluster_arn or login.bootstrap_servers,
            profile=None if account is None else account.settings.profile,
        )
        token()  # librdkafka's callback would lose the reason of a failure
        properties |= {"sasl.mechanism": "OAUTHBEARER", "oauth_cb": token}
        properties.shown["sasl.mechanism"] = "AWS_MSK_IAM"
    return properties
