"""`secretsmanager:<arn or name>#field`: secrets of AWS Secrets Manager, those of MSK (`AmazonMSK_…`) among
them."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import EstateError
from mesh_assets.platforms.aws.client import aws_client
from mesh_assets.platforms.secrets.failures import could_not_be_read
from mesh_assets.platforms.secrets.reference import SecretName

_ACTION = "secretsmanager:GetSecretValue"


def read_secrets(references: Sequence[SecretName], client: Any = None) -> Mapping[str, str]:
    """The secrets' texts by name, one request each: the batch call would need a right of its own. Raises
    EstateError."""
    texts = {}
    for reference in {reference.name: reference for reference in references}.values():
        if client is not None:
            texts[reference.name] = _text(client, reference)
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
            texts[reference.name] = _text(made, reference)
    return texts


def region_of(name: str) -> str | None:
    """The region in an ARN; None for a plain name, which is looked up where boto3 is."""
    return name.split(":")[3] or None if name.startswith("arn:") and name.count(":") >= 3 else None


def _text(client: Any, reference: SecretName) -> str:
    try:
        answer = client.get_secret_value(SecretId=reference.name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            raise EstateError(
                f"{reference.shown}: there is no such secret (or version of it) in this account and region; create it, or correct its "
                "name in the estate"
            ) from error
        raise could_not_be_read(reference, _ACTION, error) from error
    except BotoCoreError as error:
        raise could_not_be_read(reference, _ACTION, error) from error
    if "SecretString" not in answer:
        raise EstateError(f"{reference.shown}: the secret is binary; expected text")
    return str(answer["SecretString"])
