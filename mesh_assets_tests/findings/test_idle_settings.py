"""Settings that name something that no inventory has."""

from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.estate.model import Estate
from mesh_assets.findings.idle_settings import idle_settings
from mesh_assets.inventory.document import Document
from mesh_assets_tests.documents import STALE, a_document, a_group, a_topic

NEEDED: dict[str, Any] = {"kafka": {"bootstrap_servers": "b:9092"}}
KNOWN: dict[str, Any] = {
    "topics": (a_topic("orders"), a_topic("users")),
    "consumer_groups": (a_group("billing"),),
}


def idle(settings: dict[str, Any], *, lake: Document | None = None, **of_warehouse: Any) -> list[str]:
    """In an estate of two clusters with the same topics and group."""
    clusters = {
        name: {"name": name, **NEEDED, **(of_warehouse if name == "warehouse" else {})}
        for name in ("warehouse", "lake")
    }
    document = a_document(**KNOWN)
    estate = Estate.model_validate({"clusters": clusters, **settings})
    return list(idle_settings(estate, {"warehouse": document, "lake": lake or document}))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"domains": {"overrides": {"ordres": "sales"}}},
            "domains.overrides: no cluster has a topic 'ordres'; correct the name, or remove the entry",
        ),
        (
            {"domains": {"overrides": {"lake/ordres": "sales"}}},
            "domains.overrides: lake has no topic 'ordres'; correct the name, or remove the entry",
        ),
        (
            {"domains": {"overrides": {"leak/orders": "sales"}}},
            "domains.overrides: 'leak/orders' names a cluster that the estate does not have; it has: warehouse, lake",
        ),
        (
            {"domains": {"patterns": {"sales": ["orders*", "shop.*"]}}},
            "domains.patterns: 'shop.*' matches no topic; correct it, or remove it",
        ),
        (
            {"policy": {"owners": [{"owner": "shop", "topics": {"include": ["shop.*", "x"]}}]}},
            "policy.owners: 'shop' owns no topic: none matches shop.*, x; correct the patterns, or remove the entry",
        ),
        (
            {
                "policy": {
                    "rules": [
                        {"name": "durable", "clusters": {"include": ["prod-*"]}, "schema_required": True}
                    ]
                }
            },
            "policy.rules: durable is for no cluster of the estate; correct its clusters, or remove it",
        ),
        (
            {"costs": {"currency": "EUR", "prices": [{"clusters": "prod-*", "gib_in": 1}]}},
            "costs.prices: prod-* is the name of no cluster of the estate; correct it, or remove the entry",
        ),
        (
            {"findings": {"mute": [{"kind": "empty_topic", "cluster": "prod", "reason": "known"}]}},
            "findings.mute: prod is the name of no cluster of the estate; correct it, or remove the entry",
        ),
        (
            {"profiling": {"name_values": ["ordres/status"]}},
            "profiling.name_values: 'ordres' matches no topic; correct it, or remove it",
        ),
    ],
)
def test_a_setting_of_the_estate_that_does_nothing_is_named(settings: dict[str, Any], sentence: str) -> None:
    assert idle(settings) == [sentence]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"topics": {"include": ["orders", "shop.*"]}},
            "warehouse: topics.include: 'shop.*' matches no topic; correct it, or remove it",
        ),
        (
            {"consumer_groups": {"include": ["bil*", "fraud"]}},
            "warehouse: consumer_groups.include: 'fraud' matches no consumer group; correct it, or remove it",
        ),
        (
            {"allow_message_reading": ["users", "payments"]},
            "warehouse: allow_message_reading: 'payments' matches no topic; correct it, or remove it",
        ),
        (
            {"anomalies": {"consumer_groups": {"include": ["fraud"]}}},
            "warehouse: anomalies.consumer_groups.include: 'fraud' matches no consumer group; correct it, or remove it",
        ),
    ],
)
def test_a_setting_of_a_cluster_that_does_nothing_is_named(settings: dict[str, Any], sentence: str) -> None:
    assert idle({}, **settings) == [sentence]


def test_settings_that_select_something_are_not_named_even_in_one_cluster_alone() -> None:
    everything = {
        "domains": {
            "patterns": {"sales": ["ord*"]},
            "overrides": {"users": "people", "lake/users": "people"},
        },
        "policy": {"owners": [{"owner": "shop", "topics": {"include": ["ord*"]}}]},
        "costs": {"currency": "EUR", "prices": [{"clusters": "la*", "gib_in": 1}]},
    }
    assert idle(everything, lake=a_document(topics=(a_topic("users"),)), allow_message_reading=["*"]) == []


@pytest.mark.parametrize("text", ["*_state", "o*state", "*/state", "orders?state", "orders/*"])
def test_a_wildcard_before_the_slash_of_a_named_field_may_stand_for_the_slash_too(text: str) -> None:
    assert idle({"profiling": {"name_values": [text]}}) == []


def test_a_named_field_without_a_topic_can_match_nothing() -> None:
    assert idle({"profiling": {"name_values": ["orders", "ordres*/state"]}}) == [
        "profiling.name_values: 'orders' names no field, as TOPIC/FIELD does; correct it, or remove it",
        "profiling.name_values: 'ordres*' matches no topic; correct it, or remove it",
    ]


def test_messages_of_topics_that_the_inventory_leaves_out_may_be_allowed() -> None:
    """An agent may read them, although no document has them."""
    assert idle({}, allow_message_reading=["_schemas", "__*"]) == []
    assert idle({}, topics={"include": ["orders"]}, allow_message_reading=["payments.*"]) == []


def test_what_a_cluster_lacks_is_not_known_while_its_topics_are_not_current() -> None:
    document = a_document(**KNOWN)
    stale = replace(document, sections={**document.sections, "topics": STALE})
    settings = {"domains": {"overrides": {"ordres": "sales"}, "patterns": {"sales": ["shop.*"]}}}

    assert idle(settings, lake=stale) == []
    assert idle({"domains": {"overrides": {"warehouse/ordres": "sales"}}}, lake=stale) != []
