"""Applying plans: only with their id, only while nothing has changed, and what happens when AWS refuses."""

from collections.abc import Callable

import pytest

from mesh_assets.errors import RefusedError
from mesh_assets.esm.applying import Applied, InvalidForLambdaError
from mesh_assets.esm.errors import MappingBusyError, MappingConflictError, PermissionsError, PlanOutdatedError
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.service import MappingService
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, ROLE, FakeAws, refusal
from mesh_assets_tests.esm.requests import GO_ON, MSK, create, created, update

ALL = {"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}


def test_applying_grants_the_rights_and_creates_the_mapping(aws: FakeAws, service: MappingService) -> None:
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


def test_no_changing_call_is_made_without_a_plans_id(aws: FakeAws, service: MappingService) -> None:
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


def test_a_plan_is_refused_after_any_change(aws: FakeAws, service: MappingService) -> None:
    plan = service.plan_create(create(MSK))
    aws.roles[ROLE]["theirs"] = ALL

    with pytest.raises(PlanOutdatedError, match=f"plan {plan.id} is outdated"):
        service.create(create(MSK), plan.id)
    with pytest.raises(PlanOutdatedError):
        service.create(create(MSK, batch_size=7), service.plan_create(create(MSK)).id)
    assert aws.mutations() == []


def test_rights_that_cannot_be_granted_stop_it_with_the_statement_to_hand_on(
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


def test_on_request_it_continues_with_a_warning(aws: FakeAws, service: MappingService) -> None:
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


def test_other_refusals_of_lambda_are_reported_at_once(aws: FakeAws, service: MappingService) -> None:
    aws.failing["lambda.create_event_source_mapping"] = [
        refusal("InvalidParameterValueException", "Unsupported broker version")
    ]

    with pytest.raises(InvalidForLambdaError, match="Lambda rejects the request: Unsupported broker version"):
        created(service)


def test_a_conflict_carries_the_uuid_and_the_difference(aws: FakeAws, service: MappingService) -> None:
    """Another caller created it between plan and call; the list shows another source, so that planning did not see it."""
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


def test_an_operation_that_does_not_end_is_reported_and_is_not_an_existing_mapping(
    aws: FakeAws, service: MappingService
) -> None:
    aws.roles[ROLE]["all"] = ALL
    aws.failing["lambda.create_event_source_mapping"] = [IN_PROGRESS] * 100

    with pytest.raises(
        MappingBusyError, match=r"is busy with another operation .*An update is in progress for resource"
    ):
        created(service)
    assert len(aws.asked("lambda.create_event_source_mapping")) == 21  # a minute, every three seconds


def test_a_mapping_changed_by_the_awaited_operation_needs_a_new_plan(
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
