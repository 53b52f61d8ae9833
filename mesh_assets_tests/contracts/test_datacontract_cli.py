"""datacontract-cli accepts our contracts and finds them kept by a real Kafka.

Its requirements differ from ours, so pip installs it into a folder of its own, from the machine's configured index.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from mesh_assets.cli.contract import contract
from mesh_assets.collecting.live import read_live
from mesh_assets.contracts.folder import text_of
from mesh_assets.estate.file import load_estate
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.estates import estate_of
from mesh_assets_tests.published import publish

pytestmark = pytest.mark.long

REQUIREMENT = "datacontract-cli[kafka]==1.2.8"
TOPIC = "pizza_orders"
UNREAD = {"Check that field total has no missing values"}
"""It reads an object of an unknown type as nothing (findings/datacontract-kafka-columns.sh)."""
ENOUGH = f"Check that model {TOPIC} has row_count > "
EXPECTATIONS = """
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
_WAIT_SECONDS = 600
# All contracts in one process: it takes seconds to start.
_JUDGE = """
import json, sys
from datacontract.data_contract import DataContract
runs = {path: getattr(DataContract(data_contract_file=path), sys.argv[1])() for path in sys.argv[2:]}
print(json.dumps({path: {check.name: [check.result, check.reason] for check in run.checks} for path, run in runs.items()}))
"""

Checks = dict[str, tuple[str, str | None]]
"""The result of each of its checks by name, with the reason."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the environment with datacontract-cli."""
    folder = tmp_path_factory.mktemp("datacontract") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=_WAIT_SECONDS)
    pip = (folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, REQUIREMENT], check=True, timeout=_WAIT_SECONDS)
    return folder / "bin/python"


@pytest.fixture
def contracts(endpoints: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the contracts that `contract write` makes for the sandbox's warehouse and a few expectations."""
    estate_file, store = estate_of(endpoints, tmp_path, "warehouse"), str(tmp_path / "store")
    with estate_file.open("a", encoding="utf-8") as file:
        file.write(EXPECTATIONS)
    monkeypatch.setenv("MESH_ESTATE", str(estate_file))
    monkeypatch.setenv("MESH_STORE", store)
    cluster = load_estate(estate_file).clusters["warehouse"]
    read = read_live(cluster, ("topics", "schemas", "consumer_groups"), previous=lambda _: None)
    publish(InventoryStore(open_store(store)), read)
    written = CliRunner().invoke(contract, ["write"])
    assert written.exit_code == 0, written.output
    return tmp_path / "contracts"


def judged(python: Path, how: str, paths: Sequence[Path], **variables: str) -> list[Checks]:
    """By `lint` or `test`, in the order of the paths."""
    done = subprocess.run(
        [python, "-c", _JUDGE, how, *paths],
        capture_output=True,
        text=True,
        timeout=_WAIT_SECONDS,
        env={**os.environ, **variables},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return [{name: (result, why) for name, (result, why) in said[str(path)].items()} for path in paths]


def failed(checks: Checks) -> set[str]:
    return {name for name, (result, _) in checks.items() if result != "passed"}


def test_datacontract_cli_finds_no_fault_in_generated_contracts(python: Path, contracts: Path) -> None:
    paths = sorted(contracts.glob("*.odcs.yaml"))
    assert paths
    linted = judged(python, "lint", paths)
    assert all(linted)
    assert [checks for checks in linted if failed(checks)] == []


def test_datacontract_cli_finds_the_kept_promises_kept_and_no_others(
    python: Path, contracts: Path, endpoints: Endpoints, tmp_path: Path
) -> None:
    [found] = [
        path
        for path in contracts.glob("*.odcs.yaml")
        if f"physicalName: {TOPIC}\n" in path.read_text("utf-8")
    ]
    kept, broken = tmp_path / "kept.odcs.yaml", tmp_path / "broken.odcs.yaml"
    kept.write_text(_only(found.read_text("utf-8"), TOPIC), encoding="utf-8")
    text = kept.read_text("utf-8")
    assert text.count("mustBeGreaterThan: 0") == 1
    broken.write_text(text.replace("mustBeGreaterThan: 0", "mustBeGreaterThan: 1000000000"), encoding="utf-8")

    as_it_is, with_more = judged(
        python,
        "test",
        [kept, broken],
        DATACONTRACT_KAFKA_SCHEMA_REGISTRY_URL=endpoints.registry_url,
    )

    assert failed(as_it_is) == UNREAD
    assert as_it_is[f"{ENOUGH}0"][0] == "passed"
    assert "Check that field order_id has missing_count = 0" in as_it_is
    assert failed(with_more) == UNREAD | {f"{ENOUGH}1000000000"}  # it really reads the topic


def _only(text: str, topic: str) -> str:
    """It tests only the first topic of a contract: here that topic, without references to the others."""
    read = YAML().load(text)
    read["schema"] = [one for one in read["schema"] if one["physicalName"] == topic]
    for one in read["schema"][0]["properties"]:
        one.pop("relationships", None)
    read["slaProperties"] = [one for one in read.get("slaProperties", []) if one["element"] == topic]
    return text_of(read)
