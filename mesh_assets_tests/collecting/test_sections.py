"""All sections of a cluster, collected from fakes: with one reading of the offsets, each fresh or with a reason."""

from datetime import timedelta
from typing import cast

import pytest

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.errors import (
    EstateError,
    PlatformError,
    RefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from mesh_assets.estate.fields import NamePatterns, TopicPatterns
from mesh_assets.inventory.sections import (
    SECTION_NAMES,
    Beginning,
    ConsumerGroupsSection,
    MetricsSection,
    SectionName,
    TopicsSection,
)
from mesh_assets_tests.collecting.cluster_fakes import CLUSTER_ID, FakeKafka, a_cluster, a_worker, opened
from mesh_assets_tests.collecting.collected import Slept, a_kafka_group, collect
from mesh_assets_tests.documents import MOMENT, a_document, a_group, a_topic
from mesh_assets_tests.platforms.schema_registry.fakes import Confluent


def test_all_sections_of_a_cluster_come_from_one_reading_of_the_offsets() -> None:
    kafka = FakeKafka(
        topics={"orders": [10, 20]},
        consumer_groups=(a_kafka_group(4),),
        read_at=[MOMENT + timedelta(hours=1)],
    )
    previous = a_document(topics=(a_topic("orders", partitions=2),))

    sections = collect(kafka, previous=previous)

    topics, groups, metrics = sections["topics"], sections["consumer_groups"], sections["metrics"]
    assert isinstance(topics, TopicsSection)
    assert isinstance(groups, ConsumerGroupsSection)
    assert isinstance(metrics, MetricsSection)
    assert metrics.records is not None
    assert topics.records[0].details.message_count == 30
    assert groups.records[0].total_lag_records == 6
    assert {section.state.collected_at for section in (topics, groups, metrics)} == {
        MOMENT + timedelta(hours=1)
    }
    # 10 a partition in the document of an hour ago: 10 more records in 3,600 s.
    assert metrics.records.topics[0].records_in_per_second == pytest.approx(10 / 3600, abs=0.001)
    reads = ("metadata", "configs", "offsets", "groups", "brokers", "access", "transactions")
    assert kafka.requests == dict.fromkeys(reads, 1)


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        (("topics",), {"metadata", "configs", "offsets"}),
        (("consumer_groups",), {"metadata", "offsets", "groups"}),
        (("topics", "consumer_groups"), {"metadata", "configs", "offsets", "groups"}),
        (("brokers",), {"cluster_id", "brokers"}),
        (("access",), {"cluster_id", "access"}),
        (("transactions",), {"cluster_id", "transactions"}),
        (("schemas",), {"cluster_id"}),
        (("connectors", "schemas"), {"cluster_id"}),
    ],
)
def test_only_what_the_wanted_sections_need_is_read(wanted: tuple[SectionName, ...], asked: set[str]) -> None:
    kafka = FakeKafka(topics={"orders": [10]}, consumer_groups=(a_kafka_group(4),))

    sections = collect(kafka, wanted=wanted, registry=Confluent(), workers=(a_worker({}),))

    assert [(name, section.state.status) for name, section in sections.items()] == [
        (name, "fresh") for name in wanted
    ]
    assert kafka.requests == dict.fromkeys(asked, 1)
    of_kafka = sum(kafka.requests.values()) if asked != {"cluster_id"} else 0
    assert sum(section.cost.kafka_requests for section in sections.values()) == of_kafka


def test_every_request_to_kafka_is_counted_once_whoever_makes_it() -> None:
    kafka = FakeKafka(topics={"orders": [10], "users": [0]}, consumer_groups=(a_kafka_group(4),))

    sections = collect(kafka)

    assert kafka.requests["ends"] == 1  # a first discovery reads them twice to compute rates
    counted = {name: section.cost.kafka_requests for name, section in sections.items()}
    assert counted["consumer_groups"] == 1
    assert sum(counted.values()) == kafka.requests.total()


def test_a_collection_takes_its_ticket_before_it_reads_and_every_section_holds_it() -> None:
    kafka = FakeKafka(topics={"orders": [10]})

    def begin(cluster_id: str) -> Beginning:
        assert (cluster_id, kafka.requests) == (CLUSTER_ID, {"cluster_id": 1})
        return Beginning(ticket=7, waiting=("a", "b"))

    sections = collect_sections(
        a_cluster(),
        SECTION_NAMES,
        previous=lambda _: None,
        clients=opened(kafka),
        sleep=Slept(),
        begin=begin,
    )

    assert {(section.ticket, section.waiting) for section in sections.values()} == {(7, ("a", "b"))}


