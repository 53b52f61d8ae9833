"""Plans: exact requests, rights, warnings, and what is refused before anything is sent."""

from typing import Any

import msgspec
import pytest

from mesh_assets.errors import UnreachableError
from mesh_assets.esm.errors import InvalidRequestError, MappingBusyError, MappingConflictError
from mesh_assets.esm.iam.wiring import Wiring
from mesh_assets.esm.lookup import registry_address
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.service import MappingService
from mesh_assets.esm.surroundings import TopicLookup, UnknownClusterError
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, KEY_ARN, ROLE, SECRET_ARN, FakeAws, refusal
from mesh_assets_tests.esm.requests import MSK, MSK_SCRAM, SELF_MANAGED, SELF_MANAGED_SECRET, create, update

GROUP: dict[str, Any] = {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "orders-handler"}}
DENIED = refusal("AccessDeniedException", "not authorized", 403)


def three_partitions(wiring: Wiring, servers: tuple[str, ...]) -> int | None:  # noqa: ARG001 - the signature of a lookup
    return 3


def service(aws: FakeAws, lookup: TopicLookup = three_partitions) -> MappingService:
    return MappingService(aws.account(), lookup_topic=lookup, sleep=lambda _: None)


def operations(plan: Any) -> list[str]:
    return [f"{call.service}:{call.operation}" for call in plan.calls]


def test_a_plan_to_create_has_the_exact_request_and_the_policys_diff(aws: FakeAws) -> None:
    plan = service(aws).plan_create(create(MSK))

    assert operations(plan) == ["iam:PutRolePolicy", "lambda:CreateEventSourceMapping"]
    assert plan.calls[1].arguments == {
        "FunctionName": "orders-handler",
        "Topics": ["orders"],
        "EventSourceArn": CLUSTER_ARN,
        "StartingPosition": "TRIM_HORIZON",
        "AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "orders-handler"},
        "BatchSize": 100,
        "Enabled": True,
    }
    assert plan.permissions is not None
    assert plan.permissions.change is not None
    assert "+ Allow kafka-cluster:DescribeTopic, kafka-cluster:ReadData on " in "\n".join(
        plan.permissions.change.lines()
    )
    assert plan.observed["topic"] == {"partitions": 3}
    assert aws.mutations() == []


