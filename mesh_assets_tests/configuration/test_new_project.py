"""What `mesh-assets init` writes, and what Dagster makes of it."""

import importlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner, Result
from dotenv import dotenv_values

from mesh_assets.cli.init import init
from mesh_assets.cli.main import main
from mesh_assets.configuration.new_project import project_files, project_name, write_project
from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.file import load_estate
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.published import publish
from mesh_assets_tests.workplace import PROJECT

FILES = [
    ".env.example",
    ".gitignore",
    "README.md",
    "dagster.yaml",
    "estate.yaml",
    "mesh_project/__init__.py",
    "mesh_project/definitions.py",
    "mesh_project/defs/__init__.py",
    "mesh_project/defs/estate/defs.yaml",
    "pyproject.toml",
]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(init, arguments)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert run(str(tmp_path / "mesh")).exit_code == 0
    return tmp_path / "mesh"


def test_init_writes_a_project_and_says_what_to_do_next(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "mesh"
    result = run(str(folder))
    assert result.exit_code == 0, result.output
    assert files_in(folder) == FILES
    assert all(f"  {name}\n" in result.output for name in FILES)
    assert f"  cd {folder}\n  edit estate.yaml" in result.output
    assert list(load_estate(folder / "estate.yaml").clusters) == ["payments", "data-mesh-cluster"]
    assert all(
        (folder / name).read_text("utf-8").strip() for name in FILES if not name.endswith("__init__.py")
    )


def test_in_the_current_folder_init_leaves_other_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    result = run(".")
    assert result.exit_code == 0, result.output
    assert "cd " not in result.output
    assert files_in(tmp_path) == sorted([*FILES, "notes.txt"])


@pytest.mark.parametrize("standing", ["estate.yaml", "README.md", "mesh_project", ".gitignore"])
def test_init_names_an_existing_file_of_its_own_and_writes_nothing(tmp_path: Path, standing: str) -> None:
    (tmp_path / standing).symlink_to("nowhere")  # which does not even exist
    result = run(str(tmp_path))
    assert isinstance(result.exception, ConfigurationError)
    assert f"{tmp_path} already has {standing}; nothing was written" in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == [standing]


def test_an_existing_env_file_is_in_the_way_only_with_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KAFKA_PASSWORD=secret\n")
    assert "already has .env" in str(run(str(tmp_path), "--sandbox").exception)
    assert run(str(tmp_path)).exit_code == 0
    assert (tmp_path / ".env").read_text() == "KAFKA_PASSWORD=secret\n"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mesh").write_text("mine")
    assert "is not a folder" in str(run(str(tmp_path / "mesh")).exception)
    assert (tmp_path / "mesh").read_text() == "mine"


@pytest.mark.parametrize("at", range(len(FILES)))
def test_nothing_is_left_behind_wherever_the_disk_fills_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    (tmp_path / "there").mkdir()
    real, made = os.open, [0]

    def full(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        if flags & os.O_EXCL:
            made[0] += 1
            if made[0] > at:
                raise OSError(28, "No space left on device", str(path))
        return real(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", full)
    for folder in (tmp_path / "there", tmp_path / "new" / "mesh"):
        made[0] = 0
        with pytest.raises(
            ConfigurationError, match=r"could not be written: No space left on device; no file"
        ):
            write_project(folder, project_files("mesh", sandbox=False))
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_a_file_that_appears_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh_assets.configuration.new_project._check_free", lambda *_: None)
    (tmp_path / "estate.yaml").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"estate.yaml could not be written: File exists"):
        write_project(tmp_path, project_files("mesh", sandbox=False))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("estate.yaml", "mine")]


def test_settings_for_the_sandbox_name_its_estate_and_are_private_to_the_user(
    tmp_path: Path,
) -> None:
    result = run(str(tmp_path / "mesh"), "--sandbox")
    assert result.exit_code == 0, result.output
    assert files_in(tmp_path / "mesh") == sorted([".env", *FILES])
    assert dotenv_values(tmp_path / "mesh" / ".env") == {"MESH_ESTATE": ".sandbox/estate.yaml"}
    assert stat.S_IMODE((tmp_path / "mesh" / ".env").stat().st_mode) == 0o600
    assert dotenv_values(tmp_path / "mesh" / ".env.example") == {}
    assert "mesh-assets sandbox start" in result.output


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("mesh", "mesh"),
        ("Our Kafka (prod)", "Our-Kafka-prod"),
        ("--", "mesh"),
        ("mesh_assets", "mesh_assets-project"),
        ("Mesh.Assets", "Mesh.Assets-project"),
    ],
)
def test_the_project_is_named_after_the_folder_where_an_index_allows_it(
    tmp_path: Path, folder: str, name: str
) -> None:
    assert project_name(tmp_path / folder) == name
    assert f'name = "{name}"\n' in project_files(name, sandbox=False)["pyproject.toml"]


