"""Parses ARNs and function names: any partition, versions and aliases, MSK clusters with their UUID."""

import re
from dataclasses import dataclass

# Each names one thing: an IAM wildcard or variable (`*`, `?`, `${…}`) in a name would grant a right to others.
_FUNCTION_ARN = re.compile(
    r"^arn:(?P<partition>aws[a-zA-Z-]*):lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:"
    r"(?P<name>[a-zA-Z0-9_-]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?$"
)
_PARTIAL = re.compile(
    r"^(?P<account>\d{12}):(?:function:)?(?P<name>[a-zA-Z0-9_-]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?$"
)
_NAME = re.compile(r"^(?P<name>[a-zA-Z0-9_-]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?$")
_MSK_CLUSTER = re.compile(
    r"^arn:(?P<partition>aws[a-zA-Z-]*):kafka:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):cluster/(?P<name>[^/*?{}]+)/(?P<uuid>[^/*?{}]+)$"
)
_MSK_CONNECTION = re.compile(
    r"^arn:(?P<partition>aws[a-zA-Z-]*):kafka:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):vpc-connection/"
    r"(?P<owner>\d{12})/(?P<name>[^/*?{}]+)/(?P<uuid>[^/*?{}]+)$"
)
_ANY = re.compile(
    r"^arn:(?P<partition>aws[a-zA-Z-]*):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*):(?P<account>\d{12}|):(?P<resource>[^*?{}]+)$"
)

LITERAL_STAR = "${*}"
"""IAM's variable for the character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """The parts of an ARN. `region` and `account` are empty where the service has none (S3)."""

    partition: str
    service: str
    region: str
    account: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionName:
    """A function's name with its qualifier (version or alias). `account` and `region` None: the caller's."""

    name: str
    qualifier: str | None
    account: str | None
    region: str | None
    partition: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MskCluster:
    """An MSK cluster.

    `owner` is the cluster's own account, which differs from the ARN's for a VPC connection.
    """

    partition: str
    region: str
    account: str
    owner: str
    name: str
    uuid: str
    by_vpc_connection: bool

    @property
    def cluster_arn(self) -> str:
        return f"arn:{self.partition}:kafka:{self.region}:{self.owner}:cluster/{self.name}/{self.uuid}"

    def topic_arn(self, topic: str) -> str:
        """The topic's ARN with the cluster's UUID; a right to an ARN without it grants nothing."""
        return f"arn:{self.partition}:kafka:{self.region}:{self.owner}:topic/{self.name}/{self.uuid}/{topic}"

    def group_arn(self, group: str) -> str:
        """In the form of a policy: a `*` in the group's own name means itself there, not any text."""
        name = group.replace("*", LITERAL_STAR)
        return f"arn:{self.partition}:kafka:{self.region}:{self.owner}:group/{self.name}/{self.uuid}/{name}"


def arn_in(text: str) -> Arn | None:
    """The parts of the ARN of one thing; None for any other text, including a pattern of ARNs."""
    match = _ANY.match(text)
    return None if match is None else Arn(**match.groupdict())


def function_in(text: str) -> FunctionName | None:
    """The function that a name, partial ARN or ARN means; None for any other text."""
    match = _FUNCTION_ARN.match(text) or _PARTIAL.match(text) or _NAME.match(text)
    if match is None:
        return None
    parts = match.groupdict()
    return FunctionName(
        name=parts["name"],
        qualifier=parts["qualifier"],
        account=parts.get("account"),
        region=parts.get("region"),
        partition=parts.get("partition"),
    )


def names_function(asked: str, arn: str, *, any_qualifier: bool = False) -> bool:
    """Whether a name, partial ARN or ARN means the function of this ARN, account and region as far as it says.

    A version or alias is a different function from the bare name, unless `any_qualifier` lets the bare name mean
    all of them.
    """
    wanted, has = function_in(asked), function_in(arn)
    if wanted is None or has is None:
        return asked == arn
    free = any_qualifier and wanted.qualifier is None
    return (
        wanted.name == has.name
        and (free or wanted.qualifier == has.qualifier)
        and wanted.account in (None, has.account)
        and wanted.region in (None, has.region)
    )


def msk_cluster_in(text: str) -> MskCluster | None:
    """The cluster that an MSK cluster's or VPC connection's ARN means; None for any other text."""
    if (match := _MSK_CLUSTER.match(text)) is not None:
        return MskCluster(**match.groupdict(), owner=match["account"], by_vpc_connection=False)
    if (match := _MSK_CONNECTION.match(text)) is not None:
        return MskCluster(**match.groupdict(), by_vpc_connection=True)
    return None
