from mesh_assets.collecting.kafka_records import topic_defaults
from mesh_assets.platforms.kafka import TopicConfigs

INHERITS = TopicConfigs(
    topic="a", values={"retention.ms": "1", "segment.ms": "9"}, cluster_wide=("retention.ms",)
)
OWN = TopicConfigs(topic="b", values={"retention.ms": "5", "segment.ms": "9"}, overridden=("retention.ms",))
STATIC = TopicConfigs(topic="c", values={"retention.ms": "7", "segment.ms": "9"})
OF_THE_BROKER = TopicConfigs(topic="d", values={"retention.ms": "8"}, of_the_broker=("retention.ms",))
REFUSED = TopicConfigs(topic="e", values=None, error="refused")


def test_a_default_of_the_cluster_is_known_from_a_topic_that_inherits_it() -> None:
    assert topic_defaults([OWN, INHERITS], None) == {"retention.ms": "1"}


def test_a_static_default_is_not_a_default_of_the_cluster() -> None:
    assert topic_defaults([STATIC], None) == {}
    assert topic_defaults([STATIC], {"retention.ms": "1"}) == {}


def test_a_changed_static_default_leaves_the_clusters_defaults_as_they_were() -> None:
    built_in = TopicConfigs(topic="c", values={"retention.ms": "604800000", "segment.ms": "9"})
    known = topic_defaults([STATIC, INHERITS], None)
    assert known == {"retention.ms": "1"}
    assert topic_defaults([built_in], {}) == topic_defaults([STATIC], {}) == {}


def test_a_default_that_no_topic_shows_any_more_stays_as_it_was() -> None:
    for hiding in (OWN, OF_THE_BROKER, REFUSED):
        assert topic_defaults([hiding], {"retention.ms": "1"}) == {"retention.ms": "1"}


def test_configs_that_could_never_be_read_give_no_defaults() -> None:
    assert topic_defaults([REFUSED], None) is None
    assert topic_defaults([], None) is None
