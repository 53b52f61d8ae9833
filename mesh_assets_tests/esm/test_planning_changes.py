"""Plans to update and delete mappings, and for the execution role."""

from typing import Any

import msgspec
import pytest

from mesh_assets.esm.errors import InvalidRequestError, MappingBusyError, MappingConflictError
from mesh_assets.esm.lookup import registry_address
from mesh_assets.esm.planning import PlanOptions
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, ROLE, SECRET_ARN, FakeAws
from mesh_assets_tests.esm.requests import (
    GROUP,
    MSK,
    OTHER_GROUP,
    SELF_MANAGED,
    SELF_MANAGED_SECRET,
    create,
    operations,
    service,
    update,
)


def test_an_update_shows_only_what_changes(aws: FakeAws) -> None:
    uuid = aws.add_mapping(**GROUP)

    plan = service(aws).plan_update(update(uuid=uuid, batch_size=7, enabled=True))

    assert plan.differences == ("BatchSize: 100 → 7",)
    assert operations(plan) == ["iam:PutRolePolicy", "lambda:UpdateEventSourceMapping"]
    assert plan.calls[1].arguments == {"UUID": uuid, "BatchSize": 7, "Enabled": True}


POLLERS: dict[str, Any] = {
    "ProvisionedPollerConfig": {"MinimumPollers": 3, "MaximumPollers": 6, "PollerGroupName": "team-a"}
}


@pytest.mark.parametrize(
    ("answer", "changes"),
    [
        ({}, {"batch_size": 100}),
        ({}, {"enabled": True}),
        ({}, {"schema_registry": {}}),
        ({}, {"log_level": ""}),
        ({}, {"filter_patterns": []}),
        (POLLERS, {"min_pollers": 3, "max_pollers": 6}),
        (POLLERS, {"min_pollers": 3, "max_pollers": 6, "poller_group": "team-a"}),
        (POLLERS, {"provisioned_mode": True}),
    ],
)
def test_an_update_that_changes_nothing_has_no_calls(
    aws: FakeAws, answer: dict[str, Any], changes: dict[str, Any]
) -> None:
    plan = service(aws).plan_update(update(uuid=aws.add_mapping(**answer), **changes))

    assert (plan.calls, plan.differences) == ((), ())


NOTHING_LEFT: dict[str, Any] = {"functions": {}, "roles": {}, "clusters": {}, "secrets": {}}
"""Everything that a mapping refers to is gone."""
SCRAM: dict[str, Any] = {
    "SourceAccessConfigurations": [{"Type": "SASL_SCRAM_512_AUTH", "URI": SECRET_ARN}],
    "DestinationConfig": {"OnFailure": {"Destination": "kafka://dead"}},
}


@pytest.mark.parametrize("state", ["Enabled", "Disabled"])
@pytest.mark.parametrize(
    "options",
    [
        PlanOptions(),
        PlanOptions(add_permissions=False),
        PlanOptions(continue_without_permissions=True),
    ],
)
def test_disabling_needs_neither_rights_nor_referenced_resources(
    aws: FakeAws, options: PlanOptions, state: str
) -> None:
    uuid = aws.add_mapping(**GROUP, **SCRAM, State=state)
    for name, value in NOTHING_LEFT.items():
        setattr(aws, name, value)
    request = update(uuid=uuid, enabled=False, batch_size=7)

    plan = service(aws).plan_update(request, options)
    service(aws).update(request, plan.id, options)

    assert (operations(plan), plan.blocked, plan.permissions) == (
        ["lambda:UpdateEventSourceMapping"],
        None,
        None,
    )
    assert aws.mutations() == ["lambda.update_event_source_mapping"]
    assert [name for name, _, _ in aws.calls if name not in ("lambda", "sts")] == []


def test_deleting_needs_no_referenced_resources(aws: FakeAws) -> None:
    uuid = aws.add_mapping(**GROUP, **SCRAM)
    for name, value in NOTHING_LEFT.items():
        setattr(aws, name, value)

    service(aws).delete(uuid, service(aws).plan_delete(uuid).id)

    assert aws.mutations() == ["lambda.delete_event_source_mapping"]
    assert [name for name, _, _ in aws.calls if name not in ("lambda", "sts")] == []


def test_new_resources_of_a_disabled_mapping_are_looked_up(aws: FakeAws) -> None:
    uuid = aws.add_mapping(**GROUP, State="Disabled")

    with pytest.raises(InvalidRequestError, match="no such function"):
        service(aws).plan_update(update(uuid=uuid, target="nobody"))


