"""Plans to create a mapping when another one is in the way or rights are unknown."""

from typing import Any

import pytest

from mesh_assets.esm.errors import InvalidRequestError, MappingConflictError
from mesh_assets.esm.planning import PlanOptions
from mesh_assets_tests.esm.fake_aws import FakeAws, refusal
from mesh_assets_tests.esm.requests import GROUP, MSK, OTHER_GROUP, create, operations, service


def test_an_existing_mapping_is_a_conflict_with_its_uuid_and_the_difference(aws: FakeAws) -> None:
    uuid = aws.add_mapping(BatchSize=10, **GROUP)

    with pytest.raises(MappingConflictError, match=r"BatchSize: 10 → 100") as caught:
        service(aws).plan_create(create(MSK))

    assert caught.value.existing_uuid == uuid
    assert caught.value.differences == ("StartingPosition: LATEST → TRIM_HORIZON", "BatchSize: 10 → 100")


def test_a_second_mapping_of_the_topic_to_the_function_is_a_conflict_whatever_its_group(
    aws: FakeAws,
) -> None:
    """Lambda refuses it, so this must not surface only after the rights were granted."""
    uuid = aws.add_mapping(**OTHER_GROUP)

    with pytest.raises(MappingConflictError) as caught:
        service(aws).plan_create(create(MSK, starting_position="LATEST", batch_size=7))

    assert caught.value.existing_uuid == uuid
    assert caught.value.differences == ("ConsumerGroupId: others → orders-handler", "BatchSize: 100 → 7")
    assert (
        "ConsumerGroupId cannot be updated: keep it and update the rest (`mesh-assets esm update`), delete the mapping first, "
        "or feed another function or alias"
    ) in str(caught.value)
    assert aws.mutations() == []


def test_a_twin_under_deletion_must_be_waited_for(aws: FakeAws) -> None:
    aws.add_mapping(**GROUP, State="Deleting")

    with pytest.raises(MappingConflictError, match="it is being deleted: plan again once it is gone"):
        service(aws).plan_create(create(MSK))


def test_another_version_or_alias_of_the_function_is_another_function(aws: FakeAws) -> None:
    aws.add_mapping("orders-handler:live", **OTHER_GROUP)

    assert service(aws).plan_create(create(MSK)).calls != ()


@pytest.mark.parametrize(
    "other",
    [
        {"function": "other"},
        {"function": "other", "topic": "payments"},
        {
            "function": "other",
            "topic": "payments",
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b1.example.com:9092"]}},
            "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "orders-handler"},
        },
    ],
    ids=["the same topic", "another topic", "another cluster"],
)
def test_a_group_belongs_to_one_mapping_of_the_account_and_region(
    aws: FakeAws, other: dict[str, Any]
) -> None:
    uuid = aws.add_mapping(**{**GROUP, **other})

    with pytest.raises(InvalidRequestError) as caught:
        service(aws).plan_create(create(MSK))

    [violation] = caught.value.violations
    assert (violation.field, violation.value) == ("kafka_consumer_group_id", "orders-handler")
    assert uuid in violation.rule
    assert "unique among all Kafka mappings of the account and region" in violation.rule


def test_the_conflict_is_compared_with_filters_that_only_get_returns(aws: FakeAws) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    pattern = '{"value": {"status": ["failed"]}}'
    aws.add_mapping(**GROUP, KMSKeyArn=key, FilterCriteria={"Filters": [{"Pattern": pattern}]})

    with pytest.raises(MappingConflictError) as caught:
        service(aws).plan_create(create(MSK, filter_patterns=[pattern], filter_kms_key_arn=key))

    assert caught.value.differences == ("StartingPosition: LATEST → TRIM_HORIZON",)


def test_without_a_group_its_rights_are_left_out_with_a_warning(aws: FakeAws) -> None:
    plan = service(aws).plan_create(create(MSK, kafka_consumer_group_id=None))

    assert plan.permissions is not None
    assert "AlterGroup" not in str(plan.permissions.statement)
    assert any("the rights to the group are left out" in warning.rule for warning in plan.warnings)


def test_unknown_rights_block_the_plan_unless_it_may_continue(aws: FakeAws) -> None:
    denied = refusal("AccessDenied", status=403)
    aws.failing["iam.simulate_principal_policy"] = [denied] * 9
    aws.failing["iam.list_role_policies"] = [denied] * 9

    blocked = service(aws).plan_create(create(MSK))
    free = service(aws).plan_create(create(MSK), PlanOptions(continue_without_permissions=True))

    assert operations(blocked) == operations(free) == ["lambda:CreateEventSourceMapping"]
    assert "the role's rights are unknown" in str(blocked.blocked)
    assert free.blocked is None


def test_rights_that_cannot_be_granted_block_the_plan(aws: FakeAws) -> None:
    plan = service(aws).plan_create(create(MSK), PlanOptions(add_permissions=False))

    assert operations(plan) == ["lambda:CreateEventSourceMapping"]
    assert plan.blocked == "the role lacks rights, and granting them is turned off"


def test_a_poller_group_holds_a_hundred_mappings_and_two_thousand_pollers(aws: FakeAws) -> None:
    for number in range(100):
        pollers = {"MinimumPollers": 1, "MaximumPollers": 20, "PollerGroupName": "team-a"}
        aws.add_mapping(topic=f"topic-{number}", ProvisionedPollerConfig=pollers)

    with pytest.raises(InvalidRequestError) as caught:
        service(aws).plan_create(create(MSK, provisioned_mode=True, poller_group="team-a"))

    assert [violation.rule for violation in caught.value.violations] == [
        "has 100 mappings; the most is 100",
        "would have 2002 pollers; the most is 2000",
    ]
