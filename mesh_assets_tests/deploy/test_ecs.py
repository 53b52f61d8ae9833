"""`deploy/ecs`: its Terraform tests, and what Terraform cannot check: Dagster, events, the launcher's calls."""

import inspect
import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import yaml

from mesh_assets.cli.main import cli
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.sensing.trigger_queue.forms import read_message
from mesh_assets.sensing.trigger_queue.message import Understood
from mesh_assets_tests.deploy.dagster_chart import instance_faults
from mesh_assets_tests.deploy.helm import DEPLOY
from mesh_assets_tests.terraform.terraform_cli import (
    NOT_HERE,
    TerraformFolder,
    terraform_command,
    terraform_folder,
)

ECS = DEPLOY / "ecs"


@pytest.fixture
def terraform() -> Iterator[TerraformFolder]:
    command = terraform_command()
    if command is None:
        pytest.skip(NOT_HERE)
    with terraform_folder(command, folder=ECS) as folder:
        yield folder


def change(terraform: TerraformFolder, file: str, written: str, instead: str) -> None:
    path = terraform.path / file
    text = path.read_text(encoding="utf-8")
    assert written in text
    path.write_text(text.replace(written, instead), encoding="utf-8")


@pytest.mark.slow
def test_terraforms_own_tests_pass(terraform: TerraformFolder) -> None:
    assert terraform.run("init", "-backend=false", "-input=false").status == 0
    assert terraform.run("validate").status == 0
    answer = terraform.run("test")
    runs = (ECS / "tests" / "ecs.tftest.hcl").read_text(encoding="utf-8").count('\nrun "')
    assert f"Success! {runs} passed, 0 failed." in answer.text, answer.text


@pytest.mark.slow
def test_a_name_unknown_to_the_provider_is_invalid(terraform: TerraformFolder) -> None:
    change(terraform, "services.tf", "  requires_compatibilities = ", "  requires_compatibility = ")
    change(
        terraform,
        "network.tf",
        "referenced_security_group_id = each.value.group",
        "source_group = each.value.group",
    )
    answer = terraform.run("validate")
    assert answer.status == 1
    assert '"requires_compatibility" is not expected here' in answer.text
    assert '"source_group" is not expected here' in answer.text


@pytest.mark.slow
def test_a_wrong_value_fails_terraforms_tests(terraform: TerraformFolder) -> None:
    change(terraform, "services.tf", "readonlyRootFilesystem = true", "readonlyRootFilesystem = false")
    change(terraform, "services.tf", 'each.key == "daemon" ? 100 : 200', "200")
    change(terraform, "triggers.tf", 'name          = "${var.name}-', 'name          = "mesh-')
    answer = terraform.run("test")
    assert answer.status == 1
    for complaint in (
        "A container's root is writable, or it runs as root.",
        "Two daemons would launch what is due twice.",
        "The queue accepts only rules with these names.",
    ):
        assert complaint in answer.text


def test_dagster_accepts_the_instance_which_differs_from_the_roots_only_in_where_things_are_kept_and_run() -> (
    None
):
    ours = yaml.safe_load((ECS / "image" / "dagster.yaml").read_text())
    root = yaml.safe_load((DEPLOY.parent / "dagster.yaml").read_text())
    assert instance_faults(ours) == []
    kept = {"storage", "local_artifact_storage", "compute_logs", "run_launcher"}
    assert {key: value for key, value in ours.items() if key not in kept} == {
        key: value for key, value in root.items() if key not in kept
    }


def test_every_variable_of_the_instance_is_set_by_the_module() -> None:
    named = set(re.findall(r"\{env: (\w+)\}", (ECS / "image" / "dagster.yaml").read_text()))
    services = (ECS / "services.tf").read_text(encoding="utf-8")
    assert named == {name for name in named if re.search(rf"\b{name}\s+=", services)}