def test_a_role_with_its_rights_is_left_alone(aws: FakeAws) -> None:
    aws.roles[ROLE]["all"] = {"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}

    assert operations(service(aws).plan_create(create(MSK))) == ["lambda:CreateEventSourceMapping"]


def test_the_secrets_key_is_among_the_rights(aws: FakeAws) -> None:
    plan = service(aws).plan_create(create(MSK_SCRAM))

    assert plan.permissions is not None
    assert KEY_ARN in str(plan.permissions.statement)


def test_the_same_world_gives_the_same_id_and_another_gives_another(aws: FakeAws) -> None:
    mine = service(aws)
    first = mine.plan_create(create(MSK))

    assert mine.plan_create(create(MSK)).id == first.id
    assert mine.plan_create(create(MSK, batch_size=7)).id != first.id
    assert service(aws, lambda *_: 4).plan_create(create(MSK)).id != first.id
    aws.roles[ROLE]["theirs"] = {"Statement": [{"Effect": "Allow", "Action": ["ec2:*"], "Resource": ["*"]}]}
    assert mine.plan_create(create(MSK)).id != first.id


@pytest.mark.parametrize(
    ("request_data", "world", "field", "words"),
    [
        (MSK, {"functions": {}}, "target", "no such function"),
        (MSK, {"roles": {}}, "target", "the function's role does not exist"),
        (MSK, {"clusters": {}}, "event_source_arn", "no such MSK cluster"),
        (MSK_SCRAM, {"secrets": {}}, "source_access_configurations", "no such secret"),
        (
            MSK_SCRAM,
            {"secrets": {SECRET_ARN: None}},
            "source_access_configurations",
            "encrypted by a customer key",
        ),
        (
            {**MSK, "event_source_arn": CLUSTER_ARN.replace("eu-central-1", "eu-west-1")},
            {},
            "event_source_arn",
            "is in eu-west-1",
        ),
        (
            {**MSK, "target": "arn:aws:lambda:eu-west-1:123456789012:function:orders-handler"},
            {},
            "target",
            "is in eu-west-1, not in eu-central-1",
        ),
    ],
)
def test_what_does_not_exist_is_a_fault(
    aws: FakeAws, request_data: dict[str, Any], world: dict[str, Any], field: str, words: str
) -> None:
    for name, value in world.items():
        setattr(aws, name, value)

    with pytest.raises(InvalidRequestError) as caught:
        service(aws).plan_create(create(request_data))

    assert [violation.field for violation in caught.value.violations if words in violation.rule] == [field]


@pytest.mark.parametrize(
    "call",
    [
        "lambda.get_function_configuration",
        "iam.get_role",
        "kafka.describe_cluster_v2",
        "secretsmanager.describe_secret",
    ],
)
def test_what_may_not_be_read_is_a_warning(aws: FakeAws, call: str) -> None:
    aws.failing[call] = [DENIED]

    plan = service(aws).plan_create(create(MSK_SCRAM))

    assert any(
        "could not be read" in warning.rule and "access denied" in warning.rule for warning in plan.warnings
    )


def test_what_does_not_answer_is_an_error(aws: FakeAws) -> None:
    aws.failing["kafka.describe_cluster_v2"] = [refusal("ServiceUnavailable", status=503)]

    with pytest.raises(UnreachableError, match="kafka:DescribeClusterV2 on cluster"):
        service(aws).plan_create(create(MSK))


def test_a_topic_that_is_not_there_is_a_fault_and_one_that_cannot_be_looked_up_a_warning(
    aws: FakeAws,
) -> None:
    def nowhere(*_: object) -> int | None:
        raise UnknownClusterError("the estate has no cluster with these bootstrap servers")

    def down(*_: object) -> int | None:
        raise UnreachableError("b1:9092 refuses connections")

    with pytest.raises(InvalidRequestError, match="the cluster has no such topic"):
        service(aws, lambda *_: None).plan_create(create(MSK))
    for lookup, words in (
        (nowhere, "was not looked up: the estate has no cluster"),
        (down, "could not be looked up: b1:9092 refuses"),
    ):
        plan = service(aws, lookup).plan_create(create(MSK))
        assert any(words in warning.rule for warning in plan.warnings)


def test_a_mapping_that_is_there_is_a_conflict_with_its_uuid_and_the_difference(aws: FakeAws) -> None:
    uuid = aws.add_mapping(BatchSize=10, **GROUP)

    with pytest.raises(MappingConflictError, match=r"BatchSize: 10 → 100") as caught:
        service(aws).plan_create(create(MSK))

    assert caught.value.existing_uuid == uuid
    assert caught.value.differences == ("StartingPosition: LATEST → TRIM_HORIZON", "BatchSize: 10 → 100")


OTHER_GROUP: dict[str, Any] = {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "others"}}


def test_a_second_mapping_of_the_topic_to_the_function_is_a_conflict_whatever_its_group(
    aws: FakeAws,
) -> None:
    """Lambda refuses it, so it must not come to light after the rights were granted."""
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


def test_a_twin_that_is_being_deleted_is_to_be_waited_for(aws: FakeAws) -> None:
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


def test_the_conflict_is_compared_with_filters_that_only_get_tells(aws: FakeAws) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    pattern = '{"value": {"status": ["failed"]}}'
    aws.add_mapping(**GROUP, KMSKeyArn=key, FilterCriteria={"Filters": [{"Pattern": pattern}]})

    with pytest.raises(MappingConflictError) as caught:
        service(aws).plan_create(create(MSK, filter_patterns=[pattern], filter_kms_key_arn=key))

    assert caught.value.differences == ("StartingPosition: LATEST → TRIM_HORIZON",)


def test_without_a_group_its_rights_are_left_out_and_a_warning_says_so(aws: FakeAws) -> None:
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


