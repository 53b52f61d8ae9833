"""What a role has already: simulated by IAM, read from its policies where that is refused, or not known."""

import re
from typing import Any

import pytest

from mesh_assets.errors import UnreachableError
from mesh_assets.esm.iam.granted import RoleMissingError, plan_permissions, policy_name, rights_of
from mesh_assets.esm.iam.least_privilege import NETWORK_ACTIONS, needed_statements
from mesh_assets.esm.iam.policy import document_of
from mesh_assets.esm.iam.wiring import Wiring
from mesh_assets_tests.esm.fake_aws import ACCOUNT, CLUSTER_ARN, REGION, ROLE, ROLE_ARN, FakeAws, refusal

WIRING = Wiring(
    partition="aws",
    region=REGION,
    account_id=ACCOUNT,
    function_name="orders-handler",
    topic="orders",
    group="orders-handler",
    cluster_arn=CLUSTER_ARN,
    uses_vpc=True,
)
NEEDED = needed_statements(WIRING)
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambdaMSKExecutionRole"
DENIED = refusal("AccessDenied", "not authorized", 403)


def allow(actions: list[str], resources: list[str], effect: str = "Allow") -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Action": actions, "Resource": resources}],
    }


def without_simulation(aws: FakeAws) -> FakeAws:
    aws.failing["iam.simulate_principal_policy"] = [DENIED] * 50
    return aws


@pytest.fixture(params=["simulated", "read"])
def either(aws: FakeAws, request: pytest.FixtureRequest) -> FakeAws:
    """Both ways must see the same."""
    return aws if request.param == "simulated" else without_simulation(aws)


def test_an_empty_role_lacks_everything(either: FakeAws) -> None:
    assert rights_of(either.account(), ROLE_ARN, NEEDED).missing == NEEDED


def test_a_role_with_our_policy_lacks_nothing(either: FakeAws) -> None:
    either.roles[ROLE]["ours"] = document_of(NEEDED)

    assert rights_of(either.account(), ROLE_ARN, NEEDED).missing == ()


def test_wildcards_of_others_policies_are_understood(either: FakeAws) -> None:
    either.roles[ROLE]["broad"] = allow(["kafka:*", "kafka-cluster:*", "ec2:*", "logs:*"], ["*"])

    assert rights_of(either.account(), ROLE_ARN, NEEDED).missing == ()


def test_only_what_is_missing_is_named(either: FakeAws) -> None:
    either.roles[ROLE]["most"] = document_of(
        [statement for statement in NEEDED if statement.sid != "ReadTopic"]
    )
    either.roles[ROLE]["half"] = allow(["kafka-cluster:DescribeTopic"], ["*"])

    [missing] = rights_of(either.account(), ROLE_ARN, NEEDED).missing

    assert (missing.sid, missing.actions) == ("ReadTopic", ("kafka-cluster:ReadData",))


def test_a_denial_is_reported_as_one(either: FakeAws) -> None:
    either.roles[ROLE]["ours"] = document_of(NEEDED)
    either.roles[ROLE]["no"] = allow(["kafka-cluster:ReadData"], ["*"], "Deny")

    plan = plan_permissions(either.account(), ROLE_ARN, WIRING)

    assert (plan.state, plan.change) == ("denied", None)
    assert "kafka-cluster:ReadData on" in str(plan.why)


def test_the_managed_msk_policy_is_known_and_lacks_only_kafkas_own_rights(aws: FakeAws) -> None:
    without_simulation(aws).attached[ROLE] = [MANAGED]

    missing = rights_of(aws.account(), ROLE_ARN, NEEDED).missing

    assert [statement.sid for statement in missing] == ["Connect", "ReadTopic", "ConsumerGroup"]
    assert aws.asked("iam.get_policy") == []


def test_attached_policies_of_the_account_are_read_in_their_default_version(aws: FakeAws) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/orders"
    without_simulation(aws).attached[ROLE] = [arn]
    aws.managed[arn] = document_of(NEEDED)

    assert rights_of(aws.account(), ROLE_ARN, NEEDED).missing == ()
    assert aws.asked("iam.get_policy_version") == [{"PolicyArn": arn, "VersionId": "v3"}]


def test_a_look_alike_of_a_managed_policy_is_read_and_not_known(aws: FakeAws) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/service-role/AWSLambdaMSKExecutionRole"
    without_simulation(aws).attached[ROLE] = [arn]
    aws.managed[arn] = allow(["s3:GetObject"], ["*"])

    assert rights_of(aws.account(), ROLE_ARN, NEEDED).missing == NEEDED


def test_what_is_allowed_under_a_condition_is_not_taken_for_granted(aws: FakeAws) -> None:
    conditioned = allow(["kafka-cluster:*"], ["*"])
    conditioned["Statement"][0]["Condition"] = {"Bool": {"aws:SecureTransport": "true"}}
    without_simulation(aws).roles[ROLE]["maybe"] = conditioned

    assert "ReadTopic" in [statement.sid for statement in rights_of(aws.account(), ROLE_ARN, NEEDED).missing]


def test_a_role_that_cannot_be_looked_at_is_unknown_with_the_statement_to_hand_on(aws: FakeAws) -> None:
    without_simulation(aws).failing["iam.list_role_policies"] = [DENIED]

    plan = plan_permissions(aws.account(), ROLE_ARN, WIRING)

    assert (plan.state, plan.change) == ("unknown", None)
    assert "kafka-cluster:ReadData" in str(plan.statement)
    assert f"iam:ListRolePolicies on role {ROLE}: access denied" in str(plan.why)


def test_our_policy_that_cannot_be_read_is_not_written(aws: FakeAws) -> None:
    aws.failing["iam.get_role_policy"] = [DENIED]

    assert plan_permissions(aws.account(), ROLE_ARN, WIRING).state == "unknown"


def test_a_failed_read_is_not_an_empty_role(aws: FakeAws) -> None:
    without_simulation(aws).failing["iam.list_attached_role_policies"] = [
        refusal("ServiceUnavailable", status=503)
    ]

    with pytest.raises(UnreachableError, match=re.escape("iam:ListAttachedRolePolicies")):
        rights_of(aws.account(), ROLE_ARN, NEEDED)


def test_a_missing_role_is_reported(aws: FakeAws) -> None:
    with pytest.raises(RoleMissingError, match="role other does not exist"):
        rights_of(aws.account(), f"arn:aws:iam::{ACCOUNT}:role/other", NEEDED)


def test_the_change_adds_to_our_policy_and_takes_nothing_away(aws: FakeAws) -> None:
    before = allow(["sqs:SendMessage"], [f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"])
    before["Statement"][0]["Sid"] = "ReadTopic"
    aws.roles[ROLE][policy_name(WIRING)] = before
    aws.roles[ROLE]["theirs"] = allow(list(NETWORK_ACTIONS), ["*"])

    change = plan_permissions(aws.account(), ROLE_ARN, WIRING).change

    assert change is not None
    assert change.policy_name == policy_name(WIRING)
    assert change.after["Statement"][0] == before["Statement"][0]
    sids = [statement["Sid"] for statement in change.after["Statement"]]
    assert "ReadTopic2" in sids
    assert "NetworkOfThePollers" not in sids
    assert len(set(sids)) == len(sids)
    assert [line[0] for line in change.lines()] == [" ", *"+" * (len(sids) - 1)]
