"""Transforms, in order and with their predicates, as Connect applies them."""

from collections.abc import Mapping

import pytest

from mesh_assets.connector_rules.routing import Routed, Routing

KAFKA = "org.apache.kafka.connect.transforms."


def transform(kind: str, alias: str = "t", **config: str) -> dict[str, str]:
    return {
        f"transforms.{alias}.type": kind,
        **{f"transforms.{alias}.{key.replace('_', '.')}": value for key, value in config.items()},
    }


def regex(
    pattern: str, replacement: str, alias: str = "t", kind: str = f"{KAFKA}RegexRouter"
) -> dict[str, str]:
    return transform(kind, alias, regex=pattern, replacement=replacement)


MATCHES = {
    "predicates.p.type": f"{KAFKA}predicates.TopicNameMatches",
    "predicates.p.pattern": "orders.*",
}


@pytest.mark.parametrize(
    ("config", "name", "routed"),
    [
        ({}, "orders", "orders"),
        (regex("orders", "o"), "orders", "o"),
        (regex("orders", "o"), "orders-v2", "orders-v2"),  # the whole name must match
        (regex("(.*)-(.*)", "$2.$1"), "a-b", "b.a"),
        (regex("(?<head>[^.]+)\\..*", "${head}-x"), "shop.public.orders", "shop-x"),
        (regex("(a)(.*)", "$12"), "abc", "a2"),  # there is no group 12
        (regex(".*", "x", kind="io.confluent.connect.cloud.transforms.TopicRegexRouter"), "orders", "x"),
        # RE2 writes named groups in its own way.
        (
            regex(
                "(?P<head>\\w+)-.*", "${head}", kind="io.confluent.connect.cloud.transforms.TopicRegexRouter"
            ),
            "orders-v2",
            "orders",
        ),
        (regex("orders", "o", kind="RegexRouter"), "orders", "o"),  # without its package
        (transform(f"{KAFKA}ValueToKey"), "orders", "orders"),
        (transform("io.debezium.transforms.ExtractNewRecordState"), "orders", "orders"),
        (transform(f"{KAFKA}TimestampRouter", topic_format="fixed-${topic}"), "orders", "fixed-orders"),
        ({**MATCHES, **regex(".*", "x"), "transforms.t.predicate": "p"}, "orders-1", "x"),
        ({**MATCHES, **regex(".*", "x"), "transforms.t.predicate": "p"}, "users", "users"),
        (
            {**MATCHES, **regex(".*", "x"), "transforms.t.predicate": "p", "transforms.t.negate": "true"},
            "users",
            "x",
        ),
        (
            {**MATCHES, **regex(".*", "x"), "transforms.t.predicate": "p", "transforms.t.negate": "true"},
            "orders-1",
            "orders-1",
        ),
        ({**MATCHES, **transform(f"{KAFKA}Filter"), "transforms.t.predicate": "p"}, "orders", None),
        ({**MATCHES, **transform(f"{KAFKA}Filter"), "transforms.t.predicate": "p"}, "users", "users"),
    ],
)
def test_a_renaming_is_followed(config: Mapping[str, str], name: str, routed: str | None) -> None:
    transforms = {"transforms": "t"} if config else {}

    assert Routing({**transforms, **config}).follow(name) == Routed(name=routed)


def test_transforms_apply_one_after_the_other() -> None:
    config = {"transforms": "b, a", **regex("x-(.*)", "$1", "a"), **regex("(.*)", "x-$1", "b")}

    assert Routing(config).follow("orders") == Routed(name="orders")
    assert Routing({**config, "transforms": "a, b"}).follow("orders") == Routed(name="x-orders")


@pytest.mark.parametrize(
    ("config", "because"),
    [
        (transform("io.confluent.connect.transforms.ExtractTopic$Value"), "takes the topic from each record"),
        (transform(f"{KAFKA}TimestampRouter"), "puts the record's time into the topic's name"),
        (transform("com.example.Route"), "may send records elsewhere, and is not known here"),
        (
            transform("io.debezium.transforms.outbox.EventRouter"),
            "from each row, by its column aggregatetype",
        ),
        (regex("\\p{Alpha}+", "x"), "is not read as Java does"),
        (regex("(.*)", "${nope}"), "is not read as Java does"),
        ({"transforms.t.type": f"{KAFKA}RegexRouter"}, "is not read as Java does"),
        (
            {
                **regex(".*", "x"),
                "transforms.t.predicate": "p",
                "predicates.p.type": f"{KAFKA}predicates.HasHeaderKey",
            },
            "applies or not depending on each record",
        ),
        # Not knowing which topics a predicate means is not the same as depending on the records.
        *(
            (
                {
                    **step,
                    "transforms.t.predicate": "p",
                    "predicates.p.type": f"{KAFKA}predicates.TopicNameMatches",
                    "predicates.p.pattern": "\\p{Alpha}+",
                },
                "its predicate's pattern '\\\\p{Alpha}+' is not read as Java does",
            )
            for step in (regex(".*", "x"), transform(f"{KAFKA}Filter"))
        ),
        ({**regex(".*", "x"), "transforms.t.predicate": "gone"}, "applies or not depending on each record"),
    ],
)
def test_a_transform_that_cannot_be_followed_says_why(config: Mapping[str, str], because: str) -> None:
    routed = Routing({"transforms": "t", **config}).follow("orders")

    assert routed.name is None
    assert because in (routed.because or "")
    assert (routed.because or "").startswith("its transform t (")


def test_a_filter_by_record_drops_some_records_and_renames_none() -> None:
    config = {
        "transforms": "t",
        **transform(f"{KAFKA}Filter", predicate="p"),
        "predicates.p.type": f"{KAFKA}predicates.RecordIsTombstone",
    }

    assert Routing(config).follow("orders") == Routed(name="orders")
