"""`ssm:/path`: parameters of AWS Systems Manager, decrypted, ten in a request."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import EstateError
from mesh_assets.platforms.aws.client import aws_client
from mesh_assets.platforms.aws.failures import denied, refused_key
from mesh_assets.platforms.secrets.failures import could_not_be_read, named
from mesh_assets.platforms.secrets.reference import SecretName

NAMES_A_REQUEST = 10
"""GetParameters' own limit."""


def read_parameters(references: Sequence[SecretName], client: Any = None) -> Mapping[str, str]:
    """The parameters' values by name. Raises EstateError naming the reference, the action and the right that
    is missing."""
    if client is not None:
        return _read(client, references)
    resource = named(references)
    with closing(
        aws_client("ssm", resource=resource, region=None, endpoint_url=None, read_timeout_seconds=5)
    ) as made:
        return _read(made, references)


def _read(client: Any, references: Sequence[SecretName]) -> dict[str, str]:
    by_name = {reference.name: reference for reference in references}
    names = sorted(by_name)
    values: dict[str, str] = {}
    for start in range(0, len(names), NAMES_A_REQUEST):
        values |= _batch(client, [by_name[name] for name in names[start : start + NAMES_A_REQUEST]])
    return values


def _batch(client: Any, references: Sequence[SecretName]) -> dict[str, str]:
    if len(references) > 1:
        try:
            answer = client.get_parameters(
                Names=[reference.name for reference in references], WithDecryption=True
            )
        except ClientError as error:
            # One name that is not allowed refuses the whole batch, and a role may have been given
            # GetParameter alone.
            if not denied(error) and not refused_key(error):
                raise could_not_be_read(references[0], "ssm:GetParameters", error) from error
        except BotoCoreError as error:
            raise could_not_be_read(references[0], "ssm:GetParameters", error) from error
        else:
            found = {parameter["Name"]: parameter["Value"] for parameter in answer["Parameters"]}
            # A name with a version or label comes back without it.
            if all(reference.name in found for reference in references):
                return {reference.name: found[reference.name] for reference in references}
    return {reference.name: _one(client, reference) for reference in references}


def _one(client: Any, reference: SecretName) -> str:
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