def test_dagsters_role_may_make_the_launchers_calls() -> None:
    source = "".join(
        inspect.getsource(import_module(f"dagster_aws.ecs.{name}")) for name in ("launcher", "tasks", "utils")
    )
    calls = {f"ecs:{_action(name)}" for name in re.findall(r"\becs\.([a-z_]+)\(", source)} | {
        f"logs:{_action(name)}" for name in re.findall(r"\blogs_client\.([a-z_]+)\(", source)
    }
    assert calls >= {"ecs:RunTask", "ecs:StopTask", "logs:GetLogEvents"}, "they are looked for in vain"
    [role] = re.findall(
        r'"aws_iam_policy_document" "dagster" \{(.*?)\n\}\n',
        (ECS / "roles.tf").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert sorted(call for call in calls if f'"{call}"' not in role) == []


def _action(call: str) -> str:
    return "".join(word.capitalize() for word in call.split("_"))


def test_a_run_has_the_daemons_task_except_for_what_the_code_server_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As dagster-aws creates it, which `services.tf` relies on: a task definition made by Dagster would have no read-only
    root."""
    from dagster_aws.ecs import container_context, tasks

    services = (ECS / "services.tf").read_text(encoding="utf-8")
    assert "DAGSTER_CONTAINER_CONTEXT = jsonencode(local.run)" in services
    said = container_context.EcsContainerContext.create_from_config(
        {
            "ecs": {
                "task_role_arn": "runner",
                "env_vars": ["MESH_STORE=s3://a/b"],
                "run_resources": {"cpu": "512", "memory": "2048"},
            }
        }
    )
    for key in ("task_role_arn", "env_vars", "run_resources"):
        assert re.search(rf"^      {key} +=", services, re.MULTILINE), key
    daemon: dict[str, Any] = {
        "name": "daemon",
        "image": "a",
        "user": "10001:10001",
        "readonlyRootFilesystem": True,
        "environment": [{"name": "DAGSTER_HOME", "value": "/var/lib/mesh-assets"}],
        "secrets": [{"name": "DAGSTER_PG_PASSWORD", "valueFrom": "arn"}],
        "mountPoints": [{"sourceVolume": "tmp", "containerPath": "/tmp"}],
    }
    ecs = new_session().create_client(
        "ecs", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    definition = {"containerDefinitions": [daemon], "volumes": [{"name": "tmp"}], "taskRoleArn": "dagster"}
    monkeypatch.setattr(ecs, "describe_task_definition", lambda **_: {"taskDefinition": definition})
    monkeypatch.setattr(tasks, "current_ecs_container_name", lambda: "daemon")
    made = tasks.get_task_definition_dict_from_current_task(
        ecs,
        "discovery-agent-run",
        {"taskDefinitionArn": "arn"},
        "b",
        "run",
        environment=[{"name": key, "value": value} for key, value in said.get_environment_dict().items()],
        task_role_arn=said.task_role_arn,
        cpu=said.run_resources["cpu"],
        memory=said.run_resources["memory"],
    )
    [container] = made["containerDefinitions"]
    assert (made["taskRoleArn"], made["cpu"], made["memory"]) == ("runner", "512", "2048")
    assert made["volumes"] == [{"name": "tmp"}]
    assert {**daemon, **container} == {
        **daemon,
        "name": "run",
        "image": "b",
        "entryPoint": [],
        "command": [],
        "dependsOn": [],
        "environment": [*daemon["environment"], {"name": "MESH_STORE", "value": "s3://a/b"}],
    }


def rules() -> dict[str, Any]:
    """EventBridge's patterns by the rule's name, which are written as JSON would be."""
    text = (ECS / "triggers.tf").read_text(encoding="utf-8")
    [written] = re.findall(r"  rules = \{\n(.*?)\n  \}\n\}", text, re.DOTALL)
    text = re.sub(r"^ *#.*$", "", written, flags=re.MULTILINE)
    text = re.sub(r"^(\s*)(\w+)(\s*=)", r'\1"\2"\3', text, flags=re.MULTILINE)
    text = re.sub(r'"\s*=\s*', '": ', text)
    text = re.sub(r"([\]}])(\s*\n\s*\")", r"\1,\2", text)
    return dict(json.loads("{" + text + "}"))


def test_each_event_that_a_rule_forwards_is_understood_as_a_reason_to_discover() -> None:
    patterns = rules()
    assert set(patterns) == {"msk", "health", "glue"}
    for name, pattern in patterns.items():
        detail = pattern.get("detail", {})
        for call in detail.get("eventName", ["UpdateClusterConfiguration"]):
            event = {
                "id": f"{name}-{call}",
                "source": pattern["source"][0],
                "detail-type": pattern.get("detail-type", ["MSK Cluster Event"])[0],
                "detail": {
                    "service": detail.get("service", ["KAFKA"])[0],
                    "eventName": call,
                    "requestParameters": {"schemaId": {"schemaName": "users"}},
                },
            }
            meaning = read_message(json.dumps(event), message_id="1")
            assert isinstance(meaning, Understood), (name, call, meaning)


def test_the_command_line_has_every_option_that_tasks_are_given() -> None:
    from click.testing import CliRunner

    text = (ECS / "services.tf").read_text(encoding="utf-8")
    for command in ("mcp", "serve"):
        [written] = re.findall(rf'\["mesh-assets", ("{command}".*?)\]', text)
        told = CliRunner().invoke(cli, [*json.loads(f"[{written}]"), "--help"])
        assert told.exit_code == 0, told.output
