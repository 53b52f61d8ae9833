"""One AWS account in one region: whose credentials these are, its clients, and calls that survive throttling."""

import os
import random
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from mesh_assets.errors import EstateError, RefusedError, UnexpectedAnswerError
from mesh_assets.estate.model import AwsAccountSettings, Estate
from mesh_assets.importing import importing

ClientFactory = Callable[[str, AwsAccountSettings], Any]
"""Makes a boto3 client of a service: the seam for tests."""

THROTTLED = frozenset(
    {"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown"}
)
# All users of an account share its few calls per second to the mappings' API. A minute outlasts the bursts of a
# deployment.
_LONGEST_WAIT_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0


class Identity(Struct, frozen=True, kw_only=True):
    """Whose credentials these are. `partition` is aws, aws-cn, aws-us-gov …"""

    account_id: str
    arn: str
    partition: str


class AwsAccount:
    """One account in one region. Contacts nothing until asked."""

    def __init__(self, settings: AwsAccountSettings, *, make_client: ClientFactory | None = None) -> None:
        self.settings = settings
        self._make_client = make_client or _boto3_client
        self._clients: dict[str, Any] = {}

    def __str__(self) -> str:
        owner = self.settings.account_id or self.settings.profile
        return self.region if owner is None else f"{self.region} ({owner})"

    @property
    def region(self) -> str:
        return self.settings.region

    def client(self, service: str) -> Any:
        """boto3's client of `lambda`, `iam`, `kafka` …; always the same one.

        Raises EstateError or RefusedError for bad settings.
        """
        if service not in self._clients:
            self._clients[service] = self._make_client(service, self.settings)
        return self._clients[service]

    @cached_property
    def identity(self) -> Identity:
        """Asks AWS whose credentials these are, which also shows whether they work.

        Raises RefusedError when there are no credentials, they have expired, AWS does not know them, or they
        belong to an account other than the estate's; UnreachableError when AWS does not answer.
        """
        answer = call(
            self.client("sts").get_caller_identity,
            action="sts:GetCallerIdentity",
            resource=f"AWS in {self.region}",
        )
        identity = Identity(
            account_id=answer["Account"], arn=answer["Arn"], partition=answer["Arn"].split(":")[1]
        )
        expected = self.settings.account_id
        if expected is not None and identity.account_id != expected:
            raise RefusedError(
                f"the AWS credentials belong to account {identity.account_id}, but the estate names {expected} for {self.region}; "
                "use that account's profile or role"
            )
        return identity


def open_account(estate: Estate | None, *, region: str | None = None) -> AwsAccount:
    """The account to work in, with credentials that AWS accepts.

    Raises EstateError without a region, RefusedError without working credentials, UnreachableError when AWS
    does not answer.
    """
    account = AwsAccount(account_settings(estate, region=region))
    _ = account.identity
    return account


def account_settings(
    estate: Estate | None, *, region: str | None = None, environment: Mapping[str, str] | None = None
) -> AwsAccountSettings:
    """The account to work in: the estate's for the region, else the credentials' own.

    The region is `region`, else AWS_REGION, else AWS_DEFAULT_REGION, else that of the estate's only account.
    There is no default. Raises EstateError without a region, or when the estate has several accounts for it.
    """
    variables = os.environ if environment is None else environment
    accounts = estate.esm.accounts if estate is not None and estate.esm is not None else ()
    wanted = region or variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
    if not wanted:
        if len(accounts) == 1:
            return accounts[0]
        raise EstateError(
            "no AWS region is known, and there is no default; set AWS_REGION or name the region (e.g. --region eu-central-1)"
        )
    matching = [account for account in accounts if account.region == wanted]
    profile = variables.get("AWS_PROFILE")
    if len(matching) > 1 and profile:
        matching = [account for account in matching if account.profile == profile] or matching
    if len(matching) > 1:
        profiles = ", ".join(account.profile or f"account {account.account_id}" for account in matching)
        raise EstateError(
            f"the estate's esm.accounts has {len(matching)} entries for region {wanted} ({profiles}); set AWS_PROFILE to choose one"
        )
    if matching:
        return matching[0]
    try:
        return AwsAccountSettings(region=wanted)
    except ValueError:
        raise EstateError(f"{wanted!r} is not an AWS region; expected one like eu-central-1") from None


def call(
    method: Callable[..., Any],
    /,
    *,
    action: str,
    resource: str,
    translate: Callable[[Exception], Exception | None] | None = None,
    sleep: Callable[[float], None] | None = None,
    **arguments: Any,
) -> Any:
    """Calls the boto3 method, and retries while AWS throttles it.

    `action` is IAM's name for the call, `resource` the user's for what it is about. A throttled call was not
    carried out, so retrying is safe for any action. `translate` may turn a failure into a more specific
    error; None leaves the general one. Raises PlatformError, or what `translate` returns.
    """
    with importing:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        from mesh_assets.platforms.aws.client import aws_failure

    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return method(**arguments)
        except (BotoCoreError, ClientError) as error:
            if error_code(error) in THROTTLED and time.monotonic() + pause < deadline:
                (sleep or time.sleep)(
                    pause * random.uniform(0.5, 1.0)
                )  # so that throttled callers do not return all at once
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            specific = None if translate is None else translate(error)
            raise (specific or aws_failure(error, action=action, resource=resource)) from error
        except ResponseParserError as error:  # not a BotoCoreError: a proxy's page, for example
            raise UnexpectedAnswerError(
                f"{action} on {resource}: the answer does not come from AWS; check endpoint_url and any proxy in between"
            ) from error


def for_code(code: str, make: Callable[[], Exception]) -> Callable[[Exception], Exception | None]:
    """A `translate` for `call` that makes its error of AWS' failures with this code."""
    return lambda error: make() if error_code(error) == code else None


def error_code(error: Exception) -> str:
    """AWS' code of a ClientError; empty for anything else."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def error_message(error: Exception) -> str:
    """AWS' message of a ClientError; empty for anything else."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Message", "")) if isinstance(response, dict) else ""


def _boto3_client(service: str, settings: AwsAccountSettings) -> Any:
    with importing:
        from mesh_assets.platforms.aws.client import aws_client  # boto3 is heavy, and fakes do without it

    return aws_client(
        service,
        resource=f"{service} in {settings.region}",
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        profile=settings.profile,
        # `call` retries throttled calls for longer than botocore would.
        attempts=2,
        read_timeout_seconds=30,
    )
