"""Terraform on a copy of `terraform/`, for tests that may change it."""

from collections.abc import Iterator

import pytest

from mesh_assets_tests.terraform.terraform_cli import (
    NOT_HERE,
    TerraformFolder,
    terraform_command,
    terraform_folder,
)


@pytest.fixture
def terraform() -> Iterator[TerraformFolder]:
    command = terraform_command()
    if command is None:
        pytest.skip(NOT_HERE)
    with terraform_folder(command) as folder:
        yield folder
