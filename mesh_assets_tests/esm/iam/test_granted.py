"""What a role already has: simulated by IAM, read from its policies where that is refused, or unknown."""

import re
from typing import Any

import msgspec
import pytest

from mesh_assets.errors import UnreachableError
from mesh_assets.esm.iam.granted import plan_permissions, rights_of
from mesh_assets.esm.iam.least_privilege import NETWORK_ACTIONS, needed_statements
from mesh_assets.esm.iam.policy import LARGEST_INLINE_CHARACTERS, document_of
from mesh_assets.esm.iam.role import RoleMissingError
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
    """Both ways must give the same result."""
    return aws if request.param == "simulated" else without_simulation(aws)


def test_an_empty_role_lacks_everything(either: FakeAws) -> None:
    assert rights_of(either.account(), ROLE_ARN, NEEDED).missing == NEEDED


def test_a_role_with_our_policy_lacks_nothing(either: FakeAws) -> None:
    either.roles[ROLE]["ours"] = document_of(NEEDED)

    assert rights_of(either.account(), ROLE_ARN, NEEDED).missing == ()


def test_wildcards_of_other_policies_are_understood(either: FakeAws) -> None:
    either.roles[ROLE]["broad"] = allow(["kafka:*", "kafka-cluster:*", "ec2:*", "logs:*"], ["*"])

    assert rights_of(either.account(), ROLE_ARN, NEEDED).missing == ()


def test_only_missing_rights_are_named(either: FakeAws) -> None:
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


def test_a_look_alike_of_a_managed_policy_is_read_instead_of_assumed(aws: FakeAws) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/service-role/AWSLambdaMSKExecutionRole"
    without_simulation(aws).attached[ROLE] = [arn]
    aws.managed[arn] = allow(["s3:GetObject"], ["*"])

    assert rights_of(aws.account(), ROLE_ARN, NEEDED).missing == NEEDED


def test_a_conditional_right_does_not_count_as_granted(aws: FakeAws) -> None:
    conditioned = allow(["kafka-cluster:*"], ["*"])
    conditioned["Statement"][0]["Condition"] = {"Bool": {"aws:SecureTransport": "true"}}
    without_simulation(aws).roles[ROLE]["maybe"] = conditioned

    assert "ReadTopic" in [statement.sid for statement in rights_of(aws.account(), ROLE_ARN, NEEDED).missing]


def test_an_unreadable_role_is_unknown_with_the_statement_to_hand_on(aws: FakeAws) -> None:
    without_simulation(aws).failing["iam.list_role_policies"] = [DENIED]

    plan = plan_permissions(aws.account(), ROLE_ARN, WIRING)

    assert (plan.state, plan.change) == ("unknown", None)
    assert "kafka-cluster:ReadData" in str(plan.statement)
    assert f"iam:ListRolePolicies on role {ROLE}: access denied" in str(plan.why)


def test_a_failed_read_is_not_an_empty_role(aws: FakeAws) -> None:
    without_simulation(aws).failing["iam.list_attached_role_policies"] = [
        refusal("ServiceUnavailable", status=503)
    ]

    with pytest.raises(UnreachableError, match=re.escape("iam:ListAttachedRolePolicies")):
        rights_of(aws.account(), ROLE_ARN, NEEDED)


def test_a_missing_role_is_reported(aws: FakeAws) -> None:
    with pytest.raises(RoleMissingError, match="role other does not exist"):
        rights_of(aws.account(), f"arn:aws:iam::{ACCOUNT}:role/other", NEEDED)


def test_the_change_is_a_separate_policy_with_the_missing_rights(aws: FakeAws) -> None:
    aws.roles[ROLE]["theirs"] = allow(list(NETWORK_ACTIONS), ["*"])

    change = plan_permissions(aws.account(), ROLE_ARN, WIRING).change

    assert change is not None
    assert change.policy_name not in aws.roles[ROLE]
    assert change.document == document_of(s for s in NEEDED if s.sid != "NetworkOfThePollers")
    assert [line[0] for line in change.lines()] == ["+"] * (len(NEEDED) - 1)


BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/edge"


