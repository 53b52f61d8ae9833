"""One AWS account in one region: whose it is, its clients, and the calls made with them."""

import os
import random
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from mesh_assets.errors import EstateError, RefusedError, UnexpectedAnswerError
from mesh_assets.estate.model import AwsAccount, Estate
from mesh_assets.platforms.aws.client import aws_failure

# One call of AWS: repeated while it is throttled, and its failure told as the action on the resource.

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


# The way into one AWS account and region: whose it is, and its clients, made when first needed.

ClientFactory = Callable[[str, AwsAccount], Any]
"""Makes a boto3 client of a service: the seam for tests."""


class Identity(Struct, frozen=True, kw_only=True):
    """Who the credentials are. `partition` is aws, aws-cn, aws-us-gov …"""

    account_id: str
    arn: str
    partition: str


class AwsAccess:
    """One account in one region. Nothing is contacted until something is asked."""

    def __init__(self, account: AwsAccount, *, make_client: ClientFactory | None = None) -> None:
        self.account = account
        self._make_client = make_client or _boto3_client
        self._clients: dict[str, Any] = {}

    def __str__(self) -> str:
        owner = self.account.account_id or self.account.profile
        return self.account.region if owner is None else f"{self.account.region} ({owner})"

    @property
    def region(self) -> str:
        return self.account.region

    def client(self, service: str) -> Any:
        """boto3's client of `lambda`, `iam`, `kafka` …; always the same one."""
        if service not in self._clients:
            self._clients[service] = self._make_client(service, self.account)
        return self._clients[service]

    @cached_property
    def identity(self) -> Identity:
        """One call that shows whether the credentials are any good.

        Raises RefusedError when there are none, they have expired, AWS does not know them, or they are
        another account's.
        """
        answer = call(
            self.client("sts").get_caller_identity,
            action="sts:GetCallerIdentity",
            resource=f"AWS in {self.region}",
        )
        identity = Identity(
            account_id=answer["Account"], arn=answer["Arn"], partition=answer["Arn"].split(":")[1]
        )
        expected = self.account.account_id
        if expected is not None and identity.account_id != expected:
            raise RefusedError(
                f"the AWS credentials are those of account {identity.account_id}, but the estate names {expected} for {self.region}; "
                "use that account's profile or role"
            )
        return identity


def aws_account(
    estate: Estate | None, *, region: str | None = None, environment: Mapping[str, str] | None = None
) -> AwsAccount:
    """The account to work in: that of the estate's `esm.accounts` for the region, else the credentials' own.

    The region is the one given, else AWS_REGION, else AWS_DEFAULT_REGION, else that of the estate's only
    account. There is no default. Raises EstateError without a region, or when the estate has several accounts
    for it.
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
    fitting = [account for account in accounts if account.region == wanted]
    profile = variables.get("AWS_PROFILE")
    if len(fitting) > 1 and profile:
        fitting = [account for account in fitting if account.profile == profile] or fitting
    if len(fitting) > 1:
        profiles = ", ".join(account.profile or f"account {account.account_id}" for account in fitting)
        raise EstateError(
            f"the estate's esm.accounts has {len(fitting)} for region {wanted} ({profiles}); set AWS_PROFILE to the one meant"
        )
    if fitting:
        return fitting[0]
    try:
        return AwsAccount(region=wanted)
    except ValueError:
        raise EstateError(f"{wanted!r} is no AWS region; expected one like eu-central-1") from None


def _boto3_client(service: str, account: AwsAccount) -> Any:
    from mesh_assets.platforms.aws.client import aws_client  # boto3 is heavy, and fakes do without it

    return aws_client(
        service,
        resource=f"{service} in {account.region}",
        region=account.region,
        endpoint_url=account.endpoint_url,
        profile=account.profile,
        # `call` repeats what is throttled, with a longer breath than botocore has.
        attempts=2,
        read_timeout_seconds=30,
    )
