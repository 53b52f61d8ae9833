"""boto3 clients with bounded waits, botocore's own retries and a known region; turns their failures into
clear sentences.

A sentence names the action, the resource and what to do, and never a credential.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore import exceptions
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.loaders import create_loader
from botocore.session import Session

from mesh_assets.errors import (
    EstateError,
    PlatformError,
    RefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from mesh_assets.masking.configs import mask_text

_MOST_PAGES = 1_000

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_INVALID = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AuthFailure",
        "MissingAuthenticationToken",
        "InvalidSecurity",
    }
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "UnauthorizedOperation",
        "UnauthorizedException",
        "NotAuthorized",
        "ForbiddenException",
        "403",
    }
)
_MISSING = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "NotFound",
        "NotFoundException",
        "ResourceNotFoundException",
        "404",
    }
)
_BUSY = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "RequestThrottled",
        "TooManyRequestsException",
        "ServiceUnavailable",
        "InternalError",
    }
)

_KEY = frozenset(
    {
        "KMSAccessDeniedException",
        "DecryptionFailure",
        "InvalidKeyId",
        "KMSInvalidStateException",
        "KMSDisabledException",
    }
)
_KEY_WORDS = re.compile(r"kms:|\bKMS\b|ciphertext|customer master key")
_LACKING = re.compile(r"not authorized to perform:? ([a-z][a-z0-9-]*:[A-Z]\w+)")

_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role"


def aws_failure(error: Exception, *, action: str, resource: str) -> PlatformError:
    """The error to raise for a BotoCoreError or ClientError.

    `action` by its IAM name (`sqs:ReceiveMessage`), `resource` as the user named it.
    """
    if isinstance(error, exceptions.ClientError):
        return _refused(error, action, resource)
    match error:
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return RefusedError(f"{action} on {resource}: no AWS credentials were found; {_CREDENTIALS}")
        case exceptions.CredentialRetrievalError() | exceptions.SSOError() | exceptions.ProfileNotFound():
            return RefusedError(
                f"{action} on {resource}: the AWS credentials could not be loaded ({_first_line(error)}); {_CREDENTIALS}"
            )
        case exceptions.NoRegionError():
            return RefusedError(
                f"{action} on {resource}: no AWS region is known; write `region:` in the estate or set AWS_DEFAULT_REGION"
            )
        case exceptions.HTTPClientError() | exceptions.ConnectionError():
            return UnreachableError(
                f"{action} on {resource}: no answer ({type(error).__name__}); check the network and endpoint_url"
            )
        case _:
            return UnexpectedAnswerError(f"{action} on {resource} failed: {_first_line(error)}")


def denied(error: Exception) -> bool:
    """Whether AWS knows the caller but does not allow the action."""
    return (
        isinstance(error, exceptions.ClientError)
        and str(error.response.get("Error", {}).get("Code", "")) in _DENIED
    )


def refused_key(error: Exception) -> bool:
    """Whether the encryption key was the problem: SSM and Secrets Manager return a code of KMS, or mention it
    in the text."""
    if not isinstance(error, exceptions.ClientError):
        return False
    detail = error.response.get("Error", {})
    return str(detail.get("Code", "")) in _KEY or (
        denied(error) and bool(_KEY_WORDS.search(str(detail.get("Message", ""))))
    )


def _refused(error: exceptions.ClientError, action: str, resource: str) -> PlatformError:
    detail = error.response.get("Error", {})
    code = str(detail.get("Code", ""))
    if code in _EXPIRED:
        return RefusedError(
            f"{action} on {resource}: the AWS credentials have expired; renew them (e.g. `aws sso login`)"
        )
    if code in _INVALID:
        return RefusedError(
            f"{action} on {resource}: AWS does not accept the credentials, with {code}; {_CREDENTIALS}"
        )
    if code in _DENIED or code in _KEY:
        # Something a service does as the caller (such as opening a key) needs a right that is not named after
        # the call.
        named = _LACKING.search(str(detail.get("Message", "")))
        if named is not None and named[1] != action:
            return RefusedError(
                f"{action} on {resource}: access denied, because it needs {named[1]}; allow that to the role or user this runs as"
            )
        return RefusedError(
            f"{action} on {resource}: access denied; allow {action} on it to the role or user this runs as"
        )
    if code in _MISSING:
        return RefusedError(
            f"{action} on {resource}: it does not exist in this account and region; check its name in the estate"
        )
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _BUSY or status >= 500:
        return UnreachableError(f"{action} on {resource}: AWS is busy or in trouble ({code or status})")
    return UnexpectedAnswerError(
        f"{action} on {resource} failed: {code} {_first_line(detail.get('Message', ''))}".rstrip()
    )


def _first_line(text: object) -> str:
    lines = str(text).strip().splitlines()
    return mask_text(lines[0][:2_000])[:300] if lines else ""


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
    """A client of `service`; contacts nothing. Messages name `resource`.

    botocore retries throttling, server errors and lost connections, `attempts` tries in all. Raises
    EstateError when no region is known.
    """
    try:
        session = new_session(profile)
    except BotoCoreError as error:  # e.g. a profile that does not exist
        raise aws_failure(error, action=service, resource=resource) from error
    if region is None and session.get_config_variable("region") is None:
        raise EstateError(
            f"no AWS region is known for {resource}; write `region:` next to it in the estate, or set AWS_DEFAULT_REGION"
        )
    config = Config(
        connect_timeout=5,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        region_name=region,
    )
    try:
        return session.create_client(service, endpoint_url=endpoint_url, config=config)
    except BotoCoreError as error:
        raise aws_failure(error, action=service, resource=resource) from error
    except ValueError as error:  # botocore's error for an endpoint that is not an address
        raise EstateError(
            f"endpoint_url of {resource} is not an address: expected https://host[:port]"
        ) from error


def read_pages(
    ask: Callable[[Mapping[str, str]], Mapping[str, Any]], *, what: str, token: str = "NextToken"
) -> list[Mapping[str, Any]]:
    """The answers of `ask`, which takes the parameters of a page, until one holds no `token` for another
    page.

    Raises UnexpectedAnswerError, naming `what` was asked for, when a token repeats or the pages do not end.
    """
    pages: list[Mapping[str, Any]] = []
    page: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        answer = ask(page)
        pages.append(answer)
        following = answer.get(token)
        if not following:
            return pages
        if following == page.get(token):
            raise UnexpectedAnswerError(f"{what} returned the same page twice; the list would never end")
        page = {token: following}
    raise UnexpectedAnswerError(f"{what} returned more than {_MOST_PAGES:,} pages")


def new_session(profile: str | None = None) -> Any:
    """A separate session for each client: making clients from one session in several threads is not safe.

    Sessions share what takes longest, botocore's service models: otherwise a tenth of a second or more of
    JSON for each client. Raises ProfileNotFound.
    """
    session = Session(profile=profile)
    session.register_component("data_loader", _models(session.get_config_variable("data_path")))
    return session


@cache
def _models(data_path: str | None) -> Any:
    return create_loader(data_path)