def test_git_takes_what_init_writes_but_neither_secrets_nor_stored_data(project: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    kept = [".env", ".dagster/storage/x", ".mesh/x", ".sandbox/estate.yaml", ".local_defs_state/x"]
    for name in kept:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    listed = subprocess.run(
        ["git", "-C", str(project), "ls-files", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert sorted(listed) == FILES


def test_the_projects_instance_is_configured_like_the_clones(project: Path) -> None:
    assert yaml.safe_load((project / "dagster.yaml").read_text()) == yaml.safe_load(
        (PROJECT / "dagster.yaml").read_text()
    )


@pytest.fixture
def load(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], dg.Definitions]]:
    """Loads the project's code location as a code server started in its folder does."""
    for name in ("MESH_ESTATE", "MESH_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(project))

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "mesh_project"]:
            del sys.modules[name]

    def loaded() -> dg.Definitions:
        forget()
        definitions = importlib.import_module("mesh_project.definitions").defs()
        assert isinstance(definitions, dg.Definitions)
        return definitions

    yield loaded
    forget()


@pytest.mark.slow
def test_dagster_loads_the_project_before_the_first_discovery(load: Callable[[], dg.Definitions]) -> None:
    definitions = load()
    dg.Definitions.validate_loadable(definitions)
    job = definitions.resolve_job_def("discovery")
    assert job.partitions_def is not None
    assert list(job.partitions_def.get_partition_keys()) == ["payments", "data-mesh-cluster"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # Dagster's, about how it resolves checks itself
def test_the_project_shows_the_topics_of_the_last_discovery_as_assets(
    load: Callable[[], dg.Definitions], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(InventoryStore(open_store(str(project / ".mesh"))), a_document(topics=(a_topic("orders"),)))
    monkeypatch.setenv("DAGSTER_IS_DEV_CLI", "1")  # what `dagster dev` sets, and what the state is read by
    definitions = load()
    dg.Definitions.validate_loadable(definitions)
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert "warehouse/topics/orders" in keys
    assert "discovery_snapshot" in keys


def test_the_command_line_reads_the_projects_settings_and_the_environment_wins(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("MESH_ESTATE", "MESH_STORE", "KAFKA_PASSWORD"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.chdir(project)
    (project / ".env").write_text("MESH_ESTATE=elsewhere.yaml\nMESH_STORE=kept\nKAFKA_PASSWORD=secret\n")
    monkeypatch.setenv("MESH_STORE", "mine")
    with pytest.raises(SystemExit):
        main(["estate", "check"])
    assert "there is no estate file at elsewhere.yaml" in capsys.readouterr().err
    assert os.environ["MESH_STORE"] == "mine"
    assert "KAFKA_PASSWORD" not in os.environ  # is meant for the estate file beside it


def test_settings_that_are_not_text_end_the_command_with_a_sentence(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    (project / ".env").write_bytes(b"\x80\x81")
    with pytest.raises(SystemExit):
        main(["findings"])
    assert f"mesh-assets: {project / '.env'} cannot be read" in capsys.readouterr().err
