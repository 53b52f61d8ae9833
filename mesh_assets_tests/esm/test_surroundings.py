"""What only AWS knows about a mapping's surroundings: the keys of secrets and destinations, another account's
cluster, the function's log group."""

from typing import Any

import pytest

from mesh_assets.errors import UnreachableError
from mesh_assets.esm.errors import InvalidRequestError
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.service import MappingService
from mesh_assets_tests.esm.fake_aws import (
    BUCKET_ARN,
    CLUSTER_ARN,
    DESTINATION_TOPIC_ARN,
    KEY_ARN,
    QUEUE_ARN,
    SECRET_ARN,
    FakeAws,
    refusal,
)
from mesh_assets_tests.esm.iam.situations import ALIAS, CONNECTION_ARN, OWNERS_SECRET, TARGET_ARN
from mesh_assets_tests.esm.requests import MSK, MSK_SCRAM, SELF_MANAGED, SELF_MANAGED_SECRET, VPC, create

DENIED = refusal("AccessDenied", "not authorized", 403)
DESTINATIONS = [QUEUE_ARN, DESTINATION_TOPIC_ARN, BUCKET_ARN]
READS = {
    QUEUE_ARN: "sqs.get_queue_attributes",
    DESTINATION_TOPIC_ARN: "sns.get_topic_attributes",
    BUCKET_ARN: "s3.get_bucket_encryption",
}
CONNECTED = {**MSK, "event_source_arn": CONNECTION_ARN}


def planned(aws: FakeAws, base: dict[str, Any], **changes: Any) -> Plan:
    service = MappingService(aws.account(), lookup_topic=lambda *_: 3, sleep=lambda _: None)
    return service.plan_create(create(base, **changes))


def faults(aws: FakeAws, base: dict[str, Any], **changes: Any) -> list[str]:
    with pytest.raises(InvalidRequestError) as caught:
        planned(aws, base, **changes)
    return [str(violation) for violation in caught.value.violations if violation.severity == "fault"]


def notes(plan: Plan, field: str) -> list[str]:
    return [str(warning) for warning in plan.warnings if warning.field == field]


def statement(plan: Plan) -> str:
    assert plan.permissions is not None
    return str(plan.permissions.statement)


@pytest.mark.parametrize(
    "called", [ALIAS, KEY_ARN.replace("key/0b7c2f", ALIAS), "0b7c2f00-0000-0000-0000-000000000000"]
)
def test_the_arn_of_a_secrets_key_is_granted_however_it_is_named(aws: FakeAws, called: str) -> None:
    aws.secrets[SECRET_ARN] = called
    aws.aliases[called] = KEY_ARN

    plan = planned(aws, MSK_SCRAM)

    assert f'"{KEY_ARN}"' in statement(plan)
    assert called not in statement(plan)
    assert plan.observed["secrets"][SECRET_ARN]["key"] == KEY_ARN


def test_another_key_behind_the_alias_makes_another_plan(aws: FakeAws) -> None:
    aws.secrets[SECRET_ARN], aws.aliases[ALIAS] = ALIAS, KEY_ARN
    first = planned(aws, MSK_SCRAM)

    aws.aliases[ALIAS] = f"{KEY_ARN}-new"

    assert planned(aws, MSK_SCRAM).id != first.id


def test_an_unresolvable_alias_is_a_note_and_one_of_nothing_a_fault(aws: FakeAws) -> None:
    aws.secrets[SECRET_ARN] = ALIAS
    assert ["does not exist" in text for text in faults(aws, MSK_SCRAM)] == [True]

    aws.failing["kms.describe_key"] = [DENIED]
    plan = planned(aws, MSK_SCRAM)

    [note] = notes(plan, "source_access_configurations")
    assert f"which key is behind {ALIAS} could not be read (kms:DescribeKey on key {ALIAS}" in note
    assert "kms:Decrypt" not in statement(plan)


def test_a_key_owned_by_aws_needs_no_right(aws: FakeAws) -> None:
    aws.secrets[SECRET_ARN] = "some-id"
    aws.aliases["some-id"] = KEY_ARN.replace("0b7c2f", "aws-secretsmanager")

    plan = planned(
        aws,
        SELF_MANAGED,
        source_access_configurations=[*VPC, {"type": "SASL_SCRAM_512_AUTH", "uri": SECRET_ARN}],
    )

    assert "kms:" not in statement(plan)