def test_enabling_needs_the_rights_again(aws: FakeAws) -> None:
    uuid = aws.add_mapping(**GROUP, State="Disabled")

    assert operations(service(aws).plan_update(update(uuid=uuid, enabled=True))) == [
        "iam:PutRolePolicy",
        "lambda:UpdateEventSourceMapping",
    ]


@pytest.mark.parametrize("connected", [False, True], ids=["cluster", "VPC connection"])
@pytest.mark.parametrize("how", ["enable", "permissions"])
def test_a_mapping_without_its_source_is_not_advised_to_correct_its_arn(
    aws: FakeAws, how: str, connected: bool
) -> None:
    """It cannot change: a mapping keeps its source."""
    arn = CLUSTER_ARN.replace(":cluster/", ":vpc-connection/999999999999/") if connected else CLUSTER_ARN
    uuid = aws.add_mapping(**GROUP, State="Disabled", EventSourceArn=arn)
    aws.clusters = {}

    plans = {
        "enable": lambda: service(aws).plan_update(update(uuid=uuid, enabled=True)),
        "permissions": lambda: service(aws).plan_permissions(uuid),
    }
    with pytest.raises(InvalidRequestError, match="does not have") as caught:
        plans[how]()

    [found] = caught.value.violations
    assert (found.field, found.value) == ("event_source_arn", arn)
    assert found.action == "delete the mapping and create one for another source, or leave it disabled"
    with pytest.raises(InvalidRequestError, match="correct the ARN"):
        service(aws).plan_create(
            create(MSK, target="orders-handler", event_source_arn=arn, kafka_topic="new")
        )


WITH_LOGIN: dict[str, Any] = {
    "AmazonManagedKafkaEventSourceConfig": {
        "ConsumerGroupId": "orders-handler",
        "SchemaRegistryConfig": {
            "SchemaRegistryURI": "https://me:hunter2@registry.example",
            "EventRecordFormat": "JSON",
        },
    },
    "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 2},
    "LastProcessingResult": "PROBLEM: https://me:hunter2@registry.example does not answer.",
}


def test_a_login_in_the_registrys_address_is_in_no_plan_and_no_result(aws: FakeAws) -> None:
    uuid = aws.add_mapping(**WITH_LOGIN)
    mine = service(aws)
    new = {"uri": "https://registry.example", "event_record_format": "JSON"}
    changes = [update(uuid=uuid, batch_size=7), update(uuid=uuid, schema_registry=new)]
    plans = [*(mine.plan_update(change) for change in changes), mine.plan_delete(uuid)]
    applied = mine.update(changes[0], plans[0].id)
    with pytest.raises(MappingConflictError) as caught:
        mine.plan_create(create(MSK, provisioned_mode=True, schema_registry=new))

    shown = [msgspec.json.encode(one).decode() for one in (*plans, applied, mine.list(), mine.get(uuid))]
    assert [text for text in (*shown, str(caught.value)) if "hunter2" in text] == []
    assert all("https://********@registry.example" in text for text in shown)
    assert [one.field for one in plans[0].warnings if "contains a login" in one.rule] == [
        "schema_registry.uri"
    ]
    assert [one for one in plans[1].warnings if "contains a login" in one.rule] == []
    # What AWS has stays as it is.
    assert "SchemaRegistryConfig" not in str(aws.asked("lambda.update_event_source_mapping"))
    assert registry_address(aws.account(), uuid) == "https://me:hunter2@registry.example"


@pytest.mark.parametrize("how", ["delete", "update", "permissions"])
def test_a_mapping_of_another_kind_of_source_is_refused(aws: FakeAws, how: str) -> None:
    queue = "arn:aws:sqs:eu-central-1:123456789012:orders"
    uuid = aws.add_mapping(EventSourceArn=queue)
    del aws.mappings[uuid]["Topics"]
    mine = service(aws)
    plans = {
        "delete": lambda: mine.plan_delete(uuid),
        "update": lambda: mine.plan_update(update(uuid=uuid, enabled=False)),
        "permissions": lambda: mine.plan_permissions(uuid),
    }

    with pytest.raises(InvalidRequestError, match=f"uuid = {uuid}: reads {queue}, not a Kafka topic"):
        plans[how]()


def test_an_update_to_a_function_that_already_gets_the_topic_is_a_conflict(aws: FakeAws) -> None:
    aws.functions["other"] = aws.functions["orders-handler"]
    twin = aws.add_mapping("other", **OTHER_GROUP)
    uuid = aws.add_mapping(**GROUP)

    with pytest.raises(
        MappingConflictError, match=f"mapping {twin} of this topic to this function"
    ) as caught:
        service(aws).plan_update(update(uuid=uuid, target="other"))

    assert caught.value.existing_uuid == twin


