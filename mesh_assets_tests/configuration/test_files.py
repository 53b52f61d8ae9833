import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mesh_assets.configuration.files import PlannedFile, ignored_by_git, ignoring, planned, write_files
from mesh_assets.errors import ConfigurationError


def file(path: Path, text: str, *, private: bool = False) -> PlannedFile:
    return planned(path, before=None, after=text, shown="", private=private)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_file_is_readable_by_its_owner_alone_from_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    real = os.open

    def watched(path: Any, flags: int, mode: int = 0o777) -> int:
        descriptor = real(path, flags, mode)
        opened.append((stat.S_IMODE(os.fstat(descriptor).st_mode), os.fstat(descriptor).st_size))
        return descriptor

    (tmp_path / ".env").write_text("old")
    (tmp_path / ".env").chmod(0o644)
    monkeypatch.setattr(os, "open", watched)
    write_files([file(tmp_path / ".env", "A=secret\n", private=True)])
    assert opened == [(0o600, 0)]
    assert mode(tmp_path / ".env") == 0o600
    assert (tmp_path / ".env").read_text() == "A=secret\n"


def test_others_keep_their_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("old")
    (tmp_path / "real.yaml").chmod(0o664)
    (tmp_path / "estate.yaml").symlink_to("real.yaml")
    write_files([file(tmp_path / "estate.yaml", "new"), file(tmp_path / "deep" / "er" / "mcp.json", "{}")])
    assert (tmp_path / "estate.yaml").is_symlink()
    assert ((tmp_path / "real.yaml").read_text(), mode(tmp_path / "real.yaml")) == ("new", 0o664)
    assert (tmp_path / "deep" / "er" / "mcp.json").read_text() == "{}"


def test_when_one_cannot_be_written_none_is_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "first").write_text("old")
    (tmp_path / "no-folder").write_text("")
    with pytest.raises(ConfigurationError, match=r"no-folder.* could not be written"):
        write_files([file(tmp_path / "first", "new"), file(tmp_path / "no-folder" / "second", "new")])
    assert (tmp_path / "first").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "no-folder"]


def test_a_plan_shows_no_text_in_its_representation() -> None:
    assert "secret" not in repr(file(Path(".env"), "A=secret"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "sub").mkdir()
    return tmp_path


def test_nothing_need_be_ignored_outside_a_repository(tmp_path: Path) -> None:
    assert ignored_by_git(tmp_path / ".env") is None


def test_a_file_that_git_would_add_gets_a_line_and_an_ignored_one_does_not(repository: Path) -> None:
    path = repository / "sub" / ".env"
    (repository / "sub" / ".gitignore").write_text("*.log")
    assert ignored_by_git(path) is False
    write_files([ignoring(path)])
    assert (repository / "sub" / ".gitignore").read_text() == "*.log\n.env\n"
    assert ignored_by_git(path) is True


def test_a_file_tracked_by_git_is_refused(repository: Path) -> None:
    (repository / ".env").write_text("A=1\n")
    subprocess.run(["git", "add", "--force", ".env"], cwd=repository, check=True)
    with pytest.raises(ConfigurationError, match=r"is tracked by git, .*git rm --cached \.env"):
        ignored_by_git(repository / ".env")
