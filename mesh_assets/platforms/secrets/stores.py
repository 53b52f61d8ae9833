"""The stores that secrets are read from: Systems Manager, Secrets Manager, Vault."""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import EstateError
from mesh_assets.importing import importing
from mesh_assets.platforms.aws.client import aws_client, aws_failure, denied, refused_key
from mesh_assets.platforms.secrets.references import SecretName

# Secrets kept in AWS.
#
# `ssm:/path` is a parameter of Systems Manager, decrypted; ten come in one request. `secretsmanager:<arn or
# name>#field` is a secret of Secrets Manager, such as those of MSK (`AmazonMSK_…`).


def could_not_be_read(reference: SecretName, action: str, error: Exception) -> EstateError:
    """The error that names the reference and the missing right: the secret's (`action`, as IAM calls it) or
    its key's."""
    if refused_key(error):
        return EstateError(
            str(aws_failure(error, action="kms:Decrypt", resource=f"the key that encrypts {reference.shown}"))
        )
    return EstateError(str(aws_failure(error, action=action, resource=reference.shown)))


def named(references: Sequence[SecretName]) -> str:
    """The first reference, and how many more there are."""
    first = references[0].shown
    return first if len(references) == 1 else f"{first} and {len(references) - 1} more"


NAMES_A_REQUEST = 10
"""GetParameters' own limit."""


def read_parameters(references: Sequence[SecretName], client: Any = None) -> Mapping[str, str]:
    """The parameters' values by name. Raises EstateError naming the reference, the action and the missing
    right."""
    if client is not None:
        return _read_parameters(client, references)
    resource = named(references)
    with closing(
        aws_client("ssm", resource=resource, region=None, endpoint_url=None, read_timeout_seconds=5)
    ) as made:
        return _read_parameters(made, references)


def _read_parameters(client: Any, references: Sequence[SecretName]) -> dict[str, str]:
    by_name = {reference.name: reference for reference in references}
    names = sorted(by_name)
    values: dict[str, str] = {}
    for start in range(0, len(names), NAMES_A_REQUEST):
        values |= _parameter_batch(client, [by_name[name] for name in names[start : start + NAMES_A_REQUEST]])
    return values


def _parameter_batch(client: Any, references: Sequence[SecretName]) -> dict[str, str]:
    if len(references) > 1:
        try:
            answer = client.get_parameters(
                Names=[reference.name for reference in references], WithDecryption=True
            )
        except ClientError as error:
            # One forbidden name refuses the whole batch, and a role may have only GetParameter.
            if not denied(error) and not refused_key(error):
                raise could_not_be_read(references[0], "ssm:GetParameters", error) from error
        except BotoCoreError as error:
            raise could_not_be_read(references[0], "ssm:GetParameters", error) from error
        else:
            found = {parameter["Name"]: parameter["Value"] for parameter in answer["Parameters"]}
            # A name with a version or label comes back without it.
            if all(reference.name in found for reference in references):
                return {reference.name: found[reference.name] for reference in references}
    return {reference.name: _one_parameter(client, reference) for reference in references}


