"""How a mapping reaches its brokers: by which listener, with which secret. As for Lambda, a client certificate comes
first, then SCRAM, then the rest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mesh_assets.sandbox.kafka_admin import quiet_settings
from mesh_assets.sandbox.kafka_mappings.accounts import Accounts
from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping

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


def _secret(mapping: KafkaMapping, accounts: Accounts, arn: str) -> dict[str, str]:
    try:
        kept = accounts.client(mapping.account, "secretsmanager").get_secret_value(SecretId=arn)[
            "SecretString"
        ]
    except ClientError as error:
        raise UnreachableSourceError(
            f"PROBLEM: Lambda failed to read the secret: {error.response['Error']['Code']}"
        ) from error
    try:
        return dict(json.loads(kept))
    except ValueError as error:
        raise UnreachableSourceError("PROBLEM: The secret is not of the form that Lambda expects.") from error