def test_an_update_found_by_its_source_sees_encrypted_filters(aws: FakeAws) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    aws.add_mapping(**GROUP, KMSKeyArn=key, FilterCriteria={"Filters": [{"Pattern": "{}"}]})

    plan = service(aws).plan_update(
        update(target="orders-handler", kafka_topic="orders", filter_kms_key_arn=f"{key}2")
    )

    assert plan.differences == (f"KMSKeyArn: {key} → {key}2",)
    assert plan.observed["mapping"]["FilterCriteria"] == {"Filters": [{"Pattern": "{}"}]}


def test_an_unknown_state_prevents_no_change(aws: FakeAws) -> None:
    uuid = aws.add_mapping(State="Paused")

    assert operations(service(aws).plan_delete(uuid)) == ["lambda:DeleteEventSourceMapping"]


def test_an_update_finds_its_mapping_by_function_source_and_topic(aws: FakeAws) -> None:
    aws.add_mapping(topic="other")
    uuid = aws.add_mapping()

    plan = service(aws).plan_update(
        update(target="orders-handler", event_source_arn=CLUSTER_ARN, kafka_topic="orders", batch_size=7)
    )

    assert plan.calls[-1].arguments == {"UUID": uuid, "BatchSize": 7}


BUSY = {
    **{
        state: f"is {state}, and Lambda changes only mappings that are Enabled or Disabled"
        for state in ("Creating", "Enabling", "Disabling", "Updating")
    },
    "Deleting": "is being deleted and can no longer be changed",  # waiting does not help
}


@pytest.mark.parametrize("state", BUSY)
def test_a_mapping_under_change_accepts_no_other(aws: FakeAws, state: str) -> None:
    uuid = aws.add_mapping(State=state)

    with pytest.raises(MappingBusyError, match=BUSY[state]):
        service(aws).plan_update(update(uuid=uuid, batch_size=7))
    with pytest.raises(MappingBusyError):
        service(aws).plan_delete(uuid)


def test_deleting_shows_the_mapping_first(aws: FakeAws) -> None:
    uuid = aws.add_mapping(**GROUP)

    plan = service(aws).plan_delete(uuid)

    assert plan.summary == f"delete mapping {uuid} of topic orders to function orders-handler"
    assert plan.observed["mapping"]["EventSourceArn"] == CLUSTER_ARN
    assert operations(plan) == ["lambda:DeleteEventSourceMapping"]
    assert "the committed offsets of group orders-handler stay" in plan.warnings[0].rule
    aws.mappings[uuid]["BatchSize"] = 9
    assert service(aws).plan_delete(uuid).id != plan.id


def test_a_mappings_role_gets_its_missing_rights(aws: FakeAws) -> None:
    uuid = aws.add_mapping()  # without its own group: the UUID is the group, and is known now

    plan = service(aws).plan_permissions(uuid)

    assert operations(plan) == ["iam:PutRolePolicy"]
    assert (
        f":group/orders/0f6d1c2e-8a41-4a7e-9f10-1f6f2f0d1b3a-7/{uuid}"
        in plan.calls[0].arguments["PolicyDocument"]
    )


def test_a_self_managed_mapping_is_planned_too(aws: FakeAws) -> None:
    aws.secrets[SELF_MANAGED_SECRET] = "alias/aws/secretsmanager"

    plan = service(aws).plan_create(create(SELF_MANAGED))

    assert plan.calls[-1].arguments["SelfManagedKafkaEventSourceConfig"] == {
        "ConsumerGroupId": "orders-handler"
    }
    assert aws.asked("kafka.describe_cluster_v2") == []
    assert "kms:Decrypt" not in str(plan.permissions)


# --- the execution role


def test_a_new_role_trusts_lambda_and_has_the_mappings_rights_only(aws: FakeAws) -> None:
    plan = service(aws).plan_execution_role("new-role", create(MSK))

    assert operations(plan) == ["iam:CreateRole", "iam:PutRolePolicy"]
    assert "lambda.amazonaws.com" in plan.calls[0].arguments["AssumeRolePolicyDocument"]
    assert aws.mutations() == []


def test_a_role_that_does_not_trust_lambda_is_not_used(aws: FakeAws) -> None:
    aws.trust[ROLE] = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    }

    with pytest.raises(Exception, match=r"exists but does not trust lambda\.amazonaws\.com"):
        service(aws).plan_execution_role(ROLE, create(MSK))
