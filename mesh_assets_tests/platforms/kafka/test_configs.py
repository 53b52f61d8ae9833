"""The configs of topics."""

import pytest
from confluent_kafka import KafkaError

from mesh_assets.errors import UnreachableError
from mesh_assets.platforms.kafka import TopicConfigs
from mesh_assets_tests.platforms.kafka.fakes import FakeAdmin, entry, error, reader_on


@pytest.fixture
def admin() -> FakeAdmin:
    return FakeAdmin()


def test_all_configs_are_told_and_which_are_set_on_the_topic_itself(admin: FakeAdmin) -> None:
    admin.topic_configs = {
        "orders": {
            "retention.ms": entry("retention.ms", "3600000", source=1),
            "cleanup.policy": entry("cleanup.policy", "compact", source=1),
            "min.insync.replicas": entry("min.insync.replicas", "2", source=4),
            "segment.bytes": entry("segment.bytes", "1073741824"),
        }
    }
    assert reader_on(admin).configs(["orders"]) == {
        "orders": TopicConfigs(
            topic="orders",
            values={
                "cleanup.policy": "compact",
                "min.insync.replicas": "2",
                "retention.ms": "3600000",
                "segment.bytes": "1073741824",
            },
            overridden=("cleanup.policy", "retention.ms"),
        )
    }


def test_a_sensitive_value_is_not_carried_even_when_the_broker_gives_it(admin: FakeAdmin) -> None:
    admin.topic_configs = {
        "orders": {"link.password": entry("link.password", "hush", source=1, sensitive=True)}
    }
    assert reader_on(admin).configs(["orders"])["orders"] == TopicConfigs(
        topic="orders", values={"link.password": None}, overridden=("link.password",)
    )


def test_a_refused_topic_is_unknown_with_the_right_that_is_missing_and_the_others_are_read(
    admin: FakeAdmin,
) -> None:
    admin.topic_configs = {
        "secret": error(KafkaError.TOPIC_AUTHORIZATION_FAILED, "Topic authorization failed."),
        "gone": error(KafkaError.UNKNOWN_TOPIC_OR_PART, "This server does not host this topic-partition."),
    }
    assert reader_on(admin).configs(["secret", "open", "gone"]) == {
        "gone": TopicConfigs(
            topic="gone",
            values=None,
            error="UNKNOWN_TOPIC_OR_PART: This server does not host this topic-partition.",
        ),
        "open": TopicConfigs(topic="open", values={}),
        "secret": TopicConfigs(
            topic="secret",
            values=None,
            error="TOPIC_AUTHORIZATION_FAILED: Topic authorization failed.; needs DESCRIBE_CONFIGS on the topic",
        ),
    }


def test_no_answer_is_no_reading(admin: FakeAdmin) -> None:
    admin.topic_configs = {"orders": error(KafkaError._TIMED_OUT, "Timed out")}
    with pytest.raises(
        UnreachableError, match="could not be reached while reading the topic configs: Timed out"
    ):
        reader_on(admin).configs(["orders"])


def test_topics_are_asked_500_a_call_and_each_once(admin: FakeAdmin) -> None:
    names = [f"topic-{number:04}" for number in range(1_200)]
    reader = reader_on(admin)
    assert list(reader.configs([*names, *names])) == names
    assert [len(asked) for asked in admin.calls("describe_configs")] == [500, 500, 200]


def test_no_topics_need_no_call(admin: FakeAdmin) -> None:
    reader = reader_on(admin)
    assert (reader.configs([]), reader.requests) == ({}, {})


def test_equal_texts_are_one_object_in_memory(admin: FakeAdmin) -> None:
    copies = ["".join(["compact", ",delete"]) for _ in range(2)]
    admin.topic_configs = {
        name: {"cleanup.policy": entry("".join(["cleanup", ".policy"]), text, source=1)}
        for name, text in zip(("one", "two"), copies, strict=True)
    }
    one, two = reader_on(admin).configs(["one", "two"]).values()
    assert one.values is not None
    assert two.values is not None
    assert one.values["cleanup.policy"] is two.values["cleanup.policy"]
    assert one.overridden is two.overridden
