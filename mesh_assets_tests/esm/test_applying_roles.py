"""Rights that a plan grants to an execution role: once, if there is room, and not lost when two plans extend it."""

import json

import pytest

from mesh_assets.esm.applying import InvalidForLambdaError, apply_plan
from mesh_assets.esm.errors import MappingBusyError, PermissionsError
from mesh_assets.esm.execution_role import UntrustingRoleError
from mesh_assets.esm.service import MappingService
from mesh_assets_tests.esm.fake_aws import DESTINATION_TOPIC_ARN, QUEUE_ARN, ROLE, FakeAws, refusal
from mesh_assets_tests.esm.requests import GO_ON, MSK, create, created


def test_permissions_are_added_once(aws: FakeAws, service: MappingService) -> None:
    uuid = aws.add_mapping()

    service.add_permissions(uuid, service.plan_permissions(uuid).id)

    assert aws.mutations() == ["iam.put_role_policy"]
    assert service.plan_permissions(uuid).calls == ()


def test_a_role_is_created_once(aws: FakeAws, service: MappingService) -> None:
    request = create(MSK)
    applied = service.create_execution_role(
        "new-role", request, service.plan_execution_role("new-role", request).id
    )

    assert applied.mapping is None
    assert aws.mutations() == ["iam.create_role", "iam.put_role_policy"]
    assert service.plan_execution_role("new-role", request).calls == ()


def test_a_created_role_is_reported_even_if_its_rights_are_refused(
    aws: FakeAws, service: MappingService
) -> None:
    plan = service.plan_execution_role("new-role", create(MSK))
    aws.failing["iam.put_role_policy"] = [refusal("AccessDenied", status=403)]

    with pytest.raises(
        PermissionsError, match=r"^role new-role exists now, and nothing else was done: the role could"
    ):
        service.create_execution_role("new-role", create(MSK), plan.id)

    assert "new-role" in aws.roles


def test_rights_that_stay_are_reported_when_lambda_refuses_the_mapping(
    aws: FakeAws, service: MappingService
) -> None:
    busy = [refusal("ResourceConflictException", "An operation is in progress")] * 99
    aws.failing["lambda.create_event_source_mapping"] = [refusal("InvalidParameterValueException", "No.")]
    with pytest.raises(
        InvalidForLambdaError, match=r"rejects the request: No\.\nThe role has been granted its rights"
    ):
        created(service)
    aws.failing["lambda.create_event_source_mapping"] = busy
    with pytest.raises(MappingBusyError, match="the mapping was not changed") as caught:
        created(service)
    # This time, it already had them.
    assert "has been granted" not in str(caught.value)


def test_a_role_created_by_another_meanwhile_gets_its_rights(aws: FakeAws, service: MappingService) -> None:
    plan = service.plan_execution_role("new-role", create(MSK))
    aws.failing["iam.create_role"] = [refusal("EntityAlreadyExists", status=409)]
    aws.roles["new-role"] = {}
    missing = [refusal("NoSuchEntity", status=404)]
    aws.failing["iam.get_role"] = list(missing)

    service.create_execution_role("new-role", create(MSK), plan.id)

    assert len(aws.roles["new-role"]) == 1


def test_a_role_of_that_name_created_for_something_else_gets_no_rights(
    aws: FakeAws, service: MappingService
) -> None:
    plan = service.plan_execution_role("new-role", create(MSK))
    aws.roles["new-role"] = {}
    aws.trust["new-role"] = {"Statement": []}

    with pytest.raises(UntrustingRoleError, match="role new-role exists but does not trust"):
        apply_plan(aws.account(), plan, plan.id)

    assert aws.roles["new-role"] == {}


def test_two_concurrent_extensions_of_a_role_keep_each_others_rights(
    aws: FakeAws, service: MappingService
) -> None:
    """Both were planned before either wrote: the same mapping, once to a queue and once to a topic."""
    requests = [
        create(MSK, on_failure_destination=arn, kafka_consumer_group_id="orders-handler")
        for arn in (QUEUE_ARN, DESTINATION_TOPIC_ARN)
    ]
    plans = [service.plan_create(request) for request in requests]

    for plan in plans:
        apply_plan(aws.account(), plan, plan.id, sleep=lambda _: None)

    granted = json.dumps(aws.roles[ROLE])
    assert f'["{QUEUE_ARN}"]' in granted
    assert f'["{DESTINATION_TOPIC_ARN}"]' in granted
    aws.mappings.clear()
    assert [service.plan_create(request).permissions.state for request in requests] == ["granted"] * 2  # type: ignore[union-attr]


def test_applying_repeatedly_does_not_fill_the_role(aws: FakeAws, service: MappingService) -> None:
    """Under an organization's denial the rights are never complete, and the role stays as it is."""
    uuid = aws.add_mapping()
    service.add_permissions(uuid, service.plan_permissions(uuid).id)
    before = json.dumps(aws.roles[ROLE])
    aws.organization = [
        {"Effect": "Allow", "Action": ["*"], "Resource": ["*"]},
        {"Effect": "Deny", "Action": ["kafka-cluster:ReadData"], "Resource": ["*"]},
    ]

    for _ in range(3):
        plan = service.plan_permissions(uuid)
        assert plan.calls == ()
        with pytest.raises(PermissionsError, match=r"a policy of the organization \(SCP\) does not allow"):
            service.add_permissions(uuid, plan.id)

    assert json.dumps(aws.roles[ROLE]) == before


def test_without_room_nothing_is_created_and_the_policy_is_handed_on(
    aws: FakeAws, service: MappingService
) -> None:
    theirs = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::" + "b" * 10_000]}
    aws.roles[ROLE]["theirs"] = {"Statement": [theirs]}

    plan = service.plan_create(create(MSK))

    assert str(plan.blocked).startswith("the role's rights are too large: the inline policies of role")
    with pytest.raises(PermissionsError, match="attach the policy as a managed one") as caught:
        created(service)
    assert '"kafka-cluster:ReadData"' in caught.value.statement
    assert aws.mutations() == []
    assert created(service, GO_ON).mapping is not None
    assert aws.asked("iam.put_role_policy") == []


def test_unknown_room_is_a_note_on_the_plan(aws: FakeAws, service: MappingService) -> None:
    aws.failing["iam.list_role_policies"] = [refusal("AccessDenied", status=403)]

    [note] = [warning for warning in service.plan_create(create(MSK)).warnings if warning.field == "role"]

    assert note.rule.startswith(
        "whether the role's inline policies have room for it is unknown (iam:ListRole"
    )