def test_brokers_that_change_their_cluster_during_the_reading_are_refused() -> None:
    kafka = FakeKafka(topics={"orders": [10]})

    def begin(_: str) -> Beginning:
        kafka.cluster_id = "lkc-2"
        return Beginning(ticket=1, waiting=())

    with pytest.raises(UnexpectedAnswerError, match="was cluster lkc-1 and a moment later lkc-2"):
        collect_sections(a_cluster(), ["topics"], previous=lambda _: None, clients=opened(kafka), begin=begin)


def test_without_a_previous_document_the_rates_come_from_a_short_second_reading() -> None:
    kafka = FakeKafka(topics={"orders": [10]}, growth=5, read_at=[MOMENT, MOMENT + timedelta(seconds=2)])

    metrics = collect(kafka)["metrics"]

    assert isinstance(metrics, MetricsSection)
    assert metrics.records is not None
    assert metrics.records.topics[0].records_in_per_second == 2.5
    assert metrics.records.window_seconds == 2.0
    assert (kafka.requests["offsets"], kafka.requests["ends"], kafka.requests["groups"]) == (1, 1, 1)


def test_kafka_out_of_reach_fails_the_collection() -> None:
    with pytest.raises(UnreachableError, match="refused"):
        collect(FakeKafka(fail={"metadata": UnreachableError("connection refused")}))


def test_a_cluster_other_than_the_estates_is_refused() -> None:
    with pytest.raises(EstateError, match=r"says cluster_id lkc-9, but .* is cluster lkc-1"):
        collect(FakeKafka(), cluster_id="lkc-9")


@pytest.mark.parametrize(
    ("failing", "stale"),
    [
        ("configs", {"topics", "metrics"}),
        ("offsets", {"topics", "consumer_groups", "metrics"}),
        ("groups", {"consumer_groups"}),
    ],
)
def test_a_failed_read_of_kafka_leaves_dependent_sections_stale_with_the_last_good_data(
    failing: str, stale: set[str]
) -> None:
    previous = a_document(topics=(a_topic("orders"), a_topic("gone-since")), consumer_groups=(a_group(),))
    kafka = FakeKafka(topics={"orders": [10]}, fail={failing: RefusedError("no right to read")})

    sections = collect(kafka, previous=previous)

    assert {name for name, section in sections.items() if section.state.status == "stale"} == stale
    for name in stale:
        assert sections[cast(SectionName, name)].state.error == "no right to read"
        assert sections[cast(SectionName, name)].state.collected_at == MOMENT
    if "topics" in stale:
        assert sections["topics"].records == previous.topics
    if "consumer_groups" in stale:
        assert sections["consumer_groups"].records == previous.consumer_groups


def test_what_the_estate_does_not_name_is_not_configured_instead_of_empty() -> None:
    sections = collect(FakeKafka())

    assert sections["connectors"].state.status == "not_configured"
    assert sections["schemas"].state.status == "not_configured"


def test_patterns_select_topics_and_groups_and_excluded_ones_are_counted() -> None:
    kafka = FakeKafka(
        topics={"orders": [1], "tmp-1": [1], "__consumer_offsets": [1]},
        consumer_groups=(a_kafka_group(0, group_id="fraud-detection"),),
    )

    sections = collect(
        kafka,
        topics=TopicPatterns(exclude=("tmp-*", "__*")),
        consumer_groups=NamePatterns(exclude=("fraud-*",)),
    )

    topics, groups = sections["topics"], sections["consumer_groups"]
    assert isinstance(topics, TopicsSection)
    assert isinstance(groups, ConsumerGroupsSection)
    assert ([topic.name for topic in topics.records], topics.excluded) == (["orders"], 2)
    assert (groups.records, groups.excluded) == ((), 1)


def test_brokers_without_a_cluster_id_are_refused() -> None:
    with pytest.raises(PlatformError, match="gives no cluster id"):
        collect(FakeKafka(cluster_id=None))


def test_the_previous_document_is_asked_for_by_the_brokers_cluster_id() -> None:
    asked = []

    def previous(cluster_id: str) -> None:
        asked.append(cluster_id)

    collect_sections(a_cluster(), ["topics"], previous=previous, clients=opened(FakeKafka()), sleep=Slept())

    assert asked == [CLUSTER_ID]
