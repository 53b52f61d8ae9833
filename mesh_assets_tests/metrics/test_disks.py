"""Retained bytes and disk usage, from the brokers' log directories."""

from msgspec.structs import replace

from mesh_assets.inventory.records import Broker, Metrics, MetricsSource, PartitionHealth, Topic, TopicRate
from mesh_assets.inventory.storage_records import LogDirectory, TopicStorage
from mesh_assets.metrics.disks import untold, with_disks
from mesh_assets_tests.documents import a_topic

METRICS = Metrics(
    source="offsets",
    window_start=None,
    window_end=None,
    window_seconds=None,
    topics=(
        TopicRate(topic="orders", records_in_per_second=1.0, message_count=9),
        TopicRate(topic="users", records_in_per_second=2.0, message_count=9),
    ),
    consumer_groups=(),
    brokers=(Broker(id=1, host="a", port=9092), Broker(id=2, host="b", port=9092)),
    controller=None,
    partition_health=PartitionHealth(
        partitions=2, under_replicated=0, under_min_isr=0, offline=0, leaderless=0
    ),
    sources=(MetricsSource(name="offsets"),),
)


def stored(name: str, leader_bytes: int | None) -> Topic:
    return replace(a_topic(name), storage=TopicStorage(leader_bytes=leader_bytes))


def directory(broker: int, path: str, total: int | None, usable: int | None) -> LogDirectory:
    return LogDirectory(broker=broker, path=path, total_bytes=total, usable_bytes=usable)


def test_a_topic_retains_what_its_leaders_hold_and_a_broker_is_as_full_as_its_fullest_volume() -> None:
    metrics = with_disks(
        METRICS,
        [stored("orders", 100), stored("users", None)],
        (directory(1, "/a", 1000, 900), directory(1, "/b", 1000, 250), directory(2, "/a", None, None)),
        None,
    )
    assert [rate.retained_bytes for rate in metrics.topics] == [100, None]
    assert [rate.records_in_per_second for rate in metrics.topics] == [1.0, 2.0]
    assert [(one.host, one.disk_used_percent) for one in metrics.brokers] == [("a", 75.0), ("b", None)]
    assert metrics.sources[1] == MetricsSource(
        name="log_dirs", figures=("topics.retained_bytes", "brokers.disk_used_percent")
    )
    assert untold(metrics, None) == ()


def test_a_full_disk_and_an_empty_topic_are_figures_and_not_unknown() -> None:
    metrics = with_disks(METRICS, [stored("orders", 0)], (directory(1, "/a", 10, 0),), None)
    assert metrics.topics[0].retained_bytes == 0
    assert metrics.brokers[0].disk_used_percent == 100.0


def test_without_the_directories_nothing_is_invented_and_the_reason_is_given() -> None:
    metrics = with_disks(METRICS, [stored("orders", None)], None, "refused")
    assert metrics == METRICS
    assert untold(metrics, "refused") == ("retained bytes and disk usage of brokers: refused",)


def test_figures_of_another_source_are_not_called_missing() -> None:
    rates = (replace(METRICS.topics[0], retained_bytes=5), METRICS.topics[1])
    assert untold(replace(METRICS, topics=rates), "refused") == ("disk usage of brokers: refused",)


def test_a_broker_without_its_directories_is_an_error_of_the_source() -> None:
    metrics = with_disks(METRICS, [stored("orders", 100)], (directory(1, "/a", 10, 5),), "broker 2: silent")
    assert metrics.errors == ("broker 2: silent",)
