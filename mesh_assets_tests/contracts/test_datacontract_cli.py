"""datacontract-cli, in an environment of its own, accepts what we write and finds it kept by a real Kafka.

Its requirements are not ours, so it gets a folder of its own, made by pip from whatever index the machine is set up to.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mesh_assets.cli.contract import contract
from mesh_assets.collecting.live import read_live
from mesh_assets.estate.file import load_estate
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.estates import estate_of
from mesh_assets_tests.published import publish

REQUIREMENT = "datacontract-cli[kafka]==1.2.8"
_WAIT_SECONDS = 600
# All contracts by one process: the command line needs seconds to start.
_LINT = """
import sys
from datacontract.data_contract import DataContract
for path in sys.argv[1:]:
    run = DataContract(data_contract_file=path).lint()
    if run.result != "passed":
        print(path, run.result, [check.reason for check in run.checks])
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where its programs are."""
    folder = tmp_path_factory.mktemp("datacontract") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=_WAIT_SECONDS)
    pip = (str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, REQUIREMENT], check=True, timeout=_WAIT_SECONDS)
    return folder / "bin"


def run(*arguments: str | Path, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        timeout=_WAIT_SECONDS,
        env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1", **variables},
    )
    return done.returncode, f"{done.stdout}\n{done.stderr}"


@pytest.mark.long
@pytest.mark.slow
def test_its_lint_and_its_test_of_kafka_accept_our_contracts(
    environment: Path, endpoints: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate_file = estate_of(endpoints, tmp_path, "warehouse")
    expectations = """
contracts: {folder: contracts}
policy:
  expectations:
    - {name: order_id_is_there, topics: {include: [pizza_orders]}, property: order_id, metric: nullValues, mustBe: 0}
    - {name: enough, topics: {include: [pizza_orders]}, metric: rowCount, mustBeGreaterThan: 0}
    - name: sums
      topics: {include: [pizza_orders]}
      query: SELECT count(*) FROM {object} WHERE order_id IS NULL
      mustBe: 0
"""
    estate_file.write_text(estate_file.read_text(encoding="utf-8") + expectations, encoding="utf-8")
    monkeypatch.setenv("MESH_ESTATE", str(estate_file))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))
    store = InventoryStore(open_store(str(tmp_path / "store")))
    cluster = load_estate(estate_file).clusters["warehouse"]
    publish(store, read_live(cluster, ("topics", "schemas", "consumer_groups"), previous=lambda _: None))

    written = CliRunner().invoke(contract, ["write"])
    assert written.exit_code == 0, written.output
    paths = sorted((tmp_path / "contracts").glob("*.odcs.yaml"))
    assert paths
    assert run(environment / "python", "-c", _LINT, *paths) == (0, "\n")

    [pizza] = [
        path
        for path in paths
        if re.search(r"(?m)^    physicalName: pizza_orders$", path.read_text(encoding="utf-8"))
    ]
    # It reads the first topic of a contract; ours are in the order of their names.
    text = pizza.read_text(encoding="utf-8")
    alone = tmp_path / "alone.odcs.yaml"
    alone.write_text(_only(text, "pizza_orders"), encoding="utf-8")
    registry = {"DATACONTRACT_KAFKA_SCHEMA_REGISTRY_URL": endpoints.registry_url}
    code, said = run(environment / "datacontract", "test", alone, **registry)
    assert code == 0, said
    assert "failed" not in said, said

    alone.write_text(
        _only(text, "pizza_orders").replace("mustBeGreaterThan: 0", "mustBeGreaterThan: 1000000000")
    )
    code, said = run(environment / "datacontract", "test", alone, **registry)
    assert code == 1, said  # it does read the topic


def _only(text: str, topic: str) -> str:
    """The contract with that topic alone, without references to the others."""
    from ruamel.yaml import YAML

    from mesh_assets.contracts.folder import text_of

    read = YAML().load(text)
    read["schema"] = [one for one in read["schema"] if one["physicalName"] == topic]
    for one in read["schema"][0]["properties"]:
        one.pop("relationships", None)
    read["slaProperties"] = [one for one in read.get("slaProperties", []) if one["element"] == topic]
    return text_of(read)
