"""The service against the stand-in for AWS: a real role, function, topic and broker; every request through
boto3 and HTTP."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesh_assets.errors import RefusedError
from mesh_assets.esm import aws_account
from mesh_assets.esm.connection import get_msk_bootstrap_brokers
from mesh_assets.esm.errors import (
    InvalidRequestError,
    MappingConflictError,
    MappingNotFoundError,
    PermissionsError,
)
from mesh_assets.esm.lookup import Progress
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.request import CreateRequest, read_request
from mesh_assets.esm.service import MappingService
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import AwsAccountSettings
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.an_aws_account import AwsAccount, an_account
from mesh_assets_tests.esm.requests import VPC, create, update

pytestmark = pytest.mark.sandbox


@pytest.fixture
def account(lambda_url: str, broker: Endpoints) -> Iterator[AwsAccount]:
    with an_account(lambda_url, broker) as made:
        made.role()
        made.function()
        yield made


@pytest.fixture
def service(account: AwsAccount, broker: Endpoints) -> MappingService:
    access = aws_account.AwsAccount(
        AwsAccountSettings(region="us-east-1", endpoint_url=account.url),
        make_client=lambda service, _: account.client(service),
    )
    # The stand-in takes a tenth of AWS's time, so it is polled ten times as often.
    return MappingService(access, load_estate(broker.estate_file), sleep=lambda pause: time.sleep(pause / 10))


def msk(account: AwsAccount, **changes: Any) -> CreateRequest:
    asked = {
        "target": "consume",
        "kafka_topic": account.topic(),
        "event_source_arn": account.cluster(Sasl={"Iam": {"Enabled": True}}),
        "starting_position": "TRIM_HORIZON",
        "kafka_consumer_group_id": "consumers",
    }
    return read_request(CreateRequest, {**asked, **changes})


def test_a_mapping_is_created_watched_found_changed_and_deleted(
    account: AwsAccount, service: MappingService
) -> None:
    account.faults(state_delay_seconds=0.5)  # long enough to be seen on a busy machine
    request = msk(account)
    plan = service.plan_create(request)
    assert plan.observed["topic"] == {
        "partitions": 2
    }  # looked up on the real broker, through the estate's connection
    assert plan.observed["cluster"]["iam"] is True
    assert [call.operation for call in plan.calls] == ["PutRolePolicy", "CreateEventSourceMapping"]

    made = service.create(request, plan.id).mapping
    assert made is not None
    told: list[Progress] = []
    service.wait(made.uuid, "Enabled", progress=told.append)
    assert [progress.state for progress in told] == ["Creating", "Enabled"]
    account.faults()

    # The policy really exists, and IAM's own simulation recognises it: nothing to add.
    assert service.plan_permissions(made.uuid).calls == ()
    assert [
        mapping.uuid
        for mapping in service.list(function="consume", topic=request.kafka_topic, state="enabled")
    ] == [made.uuid]
    assert (
        service.get(
            function="consume", source=request.event_source_arn, topic=request.kafka_topic
        ).consumer_group_id
        == "consumers"
    )

    change = update(uuid=made.uuid, batch_size=7, enabled=False)
    service.update(change, service.plan_update(change).id)
    disabled = service.wait(made.uuid, "Disabled")
    assert disabled is not None
    assert disabled.batch_size == 7

    service.delete(made.uuid, service.plan_delete(made.uuid).id)
    assert service.wait(made.uuid, "deleted") is None
    with pytest.raises(MappingNotFoundError):
        service.get(made.uuid)


def test_records_reach_the_function_through_a_mapping_it_made(
    account: AwsAccount, service: MappingService
) -> None:
    topic = account.topic()
    request = create(
        {
            "target": "consume",
            "kafka_topic": topic,
            "kafka_bootstrap_servers": account.ends.bootstrap_servers,
            "starting_position": "TRIM_HORIZON",
            "kafka_consumer_group_id": f"group-of-{topic}",
            "source_access_configurations": VPC,
        }
    )
    made = service.create(request, service.plan_create(request).id).mapping
    assert made is not None
    service.wait(made.uuid, "Enabled")

    account.produce(topic, *(f"value {number}" for number in range(20)))

    assert account.until(lambda: account.committed(f"group-of-{topic}", topic) == 20)
    assert account.until(lambda: service.get(made.uuid).last_processing_result == "OK")
    service.delete(made.uuid, service.plan_delete(made.uuid).id)
    service.wait(made.uuid, "deleted")


def test_a_conflict_is_found_by_the_plan_before_a_right_is_written(
    account: AwsAccount, service: MappingService
) -> None:
    request = msk(account)
    uuid = service.create(request, service.plan_create(request).id).mapping.uuid  # type: ignore[union-attr]
    other = request.model_copy(update={"kafka_consumer_group_id": "others", "batch_size": 5})

    with pytest.raises(MappingConflictError, match=re.escape("BatchSize: 100 → 5")) as caught:
        service.plan_create(other)

    assert caught.value.existing_uuid == uuid
    assert "ConsumerGroupId cannot be updated" in str(caught.value)
    with pytest.raises(MappingConflictError, match="it is as requested; there is nothing to do"):
        service.plan_create(request)
    elsewhere = msk(account, target="consume", kafka_topic=account.topic())
    with pytest.raises(InvalidRequestError, match=f"mapping {uuid} .* a group must be unique"):
        service.plan_create(elsewhere)


def test_a_mapping_to_an_alias_differs_from_one_to_the_function(
    account: AwsAccount, service: MappingService
) -> None:
    account.mappings.create_alias(FunctionName="consume", Name="live", FunctionVersion="$LATEST")
    topic = account.topic()
    bare = msk(account, kafka_topic=topic)
    alias = bare.model_copy(update={"target": "consume:live", "kafka_consumer_group_id": "live"})

    made = [service.create(one, service.plan_create(one).id).mapping for one in (bare, alias)]

    assert [one.function_name for one in made if one is not None] == ["consume", "consume:live"]
    assert [one.function_name for one in service.list(function="consume:live")] == ["consume:live"]
    assert len(service.list(function="consume")) == 2
    account.produce(topic, "one")
    groups = ("consumers", "live")
    # Each receives the record and invokes its function.
    assert account.until(lambda: [account.committed(group, topic) for group in groups] == [1, 1])


def test_a_mapping_is_disabled_and_deleted_after_everything_it_refers_to_is_gone(
    account: AwsAccount, service: MappingService
) -> None:
    request = msk(account)
    made = service.create(request, service.plan_create(request).id).mapping
    assert made is not None
    service.wait(made.uuid, "Enabled")
    account.client("kafka").delete_cluster(ClusterArn=request.event_source_arn)
    account.mappings.delete_function(FunctionName="consume")
    account.faults(deny=["iam:PutRolePolicy", "iam:GetRole"])
    options = PlanOptions(add_permissions=False)

    stop = update(uuid=made.uuid, enabled=False)
    service.update(stop, service.plan_update(stop, options).id, options)
    service.wait(made.uuid, "Disabled")
    service.delete(made.uuid, service.plan_delete(made.uuid).id)

    assert service.wait(made.uuid, "deleted") is None


def test_waiting_tolerates_stale_reads_and_operations_in_progress(
    account: AwsAccount, service: MappingService
) -> None:
    request = msk(account)
    account.faults(in_progress=1, lag_seconds=1.0)

    made = service.create(request, service.plan_create(request).id).mapping

    assert made is not None
    told: list[Progress] = []
    service.wait(made.uuid, "Enabled", progress=told.append)
    change = update(uuid=made.uuid, batch_size=7)
    service.update(change, service.plan_update(change).id)
    changed = service.wait(made.uuid, "Enabled", progress=told.append)
    assert changed is not None
    assert changed.batch_size == 7
    assert [progress.state for progress in told] == ["Creating", "Enabled", "Updating", "Enabled"]


def test_provisioned_mode_ends_after_the_registry_has_gone(
    account: AwsAccount, service: MappingService
) -> None:
    glue = f"arn:aws:glue:us-east-1:{account.id}:registry/main"
    request = msk(account, provisioned_mode=True, log_level="INFO", schema_registry={"uri": glue})
    uuid = service.create(request, service.plan_create(request).id).mapping.uuid  # type: ignore[union-attr]
    service.wait(uuid, "Enabled")

    with pytest.raises(InvalidRequestError, match="only after it is gone"):
        service.plan_update(update(uuid=uuid, provisioned_mode=False, log_level="", schema_registry={}))
    changes: tuple[dict[str, Any], ...] = (
        {"schema_registry": {}},
        {"provisioned_mode": False, "log_level": ""},
    )
    for change in changes:
        asked = update(uuid=uuid, **change)
        service.update(asked, service.plan_update(asked).id)
        service.wait(uuid, "Enabled")

    left = service.get(uuid)
    assert not left.is_provisioned
    assert "LoggingConfig" not in left.configuration
    assert left.configuration["AmazonManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": "consumers"}


def test_a_role_that_may_not_be_changed_stops_it_unless_asked_to_continue(
    account: AwsAccount, service: MappingService
) -> None:
    account.faults(deny=["iam:PutRolePolicy"])
    request = msk(account)

    with pytest.raises(PermissionsError, match="iam:PutRolePolicy on role runs: access denied"):
        service.create(request, service.plan_create(request).id)
    assert service.list() == ()
    options = PlanOptions(continue_without_permissions=True)
    applied = service.create(request, service.plan_create(request, options).id, options)

    assert applied.mapping is not None
    assert "hand this policy to an administrator" in applied.warnings[0]


def test_throttling_is_waited_out_and_a_refusal_names_its_action(
    account: AwsAccount, service: MappingService
) -> None:
    account.faults(throttle=2)
    assert service.list() == ()

    account.faults(deny=["lambda:ListEventSourceMappings"])
    with pytest.raises(
        RefusedError,
        match="lambda:ListEventSourceMappings on the event source mappings of us-east-1: access denied",
    ):
        service.list()


def test_an_execution_role_is_created_once_with_trust_and_rights(
    account: AwsAccount, service: MappingService
) -> None:
    request = msk(account)

    service.create_execution_role("new-role", request, service.plan_execution_role("new-role", request).id)

    assert service.plan_execution_role("new-role", request).calls == ()
    trust = account.client("iam").get_role(RoleName="new-role")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_rights_that_a_boundary_forbids_are_named_and_never_written(
    account: AwsAccount, service: MappingService
) -> None:
    iam = account.client("iam")
    allowed = {"Effect": "Allow", "Action": ["kafka:*", "ec2:*", "logs:*"], "Resource": "*"}
    edge = iam.create_policy(
        PolicyName="edge", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="runs", PermissionsBoundary=edge)

    plan = service.plan_create(msk(account))

    assert [call.operation for call in plan.calls] == ["CreateEventSourceMapping"]
    assert str(plan.blocked).startswith(
        f"the role's rights are denied: the role's permissions boundary {edge} does not allow kafka-cluster:Connect on "
    )
    assert "ec2:" not in str(plan.blocked)


def test_a_destination_under_a_key_named_by_an_alias_gets_the_key(
    account: AwsAccount, service: MappingService
) -> None:
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/failed", TargetKeyId=key)
    url = account.client("sqs").create_queue(QueueName="dead", Attributes={"KmsMasterKeyId": "alias/failed"})
    queue = account.client("sqs").get_queue_attributes(QueueUrl=url["QueueUrl"], AttributeNames=["QueueArn"])
    request = msk(account, on_failure_destination=queue["Attributes"]["QueueArn"])

    rights = service.plan_create(request).permissions

    assert rights is not None
    assert rights.change is not None
    assert f"+ Allow kms:GenerateDataKey, kms:Decrypt on {key}" in rights.change.lines()


def test_another_accounts_cluster_is_wired_by_its_connection(
    account: AwsAccount, service: MappingService, lambda_url: str, broker: Endpoints
) -> None:
    with an_account(lambda_url, broker) as owner:
        cluster = owner.cluster(Sasl={"Iam": {"Enabled": True}})
        connection = account.client("kafka").create_vpc_connection(
            TargetClusterArn=cluster,
            Authentication="SASL_IAM",
            VpcId="vpc-1",
            ClientSubnets=["subnet-1"],
            SecurityGroups=["sg-1"],
        )["VpcConnectionArn"]
        request = msk(account, event_source_arn=connection)
        plan = service.plan_create(request)

        made = service.create(request, plan.id).mapping

        assert made is not None
        assert plan.permissions is not None
        assert plan.permissions.change is not None
        lines = plan.permissions.change.lines()
        assert f"+ Allow kafka:DescribeVpcConnection on {connection}" in lines
        assert f"+ Allow kafka:DescribeClusterV2 on {cluster}" in lines
        service.wait(made.uuid, "Enabled")
        assert service.plan_permissions(made.uuid).calls == ()
        # AWS gives brokers only by the cluster's ARN; its policy lets the other account ask.
        with pytest.raises(ClientError, match="BadRequestException"):
            account.client("kafka").get_bootstrap_brokers(ClusterArn=connection)
        brokers = get_msk_bootstrap_brokers(service.account, connection)
        assert brokers.by_network["multi_vpc"].keys() == {"tls", "iam"}
