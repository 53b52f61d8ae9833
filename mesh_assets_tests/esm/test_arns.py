"""ARNs of every partition, and look-alikes."""

import pytest

from mesh_assets.esm.arns import function_in, msk_cluster_in


@pytest.mark.parametrize(
    ("text", "name", "qualifier", "account"),
    [
        ("pay", "pay", None, None),
        ("pay:live", "pay", "live", None),
        ("pay:$LATEST", "pay", "$LATEST", None),
        ("123456789012:function:pay:7", "pay", "7", "123456789012"),
        ("arn:aws:lambda:eu-central-1:123456789012:function:pay", "pay", None, "123456789012"),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:pay:live", "pay", "live", "123456789012"),
        ("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:pay:3", "pay", "3", "123456789012"),
    ],
)
def test_a_function_is_recognised_by_name_partial_arn_and_arn(
    text: str, name: str, qualifier: str | None, account: str | None
) -> None:
    function = function_in(text)

    assert function is not None
    assert (function.name, function.qualifier, function.account) == (name, qualifier, account)


@pytest.mark.parametrize("text", ["", "a b", "arn:aws:sqs:eu-central-1:123456789012:queue", "pay:live:more"])
def test_other_text_is_not_a_function(text: str) -> None:
    assert function_in(text) is None


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_topic_and_group_arns_hold_the_clusters_uuid_and_partition(partition: str) -> None:
    cluster = msk_cluster_in(f"arn:{partition}:kafka:cn-north-1:123456789012:cluster/orders/0f6d-7")

    assert cluster is not None
    assert (
        cluster.topic_arn("payments")
        == f"arn:{partition}:kafka:cn-north-1:123456789012:topic/orders/0f6d-7/payments"
    )
    assert (
        cluster.group_arn("payers")
        == f"arn:{partition}:kafka:cn-north-1:123456789012:group/orders/0f6d-7/payers"
    )


def test_a_vpc_connection_leads_to_the_owners_cluster() -> None:
    cluster = msk_cluster_in(
        "arn:aws:kafka:eu-central-1:123456789012:vpc-connection/999999999999/orders/0f6d-7"
    )

    assert cluster is not None
    assert cluster.by_vpc_connection
    assert cluster.cluster_arn == "arn:aws:kafka:eu-central-1:999999999999:cluster/orders/0f6d-7"


def test_a_cluster_without_uuid_is_not_recognised() -> None:
    assert msk_cluster_in("arn:aws:kafka:eu-central-1:123456789012:cluster/orders") is None
