import codecs
import io
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from mesh_assets.configuration import terraform_outputs
from mesh_assets.configuration.entries import (
    entry_from_terraform,
    in_variables,
    variables_from_terraform,
)
from mesh_assets.configuration.terraform_outputs import (
    TerraformOutputs,
    parse_terraform_outputs,
    read_terraform_outputs,
)
from mesh_assets.errors import ConfigurationError
from mesh_assets_tests.configuration.outputs import PLAIN, SECRETS, document, outputs_json
from mesh_assets_tests.terraform.configuration import outputs, read
from mesh_assets_tests.terraform.terraform_cli import NOT_HERE, terraform_command

PRINTS = "expected what `terraform output -json` prints"


def test_the_outputs_are_read_and_their_secrets_are_in_no_representation() -> None:
    found = parse_terraform_outputs(outputs_json(), source="outputs.json")
    assert (found.kafka_cluster_id, found.discovery_agent_cluster_api_secret) == (
        "lkc-nd1ng3",
        "kafka/s3cr3t+1=",
    )
    assert not any(secret in repr(found) for secret in SECRETS.values())


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + outputs_json().encode(),
        codecs.BOM_UTF16_LE + outputs_json().encode("utf-16-le"),
        codecs.BOM_UTF16_BE + outputs_json().encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-16-le, as PowerShell's > writes it", "utf-16-be"],
)
def test_outputs_with_a_byte_order_mark_are_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "outputs.json").write_bytes(data)

    found = read_terraform_outputs(str(tmp_path / "outputs.json"))

    assert found == parse_terraform_outputs(outputs_json(), source="x")
    assert found == parse_terraform_outputs("\ufeff" + outputs_json(), source="stdin")


@pytest.mark.parametrize(
    ("value", "servers"),
    [
        ("SASL_SSL://pkc-1.example:9092", "pkc-1.example:9092"),
        ("pkc-1.example:9092", "pkc-1.example:9092"),
        (
            "SASL_SSL://pkc-1.example:9092,SASL_SSL://pkc-2.example:9092",
            "pkc-1.example:9092,pkc-2.example:9092",
        ),
        ("SASL_SSL://pkc-1.example:9092, pkc-2.example:9092", "pkc-1.example:9092,pkc-2.example:9092"),
        (
            ["SASL_SSL://pkc-1.example:9092", "SASL_SSL://pkc-2.example:9092"],
            "pkc-1.example:9092,pkc-2.example:9092",
        ),
    ],
)
def test_endpoints_lose_their_protocol_one_by_one(value: object, servers: str) -> None:
    changed = {"sensitive": False, "type": "string", "value": value}
    found = parse_terraform_outputs(outputs_json(kafka_bootstrap_endpoint=changed), source="x")

    entry = entry_from_terraform(found, in_variables())

    assert entry["kafka"]["bootstrap_servers"] == servers
    assert variables_from_terraform(found)["KAFKA_BOOTSTRAP_ENDPOINT"] == servers


def test_outputs_that_only_a_later_version_has_may_be_missing() -> None:
    found = parse_terraform_outputs(
        outputs_json(store=None, trigger_queue_url=None, environment_name=None), source="x"
    )
    assert (found.store, found.trigger_queue_url, found.environment_name) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{}", "x has no outputs; run `terraform apply` first, with the files of terraform/"),
        ("kafka_cluster_id = lkc-1", f"x is not JSON (line 1); {PRINTS}"),
        ("", f"x is not JSON (line 1); {PRINTS}"),
        ('"pkc-1"', f"x is not the expected JSON; {PRINTS}: a value, a type and `sensitive` for each output"),
        (
            json.dumps(PLAIN),
            f"x is not the expected JSON; {PRINTS}: a value, a type and `sensitive` for each output",
        ),
        (
            outputs_json(kafka_cluster_id=None, discovery_agent_sr_api_key=None),
            "x lacks the outputs kafka_cluster_id, discovery_agent_sr_api_key; "
            "use terraform/outputs.tf unchanged, and run `terraform apply`",
        ),
        (
            outputs_json(environment_id={"sensitive": False, "type": "string", "value": None}),
            "x lacks the output environment_id; use terraform/outputs.tf unchanged, and run `terraform apply`",
        ),
        (
            outputs_json(environment_id={"sensitive": False, "type": "number", "value": 7}),
            "x: the output environment_id is not a single line of text; use terraform/outputs.tf unchanged",
        ),
        (
            outputs_json(
                discovery_agent_sr_api_secret={
                    "sensitive": False,
                    "type": "string",
                    "value": "registry's s3cr3t #2",
                }
            ),
            "x: the output discovery_agent_sr_api_secret holds a key and is not sensitive, so every `terraform apply` prints it; "
            "add `sensitive = true` to it, apply, and replace the key if others could see it",
        ),
    ],
)
def test_unusable_outputs_are_reported_in_one_sentence_without_a_secret(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_terraform_outputs(text, source="x")
    assert str(caught.value) == sentence
    assert caught.value.__cause__ is None


def test_a_file_and_stdin_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outputs.json").write_text(outputs_json())
    monkeypatch.setattr(sys, "stdin", io.StringIO(outputs_json()))
    assert read_terraform_outputs(str(tmp_path / "outputs.json")) == read_terraform_outputs("-")
    with pytest.raises(
        ConfigurationError,
        match=r"^there is no \S+; expected a folder where Terraform was applied, or a file",
    ):
        read_terraform_outputs(str(tmp_path / "absent"))


def test_without_terraform_the_sentence_says_how_to_run_it_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError) as caught:
        read_terraform_outputs(str(tmp_path))
    assert f"terraform -chdir={tmp_path} output -json | mesh-assets configure --from-terraform -" in str(
        caught.value
    )


@pytest.mark.slow
def test_a_folder_with_an_applied_terraform_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Terraform itself, over a state it wrote: outputs need no provider."""
    terraform_on_path(tmp_path / "bin", monkeypatch)
    applied = tmp_path / "applied"
    applied.mkdir()
    (applied / "outputs.tf").write_text(
        "".join(
            f'output "{name}" {{\n  value = {json.dumps(item["value"])}\n  sensitive = {str(item["sensitive"]).lower()}\n}}\n'
            for name, item in document().items()
        )
    )
    with pytest.raises(
        ConfigurationError, match=r"^the state of \S+ has no outputs; run `terraform apply` first"
    ):
        read_terraform_outputs(str(applied))
    assert os.system(f"cd {shlex.quote(str(applied))} && terraform apply -auto-approve >apply.txt 2>&1") == 0
    assert read_terraform_outputs(str(applied)) == parse_terraform_outputs(outputs_json(), source="x")
    (applied / "terraform.tfstate").write_text("{")
    with pytest.raises(
        ConfigurationError,
        match=r"^`terraform output` failed in \S+: .+; does `terraform init` there help\?$",
    ):
        read_terraform_outputs(str(applied))


@pytest.mark.slow
def test_everything_that_is_read_is_an_output_of_ours() -> None:
    ours: dict[str, Any] = outputs(read())
    assert set(terraform_outputs._NAMES) <= ours.keys()
    assert {name for name, body in ours.items() if body.get("sensitive")} == set(terraform_outputs._SECRET)
    assert set(TerraformOutputs.__dataclass_fields__) == set(terraform_outputs._NAMES)


def terraform_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = terraform_command()
    if command is None:
        pytest.skip(NOT_HERE)
    folder.mkdir()
    script = folder / "terraform"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("CHECKPOINT_DISABLE", "1")
