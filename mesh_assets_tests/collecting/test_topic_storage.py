"""How topics are stored is part of their section, and its unreadable parts affect nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.errors import PlatformError, RefusedError, UnreachableError, UnsupportedError
from mesh_assets.inventory.sections import MetricsSection, Section, SectionName, TopicsSection
from mesh_assets.inventory.storage_records import LogDirectory, Reassignment, TieredPartition, TopicStorage
from mesh_assets.platforms.kafka import ClusterMetadata, TopicConfigs
from mesh_assets.platforms.kafka.storage import RecordTimes, StorageReading, TopicSize
from mesh_assets_tests.collecting.cluster_fakes import FakeKafka, a_cluster, opened
from mesh_assets_tests.documents import a_document

DIRECTORY = LogDirectory(broker=1, path="/a", replicas=3, bytes=190, total_bytes=1000, usable_bytes=500)
READING = StorageReading(
    directories=(DIRECTORY,),
    topics={"orders": TopicSize(partitions=(70, 30), leader_bytes=100, replica_bytes=190, future_bytes=5)},
    errors={},
)
TIMES = {"orders": RecordTimes(oldest_ms=1_700_000_000_000, newest_ms=1_700_000_001_500)}


def sections(kafka: FakeKafka, **cluster: Any) -> dict[SectionName, Section]:
    return collect_sections(
        a_cluster(**cluster),
        ("topics", "metrics"),
        previous=lambda _: None,
        clients=opened(kafka),
        sleep=lambda _: None,
    )


def topics_of(kafka: FakeKafka) -> TopicsSection:
    section = sections(kafka)["topics"]
    assert isinstance(section, TopicsSection)
    assert section.state.status == "fresh"
    return section


def test_sizes_ages_and_moves_stand_beside_the_topic_and_its_partitions() -> None:
    moving = (Reassignment(partition=1, adding=(2,), removing=(1,)),)
    kafka = FakeKafka(
        topics={"orders": [9, 1], "new": [0]}, storage=READING, times=TIMES, moving={"orders": moving}
    )
    section = topics_of(kafka)
    new, orders = section.records
    assert [partition.bytes for partition in orders.partitions] == [70, 30]
    assert orders.storage == TopicStorage(
        leader_bytes=100,
        replica_bytes=190,
        future_bytes=5,
        oldest_record_at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        newest_record_at=datetime(2023, 11, 14, 22, 13, 21, 500_000, tzinfo=UTC),
        reassignments=moving,
        eligible_leaders=(),
        tiered=(),
    )
    assert new.storage == TopicStorage(reassignments=(), eligible_leaders=(), tiered=())
    assert (section.log_directories, section.unknown, section.state.error) == ((DIRECTORY,), {}, None)
    assert kafka.asked_for_times == [{"orders": [0, 1]}]  # an empty partition has no age


@pytest.mark.parametrize("error", [RefusedError("needs DESCRIBE"), UnsupportedError("too old")])
@pytest.mark.parametrize(
    ("read", "part"),
    [("log_dirs", "log_directories"), ("reassignments", "reassignments"), ("record_times", "record_times")],
)
def test_a_part_without_its_right_or_version_is_unknown_with_the_reason_and_does_not_fail(
    read: str, part: str, error: PlatformError
) -> None:
    kafka = FakeKafka(topics={"orders": [9]}, storage=READING, times=TIMES, fail={read: error})
    section = topics_of(kafka)
    assert section.unknown == {part: str(error)}
    assert section.state.error is None
    storage = section.records[0].storage
    assert storage is not None
    missing = {
        "log_directories": (storage.leader_bytes, storage.replica_bytes, section.log_directories),
        "reassignments": (storage.reassignments,),
        "record_times": (storage.oldest_record_at, storage.newest_record_at),
    }
    assert {name: set(values) == {None} for name, values in missing.items()} == {
        name: name == part for name in missing
    }


def test_a_part_that_fails_for_another_reason_does_not_go_unnoticed() -> None:
    kafka = FakeKafka(
        topics={"orders": [9]}, storage=READING, fail={"reassignments": UnreachableError("no answer")}
    )
    assert topics_of(kafka).state.error == "reassignments: no answer"


def test_a_broker_that_reports_nothing_is_named_and_the_others_are_used() -> None:
    kafka = FakeKafka(topics={"orders": [9, 1]}, storage=replace(READING, errors={2: "no answer"}))
    found = sections(kafka)
    section, metrics = found["topics"], found["metrics"]
    assert isinstance(section, TopicsSection)
    assert isinstance(metrics, MetricsSection)
    assert metrics.records is not None
    why = "those of 1 broker: broker 2: no answer"
    assert section.unknown == {"log_directories": why}
    assert section.state.error == f"log directories: {why}"
    assert metrics.records.topics[0].retained_bytes == 100
    assert metrics.records.brokers[0].disk_used_percent == 50.0
    assert metrics.records.errors == (why,)


def test_topics_of_unknown_age_are_counted_by_reason() -> None:
    failed = RecordTimes(oldest_ms=None, newest_ms=5, oldest_error="REFUSED")
    kafka = FakeKafka(topics={"a": [1], "b": [1], "c": [1]}, times={"a": failed, "b": failed})
    section = topics_of(kafka)
    assert section.unknown["record_times"] == "for 2 topics (a, b): REFUSED"


def again(kafka: FakeKafka, before: TopicsSection) -> TopicsSection:
    section = collect_sections(
        a_cluster(),
        ("topics",),
        previous=lambda _: replace(a_document(), topics=before.records),
        clients=opened(kafka),
        sleep=lambda _: None,
    )["topics"]
    assert isinstance(section, TopicsSection)
    return section


def test_ages_of_a_topic_without_new_records_are_not_looked_up_again() -> None:
    before = topics_of(FakeKafka(topics={"orders": [9, 1], "users": [0]}, times={"orders": TIMES["orders"]}))
    later = RecordTimes(oldest_ms=1, newest_ms=2)
    kafka = FakeKafka(topics={"orders": [9, 1], "users": [5]}, times={"orders": later, "users": later})
    section = again(kafka, before)
    users = section.records[1].storage
    assert section.records[0].storage == before.records[0].storage
    assert users is not None
    assert (users.oldest_record_at, users.newest_record_at) == (at_ms(1), at_ms(2))
    assert (kafka.asked_for_times, kafka.asked_for_newest_only) == ([{"users": [0]}], [set()])


@pytest.mark.parametrize(
    ("newest_ms", "newest"), [(1_700_000_009_000, 1_700_000_009_000), (7, 1_700_000_001_500)]
)
def test_where_records_were_only_added_just_the_newest_is_looked_up(newest_ms: int, newest: int) -> None:
    before = topics_of(FakeKafka(topics={"orders": [9, 1]}, times=TIMES))
    kafka = FakeKafka(
        topics={"orders": [9, 2]}, times={"orders": RecordTimes(oldest_ms=None, newest_ms=newest_ms)}
    )
    storage = again(kafka, before).records[0].storage
    assert storage is not None
    assert (storage.oldest_record_at, storage.newest_record_at) == (at_ms(1_700_000_000_000), at_ms(newest))
    assert (kafka.asked_for_times, kafka.asked_for_newest_only) == ([{"orders": (1,)}], [{"orders"}])


def test_a_newest_record_that_cannot_be_looked_up_is_unknown_and_not_the_previous_one() -> None:
    before = topics_of(FakeKafka(topics={"orders": [9, 1]}, times=TIMES))
    kafka = FakeKafka(
        topics={"orders": [9, 2]},
        times={"orders": RecordTimes(oldest_ms=None, newest_ms=None, newest_error="REFUSED")},
    )
    section = again(kafka, before)
    storage = section.records[0].storage
    assert storage is not None
    assert (storage.oldest_record_at, storage.newest_record_at) == (at_ms(1_700_000_000_000), None)
    assert section.unknown["record_times"] == "for 1 topic (orders): REFUSED"


def test_all_ages_are_looked_up_where_records_have_gone() -> None:
    before = topics_of(FakeKafka(topics={"orders": [9, 4]}, times=TIMES))
    kafka = FakeKafka(topics={"orders": [9, 3]}, times={"orders": RecordTimes(oldest_ms=1, newest_ms=2)})
    storage = again(kafka, before).records[0].storage
    assert storage is not None
    assert (storage.oldest_record_at, storage.newest_record_at) == (at_ms(1), at_ms(2))
    assert (kafka.asked_for_times, kafka.asked_for_newest_only) == ([{"orders": [0, 1]}], [set()])


def at_ms(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


class Compacted(FakeKafka):
    def configs(self, topics: Any) -> dict[str, TopicConfigs]:
        return {name: TopicConfigs(topic=name, values={"cleanup.policy": "compact"}) for name in topics}


class MadeAnew(FakeKafka):
    def metadata(self) -> ClusterMetadata:
        known = super().metadata()
        return replace(known, topics=tuple(replace(topic, id="another") for topic in known.topics))


class ElsewhereLed(FakeKafka):
    def metadata(self) -> ClusterMetadata:
        known = super().metadata()
        [topic] = known.topics
        partitions = tuple(replace(one, leader=2) for one in topic.partitions)
        return replace(known, topics=(replace(topic, partitions=partitions),))


@pytest.mark.parametrize("kind", [Compacted, MadeAnew, ElsewhereLed])
def test_ages_that_may_have_changed_are_looked_up_though_the_ends_are_equal(
    kind: type[FakeKafka],
) -> None:
    before = topics_of(FakeKafka(topics={"orders": [9]}, times=TIMES))
    kafka = kind(topics={"orders": [9]}, times={"orders": RecordTimes(oldest_ms=1, newest_ms=2)})
    storage = again(kafka, before).records[0].storage
    assert storage is not None
    assert (storage.oldest_record_at, storage.newest_record_at) == (at_ms(1), at_ms(2))


@pytest.mark.parametrize(
    "first",
    [
        RecordTimes(oldest_ms=None, newest_ms=5, oldest_error="REFUSED"),
        RecordTimes(oldest_ms=None, newest_ms=5),
    ],
)
def test_an_unknown_age_is_looked_up_again(first: RecordTimes) -> None:
    before = topics_of(FakeKafka(topics={"orders": [9]}, times={"orders": first}))
    storage = again(FakeKafka(topics={"orders": [9]}, times=TIMES), before).records[0].storage
    assert storage is not None
    assert storage.oldest_record_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_a_timestamp_outside_any_calendar_is_unknown() -> None:
    kafka = FakeKafka(topics={"orders": [9]}, times={"orders": RecordTimes(oldest_ms=2**62, newest_ms=0)})
    storage = topics_of(kafka).records[0].storage
    assert storage is not None
    assert (storage.oldest_record_at, storage.newest_record_at) == (None, datetime(1970, 1, 1, tzinfo=UTC))


class Tiered(FakeKafka):
    def configs(self, topics: Any) -> dict[str, TopicConfigs]:
        return {
            name: TopicConfigs(topic=name, values={"remote.storage.enable": str(name == "orders").lower()})
            for name in topics
        }


def test_only_tiered_topics_are_asked_what_is_stored_remotely() -> None:
    section = topics_of(Tiered(topics={"orders": [9, 0], "users": [1]}))
    tiered = {topic.name: topic.storage.tiered for topic in section.records if topic.storage}
    assert tiered == {
        "orders": tuple(
            TieredPartition(partition=number, earliest_local=5, latest_tiered=4) for number in (0, 1)
        ),
        "users": (),
    }


class Short(FakeKafka):
    def metadata(self) -> ClusterMetadata:
        seen = super().metadata()
        first, *others = seen.topics
        partitions = tuple(replace(one, replicas=(1, 2)) for one in first.partitions)
        return replace(seen, topics=(replace(first, partitions=partitions), *others))


def test_only_topics_with_a_replica_out_of_sync_are_asked_for_eligible_leaders() -> None:
    kafka = Short(
        topics={"a": [1], "b": [1]}, fail={"eligible_leaders": UnsupportedError("before Kafka 3.8")}
    )
    a, b = topics_of(kafka).records
    assert a.storage is not None
    assert b.storage is not None
    assert (a.storage.eligible_leaders, b.storage.eligible_leaders) == (None, ())
