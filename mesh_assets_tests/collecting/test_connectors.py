import pytest

from mesh_assets.collecting.connectors import DeclaredTopics, declared_topics

ROUTE = {
    "transforms": "cast,route",
    "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value",
    "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
}


@pytest.mark.parametrize(
    ("connector_type", "config", "expected"),
    [
        ("source", {"topic": "orders"}, DeclaredTopics(names=("orders",))),
        ("source", {"kafka.topic": "orders"}, DeclaredTopics(names=("orders",))),
        ("sink", {"topics": "users, orders"}, DeclaredTopics(names=("orders", "users"))),
        ("sink", {"topics.regex": "orders.*"}, DeclaredTopics(pattern="orders.*")),
        ("source", {"topic.prefix": "db-"}, DeclaredTopics(unknown_because="its config names no topic")),
        (
            "source",
            {
                "topic": "db-orders",
                **ROUTE,
                "transforms.route.regex": "db-(.*)",
                "transforms.route.replacement": "shop.$1",
            },
            DeclaredTopics(names=("shop.orders",)),
        ),
        (
            "source",
            {
                "topic": "orders",
                **ROUTE,
                "transforms.route.regex": "db-(.*)",
                "transforms.route.replacement": "shop.$1",
            },
            DeclaredTopics(names=("orders",)),
        ),
        (
            "source",
            {"topic": "orders", **ROUTE, "transforms.route.regex": "(", "transforms.route.replacement": "x"},
            DeclaredTopics(unknown_because="its transform route (RegexRouter) could not be followed"),
        ),
        (
            "source",
            {
                "topic": "o",
                **ROUTE,
                "transforms.route.regex": "o",
                "transforms.route.replacement": "x",
                "transforms.route.predicate": "p",
            },
            DeclaredTopics(
                unknown_because="its transform route (RegexRouter) decides the topic record by record"
            ),
        ),
        (
            "source",
            {
                "topic": "orders",
                "transforms": "t",
                "transforms.t.type": "org.apache.kafka.connect.transforms.TimestampRouter",
            },
            DeclaredTopics(
                unknown_because="its transform t (TimestampRouter) decides the topic record by record"
            ),
        ),
        (
            "sink",
            {
                "topics": "orders",
                "transforms": "t",
                "transforms.t.type": "org.apache.kafka.connect.transforms.TimestampRouter",
            },
            DeclaredTopics(names=("orders",)),
        ),
    ],
)
def test_topics_come_from_the_config_or_it_is_said_why_not(
    connector_type: str, config: dict[str, str | None], expected: DeclaredTopics
) -> None:
    assert declared_topics(connector_type, config) == expected


def test_a_config_that_may_not_be_read_says_so_for_sources_and_sinks() -> None:
    assert (
        declared_topics("source", {})
        == declared_topics("sink", {})
        == DeclaredTopics(unknown_because="its config may not be read")
    )
