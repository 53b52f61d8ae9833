"""A Secrets Manager secret as credentials for Kafka, in each form that Lambda, MSK and earlier servers write.

{"sasl": {"bootstrap_servers": …, "security_protocol": …, "sasl_mechanism": …, "sasl_plain_username": …, "sasl_plain_password": …},
 "topic": …, "cluster_arn": …}
{"iam": {"bootstrap_servers": …, "security_protocol": …, "sasl_mechanism": …}, "topic": …, "cluster_arn": …}
{"username": …, "password": …}                                  Lambda's, for PLAIN and SCRAM
{"certificate": PEM, "privateKey": PEM, "privateKeyPassword": …}  Lambda's, for mutual TLS
{"certificate": PEM}                                            Lambda's, for the authority that signed the brokers
"""

import json
from collections.abc import Mapping
from typing import Any

from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.esm.aws_account import AwsAccount, call, for_code
from mesh_assets.esm.connection.login import MECHANISMS, PROTOCOLS, KafkaLogin, Mechanism, Protocol
from mesh_assets.esm.errors import AUTHS, Auth, TwoLoginsError

_FORMS = "{iam: …}, {sasl: …}, {username, password}, {certificate, privateKey} or {certificate}"
_MECHANISM_NAMES: dict[str, Mechanism] = {
    **{name: name for name in MECHANISMS},
    "OAUTHBEARER": "AWS_MSK_IAM",
    "AWS_MSK_IAM": "AWS_MSK_IAM",
    "SCRAM_SHA_256": "SCRAM-SHA-256",
    "SCRAM_SHA_512": "SCRAM-SHA-512",
}


def read_secret(account: AwsAccount, arn: str) -> Mapping[str, Any]:
    """The secret's fields.

    Raises RefusedError when it is missing or may not be read, EstateError when it is not a JSON object.
    Errors name the secret and never contain a value.
    """
    missing = f"{account} has no secret {arn}; check the ARN and the region"
    answer = call(
        account.client("secretsmanager").get_secret_value,
        action="secretsmanager:GetSecretValue",
        resource=f"secret {arn}",
        translate=for_code("ResourceNotFoundException", lambda: RefusedError(missing)),
        SecretId=arn,
    )
    try:
        fields = json.loads(answer.get("SecretString") or "")
    except json.JSONDecodeError:  # it contains the whole secret and must not be chained
        fields = None
    if not isinstance(fields, dict):
        raise EstateError(f"secret {arn} is not a JSON object; expected {_FORMS}")
    return fields


def login_of(
    fields: Mapping[str, Any], *, origin: str, given: KafkaLogin, auth: Auth | None = None
) -> KafkaLogin:
    """The login in a secret's fields, completed by `given` where the secret says nothing.

    `auth`: which of its logins, if it has two; the mechanism of `given` may also say so. Raises TwoLoginsError if
    nothing does, EstateError for other fields.
    """
    kind = _chosen(fields, origin, given, auth)
    topic, cluster_arn = _text(fields, "topic"), _text(fields, "cluster_arn")
    named: dict[str, Any] = {
        "topic": topic or given.topic,
        "cluster_arn": cluster_arn or given.cluster_arn,
        "origin": origin,
    }
    if kind is not None:
        inner = fields[kind]
        return KafkaLogin(
            bootstrap_servers=_servers(inner) or given.bootstrap_servers,
            security_protocol=_protocol(inner, origin) or "SASL_SSL",
            sasl_mechanism=_mechanism(inner, origin)
            or ("AWS_MSK_IAM" if kind == "iam" else given.sasl_mechanism or "SCRAM-SHA-512"),
            username=_text(inner, "sasl_plain_username") or _text(inner, "username"),
            password=_text(inner, "sasl_plain_password") or _text(inner, "password"),
            authority=given.authority,
            **named,
        )
    servers = _servers(fields) or given.bootstrap_servers
    if "username" in fields and "password" in fields:
        return KafkaLogin(
            bootstrap_servers=servers,
            security_protocol=given.security_protocol
            if given.security_protocol.startswith("SASL")
            else "SASL_SSL",
            sasl_mechanism=_mechanism(fields, origin) or given.sasl_mechanism or "SCRAM-SHA-512",
            username=_text(fields, "username"),
            password=_text(fields, "password"),
            authority=given.authority,
            **named,
        )
    if "certificate" in fields:
        key = _text(fields, "privateKey")
        certificate = _text(fields, "certificate")
        return KafkaLogin(
            bootstrap_servers=servers,
            security_protocol="SSL",
            certificate=certificate if key else None,
            key=key,
            key_password=_text(fields, "privateKeyPassword"),
            authority=given.authority if key else certificate,
            **named,
        )
    raise EstateError(
        f"{origin} has the fields {', '.join(sorted(fields)) or 'none'}, which are not credentials; expected {_FORMS}"
    )


def _chosen(fields: Mapping[str, Any], origin: str, given: KafkaLogin, auth: Auth | None) -> Auth | None:
    """Which of the secret's nested logins is meant; None: it has none."""
    has = [kind for kind in AUTHS if isinstance(fields.get(kind), dict)]
    if auth is not None and auth not in has:
        raise EstateError(
            f"{origin} has no login by {auth}; it has the fields {', '.join(sorted(fields)) or 'none'}"
        )
    if auth is not None or len(has) < 2:
        return auth or next(iter(has), None)
    if given.sasl_mechanism is None:
        raise TwoLoginsError(
            f"{origin} has a login by iam and one by sasl; say which is meant: auth iam or auth sasl"
        )
    return "iam" if given.sasl_mechanism == "AWS_MSK_IAM" else "sasl"


def authority_of(fields: Mapping[str, Any], *, origin: str) -> str:
    """The certificate of the authority that signed the brokers'. Raises EstateError when the secret has none."""
    found = _text(fields, "certificate")
    if not found:
        raise EstateError(f"{origin} has no field `certificate`; expected the authority's PEM text")
    return found


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def _servers(fields: Mapping[str, Any]) -> str:
    value = fields.get("bootstrap_servers")
    return ",".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _protocol(fields: Mapping[str, Any], origin: str) -> Protocol | None:
    named = (_text(fields, "security_protocol") or "").upper()
    if not named:
        return None
    for known in PROTOCOLS:
        if named == known:
            return known
    raise EstateError(f"{origin}: security_protocol is not valid; expected one of {', '.join(PROTOCOLS)}")


def _mechanism(fields: Mapping[str, Any], origin: str) -> Mechanism | None:
    named = (_text(fields, "sasl_mechanism") or "").upper()
    if named and named not in _MECHANISM_NAMES:
        raise EstateError(f"{origin}: sasl_mechanism is not valid; expected one of {', '.join(MECHANISMS)}")
    return _MECHANISM_NAMES.get(named)