@pytest.mark.parametrize("boundary_denies", [False, True])
def test_rights_that_the_boundary_forbids_are_named_and_not_granted_again(
    either: FakeAws, boundary_denies: bool
) -> None:
    """The role's policies grant every right, and it still may not read."""
    either.roles[ROLE]["ours"] = document_of(NEEDED)
    either.boundaries[ROLE] = BOUNDARY
    all_but_one = [a for s in NEEDED for a in s.actions if a != "kafka-cluster:ReadData"]
    either.managed[BOUNDARY] = (
        {"Statement": [*allow(["*"], ["*"])["Statement"], *allow(["*ReadData"], ["*"], "Deny")["Statement"]]}
        if boundary_denies
        else allow(all_but_one, ["*"])
    )

    plan = plan_permissions(either.account(), ROLE_ARN, WIRING)

    assert (plan.state, plan.change) == ("denied", None)
    assert str(plan.why).startswith(
        f"the role's permissions boundary {BOUNDARY} does not allow kafka-cluster:ReadData on "
    )
    assert "no further statement of the role can grant that" in str(plan.why)


def test_an_empty_role_with_a_boundary_hears_of_it_before_anything_is_written(
    either: FakeAws,
) -> None:
    either.boundaries[ROLE] = BOUNDARY
    either.managed[BOUNDARY] = allow(["kafka:*", "ec2:*", "logs:*"], ["*"])

    plan = plan_permissions(either.account(), ROLE_ARN, WIRING)

    assert (plan.state, plan.change) == ("denied", None)
    assert "kafka-cluster:Connect on" in str(plan.why)
    assert "ec2:" not in str(plan.why)


def test_a_boundary_that_allows_everything_is_not_a_limit(either: FakeAws) -> None:
    either.boundaries[ROLE] = BOUNDARY
    either.managed[BOUNDARY] = allow(["*"], ["*"])

    assert plan_permissions(either.account(), ROLE_ARN, WIRING).state == "to_add"


def test_a_boundary_whose_name_is_unreadable_is_named_as_the_roles(aws: FakeAws) -> None:
    aws.boundaries[ROLE] = BOUNDARY
    aws.managed[BOUNDARY] = allow(["kafka:*", "ec2:*", "logs:*"], ["*"])
    aws.failing["iam.get_role"] = [DENIED]

    plan = plan_permissions(aws.account(), ROLE_ARN, WIRING)

    assert "the role's permissions boundary does not allow kafka-cluster:Connect on" in str(plan.why)


@pytest.mark.parametrize("has_rights", [False, True])
def test_rights_that_the_organization_forbids_are_named_and_not_granted_again(
    aws: FakeAws, has_rights: bool
) -> None:
    if has_rights:
        aws.roles[ROLE]["ours"] = document_of(NEEDED)
    aws.organization = [
        *allow(["*"], ["*"])["Statement"],
        *allow(["kafka-cluster:AlterGroup"], ["*"], "Deny")["Statement"],
    ]

    plan = plan_permissions(aws.account(), ROLE_ARN, WIRING)

    assert (plan.state, plan.change) == ("denied", None)
    assert str(plan.why).startswith(
        "a policy of the organization (SCP) does not allow kafka-cluster:AlterGroup on "
    )
    assert "ReadData" not in str(plan.why)


def test_an_unexplained_refusal_of_iam_is_answered_by_one_policy_and_then_reported(aws: FakeAws) -> None:
    simulate = aws.answers["iam.simulate_principal_policy"]

    def refusing(**asked: Any) -> dict[str, Any]:
        answer = simulate(**asked)
        for result in answer["EvaluationResults"]:
            if result["EvalActionName"] == "kafka-cluster:ReadData":
                result["ResourceSpecificResults"][0]["EvalResourceDecision"] = "implicitDeny"
        return answer

    aws.answers["iam.simulate_principal_policy"] = refusing
    change = plan_permissions(aws.account(), ROLE_ARN, WIRING).change
    assert change is not None
    aws.roles[ROLE] = {"most": document_of(NEEDED)}
    again = plan_permissions(aws.account(), ROLE_ARN, WIRING).change
    assert again is not None

    aws.roles[ROLE][again.policy_name] = dict(again.document)
    plan = plan_permissions(aws.account(), ROLE_ARN, WIRING)

    assert (plan.state, plan.change) == ("denied", None)
    assert f"policy {again.policy_name} of the role grants kafka-cluster:ReadData on " in str(plan.why)
    assert "IAM refuses it without saying why" in str(plan.why)


def test_a_right_on_another_accounts_cluster_denied_by_the_roles_own_policy_is_denied(aws: FakeAws) -> None:
    aws.explains_foreign = False
    theirs = CLUSTER_ARN.replace(ACCOUNT, "999999999999")
    wiring = msgspec.structs.replace(WIRING, cluster_arn=theirs)
    aws.roles[ROLE]["no"] = allow(["kafka-cluster:ReadData"], ["*"], "Deny")

    plan = plan_permissions(aws.account(), ROLE_ARN, wiring)

    assert plan.state == "denied"
    assert str(plan.why).startswith("policy no denies kafka-cluster:ReadData on arn:aws:kafka:")


