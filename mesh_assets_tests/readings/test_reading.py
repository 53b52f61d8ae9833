from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.anomalies.watch import watch_cluster
from mesh_assets.errors import EstateError, UnreachableError
from mesh_assets.estate.fields import NamePatterns
from mesh_assets.estate.monitoring import AnomalyThresholds
from mesh_assets.inventory.lag import lag_records
from mesh_assets.platforms.kafka import (
    CommittedPartition,
    ConsumerGroup,
    Edges,
    GroupsReading,
    KafkaReader,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    TopicMetadata,
)
from mesh_assets.readings.reading import Reading, place_name, resource_of, series_name
from mesh_assets.readings.taking import reading_of
from mesh_assets.readings.taking import take_reading as take
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.collecting.cluster_fakes import FakeKafka, a_cluster, opened
from mesh_assets_tests.platforms.kafka.columns import commits_of, edges_of
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


def reading_from(
    topics: Sequence[TopicMetadata], offsets: OffsetsReading, groups: GroupsReading, ids: Mapping[str, str]
) -> Reading:
    def again(_: object) -> Edges:
        raise UnreachableError("no broker answers")

    return reading_of(topics, edges_of(offsets), commits_of(groups), topic_ids=ids, again=again)


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

    assert reading_from((), offsets, groups, {"orders": "1"}).lags == {"slow": 20}


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


# --- whatever brokers say

TOPICS, HIGHEST = ("a", "b", "c"), 2**63 - 1
OFFSET = st.integers(0, 5) | st.just(HIGHEST)
EDGES = st.tuples(st.none() | OFFSET, st.none() | OFFSET)
OFFSETS = st.dictionaries(
    st.sampled_from(TOPICS), st.dictionaries(st.integers(0, 3), EDGES, max_size=4), max_size=3
)
COMMITS = st.dictionaries(
    st.tuples(st.sampled_from((*TOPICS, "gone")), st.integers(0, 4)), st.none() | OFFSET, max_size=5
)
GROUPS = st.dictionaries(st.sampled_from(("g", "h", "i")), st.tuples(COMMITS, st.booleans()), max_size=3)


@given(OFFSETS, GROUPS)
def test_columns_add_up_to_what_single_partitions_do(
    offsets: dict[str, dict[int, tuple[int | None, int | None]]],
    groups: dict[str, tuple[dict[tuple[str, int], int | None], bool]],
) -> None:
    listed = [
        TopicMetadata(
            name=topic,
            id=f"id-of-{topic}",
            internal=False,
            partitions=tuple(
                PartitionMetadata(partition=number, leader=1, replicas=(1,), isr=(1,))
                for number in sorted(ones)
            ),
        )
        for topic, ones in offsets.items()
    ]
    read_offsets = OffsetsReading(
        read_at=NOW,
        topics={
            topic: tuple(
                PartitionOffsets(partition=number, earliest=edges[0], latest=edges[1])
                for number, edges in sorted(ones.items())
            )
            for topic, ones in offsets.items()
        },
    )
    read_groups = GroupsReading(
        read_at=NOW,
        groups=tuple(
            a_group(
                name, *((*place, one) for place, one in commits.items()), error="refused" if failed else None
            )
            for name, (commits, failed) in groups.items()
        ),
    )
    found = reading_from(listed, read_offsets, read_groups, {topic: f"id-of-{topic}" for topic in offsets})

    ends = {
        series_name(topic, f"id-of-{topic}"): sum(end for _, end in ones.values() if end is not None)
        for topic, ones in offsets.items()
        if ones and all(end is not None for _, end in ones.values())
    }
    assert found.ends == ends
    commits, lags, places = {}, {}, {}
    for name, (of_group, failed) in groups.items():
        known = {place: one for place, one in sorted(of_group.items()) if one is not None and not failed}
        if not known:
            continue
        identity = "|".join(f"{topic}:{number}" for topic, number in known)
        commits[series_name(name, identity)] = sum(known.values())
        behind = []
        for (topic, number), one in known.items():
            start, end = offsets.get(topic, {}).get(number, (None, None))
            behind.append(lag_records(committed=one, start=start, end=end))
            if end is not None:
                places[place_name(series_name(topic, f"id-of-{topic}"), number)] = end
        if None not in behind:
            lags[name] = sum(one for one in behind if one is not None)
    assert (found.commits, found.lags, found.places) == (commits, lags, places)
    assert found.groups == groups.keys()
