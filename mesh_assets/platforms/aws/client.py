"""How a boto3 client is made: bounded waits, few retries, and a region that is known."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from mesh_assets.errors import EstateError
from mesh_assets.platforms.aws.failures import aws_failure


def aws_client(
    service: str,
    *,
    resource: str,
    region: str | None,
    endpoint_url: str | None,
    profile: str | None = None,
    read_timeout_seconds: float = 10.0,
    attempts: int = 3,
) -> Any:
    """A client of the service; nothing is contacted. `resource` is what messages name. Raises EstateError
    without a region."""
    session = _session(service, resource, profile)
    if region is None and session.region_name is None:
        raise EstateError(
            f"no AWS region is known for {resource}; write `region:` beside it in the estate, or set AWS_DEFAULT_REGION"
        )
    config = Config(
        connect_timeout=5,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        region_name=region,
    )
    try:
        return session.client(service, endpoint_url=endpoint_url, config=config)
    except BotoCoreError as error:
        raise aws_failure(error, action=service, resource=resource) from error
    except ValueError as error:  # botocore's answer to an endpoint that is no address
        raise EstateError(
            f"endpoint_url of {resource} is no address: expected https://host[:port]"
        ) from error


def _session(service: str, resource: str, profile: str | None) -> Any:
    """A session of our own: boto3's default one is shared by all threads and not safe to be made in several."""
    try:
        return boto3.session.Session(profile_name=profile)
    except BotoCoreError as error:  # a profile that does not exist
        raise aws_failure(error, action=service, resource=resource) from error
