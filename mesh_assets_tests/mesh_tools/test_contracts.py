"""What agents learn about data contracts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mesh_assets.contracts.folder import text_of
from mesh_assets.contracts.generating import contract_of
from mesh_assets.inventory.records import TopicSchema
from mesh_assets_tests.contracts.facts import CONFIG, ORDER, USER, facts, orders, schema_problems
from mesh_assets_tests.documents import a_document, a_schema, a_topic
from mesh_assets_tests.mcp_server.served import Served

ESTATE = """clusters:
  warehouse: {kafka: {bootstrap_servers: "broker.test:9092"}}
domains: {patterns: {shop: ["orders*", "users*"]}}
policy: {owners: [{owner: team-shop, topics: {include: ["*"]}}]}
"""


@pytest.fixture
def made(make_served: Callable[..., Served]) -> Callable[[str], Served]:
    def make(estate: str) -> Served:
        document = a_document(
            topics=(
                *(
                    a_topic(name, config=CONFIG, schema=TopicSchema(value_subjects=(f"{name}-value",)))
                    for name in ("orders", "users")
                ),
                a_topic("zzz"),
            ),
            schemas=tuple(
                a_schema(f"{name}-value", schema_type="AVRO", definition=json.dumps(definition))
                for name, definition in (("orders", ORDER), ("users", USER))
            ),
        )
        return make_served(document, estate=estate)

    return make


def test_a_contract_is_generated_where_none_is_kept(made: Callable[[str], Served]) -> None:
    found = made(ESTATE).answer("get_contract", topic="orders")
    assert (found["id"], found["origin"], found["owner"], found["domain"]) == (
        "warehouse.shop",
        "generated",
        "team-shop",
        "shop",
    )
    assert found["topics"] == ["orders", "users"]
    assert schema_problems(yaml.safe_load(found["definition"])) == []
    assert found["counts"] == {}


def test_a_contract_kept_by_people_comes_with_what_the_estate_breaks(
    made: Callable[[str], Served], tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    wanted = contract_of(
        facts(orders(topic=a_topic("orders", partitions=5), references=(), cluster="warehouse"))
    )
    (folder / "mine.odcs.yaml").write_text("# agreed\n" + text_of(wanted), encoding="utf-8")
    served = made(f"{ESTATE}contracts: {{folder: '{folder}'}}\n")
    for question in ({"topic": "orders"}, {"contract": "shop-orders"}):
        found = served.answer("get_contract", **question)
        assert (found["id"], found["origin"]) == ("shop-orders", "file")
        assert "# agreed" in found["definition"]
        assert "warehouse/orders: has 1 partition; expected 5" in [
            one["sentence"] for one in found["breaches"]
        ]
        assert found["counts"]["error"] == 1


def test_a_question_without_an_answer_lists_what_exists(made: Callable[[str], Served]) -> None:
    served = made(ESTATE)
    assert "is in no data product" in served.refusal("get_contract", topic="zzz")
    assert "there are: 'warehouse.shop'" in served.refusal("get_contract", contract="nope")
    assert "say which: a topic, or a contract by its id" in served.refusal("get_contract")
