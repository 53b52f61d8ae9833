"""Entities: which topics are about the same things, and which only seem to be."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Schema
from mesh_assets.relationships.records import Entity, Relationships
from mesh_assets.relationships.relating import find_relationships
from mesh_assets_tests.documents import STALE, a_topic
from mesh_assets_tests.relationships.estates import a_cluster, a_large_cluster, avro


def shared(found: Relationships) -> dict[str, set[str]]:
    """Entity → topics, for entities that relate topics."""
    return {one.name: set(one.topics) for one in found.entities if len(one.topics) > 1}


def topics_with(**fields: str) -> Document:
    """A cluster of topics, each with a schema of those text fields: `orders="order_id user_id"`."""
    schemas = [
        avro(f"{topic}-value", *((name, "string") for name in names.split()))
        for topic, names in fields.items()
    ]
    return a_cluster(*schemas, topics=tuple(fields))


def the_entity(found: Relationships, name: str) -> Entity:
    (entity,) = [one for one in found.entities if one.name == name]
    return entity


@pytest.mark.parametrize(
    "spelling", ["user_id", "userId", "UserID", "USER_ID", "user-id", "userid", "userUuid"]
)
def test_a_key_is_the_same_in_every_spelling(spelling: str) -> None:
    schema = avro("clicks-value", (spelling, "string"))
    users = avro("users-value", ("user_id", "string"))
    found = find_relationships([a_cluster(schema, users, topics=("clicks", "users"))])
    assert shared(found) == {"user": {"clicks", "users"}}
    assert the_entity(found, "user").described_by == ("users",)


@pytest.mark.parametrize("word", ["paid", "valid", "void", "android", "grid", "monkey", "barcode"])
def test_a_word_that_only_ends_like_a_key_is_not_one(word: str) -> None:
    found = find_relationships([topics_with(orders=f"order_id {word}", refunds=f"refund_id {word}")])
    assert shared(found) == {}


def test_synonyms_of_the_estate_stand_for_their_key() -> None:
    document = topics_with(users="user_id", tickets="customerNo", visits="uid")
    assert shared(find_relationships([document])) == {}
    synonyms = {"user_id": ["customer_no", "UID"]}
    assert shared(find_relationships([document], synonyms=synonyms)) == {
        "user": {"users", "tickets", "visits"}
    }


def test_a_bare_id_belongs_to_the_topics_thing_or_the_surrounding_record() -> None:
    customer = {"type": "record", "name": "Customer", "fields": [{"name": "id", "type": "long"}]}
    orders = avro("orders-value", ("id", "long"), ("customer", customer))
    parcels = avro("parcels-value", ("parcel_id", "long"), ("order_id", "long"), ("customer_id", "long"))
    found = find_relationships([a_cluster(orders, parcels, topics=("orders", "parcels"))])
    assert shared(found) == {"order": {"orders", "parcels"}, "customer": {"orders", "parcels"}}
    assert [use.path for use in the_entity(found, "customer").uses] == ["customer.id", "customer_id"]


def test_a_role_before_the_key_does_not_change_the_entity() -> None:
    found = find_relationships([topics_with(users="user_id", transfers="from_user_id to_user_id parent_id")])
    assert shared(found) == {"user": {"users", "transfers"}}


def test_a_key_in_the_key_of_records_says_so_and_weighs_more() -> None:
    key, value = (
        avro("visits-key", ("user_id", "string")),
        avro("clicks-value", ("at", "long"), ("user_id", "string")),
    )
    found = find_relationships([a_cluster(key, value, topics=("visits", "clicks"))])
    clicks, visits = the_entity(found, "user").uses
    assert (visits.in_key, "in the record's key" in visits.reason) == (True, True)
    assert visits.score > clicks.score


@pytest.mark.parametrize("kind", ["double", "boolean", {"type": "long", "logicalType": "timestamp-millis"}])
def test_fractions_booleans_and_times_are_not_keys(kind: object) -> None:
    schemas = (avro("a-value", ("user_id", kind)), avro("b-value", ("user_id", kind)))
    assert find_relationships([a_cluster(*schemas, topics=("a", "b"))]).entities == ()


def test_an_unusual_type_makes_a_key_less_certain() -> None:
    schemas = [
        avro(f"{name}-value", ("user_id", kind))
        for name, kind in (("aa", "long"), ("bb", "long"), ("cc", "string"))
    ]
    found = find_relationships([a_cluster(*schemas, topics=("aa", "bb", "cc"))])
    uses = {use.topic: use for use in the_entity(found, "user").uses}
    assert uses["cc"].score < uses["aa"].score
    assert "while most are whole numbers" in uses["cc"].reason


def test_an_envelope_id_that_all_topics_have_relates_nothing() -> None:
    fields = {f"topic{letter}": f"trace_id thing{letter}_id" for letter in string.ascii_lowercase}
    assert shared(find_relationships([topics_with(**fields)])) == {}


def test_one_name_for_two_things_is_split_by_the_topics_about_them() -> None:
    found = find_relationships(
        [
            topics_with(
                orders="order_id total",
                purchases="purchase_id order_id",
                pizza_orders="order_id total",
                pizza_orders_cancelled="order_id reason",
            )
        ]
    )
    assert shared(found) == {
        "order": {"orders", "purchases"},
        "pizza order": {"pizza_orders", "pizza_orders_cancelled"},
    }
    assert "have one of their own" in the_entity(found, "pizza order").reason


def test_families_that_share_a_rarer_key_share_the_more_common_one() -> None:
    fields = {"users": "user_id name", "clicks": "session_id user_id", "clicks_users": "user_id level"}
    apart = find_relationships([topics_with(**fields, visits="user_id at")])
    assert shared(apart) == {"user": {"users", "visits"}, "click user": {"clicks", "clicks_users"}}
    together = find_relationships([topics_with(**fields, visits="session_id user_id")])
    assert shared(together)["user"] == {"users", "clicks", "clicks_users", "visits"}
    assert "share session_id" in the_entity(together, "user").reason


def test_versions_of_a_topic_are_about_the_same_thing() -> None:
    fields = {"orders": "order_id", "orders-v2": "orderId", "orders.v2": "order_id", "orderly": "note"}
    found = find_relationships([topics_with(**fields)])
    assert shared(found) == {"order": {"orders", "orders-v2", "orders.v2"}}
    assert the_entity(found, "order").described_by == ("orders", "orders-v2", "orders.v2")


def test_two_schemas_of_one_topic_are_both_read_and_a_subject_without_a_topic_relates_nothing() -> None:
    placed = avro("orders-shop.Placed", ("order_id", "string"), record="shop.Placed")
    paid = avro("orders-shop.Paid", ("payment_id", "string"), record="shop.Paid")
    others = (avro("payments-value", ("payment_id", "string")), avro("returns-value", ("order_id", "string")))
    orphan = avro("shop.Draft", ("order_id", "string"), record="shop.Draft")
    document = a_cluster(placed, paid, orphan, *others, topics=("orders", "payments", "returns"))
    found = find_relationships([document])
    assert shared(found) == {"order": {"orders", "returns"}, "payment": {"orders", "payments"}}
    assert found.subjects == 5


def test_topics_of_two_clusters_are_never_related() -> None:
    one, other = topics_with(users="user_id"), topics_with(clicks="user_id")
    other = replace(other, cluster=replace(other.cluster, name="elsewhere"))
    assert shared(find_relationships([one, other])) == {}


def test_unread_schemas_are_reported() -> None:
    document = a_cluster(avro("users-value", ("user_id", "string")), topics=("users", "plain"))
    document = replace(document, sections={**document.sections, "schemas": STALE})
    gaps = [(gap.subject, gap.reason) for gap in find_relationships([document]).gaps]
    assert (None, "1 topic without a schema: what its records hold is not known") in gaps
    assert any(reason.startswith("schemas are not current") for _, reason in gaps)


def test_an_estate_without_documents_or_schemas_has_no_entities() -> None:
    assert find_relationships([]) == Relationships(entities=(), gaps=(), subjects=0, fields=0)
    assert find_relationships([a_cluster(topics=("orders",))]).entities == ()


def test_in_a_large_cluster_every_true_relationship_is_found_and_no_other() -> None:
    document, truth = a_large_cluster(600)
    found = find_relationships([document])
    assert {one.key: frozenset(one.topics) for one in found.entities} == truth


NAMES = st.text(st.sampled_from("aZ_-.1é"), max_size=8) | st.sampled_from(
    ["id", "user_id", "userId", "x_no", "Id_", "key"]
)


@given(
    st.lists(
        st.tuples(NAMES.filter(bool), st.lists(NAMES, max_size=4)), max_size=6, unique_by=lambda one: one[0]
    )
)
def test_whatever_the_names_each_topic_of_an_entity_exists_and_scores_are_shares(
    made: list[tuple[str, list[str]]],
) -> None:
    schemas: list[Schema] = [
        avro(f"{topic}-value", *((name, "string") for name in names)) for topic, names in made
    ]
    topics = tuple(a_topic(topic) for topic, _ in made)
    found = find_relationships([a_cluster(*schemas, topics=topics)])
    assert found == find_relationships([a_cluster(*schemas, topics=topics)])
    for entity in found.entities:
        assert {use.topic for use in entity.uses} <= {topic for topic, _ in made}
        assert all(0 <= use.score <= 1 for use in entity.uses)
        assert set(entity.described_by) <= set(entity.topics)
