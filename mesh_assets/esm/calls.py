"""One call of AWS: repeated while it is throttled, and its failure told as the action on the resource."""

import random
import time
from collections.abc import Callable
from typing import Any

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.aws.client import aws_failure

THROTTLED = frozenset(
    {"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown"}
)
# The mappings' API allows few calls a second an account, which all its users share; a wait this long outlives
# the bursts of a deployment.
_LONGEST_WAIT_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0


def call(
    method: Callable[..., Any],
    /,
    *,
    action: str,
    resource: str,
    tell: Callable[[Exception], Exception | None] | None = None,
    sleep: Callable[[float], None] | None = None,
    **arguments: Any,
) -> Any:
    """What the boto3 method answers. `action` as IAM calls it, `resource` as the user knows it.

    A throttled call was not carried out, so repeating it is safe for any action. `tell` turns a failure into
    a better error than the general one; None: the general one. Raises PlatformError or what `tell` gives.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return method(**arguments)
        except (BotoCoreError, ClientError) as error:
            if error_code(error) in THROTTLED and time.monotonic() + pause < deadline:
                (sleep or time.sleep)(
                    pause * random.uniform(0.5, 1.0)
                )  # all who were throttled must not come back at once
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            told = None if tell is None else tell(error)
            raise (told or aws_failure(error, action=action, resource=resource)) from error
        except ResponseParserError as error:  # no BotoCoreError: a proxy's page, for example
            raise UnexpectedAnswerError(
                f"{action} on {resource}: the answer is not one of AWS; check endpoint_url and any proxy on the way"
            ) from error


def error_code(error: Exception) -> str:
    """AWS' code of a ClientError; empty for anything else."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def error_message(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Message", "")) if isinstance(response, dict) else ""
