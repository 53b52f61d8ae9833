"""`mesh-assets contract`: what it writes, what it prints, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from mesh_assets.cli.contract import contract
from mesh_assets.contracts.folder import load
from mesh_assets.inventory.records import Schema, TopicSchema
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.contracts.facts import CONFIG, ORDER, USER, schema_problems
from mesh_assets_tests.documents import STALE, a_document, a_schema, a_topic
from mesh_assets_tests.published import publish

ESTATE = """clusters:
  warehouse:
    kafka:
      bootstrap_servers: "broker.test:9092"
      security_protocol: SASL_SSL
      sasl_mechanism: PLAIN
      username: "${SECRET_NAME}"
      password: "${SECRET_WORD}"
contracts: {folder: made}
domains: {patterns: {shop: ["orders*", "users*"]}}
policy:
  owners: [{owner: team-shop, topics: {include: ["*"]}}]
  expectations:
    - {name: there, property: order_id, metric: nullValues, mustBe: 0}
"""


def schema(name: str, definition: dict[str, Any]) -> Schema:
    return a_schema(f"{name}-value", schema_type="AVRO", definition=json.dumps(definition))


def discovered(
    store: InventoryStore, order: dict[str, Any] = ORDER, partitions: int = 3, **fields: Any
) -> None:
    topics = tuple(
        a_topic(
            name, partitions=partitions, config=CONFIG, schema=TopicSchema(value_subjects=(f"{name}-value",))
        )
        for name in ("orders", "users")
    )
    publish(
        store, a_document(topics=topics, schemas=(schema("orders", order), schema("users", USER)), **fields)
    )


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventoryStore:
    monkeypatch.chdir(tmp_path)
    for name in ("MESH_STORE", "MESH_ESTATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECRET_NAME", "user-marker")
    monkeypatch.setenv("SECRET_WORD", "password-marker")
    Path("estate.yaml").write_text(ESTATE)
    store = InventoryStore(open_store(None))
    discovered(store)
    return store


def run(*arguments: str) -> Result:
    return CliRunner().invoke(contract, list(arguments))


PATH = Path("made/warehouse.shop.odcs.yaml")


def test_a_contract_is_written_for_each_product_and_is_kept() -> None:
    result = run("write")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "1 contract written"
    made = load(PATH)
    assert schema_problems(made) == []
    assert made["team"]["name"] == "team-shop"
    assert made["schema"][0]["properties"][0]["quality"][0]["id"] == "there"
    assert "marker" not in PATH.read_text()
    assert "SECRET" not in PATH.read_text()
    checked = run("check")
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.splitlines()[0].startswith("warehouse.shop 1.0.0   2 topics   ")
    assert "unknown  warehouse/orders: rule there has not been judged yet" in checked.stdout
    assert run("check", "--fail-on", "unknown").exit_code == 1


def test_a_dry_run_writes_nothing() -> None:
    assert "1 contract would be written" in run("write", "--dry-run").stdout
    assert not Path("made").exists()


def test_a_broken_contract_ends_with_1(store: InventoryStore) -> None:
    run("write")
    discovered(store, {**ORDER, "fields": ORDER["fields"][1:]}, partitions=2, sequence=2)
    result = run("check")
    assert result.exit_code == 1
    assert "  error    warehouse/orders: the field order_id is gone" in result.stdout
    assert "  error    warehouse/orders: has 2 partitions; expected 3" in result.stdout
    told = json.loads(run("check", "--json").stdout)
    assert {one["level"] for one in told} == {"error", "unknown"}


def test_a_topic_that_may_merely_be_unread_is_unknown(store: InventoryStore) -> None:
    run("write")
    publish(store, a_document(topics=(), sections={"topics": STALE}, sequence=2))
    result = run("check")
    assert result.exit_code == 0
    assert "it is not known whether it exists" in result.stdout


def test_an_owner_written_by_a_person_wins_and_check_says_that_the_estate_names_another(
    store: InventoryStore,
) -> None:
    run("write")
    PATH.write_text(PATH.read_text().replace("name: team-shop", "name: team-mine  # agreed"))
    Path("estate.yaml").write_text(ESTATE.replace("team-shop", "team-new"))
    discovered(store, sequence=2)
    result = run("write")
    assert "1 contract written, 1 conflict" not in result.stdout
    assert "name: team-mine  # agreed" in PATH.read_text()
    assert (
        "warning  warehouse/orders: the estate names team-new as its owner; expected team-mine"
        in run("check").stdout
    )


def test_generated_owners_and_domains_follow_the_estate() -> None:
    run("write")
    Path("estate.yaml").write_text(ESTATE.replace("team-shop", "team-new"))
    assert "team.name is team-new, was team-shop" in run("write").stdout
    assert "name: team-new" in PATH.read_text()


def test_no_contract_a_broken_one_or_no_folder_ends_with_2() -> None:
    nothing = run("check")
    assert (nothing.exit_code, nothing.stdout) == (2, "")
    assert "there is no contract (*.odcs.yaml) in" in nothing.stderr
    run("write")
    Path("made/broken.odcs.yaml").write_text("kind: [")
    broken = run("check")
    assert broken.exit_code == 2
    assert "broken.odcs.yaml:1: not YAML" in broken.stderr
    assert "warehouse.shop 1.0.0" in broken.stdout
    Path("estate.yaml").write_text(ESTATE.replace("contracts: {folder: made}\n", ""))
    assert "no folder of contracts is known" in run("check").stderr


@pytest.mark.parametrize(
    "broken", ["made/warehouse.shop.odcs.yaml", "made/.generated/warehouse.shop.odcs.yaml"]
)
def test_a_contract_that_is_not_yaml_stays_and_the_others_are_written(broken: str) -> None:
    run("write")
    Path("estate.yaml").write_text(
        ESTATE.replace('{shop: ["orders*", "users*"]}', '{shop: ["orders*"], people: ["users*"]}')
    )
    Path(broken).write_text("kind: [")
    result = run("write")
    assert (result.exit_code, f"{broken}:1: not YAML" in str(result.exception)) == (1, True)
    assert result.stdout.splitlines()[-1] == "1 contract written"
    assert load(PATH.with_name("warehouse.people.odcs.yaml"))["name"] == "people"
    assert Path(broken).read_text() == "kind: ["


def test_a_broken_file_that_is_no_products_contract_is_named_and_nothing_else() -> None:
    Path("made").mkdir()
    Path("made/ours.odcs.yaml").write_text("kind: [")
    result = run("write")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 contract written")
    assert "note: " in result.stderr
    assert "ours.odcs.yaml:1: not YAML" in result.stderr


def test_an_unknown_product_is_refused() -> None:
    result = run("write", "--product", "nope")
    assert "there is no data product 'nope'; there are: warehouse.shop" in str(result.exception)


def test_a_contract_without_its_product_stays_and_is_named() -> None:
    run("write")
    Path("estate.yaml").write_text(ESTATE.replace("{shop:", "{store:"))
    result = run("write")
    assert "its data product no longer exists; the file stays as it is" in result.stderr
    assert YAML().load(PATH.read_text())["name"] == "shop"
