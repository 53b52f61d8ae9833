"""`mesh-assets costs` and the exports of data products: what they write and say."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from msgspec.structs import replace

from mesh_assets.cli.costs import costs
from mesh_assets.cli.export_products import export
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.products.estates import a_shop
from mesh_assets_tests.published import publish

ESTATE = """clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:9092"}}
domains: {patterns: {sales: ["order*", "invoice*"], people: ["user*"]}}
"""
PRICES = "costs: {currency: EUR, prices: [{partition_hour: 0.01}]}\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(export, list(arguments))


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MESH_STORE", raising=False)
    monkeypatch.delenv("MESH_ESTATE", raising=False)
    Path("estate.yaml").write_text(ESTATE)
    publish(InventoryStore(open_store(None)), a_shop())


def test_costs_without_prices_are_quantities_and_shares_and_say_what_is_unknown() -> None:
    result = CliRunner().invoke(costs, [])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "data products (2)"
    assert any("warehouse.sales" in line and "50.0%" in line and "?" in line for line in lines)
    assert any("(in no product)" in line for line in lines)
    assert "no prices: the estate has no `costs` (docs/products.md)" in lines
    assert "  not known  in/s: metrics: the estate configures no source" in lines


def test_costs_with_prices_are_money_and_json_has_every_row() -> None:
    Path("estate.yaml").write_text(ESTATE + PRICES)
    shown = CliRunner().invoke(costs, ["--kind", "topic"]).stdout
    assert "29.20 EUR a month, at the rates and sizes of the newest documents" in shown
    assert "warehouse: orders" in shown
    found = json.loads(CliRunner().invoke(costs, ["--kind", "topic", "--json"]).stdout)
    assert found["currency"] == "EUR"
    assert {row["name"] for row in found["rows"]} == {"invoices", "noise", "orders", "users"}


def test_each_product_is_an_odps_file_named_by_its_id() -> None:
    result = run("odps", "--out", "products")
    assert result.exit_code == 0
    assert "wrote 2 files to products\n" in result.stderr
    assert {path.name for path in Path("products").iterdir()} == {
        "warehouse.people.odps.yaml",
        "warehouse.sales.odps.yaml",
    }


@pytest.mark.parametrize("arguments", [("odps", "--out", "products"), ("backstage",), ("datahub",)])
def test_an_estate_without_topics_has_no_products_to_write_and_a_note_says_so(
    arguments: tuple[str, ...],
) -> None:
    publish(InventoryStore(open_store(None)), replace(a_shop(), sequence=2, topics=()))
    result = run(*arguments)
    assert result.exit_code == 0
    assert "note: no topic of warehouse belongs to a data product: there is none to write\n" in result.stderr


def test_backstage_gets_one_file_of_many_documents_and_datahub_one_list() -> None:
    assert run("backstage", "--out", "catalog-info.yaml").exit_code == 0
    entities = list(yaml.safe_load_all(Path("catalog-info.yaml").read_text()))
    assert [one["kind"] for one in entities].count("System") == 2
    assert run("datahub", "--out", "datahub.json").exit_code == 0
    assert {one["entityType"] for one in json.loads(Path("datahub.json").read_text())} == {
        "domain",
        "dataProduct",
    }


def test_markdown_goes_to_stdout_and_a_note_appears_once() -> None:
    result = run("products")
    assert result.stdout.startswith("# Data products\n")
    assert result.stderr.count("lineage is without event source mappings") == 1
