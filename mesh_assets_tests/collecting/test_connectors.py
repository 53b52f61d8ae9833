from collections.abc import Mapping

import pytest

from mesh_assets.collecting.connector_topics import DeclaredTopics, declared_topics
from mesh_assets.collecting.connectors import collect_connectors
from mesh_assets.inventory.records import Connector, ConnectorTopic
from mesh_assets.platforms import Presence
from mesh_assets.platforms.connect import connectors as platform

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
                unknown_because="its transform route (RegexRouter) may send records to other topics"
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
                unknown_because="its transform t (TimestampRouter) may send records to other topics"
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
def test_topics_come_from_the_config_or_a_reason_says_why_not(
    connector_type: str, config: dict[str, str | None], expected: DeclaredTopics
) -> None:
    assert declared_topics(connector_type, config) == expected


def test_a_config_that_may_not_be_read_says_so_for_sources_and_sinks() -> None:
    assert (
        declared_topics("source", {})
        == declared_topics("sink", {})
        == DeclaredTopics(unknown_because="its config may not be read")
    )


def routed(regex: str, replacement: str, topic: str = "db-orders") -> DeclaredTopics:
    return declared_topics(
        "source",
        {
            "topic": topic,
            **ROUTE,
            "transforms.route.regex": regex,
            "transforms.route.replacement": replacement,
        },
    )


@pytest.mark.parametrize(
    ("regex", "replacement", "topic"),
    [
        ("db-(?<name>.*)", "shop.${name}", "shop.orders"),
        ("db-(.*)", "$10", "orders0"),  # there is no group 10, so this means group 1 and a zero
        ("db-(.*)", r"a\.b\-$1", "a.b-orders"),
        (r"\Qdb-\E(.*)", "$1", "orders"),
        (
            "(db|db-orders)(.*)",
            "x$2",
            "x-orders",
        ),  # replaceFirst replaces what `find` finds, not the whole name
        ("(?i)DB-(.*)", "$1", "orders"),
        ("db-(x)?.*", "y$1", "y"),  # a group that did not participate
    ],
)
def test_a_router_is_followed_by_javas_rules(regex: str, replacement: str, topic: str) -> None:
    assert routed(regex, replacement) == DeclaredTopics(names=(topic,))


@pytest.mark.parametrize(
    ("regex", "replacement"),
    [
        ("db-(?P<name>.*)", "x"),  # no pattern in Java
        ("db-{,9}.*", "x"),
        ("db-{name}", "x"),
        ("[a-z&&[^x]]+-.*", "x"),  # an intersection in Java, a set of characters in Python
        ("[a[-]]+.*", "x"),
        (r"db-\p{Lower}+", "x"),
        (r"(d)b-\1*.*", "x"),
        ("db-.*", "$2"),
        ("db-.*", "${name}"),
        ("db-.*", "x$"),
        ("db-.*", "x\\"),
        ("db-.*", "new topic"),
    ],
)
def test_patterns_that_java_refuses_or_reads_differently_are_not_followed(
    regex: str, replacement: str
) -> None:
    assert routed(regex, replacement) == DeclaredTopics(
        unknown_because="its transform route (RegexRouter) could not be followed"
    )


