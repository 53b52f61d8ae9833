"""Which products exist: from domains, owners, lineage and keys, then by people's decisions, from run to run."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from mesh_assets.analysis.graph import LineageGraph, Node, build_graph
from mesh_assets.estate.fields import NamePatterns
from mesh_assets.estate.policy import Policy, TopicOwner
from mesh_assets.estate.products import ProductDecision, ProductSettings
from mesh_assets_tests.documents import MOMENT, a_topic
from mesh_assets_tests.exports.graphs import edge
from mesh_assets_tests.products.estates import (
    a_shop,
    ground_of,
    place,
    products_of,
    shown,
    topics_of,
)

CANDIDATES = {"warehouse.people": ["users"], "warehouse.sales": ["invoices", "orders"]}
ENRICH = Node(kind="application", cluster="warehouse", name="enrich")
CDC = Node(kind="connector", cluster="warehouse", namespace="main", name="cdc")
TABLE = Node(kind="dataset", namespace="postgres://db:5432", name="shop.public.orders")


def topic(name: str) -> Node:
    return Node(kind="topic", cluster="warehouse", name=name)


def a_graph() -> LineageGraph:
    """cdc fills orders, enrich makes noise from orders, fraud reads orders, cdc writes dead letters."""
    fraud = Node(kind="application", cluster="warehouse", name="fraud")
    return build_graph(
        edges=[
            edge(TABLE, CDC),
            edge(CDC, topic("orders")),
            edge(CDC, topic("dlq"), purpose="dead_letter"),
            edge(topic("orders"), ENRICH),
            edge(ENRICH, topic("noise")),
            edge(topic("orders"), fraud),
            edge(topic("users"), fraud, known="permitted"),
        ]
    )


def test_a_domain_is_a_candidate_and_a_topic_without_one_is_outside_with_the_reason() -> None:
    found = products_of(ground_of(a_shop()))
    assert shown(found) == CANDIDATES
    assert {one.status for one in found.products} == {"candidate"}
    [outside] = found.outside
    assert outside.place == place("noise")
    assert "no rule names it" in outside.reason


def test_a_topic_without_a_domain_belongs_to_its_producer_and_readers_are_consumers() -> None:
    found = products_of(ground_of(a_shop("dlq"), graph=a_graph()))
    sales = found.product("warehouse.sales")
    assert sales is not None
    assert topics_of(sales) == ["dlq", "invoices", "noise", "orders"]
    roles = {member.place.topic: member.role for member in sales.topics}
    assert roles == {"dlq": "dead_letter", "invoices": "output", "noise": "output", "orders": "output"}
    reasons = {member.place.topic: member.reason for member in sales.topics}
    assert reasons["noise"] == "application enrich makes it of orders"
    assert (sales.connectors, sales.applications) == (("connector cdc on main",), ("application enrich",))
    assert sales.producers == ("dataset postgres://db:5432/shop.public.orders",)
    assert sales.consumers == ("application fraud",)
    assert found.outside == ()


def test_what_is_made_from_two_products_belongs_to_neither() -> None:
    graph = build_graph(
        edges=[edge(topic("orders"), ENRICH), edge(topic("users"), ENRICH), edge(ENRICH, topic("noise"))]
    )
    found = products_of(ground_of(a_shop(), graph=graph))
    assert shown(found) == CANDIDATES
    sales = found.product("warehouse.sales")
    assert sales is not None
    assert sales.consumers == ("application enrich",)


def test_what_only_members_write_and_read_is_intermediate() -> None:
    graph = build_graph(edges=[edge(ENRICH, topic("orders")), edge(topic("orders"), ENRICH)])
    sales = products_of(ground_of(a_shop(), graph=graph)).product("warehouse.sales")
    assert sales is not None
    assert [(one.place.topic, one.role) for one in sales.topics] == [
        ("invoices", "output"),
        ("orders", "intermediate"),
    ]
    assert sales.outputs == (place("invoices"),)


def test_a_domain_with_several_owners_splits_into_products_and_unowned_topics_go_where_they_share_most() -> (
    None
):
    owners = {"orders": "team-a", "users": "team-b"}
    ground = ground_of(a_shop(), owners=owners, patterns={"shop": ("*s",)})
    found = products_of(ground)
    assert shown(found) == {
        "warehouse.shop.team-a": ["invoices", "orders"],
        "warehouse.shop.team-b": ["users"],
    }
    assert {one.owner for one in found.products} == {"team-a", "team-b"}


def test_the_owner_is_the_one_of_most_topics_and_the_policy_precedes_schemas() -> None:
    policy = Policy(owners=(TopicOwner(owner="team-shop", topics=NamePatterns(include=("orders",))),))
    sales = products_of(ground_of(a_shop(), owners={"orders": "somebody"}), policy=policy).product(
        "warehouse.sales"
    )
    assert sales is not None
    assert (sales.owner, sales.owner_reason) == ("team-shop", "the owner of 1 of 2 topics")
    assert sales.domain == "sales"
    people = products_of(ground_of(a_shop())).product("warehouse.people")
    assert people is not None
    assert people.owner is None


# --- ids


@settings(max_examples=15)
@given(st.sets(st.sampled_from(["order_items", "order_notes", "invoice_lines", "users2", "other"])))
def test_a_product_keeps_its_id_when_topics_join(joined: set[str]) -> None:
    before = products_of(ground_of(a_shop()))
    after = products_of(ground_of(a_shop(*sorted(joined))), before=before)
    assert shown(before).keys() <= shown(after).keys()
    for one, topics in shown(before).items():
        assert set(topics) <= set(shown(after)[one])


def test_a_product_keeps_its_id_when_its_domain_is_renamed() -> None:
    before = products_of(ground_of(a_shop()))
    renamed = {"revenue": ("order*", "invoice*"), "people": ("user*",)}
    after = products_of(ground_of(a_shop("orders_old"), patterns=renamed), before=before)
    assert shown(after) == {**CANDIDATES, "warehouse.sales": ["invoices", "orders", "orders_old"]}
    assert [one.domain for one in after.products] == ["people", "revenue"]


def test_a_product_of_other_topics_gets_its_own_id() -> None:
    before = products_of(ground_of(a_shop()))
    after = products_of(ground_of(a_shop(), patterns={"revenue": ("noise",)}), before=before)
    assert "warehouse.revenue" in shown(after)


# --- decisions


def test_an_accepted_product_has_the_name_owner_and_domain_given_by_people() -> None:
    found = products_of(
        ground_of(a_shop()),
        {
            "product": "warehouse.sales",
            "name": "Sales",
            "owner": "team-a",
            "description": "All.",
            "domain": "shop",
        },
    )
    sales = found.product("warehouse.sales")
    assert sales is not None
    assert (sales.status, sales.name, sales.owner, sales.description, sales.domain) == (
        "accepted",
        "Sales",
        "team-a",
        "All.",
        "shop",
    )
    assert topics_of(sales) == ["invoices", "orders"]


def test_split_topics_belong_to_no_other_product() -> None:
    found = products_of(
        ground_of(a_shop()), {"product": "billing", "topics": ("warehouse/invoice*", "noise")}
    )
    assert shown(found) == {
        "billing": ["invoices", "noise"],
        "warehouse.people": ["users"],
        "warehouse.sales": ["orders"],
    }
    assert found.outside == ()


def test_merged_candidates_are_one_product() -> None:
    found = products_of(ground_of(a_shop()), {"product": "warehouse.sales", "merge": ("warehouse.people",)})
    assert shown(found) == {"warehouse.sales": ["invoices", "orders", "users"]}
    [users] = [one for one in found.products[0].topics if one.place.topic == "users"]
    assert users.reason.startswith("merged from warehouse.people; domain people")


def test_the_topics_of_a_dropped_candidate_are_outside_for_that_reason() -> None:
    decision = {"product": "warehouse.people", "decision": "drop"}
    before = products_of(ground_of(a_shop()), decision)
    assert shown(before) == {"warehouse.sales": ["invoices", "orders"]}
    assert {one.reason for one in before.outside if one.place == place("users")} == {
        "the estate drops the product warehouse.people"
    }
    # Renamed, it is still the one that was dropped.
    renamed = {"sales": ("order*", "invoice*"), "humans": ("user*",)}
    assert shown(products_of(ground_of(a_shop(), patterns=renamed), decision, before=before)) == shown(before)


def test_an_excluded_topic_is_outside_and_stays_so() -> None:
    decision = {"product": "warehouse.sales", "without": ("invoices",)}
    before = products_of(ground_of(a_shop()), decision)
    after = products_of(ground_of(a_shop()), decision, before=before)
    for found in (before, after):
        assert topics_of(found.product("warehouse.sales")) == ["orders"]
        assert "leaves it out" in next(one.reason for one in found.outside if one.place == place("invoices"))


def test_an_accepted_product_keeps_topics_that_another_domain_would_take() -> None:
    decision = {"product": "warehouse.sales"}
    before = products_of(ground_of(a_shop()), decision)
    moved = {"sales": ("order*",), "people": ("user*", "invoice*")}
    after = products_of(ground_of(a_shop(), patterns=moved), decision, before=before)
    assert shown(after) == CANDIDATES
    candidate = products_of(ground_of(a_shop(), patterns=moved), before=products_of(ground_of(a_shop())))
    assert topics_of(candidate.product("warehouse.people")) == ["invoices", "users"]


def test_a_vanished_member_of_an_accepted_product_is_reported_until_it_returns_or_is_removed() -> None:
    decision = {"product": "warehouse.sales"}
    before = products_of(ground_of(a_shop()), decision)
    shop = a_shop()
    gone = ground_of(replace(shop, topics=tuple(one for one in shop.topics if one.name != "invoices")))
    after = products_of(gone, decision, before=before)
    later = products_of(gone, decision, before=after, now=MOMENT + timedelta(days=3))
    for found in (after, later):
        sales = found.product("warehouse.sales")
        assert sales is not None
        assert topics_of(sales) == ["orders"]
        assert [(one.place, one.since) for one in sales.vanished] == [(place("invoices"), MOMENT)]
    back = products_of(ground_of(shop), decision, before=later).product("warehouse.sales")
    assert back is not None
    assert (topics_of(back), back.vanished) == (["invoices", "orders"], ())
    out = products_of(gone, {**decision, "without": ("invoices",)}, before=later).product("warehouse.sales")
    assert out is not None
    assert out.vanished == ()


def test_an_accepted_product_stays_when_all_its_topics_are_gone() -> None:
    decision = {"product": "warehouse.people"}
    before = products_of(ground_of(a_shop()), decision)
    shop = a_shop()
    gone = ground_of(replace(shop, topics=tuple(one for one in shop.topics if one.name != "users")))
    people = products_of(gone, decision, before=before).product("warehouse.people")
    assert people is not None
    assert (people.topics, [one.place for one in people.vanished]) == ((), [place("users")])


def test_a_name_in_a_decision_without_a_topic_is_a_note_and_not_a_member() -> None:
    found = products_of(ground_of(a_shop()), {"product": "all", "topics": ("orders", "never", "other/x*")})
    product = found.product("all")
    assert product is not None
    assert (topics_of(product), product.vanished) == (["orders"], ())
    assert product.notes == (
        "its decision names never, but the inventory has no such topic; check its spelling",
        "its decision names other/x*, but the inventory has no such topic; check its spelling",
    )
    none = products_of(ground_of(a_shop()), {"product": "all", "topics": ("never",)})
    assert none.product("all") is None
    assert none.notes == (
        "the estate decides about all, but no topic belongs to it; its decision names never, but the inventory has no "
        "such topic; check its spelling",
    )


def test_a_former_member_named_in_a_decision_has_vanished_since() -> None:
    decision = {"product": "all", "topics": ("orders", "warehouse/invoices")}
    before = products_of(ground_of(a_shop()), decision)
    shop = a_shop()
    gone = ground_of(replace(shop, topics=tuple(one for one in shop.topics if one.name != "invoices")))
    after = products_of(gone, decision, before=before)
    later = products_of(gone, decision, before=after, now=MOMENT + timedelta(days=3)).product("all")
    assert later is not None
    assert (topics_of(later), later.notes) == (["orders"], ())
    assert [(one.place, one.since) for one in later.vanished] == [(place("invoices"), MOMENT)]


def test_a_member_in_an_unread_cluster_has_not_vanished() -> None:
    decision = {"product": "all", "topics": ("orders", "invoices")}
    before = products_of(ground_of(a_shop()), decision)
    elsewhere = ground_of(a_shop(name="other"))
    after = products_of(elsewhere, decision, before=before).product("all")
    assert after is not None
    assert after.vanished == ()
    assert [str(one.place) for one in after.topics] == ["other/invoices", "other/orders"]
    assert "warehouse/orders is not known now: cluster warehouse was not read" in after.notes


def test_topics_named_by_two_decisions_are_reported_and_belong_to_the_later_one() -> None:
    found = products_of(
        ground_of(a_shop("orders_eu")),
        {"product": "shop", "topics": ("orders*",)},
        {"product": "europe", "topics": ("orders_eu",)},
    )
    assert shown(found)["shop"] == ["orders"]
    assert shown(found)["europe"] == ["orders_eu"]
    assert found.notes == (
        "the estate's decisions about shop and europe both name warehouse/orders_eu; the later one counts; name each in only "
        "one of them",
    )


def test_decisions_about_nothing_are_reported_with_what_exists() -> None:
    found = products_of(ground_of(a_shop()), {"product": "typo"}, {"product": "gone", "decision": "drop"})
    assert shown(found) == CANDIDATES
    assert [note.partition(";")[0].partition(":")[0] for note in found.notes] == [
        "the estate drops gone, but there is no such candidate",
        "the estate decides about typo, but no topic belongs to it",
    ]
    assert all("warehouse.people" in note for note in found.notes)


@pytest.mark.parametrize(
    ("decisions", "sentence"),
    [
        ([{"product": "a"}, {"product": "a"}], "has two decisions about 'a'"),
        ([{"product": "a", "topics": ["x"]}, {"product": "b", "topics": ["x"]}], "a topic is in one product"),
        ([{"product": "a", "decision": "drop", "name": "A"}], "expected only `decision: drop`"),
        ([{"product": "a", "merge": ["a"]}], "merges 'a' into itself"),
        ([{"product": "a", "merge": ["b"]}, {"product": "b"}], "decides about it as well"),
        ([{"product": "a", "merge": ["c"]}, {"product": "b", "merge": ["c"]}], "expected one of the two"),
        ([{"product": "a", "topics": ["x"], "without": ["x"]}], "in topics and in without"),
        ([{"product": "not an id"}], "should match pattern"),
    ],
)
def test_contradictory_decisions_are_refused(decisions: list[dict[str, object]], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        ProductSettings.model_validate({"decisions": decisions})
    assert ProductDecision(product="a").decision == "accept"


def test_an_estate_without_topics_has_no_products() -> None:
    found = products_of(ground_of(replace(a_shop(), topics=())))
    assert (found.products, found.outside, found.notes) == ((), (), ())


def test_kafkas_own_topics_are_in_no_product_and_not_outside() -> None:
    offsets = a_topic("order_offsets")
    internal = replace(offsets, details=replace(offsets.details, internal=True))
    found = products_of(ground_of(a_shop(internal)), {"product": "all", "topics": ("order*",)})
    assert topics_of(found.product("all")) == ["orders"]
