import msgspec
import pytest
from msgspec.structs import replace

from mesh_assets.diff import apply_changes, diff_documents, stable_state
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Topic
from mesh_assets_tests.documents import a_document, a_topic


def changes_of(
    before: Topic | None, after: Topic | None
) -> list[tuple[str, str | None, str | None, str | None, str, str]]:
    """Kind, field, before, after, severity, sentence."""
    changes = diff_documents(
        a_document(topics=() if before is None else (before,)),
        a_document(topics=() if after is None else (after,)),
    )
    return [(c.kind, c.field, c.before, c.after, c.severity, c.sentence) for c in changes]


def test_a_new_topic_is_created_with_its_whole_record() -> None:
    topic = a_topic("payments", partitions=6)
    (change,) = diff_documents(a_document(), a_document(topics=(topic,)))
    assert change == Change(
        kind="created",
        resource_type="topic",
        resource="payments",
        field=None,
        before=None,
        after=msgspec.json.encode(topic).decode(),
        severity="info",
        sentence="Topic payments created: 6 partitions, replication factor 1",
    )


def test_a_deleted_topic_comes_with_its_last_known_record() -> None:
    topic = a_topic("payments")
    (change,) = diff_documents(a_document(topics=(topic,)), a_document())
    assert change == Change(
        kind="deleted",
        resource_type="topic",
        resource="payments",
        field=None,
        before=msgspec.json.encode(topic).decode(),
        after=None,
        severity="warning",
        sentence="Topic payments deleted: it had 1 partition, replication factor 1",
    )


def test_a_topic_of_the_same_name_with_another_id_is_deleted_first_and_then_created() -> None:
    changes = changes_of(
        a_topic(id="one", partitions=6), a_topic(id="two", partitions=3, config={"retention.ms": "1"})
    )
    assert [(kind, field, severity, sentence) for kind, field, _, _, severity, sentence in changes] == [
        (
            "deleted",
            None,
            "warning",
            "Topic orders deleted and created again: the old one had 6 partitions, replication factor 1",
        ),
        (
            "created",
            None,
            "warning",
            "Topic orders created again after deletion: 3 partitions, replication factor 1",
        ),
    ]


def test_an_unknown_id_proves_nothing() -> None:
    known, unknown = a_topic(id="one"), replace(a_topic(), id=None)
    assert changes_of(known, unknown) == []
    assert changes_of(unknown, known) == []


def test_more_partitions_are_a_change_with_their_replicas() -> None:
    assert changes_of(a_topic(partitions=1), a_topic(partitions=3)) == [
        ("updated", "partitions", "1", "3", "warning", "Topic orders: partitions 1 → 3"),
        (
            "updated",
            "replicas",
            '{"0":[1]}',
            '{"0":[1],"1":[1],"2":[1]}',
            "info",
            "Topic orders: 2 new partitions on broker 1",
        ),
    ]


def test_a_reassignment_is_a_change_of_replicas() -> None:
    assert changes_of(a_topic(partitions=2, replicas=(1, 2)), a_topic(partitions=2, replicas=(1, 3))) == [
        (
            "updated",
            "replicas",
            '{"0":[1,2],"1":[1,2]}',
            '{"0":[1,3],"1":[1,3]}',
            "info",
            "Topic orders: 2 of 2 partitions moved to other replicas",
        )
    ]


def test_a_lower_replication_factor_is_a_warning_and_a_higher_one_is_not() -> None:
    one, two = a_topic(replicas=(1,)), a_topic(replicas=(1, 2))
    field = "replication_factor"
    assert ("updated", field, "2", "1", "warning", "Topic orders: replication factor 2 → 1") in changes_of(
        two, one
    )
    assert ("updated", field, "1", "2", "info", "Topic orders: replication factor 1 → 2") in changes_of(
        one, two
    )


def test_a_topic_that_the_brokers_list_but_do_not_describe_has_not_shrunk() -> None:
    topic, name_only = (
        a_topic(partitions=3),
        replace(a_topic(partitions=0), config=None, error="TOPIC_AUTHORIZATION_FAILED"),
    )
    assert changes_of(topic, name_only) == []
    assert changes_of(name_only, topic) == []
    assert [sentence for *_, sentence in changes_of(None, name_only)] == [
        "Topic orders created: partitions unknown"
    ]


def test_replicas_that_a_partition_does_not_report_are_not_a_reassignment() -> None:
    topic = a_topic()
    silent = replace(
        topic,
        partitions=tuple(replace(p, replicas=(), error="LEADER_NOT_AVAILABLE") for p in topic.partitions),
    )
    assert changes_of(topic, silent) == []
    assert changes_of(silent, topic) == []


def test_each_changed_config_is_a_change() -> None:
    before = a_topic(config={"retention.ms": "604800000", "segment.ms": "1", "compression.type": "producer"})
    after = a_topic(config={"retention.ms": "86400000", "segment.ms": "2", "compression.type": "producer"})
    assert changes_of(before, after) == [
        (
            "updated",
            "config.retention.ms",
            "604800000",
            "86400000",
            "warning",
            "Topic orders: retention.ms 604800000 → 86400000",
        ),
        ("updated", "config.segment.ms", "1", "2", "info", "Topic orders: segment.ms 1 → 2"),
    ]


def test_an_inherited_value_is_not_a_change_of_the_topic() -> None:
    before = a_topic(config={"retention.ms": "1", "segment.ms": "1"}, config_overrides=("segment.ms",))
    other_default = replace(before, config={"retention.ms": "2", "segment.ms": "1"})
    after_upgrade = replace(before, config={**(before.config or {}), "remote.copy.disable": "false"})

    assert changes_of(before, other_default) == []
    assert changes_of(before, after_upgrade) == changes_of(after_upgrade, before) == []