@pytest.mark.parametrize(
    ("connector_type", "config", "expected"),
    [
        (
            "source",
            {"connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector", "topics": "orders"},
            DeclaredTopics(
                unknown_because="its config names topics of the cluster that it mirrors, not those it writes"
            ),
        ),
        (
            "source",
            {"connector.class": "com.acme.Source", "topics": "orders"},
            DeclaredTopics(unknown_because="its config names no topic"),
        ),
        (
            "source",
            {"connector.class": "org.apache.camel.kafkaconnector.CamelSourceConnector", "topics": "a,b"},
            DeclaredTopics(names=("a", "b")),
        ),
        (
            "source",
            {"kafka.topic": "sf.${_ObjectType}"},
            DeclaredTopics(unknown_because="its kafka.topic has an entry that is not a topic name"),
        ),
        (
            "sink",
            {"topics": "orders,${env:TOPIC}"},
            DeclaredTopics(
                names=("orders",), unknown_because="its topics has an entry that is not a topic name"
            ),
        ),
        (
            "sink",
            {"topics.regex": "[a-z&&[^x]]+"},
            DeclaredTopics(
                pattern="[a-z&&[^x]]+", unknown_because="topics.regex '[a-z&&[^x]]+' could not be followed"
            ),
        ),
        ("source", {"kafka.topic": "orders", "topic": "device/+/state"}, DeclaredTopics(names=("orders",))),
        (
            "source",
            {"topic": "orders", "transforms": "t", "transforms.t.type": "com.acme.PrefixTopic"},
            DeclaredTopics(unknown_because="its transform t (PrefixTopic) may send records to other topics"),
        ),
        (
            "source",
            {
                "topic": "orders",
                "transforms": "t",
                "transforms.t.type": "io.debezium.transforms.ExtractNewRecordState",
                "transforms.t.route.by.field": "kind",
            },
            DeclaredTopics(
                unknown_because="its transform t (ExtractNewRecordState) may send records to other topics"
            ),
        ),
        (
            "source",
            {
                "topic": "orders",
                "transforms": "t",
                "transforms.t.type": "io.debezium.transforms.ExtractNewRecordState",
            },
            DeclaredTopics(names=("orders",)),
        ),
    ],
)
def test_a_topic_that_a_config_does_not_name_is_never_assumed(
    connector_type: str, config: dict[str, str | None], expected: DeclaredTopics
) -> None:
    assert declared_topics(connector_type, config) == expected


class AWorker:
    """Connect with one connector; `used`: the topics it saw it use, None if it does not say."""

    name, address = "kafka_connect", "connect:8083"
    url = "http://connect:8083"
    name = "kafka_connect"
    address = "connect:8083"
    requests = 0
    stand_in = None
    rights_advice = ""

    def __init__(self, type_: str, config: Mapping[str, str], used: tuple[str, ...] | None) -> None:
        self.type, self.config, self.used = type_, config, used

    def connectors(self) -> tuple[platform.Connector, ...]:
        return (
            platform.Connector(
                name="c",
                type=self.type,
                connector_class=self.config.get("connector.class"),
                state="RUNNING",
                worker_id=None,
                config=self.config,
                tasks=(),
            ),
        )

    def topics(self, name: str) -> tuple[str, ...] | None:
        assert name == "c"
        return self.used

    def password_keys(self, plugin_class: str) -> frozenset[str]:  # noqa: ARG002 - the client's names
        return frozenset()

    def presence(self, name: str) -> Presence:  # noqa: ARG002
        return "here"


def collected(worker: AWorker, *previous: Connector) -> Connector:
    (connector,) = collect_connectors([worker], previous=previous).records
    return connector


def test_a_mirror_has_the_topics_that_connect_has_seen_and_may_have_no_task() -> None:
    mirror = {"connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector", "topics": ".*"}
    found = collected(AWorker("source", mirror, ("west.orders",)))
    assert found.topics == (ConnectorTopic(name="west.orders", known="observed"),)
    assert found.active
    assert not collected(AWorker("sink", {"connector.class": "com.acme.Sink", "topics": "a"}, None)).active


def test_a_sink_whose_pattern_only_java_reads_has_what_connect_has_seen() -> None:
    found = collected(AWorker("sink", {"topics.regex": "[a-z&&[^x]]+"}, ("orders",)))
    assert found.topics == (ConnectorTopic(name="orders", known="observed"),)
    assert (
        found.topics_note
        == "topics.regex '[a-z&&[^x]]+' could not be followed; Connect has seen it use these"
    )


def test_what_is_declared_stays_beside_what_connect_has_seen_then_and_later() -> None:
    config = {"topics": "orders,${env:TOPIC}"}
    first = collected(AWorker("sink", config, ("orders", "users")))
    assert first.topics == (
        ConnectorTopic(name="orders", known="declared"),
        ConnectorTopic(name="users", known="observed"),
    )
    assert collected(AWorker("sink", config, None), first) == first
