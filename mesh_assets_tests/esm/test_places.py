"""Where a future mapping belongs: not to another region's function or another account's cluster, and with a role whose name is
allowed."""

from collections.abc import Callable
from typing import Any

import pytest

from mesh_assets.esm.errors import InvalidRequestError
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.request import PermissionsRequest
from mesh_assets.esm.service import MappingService
from mesh_assets.mapping_commands.plans import plan_text
from mesh_assets_tests.esm.fake_aws import ACCOUNT, REGION, FakeAws
from mesh_assets_tests.esm.iam.situations import TARGET_ARN
from mesh_assets_tests.esm.requests import MSK, create


def service(aws: FakeAws) -> MappingService:
    return MappingService(aws.account(), lookup_topic=lambda *_: 3, sleep=lambda _: None)


OTHER_REGION = {"target": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders-handler"}
OTHER_ACCOUNT = {"event_source_arn": TARGET_ARN}


@pytest.mark.parametrize(
    ("change", "says"),
    [(OTHER_REGION, "is in us-east-1, not in eu-central-1"), (OTHER_ACCOUNT, "only by a VPC connection")],
)
def test_things_in_another_place_are_found_by_every_plan_for_a_future_mapping(
    aws: FakeAws, change: dict[str, Any], says: str
) -> None:
    """Otherwise the rights would be on a log group or cluster that the function never uses."""
    request = create(MSK, **change)
    permissions = PermissionsRequest(
        function_name=request.target,
        event_source_arn=request.event_source_arn,
        kafka_topic=request.kafka_topic,
        kafka_consumer_group_id=request.kafka_consumer_group_id,
    )
    plans: tuple[Callable[[], Plan], ...] = (
        lambda: service(aws).plan_create(request),
        lambda: service(aws).plan_execution_role("new-role", request),
        lambda: service(aws).plan_permissions(permissions),
    )
    for plan in plans:
        with pytest.raises(InvalidRequestError, match=says):
            plan()


@pytest.mark.parametrize("name", ["", "orders role", "teams/orders", "r" * 65])
def test_a_name_that_iam_refuses_is_found_in_the_plan(aws: FakeAws, name: str) -> None:
    with pytest.raises(InvalidRequestError, match="a role's name is 1-64 letters, digits and"):
        service(aws).plan_execution_role(name, create(MSK))


def test_the_plan_of_a_role_names_its_region(aws: FakeAws) -> None:
    text = list(plan_text(service(aws).plan_execution_role("new-role", create(MSK))))
    assert text[1] == f"  account {ACCOUNT}   region {REGION}"