@pytest.mark.parametrize("arn", DESTINATIONS)
def test_a_missing_destination_is_a_fault(aws: FakeAws, arn: str) -> None:
    del aws.destinations[arn]

    [text] = faults(aws, MSK, on_failure_destination=arn)

    assert text.startswith(f"on_failure_destination = {arn}: does not exist")


@pytest.mark.parametrize("arn", DESTINATIONS)
def test_an_unreadable_destination_is_a_note(aws: FakeAws, arn: str) -> None:
    aws.failing[READS[arn]] = [DENIED]

    plan = planned(aws, MSK, on_failure_destination=arn)

    assert any("so no right to a key" in note for note in notes(plan, "on_failure_destination"))
    assert "kms:" not in statement(plan)


@pytest.mark.parametrize("arn", DESTINATIONS)
def test_a_destination_that_does_not_answer_is_an_error(aws: FakeAws, arn: str) -> None:
    aws.failing[READS[arn]] = [refusal("InternalError", status=500)]

    with pytest.raises(UnreachableError):
        planned(aws, MSK, on_failure_destination=arn)


def test_a_bucket_without_its_own_encryption_has_no_key(aws: FakeAws) -> None:
    aws.failing["s3.get_bucket_encryption"] = [refusal("ServerSideEncryptionConfigurationNotFoundError")]

    assert "kms:" not in statement(planned(aws, MSK, on_failure_destination=BUCKET_ARN))


def test_a_destination_elsewhere_is_not_searched_here(aws: FakeAws) -> None:
    elsewhere = QUEUE_ARN.replace("eu-central-1", "eu-west-1")

    plan = planned(aws, MSK, on_failure_destination=elsewhere)

    assert aws.asked("sqs.get_queue_url") == []
    assert any("is in eu-west-1, not in eu-central-1" in n for n in notes(plan, "on_failure_destination"))


def test_another_accounts_cluster_is_the_one_behind_the_connection(aws: FakeAws) -> None:
    """The connection's ARN ends in its own UUID, with which the cluster's rights would grant nothing."""
    aws.connections[CONNECTION_ARN] = (TARGET_ARN, "SASL_IAM")

    plan = planned(aws, CONNECTED)

    assert aws.asked("kafka.describe_cluster_v2") == []
    assert f'"{TARGET_ARN}"' in statement(plan)
    assert f'"{TARGET_ARN.replace(":cluster/", ":topic/")}/orders"' in statement(plan)
    assert plan.observed["cluster"]["target"] == TARGET_ARN


def test_a_missing_connection_is_a_fault(aws: FakeAws) -> None:
    [text] = faults(aws, CONNECTED)

    assert "has no such VPC connection" in text


@pytest.mark.parametrize(
    ("login", "secret", "wanted"), [("SASL_SCRAM", False, "SASL_IAM"), ("SASL_IAM", True, "SASL_SCRAM")]
)
def test_a_connection_for_another_login_method_is_a_fault(
    aws: FakeAws, login: str, secret: bool, wanted: str
) -> None:
    aws.connections[CONNECTION_ARN] = (TARGET_ARN, login)

    [text] = faults(aws, {**(MSK_SCRAM if secret else MSK), "event_source_arn": CONNECTION_ARN})

    assert f"the VPC connection is for {login}, but the mapping would log in by {wanted}" in text


def scram(arn: str) -> dict[str, Any]:
    access = [{"type": "SASL_SCRAM_512_AUTH", "uri": arn}]
    return {**CONNECTED, "source_access_configurations": access}


def test_both_ways_to_a_scram_secret_of_another_accounts_cluster_are_accepted(aws: FakeAws) -> None:
    """A copy needs neither the cluster's prefix nor a customer key; the cluster's own secret must be shared."""
    aws.connections[CONNECTION_ARN] = (TARGET_ARN, "SASL_SCRAM")
    copy = SECRET_ARN.replace("AmazonMSK_orders", "copied")
    aws.secrets |= {copy: None, OWNERS_SECRET: KEY_ARN}

    [of_the_copy] = notes(planned(aws, scram(copy)), "source_access_configurations[0].uri")
    [of_theirs] = notes(planned(aws, scram(OWNERS_SECRET)), "source_access_configurations[0].uri")

    assert "keep it in sync by a rotation in Secrets Manager" in of_the_copy
    assert "its policy and its key's policy must let the function's role read it" in of_theirs


