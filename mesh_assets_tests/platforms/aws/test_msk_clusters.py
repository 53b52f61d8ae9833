"""The list of MSK's clusters, against AWS's own model of the answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.platforms.aws.msk_clusters import check_account, list_msk_clusters
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.an_aws_account import AwsAccount, an_account

ARN = "arn:aws:kafka:eu-west-1:123456789012:cluster/{}/0f1c9f2e-6f0e-4b0a-9d1c-0c9a8d9b7f66-2"
REGION = "eu-west-1"


def item(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "ClusterArn": ARN.format(name),
        "ClusterName": name,
        "State": "ACTIVE",
        "ClusterType": "SERVERLESS",
        **fields,
    }


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = new_session().create_client(
        "kafka", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        yield stubber
    client.close()


def test_all_pages_are_read(stub: Stubber) -> None:
    first = {"ClusterInfoList": [item("a", Tags={"team": "data"})], "NextToken": "more"}
    stub.add_response("list_clusters_v2", first, {"MaxResults": 100})
    second = {"ClusterInfoList": [item("b", State="CREATING", ClusterType="PROVISIONED")]}
    stub.add_response("list_clusters_v2", second, {"MaxResults": 100, "NextToken": "more"})

    a, b = list_msk_clusters(REGION, client=stub.client)

    assert (a.name, a.arn, a.region, a.account, a.kind, a.tags) == (
        "a",
        ARN.format("a"),
        REGION,
        "123456789012",
        "SERVERLESS",
        {"team": "data"},
    )
    assert (b.name, b.state, b.tags) == ("b", "CREATING", {})
    stub.assert_no_pending_responses()


def test_an_account_without_clusters_has_none(stub: Stubber) -> None:
    stub.add_response("list_clusters_v2", {"ClusterInfoList": []})
    assert list_msk_clusters(REGION, client=stub.client) == ()


def test_a_failed_page_fails_the_list_and_names_the_right(stub: Stubber) -> None:
    stub.add_response("list_clusters_v2", {"ClusterInfoList": [item("a")], "NextToken": "more"})
    stub.add_client_error("list_clusters_v2", "AccessDeniedException", http_status_code=403)
    with pytest.raises(
        RefusedError,
        match="kafka:ListClustersV2 on the MSK clusters of eu-west-1: access denied; allow kafka:ListClustersV2",
    ):
        list_msk_clusters(REGION, client=stub.client)


def test_a_list_that_repeats_a_page_is_an_error(stub: Stubber) -> None:
    for _ in range(2):
        stub.add_response("list_clusters_v2", {"ClusterInfoList": [], "NextToken": "same"})
    with pytest.raises(UnexpectedAnswerError, match="the same page twice"):
        list_msk_clusters(REGION, client=stub.client)


def test_a_cluster_without_a_name_is_an_unexpected_answer(stub: Stubber) -> None:
    stub.add_response("list_clusters_v2", {"ClusterInfoList": [{"ClusterArn": ARN.format("a")}]})
    with pytest.raises(UnexpectedAnswerError, match="that lacks an ARN or a name"):
        list_msk_clusters(REGION, client=stub.client)


@pytest.mark.sandbox
def test_the_stand_in_lists_its_clusters_and_identifies_the_credentials(
    lambda_url: str, broker: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    with an_account(lambda_url, broker) as account:
        as_account(account, monkeypatch)
        arn = account.cluster(Sasl={"Iam": {"Enabled": True}})

        [cluster] = list_msk_clusters("us-east-1", endpoint_url=lambda_url)

        assert (cluster.arn, cluster.name, cluster.state) == (arn, arn.split("/")[1], "ACTIVE")
        check_account(account.id, region="us-east-1", endpoint_url=lambda_url)
        with pytest.raises(RefusedError, match=f"the AWS credentials belong to account {account.id}"):
            check_account("999999999999", region="us-east-1", endpoint_url=lambda_url)


def as_account(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
