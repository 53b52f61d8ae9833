"""`mesh-assets esm create`, `update`, `delete`, `permissions`, `role`, `get`: plans by default, applied by
their id."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mesh_assets.cli.esm import esm
from mesh_assets.esm.errors import AmbiguousMappingError, InvalidRequestError, MappingNotFoundError
from mesh_assets.esm.service import MappingService
from mesh_assets.mapping_commands import changes as create_command
from mesh_assets.mapping_commands import changes as delete_command
from mesh_assets.mapping_commands import changes as permissions_command
from mesh_assets.mapping_commands import changes as update_command
from mesh_assets.mapping_commands import mappings as get_command
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, ROLE, SECRET_ARN, FakeAws

UUID = "7d3c1b52-5f0e-4a53-9c62-6b8f5b8b9a10"
CREATE = [
    "create",
    "--target=orders-handler",
    "--kafka-topic=orders",
    f"--event-source-arn={CLUSTER_ARN}",
    "--starting-position=LATEST",
    "--kafka-consumer-group-id=orders-handler",
]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    made = FakeAws()
    for module in (create_command, update_command, delete_command, permissions_command, get_command):
        monkeypatch.setattr(
            module,
            "mapping_service",
            lambda _: MappingService(made.account(), lookup_topic=lambda *_: 3, sleep=lambda _: None),
        )
    return made


def run(*arguments: str) -> str:
    result = CliRunner().invoke(esm, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_create_shows_the_plan_and_how_to_apply_it(aws: FakeAws) -> None:
    shown = run(*CREATE)

    plan_id = shown.split()[1].rstrip(":")
    assert shown.startswith(f"Plan {plan_id}: create a mapping of topic orders to function orders-handler\n")
    assert f"role {ROLE}: a new inline policy" in shown
    assert "    + Allow kafka-cluster:DescribeTopic, kafka-cluster:ReadData on arn:aws:kafka:" in shown
    assert '"StartingPosition": "LATEST"' in shown
    assert shown.endswith(f"Nothing has been done. To do it: the same command with --apply {plan_id}\n")
    assert aws.mutations() == []

    done = run(*CREATE, "--wait=0", f"--apply={plan_id}")

    assert done.startswith("Done: create a mapping of topic orders")
    assert aws.mutations() == ["iam.put_role_policy", "lambda.create_event_source_mapping"]


def test_pairs_json_and_a_file_make_the_same_request(aws: FakeAws, tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"batch_size": 5, "max_batching_window": 3}))

    shown = json.loads(
        run(
            *CREATE,
            f"--request={file}",
            "--batch-size=7",
            f"--source-access-configurations=SASL_SCRAM_512_AUTH={SECRET_ARN}",
            "--tags=team=a",
            '--filter-patterns={"value": [1]}',
            "--provisioned-mode",
            "--no-enabled",
            "--json",
        )
    )

    request = shown["calls"][-1]["arguments"]
    assert (request["BatchSize"], request["MaximumBatchingWindowInSeconds"], request["Enabled"]) == (
        7,
        3,
        False,
    )
    assert request["SourceAccessConfigurations"] == [{"Type": "SASL_SCRAM_512_AUTH", "URI": SECRET_ARN}]
    assert (request["Tags"], request["FilterCriteria"]) == (
        {"team": "a"},
        {"Filters": [{"Pattern": '{"value": [1]}'}]},
    )
    assert request["ProvisionedPollerConfig"] == {"MinimumPollers": 1, "MaximumPollers": 2}
    assert aws.mutations() == []


def test_an_empty_option_that_may_be_repeated_removes_what_the_mapping_has(aws: FakeAws) -> None:
    uuid = aws.add_mapping(FilterCriteria={"Filters": [{"Pattern": '{"value": {"a": [1]}}'}]})

    shown = run("update", uuid, "--filter-patterns", "")

    assert (
        "changes       FilterCriteria: {'Filters': [{'Pattern': '{\"value\": {\"a\": [1]}}'}]} → none\n"
        in shown
    )


def test_a_tag_without_a_value_is_refused_and_not_set_to_nothing(aws: FakeAws) -> None:
    assert aws.mappings == {}
    result = CliRunner().invoke(esm, [*CREATE, "--tags", "team"])
    assert str(result.exception) == "--tags 'team' has no value; expected KEY=VALUE"


def test_update_delete_and_permissions_plan_first(aws: FakeAws) -> None:
    aws.add_mapping(UUID=UUID)

    assert "  changes       BatchSize: 100 → 7" in run("update", UUID, "--batch-size=7")
    shown = run("delete", UUID)
    assert '"EventSourceArn"' in shown
    assert "the committed offsets of group" in shown
    assert "iam:PutRolePolicy" in run("permissions", UUID)
    assert "iam:CreateRole" in run("role", "new-role", *CREATE[1:])
    assert aws.mutations() == []

    plan_id = json.loads(run("delete", UUID, "--json"))["id"]
    assert "deleted" not in run("delete", UUID, "--wait=5", f"--apply={plan_id}").casefold().split("done:")[0]
    assert aws.mutations() == ["lambda.delete_event_source_mapping"]


def test_rights_that_cannot_be_granted_are_not_called_complete(aws: FakeAws) -> None:
    aws.add_mapping(UUID=UUID)
    aws.organization = [{"Effect": "Allow", "Action": ["ec2:*", "logs:*", "kafka:*"], "Resource": ["*"]}]

    shown = run("permissions", UUID)

    assert "everything is as requested" not in shown
    assert (
        "  rights        denied: a policy of the organization (SCP) does not allow kafka-cluster:Connect"
        in shown
    )
    assert "Applying it will be refused: the role's rights are denied: a policy of the organization" in shown
    assert "Hand this policy to an administrator of the role:" in shown
    assert "--apply" not in shown


@pytest.mark.parametrize("command", ["delete", "permissions"])
def test_a_mapping_is_identified_by_function_and_source_and_never_guessed(aws: FakeAws, command: str) -> None:
    aws.add_mapping(UUID=UUID)
    other = aws.add_mapping(topic="payments")
    aws.add_mapping(
        SelfManagedEventSource={
            "Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b1.example:9092", "b2.example:9092"]}
        }
    )
    by_source = (command, "--function=orders-handler", f"--source={CLUSTER_ARN}")

    with pytest.raises(
        AmbiguousMappingError, match="2 event source mappings have function orders-handler"
    ) as several:
        CliRunner().invoke(esm, by_source, catch_exceptions=False)
    assert several.value.candidates == (UUID, other)

    assert UUID in run(*by_source, "--topic=orders")
    servers = run(command, "--function=orders-handler", "--source=b2.example:9092,b1.example:9092")
    assert UUID not in servers
    plan_id = json.loads(run(*by_source, "--topic=orders", "--json"))["id"]
    run(*by_source, "--topic=orders", f"--apply={plan_id}")
    assert aws.mutations() == [
        {"delete": "lambda.delete_event_source_mapping", "permissions": "iam.put_role_policy"}[command]
    ]
    assert (UUID in aws.mappings) == (command == "permissions")


def test_delete_never_picks_a_mapping_by_itself(aws: FakeAws) -> None:
    aws.add_mapping()
    with pytest.raises(MappingNotFoundError, match="no mapping was named"):
        CliRunner().invoke(esm, ["delete"], catch_exceptions=False)


def test_rights_are_granted_before_the_mapping_exists(aws: FakeAws) -> None:
    described = ("permissions", "--function=orders-handler", f"--source={CLUSTER_ARN}", "--topic=orders")

    shown = run(*described)
    assert "grant the role of function orders-handler what a mapping of topic orders will need" in shown
    assert "the rights to the group are left out" in shown
    secret = run(*described, f"--source-access-configurations=SASL_SCRAM_512_AUTH={SECRET_ARN}")
    assert f"+ Allow secretsmanager:GetSecretValue on {SECRET_ARN}" in secret
    assert "kafka-cluster" not in secret

    plan_id = json.loads(run(*described, "--kafka-consumer-group-id=orders-handler", "--json"))["id"]
    run(*described, "--kafka-consumer-group-id=orders-handler", f"--apply={plan_id}")
    assert aws.mutations() == ["iam.put_role_policy"]
    created = run(*CREATE)
    assert "rights        the role has all it needs" in created

    with pytest.raises(InvalidRequestError, match="2 faults") as missing:
        CliRunner().invoke(esm, ["permissions", "--function=orders-handler"], catch_exceptions=False)
    assert [violation.field for violation in missing.value.violations] == [
        "event_source_arn or kafka_bootstrap_servers",
        "kafka_topic",
    ]


def test_get_shows_every_setting(aws: FakeAws) -> None:
    aws.add_mapping("pay:live", "payments", UUID=UUID, MaximumRetryAttempts=3)

    shown = run("get", "--function=pay", "--topic=payments")

    assert shown.splitlines()[0] == "pay:live ← payments of orders   Enabled"
    assert "  retries           3" in shown.splitlines()
    assert json.loads(run("get", UUID, "--json"))["uuid"] == UUID


def test_every_command_has_its_help() -> None:
    for name in ("list", "get", "create", "update", "delete", "permissions", "role"):
        text = run(name, "--help")
        assert "Usage:" in text
        assert "Refused:" not in text
    assert isinstance(esm, click.Group)
