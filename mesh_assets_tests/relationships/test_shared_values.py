"""Samples make relationships more certain, or show that two fields of one name share nothing."""

from msgspec.structs import replace

from mesh_assets.relationships.records import Entity, KeyUse, Relationships, SharedValues
from mesh_assets.relationships.shared_values import with_shared_values


def a_use(topic: str, path: str = "user_id", *, in_key: bool = False) -> KeyUse:
    return KeyUse(
        topic=topic,
        subject=f"{topic}-value",
        path=path,
        type="string",
        in_key=in_key,
        score=0.7,
        reason="its name",
    )


USERS = Entity(
    cluster="shop",
    name="user",
    key="user_id",
    described_by=("users",),
    uses=(a_use("orders"), a_use("users", "id", in_key=True), a_use("visits", "userId")),
    score=0.7,
    reason="3 topics with user_id",
)
FOUND = Relationships(entities=(USERS,), gaps=(), subjects=3, fields=3)


def shared(topic: str, path: str, other: str, other_path: str, contained: float) -> SharedValues:
    return SharedValues(
        cluster="shop", topic=topic, path=path, other_topic=other, other_path=other_path, contained=contained
    )


def test_keys_that_share_values_are_more_certain_and_name_each_other() -> None:
    known = shared("orders", "user_id", "users", "key.id", 0.93)
    (entity,) = with_shared_values(FOUND, [known]).entities
    assert [(use.topic, use.score, use.reason) for use in entity.uses] == [
        ("orders", 0.9, "its name; shares 93% of the sampled values with users"),
        ("users", 0.9, "its name; shares 93% of the sampled values with orders"),
        ("visits", 0.7, "its name"),
    ]
    assert (entity.score, entity.shared_values) == (0.9, (known,))


def test_keys_that_share_nothing_say_so_and_are_no_more_certain() -> None:
    none = shared("orders", "user_id", "visits", "userId", 0.0)
    (entity,) = with_shared_values(FOUND, [none]).entities
    assert entity.uses[0].reason == "its name; shares none of the sampled values with visits"
    assert (entity.score, entity.uses[0].score, entity.shared_values) == (0.7, 0.7, (none,))


def test_fields_without_an_entity_and_of_other_clusters_add_nothing() -> None:
    others = [
        shared("orders", "user_id", "payments", "payer", 1.0),
        replace(shared("orders", "user_id", "visits", "userId", 1.0), cluster="other"),
    ]
    assert with_shared_values(FOUND, others) == FOUND
    assert with_shared_values(FOUND, []) is FOUND
