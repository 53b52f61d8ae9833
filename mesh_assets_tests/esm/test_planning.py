"""Plans: exact requests, rights, warnings, and refusals before anything is sent."""

from typing import Any

import pytest

from mesh_assets.errors import UnreachableError
from mesh_assets.esm.errors import InvalidRequestError
from mesh_assets.esm.surroundings import UnknownClusterError
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, KEY_ARN, ROLE, SECRET_ARN, FakeAws, refusal
from mesh_assets_tests.esm.requests import MSK, MSK_SCRAM, create, operations, service

DENIED = refusal("AccessDeniedException", "not authorized", 403)


def test_a_plan_to_create_has_the_exact_request_and_the_diff_of_the_policy(aws: FakeAws) -> None:
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


def test_a_role_that_has_its_rights_is_left_alone(aws: FakeAws) -> None:
    aws.roles[ROLE]["all"] = {"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}

    assert operations(service(aws).plan_create(create(MSK))) == ["lambda:CreateEventSourceMapping"]


def test_the_secrets_key_is_among_the_rights(aws: FakeAws) -> None:
    plan = service(aws).plan_create(create(MSK_SCRAM))

    assert plan.permissions is not None
    assert KEY_ARN in str(plan.permissions.statement)


def test_the_same_situation_gives_the_same_id_and_another_gives_another(aws: FakeAws) -> None:
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
            "encrypted with a customer key",
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
def test_a_missing_resource_is_a_fault(
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
def test_an_unreadable_resource_is_a_warning(aws: FakeAws, call: str) -> None:
    aws.failing[call] = [DENIED]

    plan = service(aws).plan_create(create(MSK_SCRAM))

    assert any(
        "could not be read" in warning.rule and "access denied" in warning.rule for warning in plan.warnings
    )


def test_a_resource_that_does_not_answer_is_an_error(aws: FakeAws) -> None:
    aws.failing["kafka.describe_cluster_v2"] = [refusal("ServiceUnavailable", status=503)]

    with pytest.raises(UnreachableError, match="kafka:DescribeClusterV2 on cluster"):
        service(aws).plan_create(create(MSK))


def test_a_missing_topic_is_a_fault_and_one_that_cannot_be_looked_up_a_warning(
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