def test_one_default_of_the_cluster_is_one_change_however_many_topics_inherit_it() -> None:
    def topics(retention: str) -> tuple[Topic, ...]:
        return (
            *(
                a_topic(f"t-{number}", config={"retention.ms": retention}, config_overrides=())
                for number in range(39)
            ),
            a_topic("own", config={"retention.ms": "5"}),
        )

    before = a_document(topics=topics("1"), topic_defaults={"retention.ms": "1"})
    after = a_document(topics=topics("2"), topic_defaults={"retention.ms": "2"})

    (change,) = diff_documents(before, after)
    assert (change.resource_type, change.field, change.before, change.after, change.severity) == (
        "topic_defaults",
        "config.retention.ms",
        "1",
        "2",
        "warning",
    )
    assert change.sentence == ("Topic default: retention.ms 1 → 2, inherited by 39 topics")
    assert apply_changes(stable_state(before), [change]) == stable_state(after)
    assert diff_documents(replace(before, topic_defaults=None), after) == ()


def test_differing_static_defaults_of_brokers_give_no_changes_between_equal_readings() -> None:
    def read_from(broker: str) -> Document:
        config = {"retention.ms": broker, "cleanup.policy": "compact", "min.insync.replicas": broker}
        return a_document(
            topics=tuple(
                a_topic(f"t-{number}", config=config, config_overrides=("cleanup.policy",))
                for number in range(12)
            ),
            topic_defaults={},
        )

    assert diff_documents(read_from("1"), read_from("2")) == ()


def test_a_cluster_default_set_or_dropped_says_what_applies_without_it() -> None:
    topics = (a_topic(config={"retention.ms": "1"}, config_overrides=()),)
    unset, set_ = (
        a_document(topics=topics, topic_defaults=defaults) for defaults in ({}, {"retention.ms": "1"})
    )

    (dropped,), (given,) = diff_documents(set_, unset), diff_documents(unset, set_)

    assert (dropped.before, dropped.after, given.before, given.after) == ("1", None, None, "1")
    assert dropped.sentence == (
        "Topic default: retention.ms 1 → not set for the cluster (each broker's own holds), inherited by 1 topic"
    )
    assert "not set for the cluster (each broker's own holds) → 1," in given.sentence


def test_a_value_nested_too_deeply_is_compared_as_text() -> None:
    deep = '{"a":' * 5_000
    (change,) = changes_of(a_topic(config={"x": deep}), a_topic(config={"x": "{}"}))
    assert change[2] == deep


@pytest.mark.parametrize(
    ("config", "one", "other"),
    [
        ("cleanup.policy", "compact,delete", "delete,compact"),
        ("cleanup.policy", "compact,delete", "delete, compact"),
        ("leader.replication.throttled.replicas", "0:1,1:2", "1:2,0:1"),
        ("preallocate", "true", "TRUE"),
        ("retention.ms", "60000", "060000"),
        ("retention.ms", "60000", " +60000 "),
        (
            "confluent.placement.constraints",
            '{"version":1,"replicas":[]}',
            '{ "replicas": [], "version": 1 }',
        ),
    ],
)
def test_order_and_spelling_with_the_same_meaning_are_not_a_change(config: str, one: str, other: str) -> None:
    assert changes_of(a_topic(config={config: one}), a_topic(config={config: other})) == []


@pytest.mark.parametrize(
    ("config", "one", "other"),
    [
        ("cleanup.policy", "compact,delete", "compact"),
        ("compression.type", "a,b", "b,a"),
        ("retention.ms", "-1", "1"),
        ("confluent.placement.constraints", '{"version":1}', '{"version":2}'),
        ("confluent.placement.constraints", '{"version":1}', '{"version":1'),
    ],
)
def test_another_meaning_is_a_change(config: str, one: str, other: str) -> None:
    assert len(changes_of(a_topic(config={config: one}), a_topic(config={config: other}))) == 1


def test_unreadable_configs_are_not_a_change_in_either_direction() -> None:
    known = a_topic(config={"retention.ms": "1"})
    unknown = replace(known, config=None, config_error="not authorized")
    assert changes_of(known, unknown) == []
    assert changes_of(unknown, known) == []


def test_a_sensitive_config_is_not_a_change_in_either_direction() -> None:
    known, hidden = a_topic(config={"some.secret": "1"}), a_topic(config={"some.secret": None})
    assert changes_of(known, hidden) == []
    assert changes_of(hidden, known) == []


def test_an_override_set_or_removed_says_what_applies_instead() -> None:
    inherited = a_topic(config={"retention.ms": "1"}, config_overrides=())
    own, own_as_inherited = a_topic(config={"retention.ms": "2"}), a_topic(config={"retention.ms": "1"})
    field = "config.retention.ms"

    assert changes_of(inherited, own) == [
        ("updated", field, None, "2", "warning", "Topic orders: retention.ms 1 (inherited) → 2")
    ]
    assert changes_of(own, inherited) == [
        ("updated", field, "2", None, "warning", "Topic orders: retention.ms 2 → 1 (override removed)")
    ]
    assert changes_of(inherited, own_as_inherited) == [
        (
            "updated",
            field,
            None,
            "1",
            "info",
            "Topic orders: retention.ms set on the topic to 1, as inherited",
        )
    ]


def test_a_long_value_is_shortened_in_the_sentence_only() -> None:
    ((_, _, _, after, _, sentence),) = changes_of(
        a_topic(config={"x": "a\nb"}), a_topic(config={"x": "c" * 5_000})
    )
    assert after == "c" * 5_000
    assert sentence == f"Topic orders: x a b → {'c' * 119}…"
