"""A mapping of the stand-in, and how it reaches its brokers."""

import base64
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mesh_assets.sandbox.kafka_admin import quiet_settings
from mesh_assets.sandbox.kafka_mappings.roles import Accounts
from mesh_assets.sandbox.state import AWS_REGION

# A mapping: its settings, the states it goes through, and how the API describes it.

_DEFAULTS: dict[str, Any] = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "FunctionResponseTypes": [],
    "DestinationConfig": {"OnFailure": {}},
}
_NOT_TOLD = ("Enabled", "FunctionName", "Tags", "UUID")
FIXED = ("ConsumerGroupId", "ConsumptionMode")
USER = "USER_INITIATED: "


@dataclass(kw_only=True)
class KafkaMapping:
    """A mapping. `settings`: by the API's names.

    `state_at`: until when (`time.monotonic()`) it stays in a transitional state. `then`: the state that follows; None: it
    is deleted. `before`: the answer before the change at `changed_at`; None: it was created then.
    """

    account: str
    function_arn: str
    settings: dict[str, Any]
    enabled: bool
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "Creating"
    state_at: float = 0.0
    then: str | None = None
    reason: str = USER + "Creating"
    last_result: str = "No records processed"
    modified: float = field(default_factory=time.time)
    changed_at: float = 0.0
    before: dict[str, Any] | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{AWS_REGION}:{self.account}:event-source-mapping:{self.uuid}"

    @property
    def topic(self) -> str:
        return str(self.settings["Topics"][0])

    @property
    def managed(self) -> bool:
        return "EventSourceArn" in self.settings

    @property
    def _own(self) -> str:
        return "AmazonManagedKafkaEventSourceConfig" if self.managed else "SelfManagedKafkaEventSourceConfig"

    @property
    def own_config(self) -> Mapping[str, Any]:
        """What is set for the source's kind: group, registry, mode."""
        return self.config_in(self.settings)

    @property
    def group(self) -> str:
        return str(self.own_config.get("ConsumerGroupId") or self.uuid)

    @property
    def queue(self) -> bool:
        return bool(self.own_config.get("ConsumptionMode") == "Queue")

    def config_in(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The config of its kind of source; empty for none."""
        found: Mapping[str, Any] = settings.get(self._own) or {}
        return found

    def merged(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The settings after an update: an empty config removes the setting, and anything fixed for life
        stays."""
        wanted = {**self.settings, **changes}
        if self._own in changes:
            has = self.config_in(self.settings)
            fixed = {name: has[name] for name in FIXED if name in has}
            asked = {name: value for name, value in self.config_in(changes).items() if value != {}}
            wanted[self._own] = {**fixed, **asked}
        return {name: value for name, value in wanted.items() if value != {}}

    @property
    def source(self) -> Any:
        """Two mappings of the same function, topic and source are duplicates."""
        own = (
            self.settings.get("SelfManagedEventSource", {})
            .get("Endpoints", {})
            .get("KAFKA_BOOTSTRAP_SERVERS", ())
        )
        return self.settings.get("EventSourceArn") or tuple(sorted(own))

    def setting(self, name: str) -> Any:
        return self.settings.get(name, self._defaults.get(name))

    @property
    def _defaults(self) -> dict[str, Any]:
        return {**_DEFAULTS, "MaximumRetryAttempts": 0} if self.queue else _DEFAULTS

    def begin(self, state: str, then: str | None, *, delay_seconds: float) -> None:
        self.state, self.then = state, then
        self.changed_at = time.monotonic()
        self.state_at = self.changed_at + delay_seconds
        self.reason = USER + state
        self.modified = time.time()

    def settle(self) -> bool:
        """Move on to the next state if it is time; False when the mapping is gone."""
        if self.state_at and time.monotonic() >= self.state_at:
            if self.then is None:
                return False
            self.state, self.state_at = self.then, 0.0
            self.reason = USER + self.state
            self.modified = time.time()
        return True

    @property
    def in_passing(self) -> bool:
        return self.state_at > 0

    def seen_after(self, lag_seconds: float) -> dict[str, Any] | None:
        """The mapping as a read that lags behind describes it; None: the read does not know it yet."""
        late = time.monotonic() - self.changed_at < lag_seconds
        return self.before if late else self.told()

    def told(self) -> dict[str, Any]:
        """The mapping as the API describes it, ready for JSON."""
        known: Mapping[str, Any] = {**self._defaults, **self.settings}
        own = {**known.get(self._own, {}), "ConsumerGroupId": self.group}
        told = {
            name: value for name, value in known.items() if name not in _NOT_TOLD and value not in (None, "")
        }
        return {
            **told,
            self._own: own,
            "UUID": self.uuid,
            "EventSourceMappingArn": self.arn,
            "FunctionArn": self.function_arn,
            "LastModified": self.modified,
            "LastProcessingResult": self.last_result,
            "State": self.state,
            "StateTransitionReason": self.reason,
        }


# How a mapping reaches its brokers: through which listener, with which secret. As for Lambda, a client
# certificate comes
# first, then SCRAM, then the rest.

_SASL = {
    "BASIC_AUTH": "PLAIN",
    "SASL_SCRAM_256_AUTH": "SCRAM-SHA-256",
    "SASL_SCRAM_512_AUTH": "SCRAM-SHA-512",
}


class UnreachableSourceError(Exception):
    """The brokers cannot be reached; the message becomes LastProcessingResult."""


def client_settings(
    mapping: KafkaMapping, accounts: Accounts, brokers: Mapping[str, str], authority: Path
) -> dict[str, Any]:
    """librdkafka's settings. `brokers`: an MSK cluster's addresses, by the API's names. `authority`: its CA's file.

    Raises `UnreachableSourceError` when there is no fitting listener or the secret cannot be read.
    """
    types = {one["Type"]: one.get("URI", "") for one in mapping.setting("SourceAccessConfigurations") or ()}
    mechanism = next((kind for kind in _SASL if kind in types), None)
    certificate = "CLIENT_CERTIFICATE_TLS_AUTH" in types
    settings: dict[str, Any] = {}
    if mapping.managed:
        name = (
            "BootstrapBrokerStringTls"
            if certificate
            else "BootstrapBrokerStringSaslScram"
            if mechanism
            else "BootstrapBrokerString"
        )
        if name not in brokers:
            raise UnreachableSourceError("PROBLEM: The cluster offers no listener for this authentication.")
        servers = brokers[name]
        if name != "BootstrapBrokerString":
            settings["ssl.ca.location"] = str(authority)
    else:
        servers = ",".join(mapping.settings["SelfManagedEventSource"]["Endpoints"]["KAFKA_BOOTSTRAP_SERVERS"])
    if "SERVER_ROOT_CA_CERTIFICATE" in types:
        settings["ssl.ca.pem"] = _secret(mapping, accounts, types["SERVER_ROOT_CA_CERTIFICATE"])[
            "certificate"
        ]
    tls = bool(settings) or certificate or mechanism is not None
    if certificate:
        pair = _secret(mapping, accounts, types["CLIENT_CERTIFICATE_TLS_AUTH"])
        if not lambda_reads_key(pair["privateKey"]):
            raise UnreachableSourceError("PROBLEM: Provided certificate or private key is invalid.")
        settings |= {"ssl.certificate.pem": pair["certificate"], "ssl.key.pem": pair["privateKey"]}
    elif mechanism is not None:
        user = _secret(mapping, accounts, types[mechanism])
        settings |= {
            "sasl.mechanism": _SASL[mechanism],
            "sasl.username": user["username"],
            "sasl.password": user["password"],
        }
    settings["security.protocol"] = (
        ("SASL_SSL" if mechanism and not certificate else "SSL") if tls else "PLAINTEXT"
    )
    return {**quiet_settings(servers), **settings}


_PBES2 = bytes.fromhex("06092a864886f70d01050d")


def lambda_reads_key(key: str) -> bool:
    """Whether Lambda reads the PEM text: a PKCS #8 key, encrypted by PBES1 or not at all."""
    found = re.search(r"-----BEGIN ((?:ENCRYPTED )?PRIVATE KEY)-----([^-]+)-----END \1-----", key)
    try:
        return found is not None and _PBES2 not in base64.b64decode(found[2])[:40]
    except ValueError:
        return False


def _secret(mapping: KafkaMapping, accounts: Accounts, arn: str) -> dict[str, str]:
    try:
        kept = accounts.client(mapping.account, "secretsmanager").get_secret_value(SecretId=arn)[
            "SecretString"
        ]
    except ClientError as error:
        raise UnreachableSourceError(
            f"PROBLEM: Lambda failed to read the secret, with {error.response['Error']['Code']}"
        ) from error
    try:
        return dict(json.loads(kept))
    except ValueError as error:
        raise UnreachableSourceError("PROBLEM: The secret is not of the form that Lambda expects.") from error
