"""The service against the stand-in for AWS: a real role, function, topic and broker; every request through
boto3 and HTTP."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mesh_assets.errors import RefusedError
from mesh_assets.esm import aws_account
from mesh_assets.esm.errors import MappingConflictError, MappingNotFoundError, PermissionsError
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
    with an_account(lambda_url, broker, state_delay_seconds=0.3) as made:
        made.role()
        made.function()
        yield made


@pytest.fixture
def service(account: AwsAccount, broker: Endpoints) -> MappingService:
    access = aws_account.AwsAccount(
        AwsAccountSettings(region="us-east-1", endpoint_url=account.url),
        make_client=lambda service, _: account.client(service),
    )
    return MappingService(access, load_estate(broker.estate_file))


def msk(account: AwsAccount, **changes: Any) -> CreateRequest:
    asked = {
        "target": "consume",
        "kafka_topic": account.topic(),
        "event_source_arn": account.cluster(Sasl={"Iam": {"Enabled": True}}),
        "starting_position": "TRIM_HORIZON",
        "kafka_consumer_group_id": "consumers",
    }
    return read_request(CreateRequest, {**asked, **changes})


def test_a_mapping_is_made_watched_found_changed_and_deleted(
    account: AwsAccount, service: MappingService
) -> None:
    request = msk(account)
    plan = service.plan_create(request)
    assert plan.observed["topic"] == {
        "partitions": 2
    }  # looked up on the real broker, by the estate's connection
    assert plan.observed["cluster"]["iam"] is True
    assert [call.operation for call in plan.calls] == ["PutRolePolicy", "CreateEventSourceMapping"]

    made = service.create(request, plan.id).mapping
    assert made is not None
    told: list[Progress] = []
    service.wait(made.uuid, "Enabled", progress=told.append)
    assert [progress.state for progress in told] == ["Creating", "Enabled"]

    # The policy is really there, and recognised by IAM's own simulation: nothing is to add.
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


def test_a_conflict_at_aws_carries_the_uuid_and_the_difference(
    account: AwsAccount, service: MappingService
) -> None:
    request = msk(account)
    uuid = service.create(request, service.plan_create(request).id).mapping.uuid  # type: ignore[union-attr]
    other = request.model_copy(update={"kafka_consumer_group_id": "others", "batch_size": 5})
    # Planning warns of the other group; whether a second one may be is for Lambda to say.
    plan = service.plan_create(other)
    assert any("it would get each record twice" in warning.rule for warning in plan.warnings)

    with pytest.raises(MappingConflictError, match=re.escape("BatchSize: 100 → 5")) as caught:
        service.create(other, plan.id)

    assert caught.value.existing_uuid == uuid
    with pytest.raises(MappingConflictError, match="already exists"):
        service.plan_create(request)


def test_a_role_that_may_not_be_changed_stops_it_or_lets_it_go_on_when_asked_to(
    account: AwsAccount, service: MappingService
) -> None:
    account.faults(deny=["iam:PutRolePolicy"], state_delay_seconds=0.1)
    request = msk(account)

    with pytest.raises(PermissionsError, match="iam:PutRolePolicy on role runs: access denied"):
        service.create(request, service.plan_create(request).id)
    assert service.list() == ()
    options = PlanOptions(continue_without_permissions=True)
    applied = service.create(request, service.plan_create(request, options).id, options)

    assert applied.mapping is not None
    assert "hand this policy to an administrator" in applied.warnings[0]


def test_throttling_is_outlived_and_a_refusal_names_its_action(
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


def test_an_execution_role_is_made_with_trust_and_rights_and_made_once(
    account: AwsAccount, service: MappingService
) -> None:
    request = msk(account)

    service.create_execution_role("new-role", request, service.plan_execution_role("new-role", request).id)

    assert service.plan_execution_role("new-role", request).calls == ()
    trust = account.client("iam").get_role(RoleName="new-role")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