def test_rights_that_may_not_be_granted_block_the_plan(aws: FakeAws) -> None:
    plan = service(aws).plan_create(create(MSK), PlanOptions(add_permissions=False))

    assert operations(plan) == ["lambda:CreateEventSourceMapping"]
    assert plan.blocked == "the role lacks rights, and granting them is turned off"


def test_a_poller_group_takes_a_hundred_mappings_and_two_thousand_pollers(aws: FakeAws) -> None:
    for number in range(100):
        pollers = {"MinimumPollers": 1, "MaximumPollers": 20, "PollerGroupName": "team-a"}
        aws.add_mapping(topic=f"topic-{number}", ProvisionedPollerConfig=pollers)

    with pytest.raises(InvalidRequestError) as caught:
        service(aws).plan_create(create(MSK, provisioned_mode=True, poller_group="team-a"))

    assert [violation.rule for violation in caught.value.violations] == [
        "has 100 mappings; the most is 100",
        "would have 2002 pollers; the most is 2000",
    ]


# --- update, delete, permissions


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
"""All that a mapping refers to, gone."""
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
def test_disabling_needs_no_rights_and_nothing_of_what_the_mapping_refers_to(
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


def test_deleting_needs_nothing_of_what_the_mapping_refers_to(aws: FakeAws) -> None:
    uuid = aws.add_mapping(**GROUP, **SCRAM)
    for name, value in NOTHING_LEFT.items():
        setattr(aws, name, value)

    service(aws).delete(uuid, service(aws).plan_delete(uuid).id)

    assert aws.mutations() == ["lambda.delete_event_source_mapping"]
    assert [name for name, _, _ in aws.calls if name not in ("lambda", "sts")] == []


def test_what_a_disabled_mapping_is_given_anew_is_looked_up(aws: FakeAws) -> None:
    uuid = aws.add_mapping(**GROUP, State="Disabled")

    with pytest.raises(InvalidRequestError, match="no such function"):
        service(aws).plan_update(update(uuid=uuid, target="nobody"))


def test_enabling_asks_for_the_rights_again(aws: FakeAws) -> None:
    uuid = aws.add_mapping(**GROUP, State="Disabled")

    assert operations(service(aws).plan_update(update(uuid=uuid, enabled=True))) == [
        "iam:PutRolePolicy",
        "lambda:UpdateEventSourceMapping",
    ]


@pytest.mark.parametrize("connected", [False, True], ids=["cluster", "VPC connection"])
@pytest.mark.parametrize("how", ["enable", "permissions"])
def test_a_mapping_whose_source_is_gone_is_not_told_to_correct_its_arn(
    aws: FakeAws, how: str, connected: bool
) -> None:
    """Which it cannot: a mapping keeps its source."""
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
    assert found.action == "delete the mapping and create one of another source, or leave it disabled"
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
    assert [one.field for one in plans[0].warnings if "holds a login" in one.rule] == ["schema_registry.uri"]
    assert [one for one in plans[1].warnings if "holds a login" in one.rule] == []
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


def test_a_state_that_is_new_to_us_stops_no_change(aws: FakeAws) -> None:
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
    "Deleting": "is being deleted, and nothing can be changed about it any more",  # waiting does not help
}


@pytest.mark.parametrize("state", BUSY)
def test_a_mapping_that_is_changing_takes_no_change(aws: FakeAws, state: str) -> None:
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


def test_a_mappings_role_gets_what_it_lacks(aws: FakeAws) -> None:
    uuid = aws.add_mapping()  # without a group of its own: the UUID is the group, and known now

    plan = service(aws).plan_permissions(uuid)

    assert operations(plan) == ["iam:PutRolePolicy"]
    assert (
        f":group/orders/0f6d1c2e-8a41-4a7e-9f10-1f6f2f0d1b3a-7/{uuid}"
        in plan.calls[0].arguments["PolicyDocument"]
    )


def test_a_self_managed_mapping_is_planned_as_well(aws: FakeAws) -> None:
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
