from datetime import UTC, datetime

import pytest

from mesh_assets.anomalies.watch import watch_cluster
from mesh_assets.errors import EstateError, UnreachableError
from mesh_assets.estate.fields import NamePatterns
from mesh_assets.estate.monitoring import AnomalyThresholds
from mesh_assets.platforms.kafka import (
    CommittedPartition,
    ConsumerGroup,
    GroupsReading,
    KafkaReader,
    OffsetsReading,
    PartitionOffsets,
)
from mesh_assets.readings.reading import Reading, reading_of, resource_of, series_name
from mesh_assets.readings.reading import take_reading as take
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.collecting.cluster_fakes import FakeKafka, a_cluster, opened
from mesh_assets_tests.snapshot.world import MemoryObjects

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def a_group(name: str, *committed: tuple[str, int, int | None], error: str | None = None) -> ConsumerGroup:
    return ConsumerGroup(
        group_id=name,
        type="classic",
        protocol_type="consumer",
        state="Stable",
        coordinator=1,
        members=(),
        offsets=tuple(
            CommittedPartition(topic=t, partition=p, committed=c, error=error) for t, p, c in committed
        ),
    )


def read(kafka: FakeKafka, **cluster: object) -> Reading:
    reader: KafkaReader = kafka
    return take(a_cluster(**cluster), reader, kafka.metadata())


def test_a_reading_sums_the_partitions_and_the_lag_of_groups() -> None:
    kafka = FakeKafka(
        topics={"orders": [100, 50], "empty": [0], "_schemas": [7]},
        consumer_groups=(
            a_group("fraud", ("orders", 0, 90), ("orders", 1, 60)),
            a_group("new", ("orders", 0, None)),
        ),
        read_at=[NOW],
        growth=10,
    )

    reading = read(kafka)

    assert {resource_of(series): end for series, end in reading.ends.items()} == {"orders": 150, "empty": 0}
    assert {resource_of(series): offset for series, offset in reading.commits.items()} == {"fraud": 150}
    assert reading.lags == {"fraud": 10}, (
        "a consumer that is ahead of the end that was read has no lag there, not a negative one"
    )
    assert (reading.topics, reading.groups, reading.read_at) == (
        frozenset({"orders", "empty"}),
        frozenset({"fraud", "new"}),
        NOW,
    )


def test_a_group_that_stays_beyond_the_end_has_no_lag_instead_of_zero() -> None:
    kafka = FakeKafka(
        topics={"orders": [100, 50]}, consumer_groups=(a_group("old", ("orders", 0, 90), ("orders", 1, 60)),)
    )

    assert read(kafka).lags == {}
    assert kafka.requests["offsets"] == 2


def test_records_removed_by_retention_are_not_lag() -> None:
    offsets = OffsetsReading(
        read_at=NOW,
        topics={"orders": (PartitionOffsets(partition=0, earliest=80, latest=100),)},
    )
    groups = GroupsReading(read_at=NOW, groups=(a_group("slow", ("orders", 0, 10)),))

    assert reading_of((), offsets, groups, topic_ids={"orders": "1"}).lags == {"slow": 20}


def test_partly_read_values_are_left_out() -> None:
    kafka = FakeKafka(
        topics={"orders": [100]},
        consumer_groups=(
            a_group("refused", ("orders", 0, 90), error="GROUP_AUTHORIZATION_FAILED"),
            a_group("of a topic that is gone", ("deleted", 0, 90)),
        ),
    )

    reading = read(kafka)

    assert reading.lags == {}
    assert [resource_of(series) for series in reading.commits] == ["of a topic that is gone"]


def test_a_commit_on_another_partition_starts_another_series() -> None:
    one = read(FakeKafka(topics={"o": [9, 9]}, consumer_groups=(a_group("a/b", ("o", 0, 5)),))).commits
    two = read(
        FakeKafka(topics={"o": [9, 9]}, consumer_groups=(a_group("a/b", ("o", 0, 5), ("o", 1, 5)),))
    ).commits

    assert one.keys().isdisjoint(two)
    assert {resource_of(series) for series in (*one, *two)} == {"a/b"}


def test_only_selected_things_are_watched() -> None:
    groups = (a_group("a", ("orders", 0, 1)), a_group("b", ("orders", 0, 1)))
    kafka = FakeKafka(topics={"orders": [1], "tmp-1": [1]}, consumer_groups=groups)
    thresholds = AnomalyThresholds(
        topics=NamePatterns(exclude=("tmp-*",)), consumer_groups=NamePatterns(include=("a",))
    )

    reading = read(kafka, anomalies=thresholds)

    assert reading.topics == {"orders"}
    assert reading.groups == {"a"}


def test_a_topics_series_is_identified_by_its_id() -> None:
    assert series_name("orders", "x") != series_name("orders", "y")
    assert resource_of(series_name("orders", "x")) == "orders"


def test_an_unreadable_cluster_leaves_no_reading() -> None:
    objects = MemoryObjects()
    kafka = FakeKafka(topics={"orders": [1]}, fail={"groups": UnreachableError("no broker answers")})

    with pytest.raises(UnreachableError):
        watch_cluster(a_cluster(), InventoryStore(objects), interval_seconds=300, clients=opened(kafka))

    assert objects.data == {}


def test_a_cluster_other_than_the_estates_is_refused() -> None:
    with pytest.raises(EstateError, match="the estate says cluster_id lkc-2"):
        watch_cluster(
            a_cluster(cluster_id="lkc-2"),
            InventoryStore(MemoryObjects()),
            interval_seconds=300,
            clients=opened(FakeKafka()),
        )


def test_a_cluster_whose_anomalies_are_switched_off_is_not_contacted() -> None:
    kafka = FakeKafka()

    watched = watch_cluster(
        a_cluster(anomalies=AnomalyThresholds(enabled=False)),
        InventoryStore(MemoryObjects()),
        interval_seconds=300,
        clients=opened(kafka),
    )

    assert watched.skipped == "the estate switches anomalies off"
    assert not kafka.requests
