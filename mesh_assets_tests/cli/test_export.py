"""`mesh-assets export`: what it writes, what it says, and how it ends."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mesh_assets.cli.export import export
from mesh_assets.errors import ExportError, MeshError
from mesh_assets.exports.files import write_stdout
from mesh_assets.inventory.document import ClusterIdentity
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.published import publish

ESTATE = """clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:9092"}}
  billing: {kafka: {bootstrap_servers: "127.0.0.1:9093"}}
"""
NOTE = (
    "note: lineage is without event source mappings, Flink statements and queries of ksqlDB: the job `analysis` has not run on "
    "these documents yet\n"
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(export, list(arguments))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventoryStore:
    """One with a document of both clusters, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MESH_STORE", raising=False)
    monkeypatch.delenv("MESH_ESTATE", raising=False)
    Path("estate.yaml").write_text(ESTATE)
    store = InventoryStore(open_store(None))
    publish(
        store,
        a_document(
            topics=(a_topic("orders"),),
            connectors=(a_connector("lake"),),
            consumer_groups=(a_group("fraud"),),
            schemas=(a_schema("orders-value"),),
        ),
    )
    publish(
        store, a_document(cluster=ClusterIdentity(id="lkc-2", name="billing"), topics=(a_topic("orders"),))
    )
    return store


def test_a_drawing_goes_to_stdout_and_notes_to_stderr() -> None:
    result = run("mermaid", "--from", "topic orders of cluster warehouse", "--depth", "1")
    assert result.exit_code == 0
    assert result.stderr == NOTE
    assert result.stdout == (
        "flowchart LR\n"
        '  subgraph c0["warehouse"]\n'
        '    n0("application fraud")\n'
        '    n1["connector lake"]\n'
        '    n2(["topic orders"])\n'
        "  end\n"
        "  n2 --> n0\n"
        "  n2 --> n1\n"
    )


def test_a_name_shared_by_two_nodes_is_refused_and_the_file_stays_as_it_was() -> None:
    Path("mesh.mmd").write_text("before")
    result = run("mermaid", "--from", "orders", "--out", "mesh.mmd")
    assert isinstance(result.exception, MeshError)
    assert "write one as topic orders of cluster billing" in str(result.exception)
    assert Path("mesh.mmd").read_text() == "before"


def test_a_file_is_replaced_and_nothing_is_left_beside_it() -> None:
    Path("mesh.graphml").write_text("before")
    result = run("graphml", "--cluster", "billing", "--out", "mesh.graphml")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", NOTE + "wrote mesh.graphml\n")
    assert "<graphml" in Path("mesh.graphml").read_text()
    assert {path.name for path in Path().iterdir()} == {".mesh", "estate.yaml", "mesh.graphml"}


def test_tables_of_all_clusters_go_to_one_folder() -> None:
    result = run("csv", "--out", "tables")
    assert result.exit_code == 0
    assert Path("tables/topics.csv").read_text().count('"orders"') == 2
    # Nothing is said about lineage, which no table has.
    assert result.stderr == f"wrote {len(list(Path('tables').iterdir()))} files to tables\n"


def test_an_unwritable_destination_is_named() -> None:
    Path("taken").write_text("a file")
    for arguments in (("csv", "--out", "taken"), ("graphml", "--out", "taken/mesh.graphml")):
        result = run(*arguments)
        assert isinstance(result.exception, MeshError)
        assert str(result.exception).startswith("taken/")
        assert "could not be written" in str(result.exception)
    assert Path("taken").read_text() == "a file"
    Path("folder").mkdir()
    assert str(run("graphml", "--out", "folder").exception) == "folder is a folder; name a file"


@pytest.mark.parametrize("command", ["graphml", "mermaid"])
def test_a_pipe_is_written_to_and_stays_a_pipe(command: str) -> None:
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(Path("pipe").read_bytes)
        result = run(command, "--cluster", "billing", "--out", "pipe")
        assert result.exit_code == 0
        assert reader.result(timeout=30) == run(command, "--cluster", "billing").stdout.encode()
    assert Path("pipe").is_fifo()


def test_a_closed_stdout_is_an_error_not_an_empty_export(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(ExportError, match="stdout is closed; name a file with --out"):
        write_stdout([b"x"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_output_that_does_not_fit_on_the_disk_is_a_sentence() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mesh_assets.cli.main", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "mesh-assets: the output could not be written: No space left on device\n",
    )


def test_a_cluster_that_the_estate_lacks_is_refused() -> None:
    result = run("csv", "--cluster", "other", "--out", "tables")
    assert str(result.exception) == "the estate has no cluster 'other'; it has: warehouse, billing"
    assert not Path("tables").exists()


def test_openlineage_events_are_lines_and_go_to_a_file_or_an_address_not_both() -> None:
    result = run("openlineage", "--cluster", "warehouse")
    assert result.exit_code == 0
    named = [json.loads(line).get("dataset", {}).get("name") for line in result.stdout.splitlines()]
    assert named == ["orders", None, None]
    assert run("openlineage", "--out", "f", "--url", "https://h.test").exit_code == 2
    assert run("openlineage", "--api-key", "${KEY}").exit_code == 2
    refused = run("openlineage", "--url", "http://127.0.0.1:1/lineage", "--api-key", "clear-text")
    assert "the key must be named, not written here" in str(refused.exception)
    assert "clear-text" not in str(refused.exception)


def test_an_asyncapi_document_covers_one_cluster_and_several_go_to_a_folder() -> None:
    result = run("asyncapi")
    assert str(result.exception) == (
        "an AsyncAPI document describes one cluster, and there are 2: warehouse, billing; choose one with --cluster, or give a "
        "folder with --out"
    )
    assert run("asyncapi", "--cluster", "billing", "--out", "b.json").exit_code == 0
    assert list(json.loads(Path("b.json").read_text())["channels"]) == ["orders"]
    assert 'asyncapi: "3.0.0"' in run("asyncapi", "--cluster", "warehouse").stdout.splitlines()
    assert run("asyncapi", "--out", "all").exit_code == 0
    assert {path.name for path in Path("all").iterdir()} == {
        "warehouse.asyncapi.yaml",
        "billing.asyncapi.yaml",
    }
