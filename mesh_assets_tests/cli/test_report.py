"""`mesh-assets report`: the file it writes, what it says, and how it fails."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mesh_assets.cli.main import cli
from mesh_assets.errors import EstateError, ExportError
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import a_connector, a_document, a_topic
from mesh_assets_tests.published import publish

CLUSTERS = """clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}
  billing: {kafka: {bootstrap_servers: "127.0.0.1:1"}}
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["report", *arguments])


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventoryStore:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MESH_STORE", raising=False)
    monkeypatch.delenv("MESH_ESTATE", raising=False)
    Path("estate.yaml").write_text(CLUSTERS)
    store = InventoryStore(open_store(None))
    publish(
        store, a_document(topics=(a_topic("orders"),), connectors=(a_connector("shop", status="FAILED"),))
    )
    return store


def test_the_page_is_one_file_and_says_what_it_lacks() -> None:
    result = run("--out", "mesh.html")

    assert result.exit_code == 0, result.output
    first, *notes = result.stdout.splitlines()
    assert first.startswith("mesh.html   ")
    assert first.endswith("1 cluster, 2 findings")
    assert "  NOTE  cluster billing has not been discovered yet" in notes
    assert Path("mesh.html").read_text().startswith("<!doctype html>")
    assert sorted(path.name for path in Path().iterdir() if path.is_file()) == ["estate.yaml", "mesh.html"]


def test_a_file_that_cannot_be_written_is_an_error_that_names_it() -> None:
    Path("taken").write_text("a file")
    result = run("--out", "taken/mesh.html")

    assert isinstance(result.exception, ExportError)
    assert (
        str(result.exception)
        == f"taken/mesh.html could not be written: {Path('taken').resolve()} is not a folder"
    )


def test_the_page_goes_to_stdout_and_what_is_said_about_it_to_stderr() -> None:
    result = run("--out", "-")

    assert result.stdout.startswith("<!doctype html>")
    assert result.stdout.endswith("</html>")
    assert "1 cluster, 2 findings" in result.stderr
    assert [path.name for path in Path().iterdir() if path.is_file()] == ["estate.yaml"]


def test_a_cluster_that_the_estate_lacks_is_an_error_and_leaves_the_file() -> None:
    Path("mesh.html").write_text("before")
    result = run("--cluster", "nowhere", "--out", "mesh.html")

    assert isinstance(result.exception, EstateError)
    assert Path("mesh.html").read_text() == "before"


@pytest.mark.slow
def test_the_report_needs_neither_dagster_nor_a_client_of_kafka() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv = ['mesh-assets', 'report', '--out', 'mesh.html']\n"
            "from mesh_assets.cli.main import cli\n"
            "cli(standalone_mode=False)\n"
            "print(sorted({'dagster', 'confluent_kafka', 'boto3', 'mcp', 'pyarrow'} & set(sys.modules)))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
