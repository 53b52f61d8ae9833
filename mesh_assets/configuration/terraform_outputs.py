"""Terraform's outputs, read from a folder, a file or stdin, and checked before use."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.text import decoded_text
from mesh_assets.inventory.wording import plural

# `terraform output` asks the backend for the state: seconds, unless the network is away.
_WITHIN_SECONDS = 120.0
_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_DOCUMENT = "what `terraform output -json` prints"


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformOutputs:
    """The outputs of terraform/outputs.tf that are used here; None where absent. `repr` hides secrets."""

    environment_id: str
    environment_name: str | None = None
    kafka_cluster_id: str
    kafka_cluster_name: str | None = None
    kafka_bootstrap_endpoint: str
    schema_registry_id: str
    schema_registry_rest_endpoint: str
    discovery_agent_cluster_api_key: str = field(repr=False)
    discovery_agent_cluster_api_secret: str = field(repr=False)
    discovery_agent_sr_api_key: str = field(repr=False)
    discovery_agent_sr_api_secret: str = field(repr=False)
    discovery_agent_cloud_api_key: str = field(repr=False)
    discovery_agent_cloud_api_secret: str = field(repr=False)
    parameter_path: str | None = None
    trigger_queue_url: str | None = None
    trigger_dead_letter_queue_url: str | None = None
    store: str | None = None


_OPTIONAL = (
    "environment_name",
    "kafka_cluster_name",
    "parameter_path",
    "trigger_queue_url",
    "trigger_dead_letter_queue_url",
    "store",
)
_NAMES = tuple(f.name for f in fields(TerraformOutputs))
_SECRET = tuple(f.name for f in fields(TerraformOutputs) if not f.repr)


def read_terraform_outputs(source: str) -> TerraformOutputs:
    """`source`: the folder where Terraform was applied, a file with its outputs, or `-` for stdin.

    Raises ConfigurationError when they cannot be read, or are incomplete or unsafe.
    """
    if source == "-":
        return parse_terraform_outputs(sys.stdin.read(), source="stdin")
    path = Path(source)
    if path.is_dir():
        return parse_terraform_outputs(_ask_terraform(path), source=f"the state of {source}")
    try:
        return parse_terraform_outputs(decoded_text(path.read_bytes()), source=source)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"there is no {source}; expected a folder where Terraform was applied, or a file with {_DOCUMENT}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{source} cannot be read: {error}") from error


def parse_terraform_outputs(text: str, *, source: str) -> TerraformOutputs:
    """Like `read_terraform_outputs`, but from text, which messages call `source`. Raises ConfigurationError."""
    try:
        document = json.loads(text.removeprefix(_BYTE_ORDER_MARK))
    except json.JSONDecodeError as error:
        # Without the cause or any of the text, which may hold secrets.
        raise ConfigurationError(
            f"{source} is not JSON (line {error.lineno}); expected {_DOCUMENT}"
        ) from None
    if document == {}:
        raise ConfigurationError(
            f"{source} has no outputs; run `terraform apply` first, with the files of terraform/"
        )
    if not isinstance(document, dict) or not all(
        isinstance(item, dict) and "value" in item for item in document.values()
    ):
        raise ConfigurationError(
            f"{source} is not the expected JSON; expected {_DOCUMENT}: a value, a type and `sensitive` for each output"
        )
    return TerraformOutputs(**_checked(document, source))


def _checked(document: dict[str, dict[str, Any]], source: str) -> dict[str, str]:
    found = {
        name: document[name]["value"]
        for name in _NAMES
        if name in document and document[name]["value"] is not None
    }
    endpoints = found.get("kafka_bootstrap_endpoint")
    if isinstance(endpoints, list) and endpoints and all(isinstance(one, str) for one in endpoints):
        found["kafka_bootstrap_endpoint"] = ",".join(endpoints)  # any one of several endpoints will do
    missing = [name for name in _NAMES if name not in found and name not in _OPTIONAL]
    if missing:
        raise ConfigurationError(
            f"{source} lacks the {plural(len(missing), 'output')} {', '.join(missing)}; "
            "use terraform/outputs.tf unchanged, and run `terraform apply`"
        )
    wrong = [
        name for name, value in found.items() if not isinstance(value, str) or not value or "\n" in value
    ]
    if wrong:
        raise ConfigurationError(
            f"{source}: the output {wrong[0]} is not a single line of text; use terraform/outputs.tf unchanged"
        )
    shown = [name for name in _SECRET if document[name].get("sensitive") is not True]
    if shown:
        raise ConfigurationError(
            f"{source}: the output {shown[0]} holds a key and is not sensitive, so every `terraform apply` prints it; "
            "add `sensitive = true` to it, apply, and replace the key if others could see it"
        )
    return found


def _ask_terraform(folder: Path) -> str:
    program = shutil.which("terraform")
    if program is None:
        raise ConfigurationError(
            f"`terraform` is not on PATH to read {folder}; on a machine that has it, run: "
            f"terraform -chdir={folder} output -json | mesh-assets configure --from-terraform -"
        )
    try:
        done = subprocess.run(
            [program, f"-chdir={folder}", "output", "-json", "-no-color"],
            capture_output=True,
            text=True,
            timeout=_WITHIN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigurationError(
            f"`terraform output` in {folder} did not finish within {_WITHIN_SECONDS:.0f} s; is its backend reachable?"
        ) from None
    if done.returncode != 0:
        said = (
            next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
            .strip("│╷ ")
            .removeprefix("Error: ")
        )
        raise ConfigurationError(
            f"`terraform output` failed in {folder}: {said}; does `terraform init` there help?"
        )
    return done.stdout
