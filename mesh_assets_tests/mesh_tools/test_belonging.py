"""What agents learn about domains and relationships."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from mesh_assets.answering.belonging import (
    keep_estate_domains,
    keep_estate_relationships,
    read_estate_domains,
    read_estate_relationships,
)
from mesh_assets.inventory.data_contracts import DataContract, SchemaRule
from mesh_assets.inventory.document import Document
from mesh_assets_tests.mcp_server.served import ESTATE, Served
from mesh_assets_tests.relationships.estates import a_cluster, avro

RULES = "domains: {patterns: {shop: [users, orders]}}\nrelationships: {synonyms: {user_id: [customerNo]}}\n"


def a_shop() -> Document:
    return a_cluster(
        avro("users-value", ("user_id", "string"), ("email", "string")),
        avro("orders-value", ("order_id", "string"), ("customerNo", "string")),
        topics=("users", "orders", "noise"),
    )


def analyse(served: Served) -> None:
    """As the job `analysis` does."""
    estate, store = served.known.estate, served.known.store
    now = datetime.now(UTC)
    keep_estate_relationships(store, read_estate_relationships(estate, store), made_at=now)
    keep_estate_domains(store, read_estate_domains(estate, store), made_at=now)


def test_domains_and_relationships_follow_the_estates_rules_with_their_reasons(
    make_served: Callable[..., Served],
) -> None:
    served = make_served(a_shop(), estate=ESTATE + RULES)
    domains = served.answer("list_domains")
    assert domains["domains"] == [
        {
            "domain": "shop",
            "total_topics": 2,
            "topics": ["orders", "users"],
            "known": {"pattern": 2},
            "owners": [],
            "reason": "its name matches the estate's pattern orders",
        }
    ]
    assert domains["total_without_domain"] == 1
    assert "shares no key" in domains["without_domain"]["noise"]
    [entity] = served.answer("find_relationships", pattern="user")["entities"]
    assert (entity["entity"], entity["key"], entity["described_by"]) == ("user", "user_id", ["users"])
    assert [(use["topic"], use["path"]) for use in entity["uses"]] == [
        ("orders", "customerNo"),
        ("users", "user_id"),
    ]
    assert "the estate calls it user_id" in entity["uses"][0]["reason"]


def test_an_answer_about_one_topic_has_only_its_own_entities(make_served: Callable[..., Served]) -> None:
    served = make_served(a_shop(), estate=ESTATE + RULES)
    found = served.answer("find_relationships", topic="users")
    assert [one["entity"] for one in found["entities"]] == ["user"]
    assert "has no schema" in served.refusal("find_relationships", topic="noise")
    assert "has no topic 'nowhere'" in served.refusal("find_relationships", topic="nowhere")


def test_possible_gaps_in_keys_are_reported(make_served: Callable[..., Served]) -> None:
    found = make_served(a_shop()).answer("find_relationships")
    assert found["not_read"] == ["1 topic without a schema: what its records hold is not known"]
    assert found["total_not_read"] == 1


def test_a_topic_shows_its_domain_and_entities_once_the_analysis_is_of_its_document(
    make_served: Callable[..., Served],
) -> None:
    served = make_served(a_shop(), estate=ESTATE + RULES)
    before = served.answer("describe_topic", topic="orders")
    assert ("domain" in before, before["entities"]) == (False, [])
    analyse(served)
    after = served.answer("describe_topic", topic="orders")
    assert after["domain"] == {
        "name": "shop",
        "known": "pattern",
        "reason": "its name matches the estate's pattern orders",
    }
    assert after["entities"] == [
        {"entity": "user", "key": "user_id", "path": "customerNo", "other_topics": 1},
        {"entity": "order", "key": "order_id", "path": "order_id", "other_topics": 0},
    ]


def test_an_analysis_of_another_document_does_not_count_for_the_newest(
    make_served: Callable[..., Served],
) -> None:
    first = make_served(a_shop(), estate=ESTATE + RULES)
    analyse(first)
    kept = first.known.store.objects.get("analysis/domains.json")
    assert kept is not None
    shop = a_shop()
    changed = replace(shop, topics=tuple(one for one in shop.topics if one.name != "noise"))
    newer = make_served(shop, changed, estate=ESTATE + RULES)
    for name in ("domains", "relationships"):
        result = first.known.store.objects.get(f"analysis/{name}.json")
        assert result is not None
        newer.known.store.objects.put(f"analysis/{name}.json", result[0])
    assert "domain" not in newer.answer("describe_topic", topic="orders")
    assert [one["domain"] for one in newer.answer("list_domains")["domains"]] == ["shop"]  # derived again


def test_a_damaged_result_is_a_note_beside_the_topic_and_a_refusal_where_it_is_requested(
    make_served: Callable[..., Served],
) -> None:
    served = make_served(a_shop())
    served.known.store.objects.put("analysis/relationships.json", b"{")
    told: dict[str, Any] = served.answer("describe_topic", topic="orders")
    assert any("run the job `analysis` again" in note for note in told["about"]["notes"])
    assert "run the job `analysis` again" in served.refusal("list_domains")


def test_the_rules_and_owners_of_a_schema_are_listed(make_served: Callable[..., Served]) -> None:
    contract = DataContract(
        properties={"owner": "shop"},
        tags={"**.email": ("PII",)},
        rules=(SchemaRule(phase="domain", name="mail", kind="CONDITION", type="CEL", expr="x != ''"),),
    )
    served = make_served(
        a_cluster(avro("users-value", ("email", "string"), contract=contract), topics=("users",))
    )
    assert served.answer("describe_schema", subject="users-value")["contract"] == {
        "properties": {"owner": "shop"},
        "tags": {"**.email": ["PII"]},
        "rules": [
            {
                "phase": "domain",
                "name": "mail",
                "kind": "CONDITION",
                "type": "CEL",
                "tags": [],
                "expr": "x != ''",
                "disabled": False,
            }
        ],
    }
