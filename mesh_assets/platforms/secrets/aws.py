"""Secrets kept in AWS.

`ssm:/path` is a parameter of Systems Manager, decrypted; ten come in one request. `secretsmanager:<arn or
name>#field` is a secret of Secrets Manager, such as those of MSK (`AmazonMSK_…`).
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import EstateError
from mesh_assets.platforms.aws.client import aws_client, aws_failure, denied, refused_key
from mesh_assets.platforms.secrets.references import SecretName


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
    """The secrets' texts by name, one request each: the batch call needs a right of its own. Raises
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