def _one_parameter(client: Any, reference: SecretName) -> str:
    try:
        value = client.get_parameter(Name=reference.name, WithDecryption=True)["Parameter"]["Value"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("ParameterNotFound", "ParameterVersionNotFound"):
            raise EstateError(
                f"{reference.shown}: there is no such parameter in this account and region; create it, or correct its name in the estate"
            ) from error
        raise could_not_be_read(reference, "ssm:GetParameter", error) from error
    except BotoCoreError as error:
        raise could_not_be_read(reference, "ssm:GetParameter", error) from error
    return str(value)


_GET_SECRET = "secretsmanager:GetSecretValue"


def read_secrets(references: Sequence[SecretName], client: Any = None) -> Mapping[str, str]:
    """The secrets' texts by name, one request each: the batch call needs a separate right. Raises
    EstateError."""
    texts = {}
    for reference in {reference.name: reference for reference in references}.values():
        if client is not None:
            texts[reference.name] = _secret_text(client, reference)
            continue
        region = region_of(reference.name)
        made = aws_client(
            "secretsmanager",
            resource=reference.shown,
            region=region,
            endpoint_url=None,
            read_timeout_seconds=5,
        )
        with closing(made):
            texts[reference.name] = _secret_text(made, reference)
    return texts


def region_of(name: str) -> str | None:
    """The region in an ARN; None for a plain name, which boto3 looks up in its own region."""
    return name.split(":")[3] or None if name.startswith("arn:") and name.count(":") >= 3 else None


def _secret_text(client: Any, reference: SecretName) -> str:
    try:
        answer = client.get_secret_value(SecretId=reference.name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            raise EstateError(
                f"{reference.shown}: there is no such secret (or version of it) in this account and region; create it, or correct its "
                "name in the estate"
            ) from error
        raise could_not_be_read(reference, _GET_SECRET, error) from error
    except BotoCoreError as error:
        raise could_not_be_read(reference, _GET_SECRET, error) from error
    if "SecretString" not in answer:
        raise EstateError(f"{reference.shown}: the secret is binary; expected text")
    return str(answer["SecretString"])


# `vault:path#field`: secrets of HashiCorp Vault's KV engine, version 1 or 2, through hvac (the extra
# `vault`).
#
# Address, token and certificates come from the variables of Vault's own tools: VAULT_ADDR, VAULT_TOKEN or
# ~/.vault-token, VAULT_NAMESPACE, VAULT_CACERT, VAULT_CLIENT_CERT and VAULT_CLIENT_KEY. A Vault Agent that
# adds
# the token needs only its address. The path is the one that `vault kv get` takes.

_TIMEOUT_SECONDS = 10
_MOUNTS = "sys/internal/ui/mounts"


def read_vault(references: Sequence[SecretName]) -> Mapping[str, Mapping[str, object]]:
    """The secrets' fields by path, two requests each (the engine, the secret).

    Raises EstateError naming the reference and what to do.
    """
    try:
        with importing:
            import hvac  # an extra, because most estates have no Vault
    except ImportError as error:
        raise EstateError(
            f"{references[0].shown}: reading Vault needs the package hvac; install it with: pip install 'mesh-assets[vault]'"
        ) from error
    address = os.environ.get("VAULT_ADDR")
    if not address:
        raise EstateError(
            f"{references[0].shown}: the environment variable VAULT_ADDR is not set; set it to the address of your Vault"
        )
    client = hvac.Client(url=address, timeout=_TIMEOUT_SECONDS, namespace=os.environ.get("VAULT_NAMESPACE"))
    with closing(client.adapter):
        return {
            name: _fields(client, reference, address)
            for name, reference in {reference.name: reference for reference in references}.items()
        }


def _fields(client: Any, reference: SecretName, address: str) -> Mapping[str, object]:
    with importing:
        import hvac
        import requests

    try:
        mount, version = _engine(client, reference)
        path = reference.name.strip("/").removeprefix(mount).lstrip("/")
        if version == "2":
            answer = client.secrets.kv.v2.read_secret_version(
                path, mount_point=mount, raise_on_deleted_version=True
            )
            fields = answer["data"]["data"]
        else:
            fields = client.secrets.kv.v1.read_secret(path, mount_point=mount)["data"]
    except hvac.exceptions.InvalidPath as error:
        hint = (
            f"; leave data/ out of the path, as in `vault kv get {mount}/…`"
            if version == "2" and path.startswith("data/")
            else ""
        )
        raise EstateError(
            f"{reference.shown}: Vault at {address} has no such secret (or its last version is deleted){hint}"
        ) from error
    except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized) as error:
        who = (
            "the token" if client.token else "no token is set (VAULT_TOKEN or ~/.vault-token); without one it"
        )
        raise EstateError(
            f"{reference.shown}: Vault at {address} refused it: {who} may not read this path, or is no longer valid; "
            "its policy needs `read` on it"
        ) from error
    except hvac.exceptions.VaultError as error:
        raise EstateError(
            f"{reference.shown}: Vault at {address} failed ({type(error).__name__}); is it sealed or failing?"
        ) from error
    except requests.exceptions.SSLError as error:
        raise EstateError(
            f"{reference.shown}: the certificate of Vault at {address} could not be verified; set VAULT_CACERT"
        ) from error
    except requests.exceptions.RequestException as error:
        raise EstateError(
            f"{reference.shown}: Vault at {address} gave no answer ({type(error).__name__}); check VAULT_ADDR and the network"
        ) from error
    if not isinstance(fields, dict):
        raise EstateError(
            f"{reference.shown}: Vault at {address} answered without fields; is this a KV engine?"
        )
    return fields


def _engine(client: Any, reference: SecretName) -> tuple[str, str]:
    """The mount of the engine that holds the path, and its version, found as Vault's own command does."""
    answer = client.read(f"{_MOUNTS}/{reference.name.strip('/')}")
    found = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("path"), str):
        # Vault before 0.10 has neither this endpoint nor version 2.
        mount, _, _ = reference.name.strip("/").partition("/")
        return mount, "1"
    return found["path"].strip("/"), str((found.get("options") or {}).get("version", "1"))