@pytest.mark.parametrize("explained", [True, False], ids=["by parts", "as a whole"])
def test_another_accounts_cluster_is_granted_once_although_the_simulation_refuses_it(
    aws: FakeAws, explained: bool
) -> None:
    """IAM simulates without the cluster's own policy, which belongs to the owner."""
    aws.explains_foreign = explained
    theirs = CLUSTER_ARN.replace(ACCOUNT, "999999999999")
    connection = f"arn:aws:kafka:{REGION}:{ACCOUNT}:vpc-connection/999999999999/orders/0f6d-7"
    wiring = msgspec.structs.replace(WIRING, cluster_arn=connection, target_cluster_arn=theirs)

    plan = plan_permissions(aws.account(), ROLE_ARN, wiring)

    assert plan.state == "to_add"
    assert plan.change is not None
    assert f"on {theirs}" in "\n".join(plan.change.lines())
    aws.roles[ROLE][plan.change.policy_name] = dict(plan.change.document)
    assert plan_permissions(aws.account(), ROLE_ARN, wiring).state == "granted"


def test_a_conditional_right_is_granted_once(either: FakeAws) -> None:
    wiring = msgspec.structs.replace(
        WIRING, cluster_arn=None, access=("IAM_OAUTHBEARER_AUTH",), token_audience="kafka"
    )
    plan = plan_permissions(either.account(), ROLE_ARN, wiring)
    assert plan.change is not None

    either.roles[ROLE][plan.change.policy_name] = dict(plan.change.document)

    assert plan_permissions(either.account(), ROLE_ARN, wiring).state == "granted"
    other = msgspec.structs.replace(wiring, token_audience="another")
    assert "sts:GetWebIdentityToken" in str(plan_permissions(either.account(), ROLE_ARN, other).statement)


def test_a_star_in_the_groups_own_name_grants_no_other_groups(either: FakeAws) -> None:
    wiring = msgspec.structs.replace(WIRING, group="orders*")
    plan = plan_permissions(either.account(), ROLE_ARN, wiring)
    assert plan.change is not None

    either.roles[ROLE][plan.change.policy_name] = dict(plan.change.document)

    assert plan_permissions(either.account(), ROLE_ARN, wiring).state == "granted"
    other = plan_permissions(either.account(), ROLE_ARN, msgspec.structs.replace(WIRING, group="orders-2"))
    assert "kafka-cluster:AlterGroup" in str(other.statement)


def filled(characters: int) -> dict[str, Any]:
    """A policy of about that many characters."""
    return allow(["s3:GetObject"], [f"arn:aws:s3:::{'b' * (characters - 110)}/*"])


def test_the_limit_counts_all_inline_policies_of_the_role_together(either: FakeAws) -> None:
    either.roles[ROLE] |= {"one": filled(4_500), "two": filled(4_500)}

    plan = plan_permissions(either.account(), ROLE_ARN, WIRING)

    assert (plan.state, plan.change) == ("too_large", None)
    assert re.fullmatch(
        rf"the inline policies of role {ROLE} would hold 10,\d+ characters, and IAM allows 10,240; attach .*",
        str(plan.why),
    )
    assert '"kafka-cluster:ReadData"' in str(plan.statement)
    del either.roles[ROLE]["two"]
    assert plan_permissions(either.account(), ROLE_ARN, WIRING).state == "to_add"
    assert LARGEST_INLINE_CHARACTERS == 10_240


def test_a_limit_that_cannot_be_checked_is_reported(aws: FakeAws) -> None:
    aws.failing["iam.list_role_policies"] = [DENIED]

    plan = plan_permissions(aws.account(), ROLE_ARN, WIRING)

    assert plan.state == "to_add"
    assert str(plan.why).startswith(
        "whether the role's inline policies have room for it is unknown (iam:List"
    )


def test_a_policy_deleted_during_the_reading_does_not_mean_a_missing_role(aws: FakeAws) -> None:
    without_simulation(aws).roles[ROLE] |= {"gone": {}, "ours": document_of(NEEDED)}
    aws.failing["iam.get_role_policy"] = [refusal("NoSuchEntity", status=404)]

    assert rights_of(aws.account(), ROLE_ARN, NEEDED).missing == ()
