"""Plans carried out: only with their id, only while nothing has changed, and what happens when AWS refuses."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mesh_assets.errors import RefusedError
from mesh_assets.esm.applying import Applied, InvalidForLambdaError, apply_plan
from mesh_assets.esm.errors import MappingBusyError, MappingConflictError, PermissionsError, PlanOutdatedError
from mesh_assets.esm.execution_role import UntrustingRoleError
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.service import MappingService
from mesh_assets_tests.esm.fake_aws import (
    CLUSTER_ARN,
    DESTINATION_TOPIC_ARN,
    QUEUE_ARN,
    ROLE,
    FakeAws,
    refusal,
)
from mesh_assets_tests.esm.requests import MSK, create, update

ALL = {"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}
GO_ON = PlanOptions(continue_without_permissions=True)


@pytest.fixture
def service(aws: FakeAws) -> MappingService:
    return MappingService(aws.account(), lookup_topic=lambda *_: 3, sleep=lambda _: None)


def created(service: MappingService, options: PlanOptions | None = None, **changes: Any) -> Applied:
    request = create(MSK, **changes)
    options = options or PlanOptions()
    return service.create(request, service.plan_create(request, options).id, options)


def test_it_gives_the_rights_and_makes_the_mapping(aws: FakeAws, service: MappingService) -> None:
    theirs = {
        "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}]
    }
    aws.roles[ROLE]["theirs"] = theirs

    applied = created(service)

    assert aws.mutations() == ["iam.put_role_policy", "lambda.create_event_source_mapping"]
    assert applied.mapping is not None
    assert (applied.mapping.state, applied.warnings) == ("Creating", ())
    assert aws.roles[ROLE]["theirs"] == theirs
    assert sorted(aws.roles[ROLE]) == sorted(["theirs", aws.asked("iam.put_role_policy")[0]["PolicyName"]])


def test_nothing_is_called_that_changes_anything_without_a_plans_id(
    aws: FakeAws, service: MappingService
) -> None:
    """Every default path: list, get, and all plans, found and refused."""
    uuid = aws.add_mapping()
    service.list()
    service.get(uuid)
    service.get(function="orders-handler", source=CLUSTER_ARN, topic="orders")
    service.plan_create(create(MSK, kafka_topic="other"))
    service.plan_create(create(MSK, kafka_topic="other"), GO_ON)
    service.plan_update(update(uuid=uuid, batch_size=7))
    service.plan_delete(uuid)
    service.plan_permissions(uuid)
    service.plan_execution_role("new-role", create(MSK))
    service.wait(uuid, "Enabled")
    without: list[Callable[[], Applied]] = [
        lambda: service.create(create(MSK, kafka_topic="other"), "no-such-plan"),
        lambda: service.update(update(uuid=uuid, batch_size=7), "no-such-plan"),
        lambda: service.delete(uuid, ""),
        lambda: service.add_permissions(uuid, "no-such-plan"),
        lambda: service.create_execution_role("new-role", create(MSK), "no-such-plan"),
    ]
    for apply in without:
        with pytest.raises(PlanOutdatedError, match="nothing was done"):
            apply()

    assert len(aws.calls) > 50
    assert aws.mutations() == []


def test_a_plan_is_refused_when_something_has_changed(aws: FakeAws, service: MappingService) -> None:
    plan = service.plan_create(create(MSK))
    aws.roles[ROLE]["theirs"] = ALL

    with pytest.raises(PlanOutdatedError, match=f"plan {plan.id} is outdated"):
        service.create(create(MSK), plan.id)
    with pytest.raises(PlanOutdatedError):
        service.create(create(MSK, batch_size=7), service.plan_create(create(MSK)).id)
    assert aws.mutations() == []


def test_rights_that_cannot_be_given_stop_it_with_the_statement_to_hand_on(
    aws: FakeAws, service: MappingService
) -> None:
    aws.failing["iam.put_role_policy"] = [
        refusal("AccessDenied", "not authorized to perform: iam:PutRolePolicy", 403)
    ]

    with pytest.raises(PermissionsError, match=f"iam:PutRolePolicy on role {ROLE}: access denied") as caught:
        created(service)

    assert '"kafka-cluster:ReadData"' in caught.value.statement
    assert "Hand this policy to an administrator" in str(caught.value)
    assert aws.asked("lambda.create_event_source_mapping") == []


def test_when_asked_to_it_continues_with_a_warning(aws: FakeAws, service: MappingService) -> None:
    aws.failing["iam.put_role_policy"] = [refusal("AccessDenied", status=403)]

    applied = created(service, GO_ON)

    assert applied.mapping is not None
    [warning] = applied.warnings
    assert warning.startswith("the role was not granted its rights (iam:PutRolePolicy")
    assert '"kafka-cluster:ReadData"' in warning


def test_a_blocked_plan_does_nothing(aws: FakeAws, service: MappingService) -> None:
    with pytest.raises(PermissionsError, match="the role lacks rights, and granting them is turned off"):
        created(service, PlanOptions(add_permissions=False))
    assert aws.mutations() == []


def test_lambda_is_given_time_to_learn_of_new_rights(aws: FakeAws, service: MappingService) -> None:
    late = refusal(
        "InvalidParameterValueException",
        "The function execution role does not have permissions to call DescribeCluster",
    )
    aws.failing["lambda.create_event_source_mapping"] = [late, late]

    assert created(service).mapping is not None
    assert len(aws.asked("lambda.create_event_source_mapping")) == 3


def test_what_lambda_refuses_for_another_reason_is_reported_at_once(
    aws: FakeAws, service: MappingService
) -> None:
    aws.failing["lambda.create_event_source_mapping"] = [
        refusal("InvalidParameterValueException", "Unsupported broker version")
    ]

    with pytest.raises(InvalidForLambdaError, match="Lambda rejects the request: Unsupported broker version"):
        created(service)


def test_a_conflict_carries_the_uuid_and_the_difference(aws: FakeAws, service: MappingService) -> None:
    """Another made it between plan and call: with another source in the list's eyes, so that planning did not
    see it."""
    aws.roles[ROLE]["all"] = ALL
    uuid = aws.add_mapping(topic="hidden", BatchSize=5)
    message = (
        f'An event source mapping with Kafka cluster (" {CLUSTER_ARN} "), function (" orders-handler ") already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}"
    )
    aws.failing["lambda.create_event_source_mapping"] = [refusal("ResourceConflictException", message, 409)]

    with pytest.raises(
        MappingConflictError, match=f"mapping {uuid} of this topic to this function already exists"
    ) as caught:
        created(service)

    assert caught.value.existing_uuid == uuid
    assert "BatchSize: 5 → 100" in caught.value.differences


def test_a_conflict_without_a_uuid_is_still_reported(aws: FakeAws, service: MappingService) -> None:
    aws.failing["lambda.create_event_source_mapping"] = [
        refusal("ResourceConflictException", "already there", 409)
    ]

    with pytest.raises(MappingConflictError, match="such a mapping already exists") as caught:
        created(service)
    assert caught.value.existing_uuid is None


IN_PROGRESS = refusal(
    "ResourceConflictException",
    "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-central-1:…",
    409,
)


def test_an_operation_in_progress_is_waited_out(aws: FakeAws, service: MappingService) -> None:
    aws.roles[ROLE]["all"] = ALL
    aws.failing["lambda.create_event_source_mapping"] = [IN_PROGRESS] * 3

    assert created(service).mapping is not None
    assert len(aws.asked("lambda.create_event_source_mapping")) == 4


def test_an_operation_that_does_not_end_is_named_and_is_no_mapping_that_exists(
    aws: FakeAws, service: MappingService
) -> None:
    aws.roles[ROLE]["all"] = ALL
    aws.failing["lambda.create_event_source_mapping"] = [IN_PROGRESS] * 100

    with pytest.raises(
        MappingBusyError, match=r"is busy with another operation .*An update is in progress for resource"
    ):
        created(service)
    assert len(aws.asked("lambda.create_event_source_mapping")) == 21  # a minute, every three seconds


def test_a_mapping_changed_by_the_operation_that_was_waited_for_is_left_to_a_new_plan(
    aws: FakeAws,
) -> None:
    aws.roles[ROLE]["all"] = ALL
    uuid = aws.add_mapping()
    service = MappingService(
        aws.account(), lookup_topic=lambda *_: 3, sleep=lambda _: aws.mappings[uuid].update(BatchSize=9)
    )
    aws.failing["lambda.update_event_source_mapping"] = [IN_PROGRESS]
    request = update(uuid=uuid, batch_size=7)

    with pytest.raises(PlanOutdatedError, match="was changed by somebody else"):
        service.update(request, service.plan_update(request).id)
    assert aws.mappings[uuid]["BatchSize"] == 9


def test_updating_and_deleting(aws: FakeAws, service: MappingService) -> None:
    aws.roles[ROLE]["all"] = ALL
    uuid = aws.add_mapping()

    updated = service.update(
        update(uuid=uuid, batch_size=7), service.plan_update(update(uuid=uuid, batch_size=7)).id
    )
    assert updated.mapping is not None
    assert updated.mapping.batch_size == 7
    aws.mappings[uuid]["State"] = "Enabled"
    deleted = service.delete(uuid, service.plan_delete(uuid).id)

    assert deleted.mapping is not None
    assert deleted.mapping.state == "Deleting"
    assert aws.mutations() == ["lambda.update_event_source_mapping", "lambda.delete_event_source_mapping"]


def test_a_mapping_in_use_is_reported_as_busy(aws: FakeAws, service: MappingService) -> None:
    aws.roles[ROLE]["all"] = ALL
    uuid = aws.add_mapping()
    aws.failing["lambda.delete_event_source_mapping"] = [refusal("ResourceInUseException", "is in use")]

    with pytest.raises(MappingBusyError, match="wait until it is Enabled or Disabled"):
        service.delete(uuid, service.plan_delete(uuid).id)


def test_a_refusal_names_action_and_resource(aws: FakeAws, service: MappingService) -> None:
    aws.roles[ROLE]["all"] = ALL
    aws.failing["lambda.create_event_source_mapping"] = [
        refusal("AccessDeniedException", "User is not authorized", 403)
    ]

    with pytest.raises(
        RefusedError, match="lambda:CreateEventSourceMapping on function orders-handler: access denied"
    ):
        created(service)


def test_permissions_are_added_once(aws: FakeAws, service: MappingService) -> None:
    uuid = aws.add_mapping()

    service.add_permissions(uuid, service.plan_permissions(uuid).id)

    assert aws.mutations() == ["iam.put_role_policy"]
    assert service.plan_permissions(uuid).calls == ()


def test_a_role_is_made_once(aws: FakeAws, service: MappingService) -> None:
    request = create(MSK)
    applied = service.create_execution_role(
        "new-role", request, service.plan_execution_role("new-role", request).id
    )

    assert applied.mapping is None
    assert aws.mutations() == ["iam.create_role", "iam.put_role_policy"]
    assert service.plan_execution_role("new-role", request).calls == ()


def test_a_role_that_was_made_is_not_passed_over_when_its_rights_are_refused(
    aws: FakeAws, service: MappingService
) -> None:
    plan = service.plan_execution_role("new-role", create(MSK))
    aws.failing["iam.put_role_policy"] = [refusal("AccessDenied", status=403)]

    with pytest.raises(
        PermissionsError, match=r"^role new-role exists now, and nothing else was done: the role could"
    ):
        service.create_execution_role("new-role", create(MSK), plan.id)

    assert "new-role" in aws.roles


def test_rights_that_stay_are_said_when_lambda_refuses_the_mapping(
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
    # This time it had them already.
    assert "has been granted" not in str(caught.value)


def test_a_role_that_another_made_meanwhile_gets_its_rights(aws: FakeAws, service: MappingService) -> None:
    plan = service.plan_execution_role("new-role", create(MSK))
    aws.failing["iam.create_role"] = [refusal("EntityAlreadyExists", status=409)]
    aws.roles["new-role"] = {}
    missing = [refusal("NoSuchEntity", status=404)]
    aws.failing["iam.get_role"] = list(missing)

    service.create_execution_role("new-role", create(MSK), plan.id)

    assert len(aws.roles["new-role"]) == 1


def test_a_role_of_that_name_that_another_made_for_something_else_gets_no_rights(
    aws: FakeAws, service: MappingService
) -> None:
    plan = service.plan_execution_role("new-role", create(MSK))
    aws.roles["new-role"] = {}
    aws.trust["new-role"] = {"Statement": []}

    with pytest.raises(UntrustingRoleError, match="role new-role exists but does not trust"):
        apply_plan(aws.account(), plan, plan.id)

    assert aws.roles["new-role"] == {}


def test_two_that_extend_a_role_at_once_do_not_lose_each_others_rights(
    aws: FakeAws, service: MappingService
) -> None:
    """Both planned before either wrote: the same mapping, once to a queue and once to a topic."""
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


def test_applying_again_and_again_does_not_fill_the_role(aws: FakeAws, service: MappingService) -> None:
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


def test_without_room_nothing_is_made_and_the_policy_is_handed_on(
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


def test_room_that_could_not_be_looked_at_is_a_note_on_the_plan(
    aws: FakeAws, service: MappingService
) -> None:
    aws.failing["iam.list_role_policies"] = [refusal("AccessDenied", status=403)]

    [note] = [warning for warning in service.plan_create(create(MSK)).warnings if warning.field == "role"]

    assert note.rule.startswith(
        "whether the role's inline policies have room for it is unknown (iam:ListRole"
    )
