"""The clusters of Amazon MSK in an account and region, provisioned and serverless: `ListClustersV2`.

Source: AWS's model of MSK's API (botocore, `kafka` 2018-11-14). A page holds up to 100 clusters.
"""

from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.platforms.aws.client import aws_client, aws_failure, read_pages

_LIST_CLUSTERS = "kafka:ListClustersV2"
_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MskCluster:
    """state: ACTIVE, CREATING, UPDATING, HEALING, MAINTENANCE, REBOOTING_BROKER, DELETING or FAILED."""

    arn: str
    name: str
    state: str
    kind: str
    tags: Mapping[str, str]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


def list_msk_clusters(
    region: str, *, profile: str | None = None, endpoint_url: str | None = None, client: Any = None
) -> tuple[MskCluster, ...]:
    """All of them, in AWS's order; a page that fails fails the list.

    Raises RefusedError, UnreachableError or UnexpectedAnswerError; EstateError for an endpoint that is not an
    address.
    """
    resource = f"the MSK clusters of {region}"
    with ExitStack() as stack:
        if client is None:
            client = stack.enter_context(
                closing(
                    aws_client(
                        "kafka", resource=resource, region=region, endpoint_url=endpoint_url, profile=profile
                    )
                )
            )

        def ask(page: Mapping[str, str]) -> Mapping[str, Any]:
            try:
                answer: Mapping[str, Any] = client.list_clusters_v2(MaxResults=_PAGE, **page)
            except (BotoCoreError, ClientError) as error:
                raise aws_failure(error, action=_LIST_CLUSTERS, resource=resource) from error
            return answer

        pages = read_pages(ask, what=f"{_LIST_CLUSTERS} on {resource}")
    return tuple(_cluster(item, resource) for page in pages for item in page.get("ClusterInfoList") or ())


def check_account(
    account_id: str, *, region: str, profile: str | None = None, endpoint_url: str | None = None
) -> None:
    """Raises RefusedError if the credentials belong to another account: its list would lack every cluster of
    this one."""
    resource = f"account {account_id}"
    with closing(
        aws_client("sts", resource=resource, region=region, endpoint_url=endpoint_url, profile=profile)
    ) as client:
        try:
            actual = client.get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            raise aws_failure(error, action="sts:GetCallerIdentity", resource=resource) from error
    if actual != account_id:
        raise RefusedError(
            f"{_LIST_CLUSTERS} on {resource}: the AWS credentials belong to account {actual}; give the rule a profile for {account_id}"
        )


def _cluster(item: Mapping[str, Any], resource: str) -> MskCluster:
    arn, name, state = (item.get(field) for field in ("ClusterArn", "ClusterName", "State"))
    if not isinstance(arn, str) or len(arn.split(":")) < 6 or not isinstance(name, str):
        raise UnexpectedAnswerError(
            f"{_LIST_CLUSTERS} on {resource} answered with a cluster that lacks an ARN or a name"
        )
    return MskCluster(
        arn=arn,
        name=name,
        state=str(state or "UNKNOWN"),
        kind=str(item.get("ClusterType") or "PROVISIONED"),
        tags={str(key): str(value) for key, value in (item.get("Tags") or {}).items()},
    )
