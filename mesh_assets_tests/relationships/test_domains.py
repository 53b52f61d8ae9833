"""Domains: from the first rule that applies, and none where none does."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import ConnectorTopic
from mesh_assets.relationships.communities import Bond, communities
from mesh_assets.relationships.domains import DomainRules, find_domains
from mesh_assets.relationships.quickstarts import QUICKSTART_DOMAINS
from mesh_assets.relationships.records import DomainKnown, Domains
from mesh_assets.relationships.relating import find_relationships
from mesh_assets_tests.documents import a_connector, a_group, a_topic
from mesh_assets_tests.relationships.estates import a_cluster, a_large_cluster, a_registered, avro


def domains_of(document: Document, **rules: Any) -> Domains:
    return find_domains([document], find_relationships([document]), DomainRules(**rules))


def by_name(found: Domains) -> dict[str, set[str]]:
    return {one.name: {member.topic for member in one.topics} for one in found.domains}


def known(found: Domains, topic: str) -> tuple[str, str, str]:
    """Domain, how it is known and why."""
    ((domain, member),) = [
        (one.name, member) for one in found.domains for member in one.topics if member.topic == topic
    ]
    return domain, member.known, member.reason


def a_datagen(topic: str, quickstart: str) -> Any:
    return a_connector(
        f"gen-{topic}",
        quickstart=quickstart,
        type="source",
        topics=(ConnectorTopic(name=topic, known="declared"),),
    )


def test_a_topic_that_datagen_fills_is_in_the_quickstarts_domain() -> None:
    found = domains_of(
        a_cluster(
            topics=("margherita", "own"),
            connectors=(a_datagen("margherita", "PIZZA_ORDERS"), a_datagen("own", "OWN")),
        )
    )
    assert known(found, "margherita") == (
        "pizza",
        "quickstart",
        "the connector gen-margherita fills it with the quickstart PIZZA_ORDERS",
    )
    assert [one.topic for one in found.unassigned] == ["own"]


def test_quickstarts_are_lower_case_and_each_in_one_domain() -> None:
    assert all(name == name.casefold() for name in QUICKSTART_DOMAINS)
    assert QUICKSTART_DOMAINS["users"] == QUICKSTART_DOMAINS["orders"] == "shop"


def test_the_domain_property_and_the_owner_of_a_data_contract_name_a_domain() -> None:
    schemas = (
        avro(
            "a-value",
            ("x", "string"),
            contract=DataContract(properties={"domain": "billing", "owner": "team-a"}),
        ),
        avro("b-value", ("x", "string"), contract=DataContract(properties={"Owner": "team-b"})),
        avro("c-value", ("x", "string"), contract=DataContract()),
    )
    found = domains_of(a_cluster(*schemas, topics=("a", "b", "c")))
    assert by_name(found) == {"billing": {"a"}, "team-b": {"b"}}
    assert known(found, "a")[1:] == ("metadata", "the schema a-value names it")
    assert known(found, "b")[1:] == ("owner", "the schema b-value names team-b as its owner")
    assert {one.name: one.owners for one in found.domains} == {"billing": ("team-a",), "team-b": ("team-b",)}


def test_the_text_of_a_schema_may_name_its_domain() -> None:
    schema = a_registered("a-value", "JSON", json.dumps({"type": "object", "domain": "billing"}))
    assert by_name(domains_of(a_cluster(schema, topics=("a",)))) == {"billing": {"a"}}


def test_patterns_of_the_estate_name_a_domain_and_overrides_win_over_everything() -> None:
    document = a_cluster(
        topics=("order-1x", "order-2x", "invoice", "users"), connectors=(a_datagen("users", "USERS"),)
    )
    found = domains_of(
        document,
        patterns={"sales": ["order-*"], "money": ["inv*"]},
        overrides={"users": "people", "warehouse/invoice": "taxes", "elsewhere/order-1x": "none of it"},
    )
    assert by_name(found) == {"sales": {"order-1x", "order-2x"}, "people": {"users"}, "taxes": {"invoice"}}
    assert known(found, "order-1x")[1:] == ("pattern", "its name matches the estate's pattern order-*")
    assert known(found, "users")[1:] == ("override", "the estate says so of users")


def test_names_with_a_common_first_word_are_a_domain_and_versions_of_one_thing_are_not() -> None:
    found = domains_of(
        a_cluster(
            topics=("payroll_bonus", "payroll.employee", "payments", "orders", "orders-v2", "orders.v2")
        )
    )
    assert by_name(found) == {"payroll": {"payroll_bonus", "payroll.employee"}}
    assert known(found, "payroll_bonus")[2] == "its name begins with payroll, like 1 other name"
    assert {one.topic for one in found.unassigned} == {"payments", "orders", "orders-v2", "orders.v2"}


def test_a_version_is_in_the_domain_of_its_topic() -> None:
    found = domains_of(a_cluster(topics=("orders", "orders-v2", "orders.v2")), patterns={"sales": ["orders"]})
    assert by_name(found) == {"sales": {"orders", "orders-v2", "orders.v2"}}
    assert known(found, "orders.v2")[2] == "its name is another version of orders"


@pytest.mark.parametrize("prefix", ["prod.", "raw-", "acme."])
def test_a_meaningless_first_word_makes_no_domain(prefix: str) -> None:
    names = [
        f"{prefix}{word}"
        for word in [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lamda",
        ]
    ]
    assert domains_of(a_cluster(topics=tuple(names))).domains == ()


def test_below_an_environment_and_a_company_the_next_word_counts() -> None:
    names = [f"acme.prod.{area}.{thing}" for area in ("billing", "stock") for thing in "abcdef"]
    assert by_name(domains_of(a_cluster(topics=tuple(names)))) == {
        "billing": set(names[:6]),
        "stock": set(names[6:]),
    }


def test_a_family_follows_the_rules_that_named_most_of_it_and_stays_as_it_is_where_they_differ() -> None:
    names = ("fleet_a", "fleet_b", "fleet_c")
    one = domains_of(a_cluster(topics=names), overrides={"fleet_a": "vehicles"})
    assert by_name(one) == {"vehicles": set(names)}
    two = domains_of(a_cluster(topics=names), overrides={"fleet_a": "vehicles", "fleet_b": "ships"})
    assert by_name(two) == {"vehicles": {"fleet_a"}, "ships": {"fleet_b"}}


def test_sharing_a_key_or_an_application_binds_topics_unless_everyone_shares_it() -> None:
    fields = {
        "parcels": "parcel_id user_id",
        "deliveries": "parcel_id",
        "games_played": "game_id user_id",
        "scores": "game_id",
        "surveys": "user_id",
        "users": "user_id",
    }
    schemas = [
        avro(f"{topic}-value", *((name, "string") for name in names.split()))
        for topic, names in fields.items()
    ]
    found = domains_of(a_cluster(*schemas, topics=tuple(fields)))
    assert by_name(found) == {
        "around parcel": {"parcels", "deliveries"},
        "around game": {"games_played", "scores"},
    }
    assert known(found, "deliveries")[1:] == ("community", "shares the key parcel_id with parcels")
    left = {one.topic: one.reason for one in found.unassigned}
    assert set(left) == {"surveys", "users"}
    assert "the key user_id" in left["surveys"]


def test_a_topic_joins_the_domain_that_describes_its_references_and_not_that_of_others_with_the_same() -> (
    None
):
    fields = {
        "stores": "store_id name",
        "pizza_orders": "pizza_order_number store_id",
        "pizza_ovens": "oven_id store_id",
        "openings": "store_id",
    }
    schemas = [
        avro(f"{topic}-value", *((name, "string") for name in names.split()))
        for topic, names in fields.items()
    ]
    document = a_cluster(*schemas, topics=tuple(fields))
    assert by_name(domains_of(document)) == {"pizza": {"pizza_orders", "pizza_ovens"}}
    joined = domains_of(document, overrides={"stores": "shops"})
    assert by_name(joined) == {"pizza": {"pizza_orders", "pizza_ovens"}, "shops": {"stores", "openings"}}
    assert known(joined, "openings")[2] == "shares the key store_id with stores"


def test_an_application_that_reads_two_topics_binds_them() -> None:
    found = domains_of(
        a_cluster(
            topics=("alpha", "beta", "gamma"), consumer_groups=(a_group("app", topics=("alpha", "beta")),)
        )
    )
    assert by_name(found) == {"around app": {"alpha", "beta"}}
    assert known(found, "alpha")[2] == "shares the consumer group app with beta"


def test_internal_topics_have_no_domain_and_none_is_missing() -> None:
    topic = a_topic("_hidden")
    document = a_cluster(topics=(replace(topic, details=replace(topic.details, internal=True)),))
    assert domains_of(document) == Domains(domains=(), unassigned=())


def test_communities_do_not_depend_on_what_happened_before() -> None:
    bonds = [
        Bond(f"b{number}", f"b{number}", (f"t{number}", f"t{number // 2}"), 1.0) for number in range(1, 200)
    ]
    first = communities(bonds)
    communities(bonds[:50])
    assert communities(bonds) == first
    assert {topic for one in first for topic in one} == {f"t{number}" for number in range(200)}
    assert communities([]) == []


def test_in_a_large_cluster_no_domain_mixes_topics_that_share_nothing() -> None:
    document, truth = a_large_cluster(400)
    group = {
        topic: key[:8] for key, topics in truth.items() for topic in topics
    }  # thingqa_id: its domain's letter
    found = domains_of(document)
    assert len(found.domains) > 10
    assert all(len({group[one.topic] for one in domain.topics}) == 1 for domain in found.domains)


def test_communities_are_found_where_every_choice_is_equally_good() -> None:
    """Methods with floating-point weights would move such topics back and forth forever."""
    topics = [f"topic-{number}" for number in range(600)]
    bonds = [
        Bond(
            f"bond {at}",
            f"the group {at}",
            tuple(sorted(topics[(at * 7 + n) % 600] for n in range(9))),
            0.1 / 3,
        )
        for at in range(600)
    ]

    found = communities(bonds)

    assert frozenset().union(*found) == set(topics)
    assert sum(map(len, found)) == len(topics)


def test_a_number_belonging_to_a_word_stays_with_it_and_one_at_the_end_is_a_version() -> None:
    teams = [
        f"team{team}.{thing}" for team in (5, 6, 7, 8) for thing in ("orders", "users", "clicks", "parcels")
    ]
    found = by_name(domains_of(a_cluster(topics=(*teams, "invoices2", "invoices"))))

    assert {name: topics for name, topics in found.items() if name.startswith("team")} == {
        f"team{team}": {name for name in teams if name.startswith(f"team{team}.")} for team in (5, 6, 7, 8)
    }
    assert not any({"invoices", "invoices2"} & topics for topics in found.values())


def test_a_data_contract_wins_over_everything_but_the_estates_overrides() -> None:
    document = a_cluster(topics=("a", "b", "c"), connectors=(a_datagen("a", "PIZZA_ORDERS"),))
    rules = {
        "contracts": {"a": "food", f"{document.cluster.name}/b": "bread"},
        "patterns": {"pattern": ["*"]},
    }
    found = domains_of(document, **rules, overrides={"b": "ours"})
    assert known(found, "a") == ("food", "contract", "its data contract says so")
    assert [known(found, topic)[0] for topic in ("b", "c")] == ["ours", "pattern"]


def test_the_page_lists_every_source_of_a_domain_in_order() -> None:
    page = (Path(__file__).parents[2] / "docs/mesh.md").read_text(encoding="utf-8")
    section = page.partition("## Domains")[2].partition("## ")[0]
    assert tuple(
        re.findall(r"^\| `(\w+)` \|", section[section.index("| `override`") :], re.MULTILINE)
    ) == get_args(DomainKnown)