def test_a_third_accounts_scram_secret_is_refused(aws: FakeAws) -> None:
    aws.connections[CONNECTION_ARN] = (TARGET_ARN, "SASL_SCRAM")

    [text] = faults(aws, scram(SECRET_ARN.replace("123456789012", "111111111111")))

    assert "must be in the cluster's account and region (999999999999, eu-central-1)" in text


def test_a_copy_of_the_secret_is_for_another_account_only(aws: FakeAws) -> None:
    assert any(
        "whose name starts with AmazonMSK_" in text
        for text in faults(
            aws,
            MSK,
            source_access_configurations=scram(SECRET_ARN.replace("AmazonMSK_orders", "copied"))[
                "source_access_configurations"
            ],
        )
    )


def test_the_log_group_of_an_existing_function_is_granted_to_its_new_role(aws: FakeAws) -> None:
    aws.log_groups["orders-handler"] = "/teams/orders"
    service = MappingService(aws.account())

    assert ":log-group:/teams/orders:" in statement(service.plan_execution_role("new-role", create(MSK)))
    planned_before = service.plan_execution_role("new-role", create(MSK, target="not-yet"))
    assert ":log-group:/aws/lambda/not-yet:" in statement(planned_before)
    aws.failing["lambda.get_function_configuration"] = [DENIED]
    unread = service.plan_execution_role("new-role", create(MSK))
    assert any("allow its log group" in note for note in notes(unread, "target"))


@pytest.mark.parametrize("wild", ["*", "AmazonMSK_?rders-AbCdEf", "${aws:username}"])
def test_a_name_pattern_is_refused_wherever_it_would_become_a_right(aws: FakeAws, wild: str) -> None:
    """A caller who may only request a mapping must not get the role a right to everything, least of all where AWS does not
    reveal whether the thing exists."""
    for call in (
        "kafka.describe_cluster_v2",
        "kafka.describe_vpc_connection",
        "secretsmanager.describe_secret",
    ):
        aws.failing[call] = [DENIED] * 9
    for changes in (
        {"on_failure_destination": f"arn:aws:sqs:eu-central-1:123456789012:{wild}"},
        {"on_failure_destination": f"arn:aws:sns:eu-central-1:123456789012:{wild}"},
        {"on_failure_destination": f"arn:aws:s3:::{wild}"},
        {"event_source_arn": f"arn:aws:kafka:eu-central-1:123456789012:cluster/{wild}/0f6d-7"},
        {
            "event_source_arn": f"arn:aws:kafka:eu-central-1:123456789012:vpc-connection/999999999999/orders/{wild}"
        },
        {
            "provisioned_mode": True,
            "schema_registry": {"uri": f"arn:aws:glue:eu-central-1:123456789012:registry/{wild}"},
        },
        {
            "source_access_configurations": [
                {"type": "SASL_SCRAM_512_AUTH", "uri": SECRET_ARN.replace("AmazonMSK_orders-AbCdEf", wild)}
            ]
        },
    ):
        assert faults(aws, MSK, **changes)
    assert aws.asked("iam.simulate_principal_policy") == []


@pytest.mark.parametrize(
    ("base", "access", "enabled", "expected"),
    [
        (MSK, None, True, True),
        (MSK, None, False, False),
        (MSK_SCRAM, None, True, False),
        (SELF_MANAGED, [*VPC, {"type": "IAM_AUTH"}], True, True),
        (SELF_MANAGED, None, True, False),
    ],
    ids=["IAM", "a cluster without IAM", "SCRAM", "self-managed by IAM", "self-managed by SCRAM"],
)
def test_rights_left_out_without_a_group_are_reported_where_there_would_be_some(
    aws: FakeAws, base: dict[str, Any], access: list[dict[str, str]] | None, enabled: bool, expected: bool
) -> None:
    aws.clusters[CLUSTER_ARN] = enabled
    aws.secrets[SELF_MANAGED_SECRET] = None
    changes = {} if access is None else {"source_access_configurations": access}

    plan = planned(aws, {**base, **changes, "kafka_consumer_group_id": None})

    said = [one for one in plan.warnings if "the rights to the group are left out" in one.rule]
    assert bool(said) is expected
