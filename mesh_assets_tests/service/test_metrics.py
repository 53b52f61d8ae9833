"""What the metrics say about documents and readings, parsed by Prometheus' own client."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from mesh_assets.estate.fields import NamePatterns
from mesh_assets.findings.finding import Finding
from mesh_assets.findings.history import ClusterFindings, EstateFindings, findings_results
from mesh_assets.inventory.document import ClusterIdentity, Document
from mesh_assets.inventory.groups import CommittedOffset
from mesh_assets.service.cluster_series import add_cluster
from mesh_assets.service.exposition import Samples, joined
from mesh_assets.service.families import SERIES
from mesh_assets.service.resource_series import add_resources
from mesh_assets.service.selection import LeftOut, Selection
from mesh_assets_tests.arbitrary_documents import documents
from mesh_assets_tests.documents import (
    MOMENT,
    NEVER_READ,
    STALE,
    a_document,
    a_group,
    a_topic,
)
from mesh_assets_tests.service.a_cluster import a_full_document
from mesh_assets_tests.service.estate_of_metrics import (
    NOW,
    Scraped,
    a_scrape,
    a_world,
    keep_reading,
    moment,
    scraped,
)


def test_a_scrape_shows_the_newest_document() -> None:
    read = scraped(a_scrape(a_world(a_document(), a_full_document())))
    assert read.value("mesh_snapshot_readable") == 1
    assert read.value("mesh_snapshot_sequence") == 2
    assert moment(read.value("mesh_snapshot_timestamp_seconds")) == MOMENT
    assert read.value("mesh_section_status", section="topics", status="fresh") == 1
    assert read.value("mesh_section_status", section="topics", status="stale") == 0
    assert moment(read.value("mesh_section_collected_timestamp_seconds", section="topics")) == MOMENT
    for family, value in {
        "mesh_cluster_topics": 2,
        "mesh_cluster_partitions": 3,
        "mesh_cluster_active_connectors": 0,
        "mesh_cluster_consumer_groups": 2,
        "mesh_cluster_lag_records": 10,
        "mesh_cluster_unknown_lag_consumer_groups": 0,
        "mesh_cluster_fenced_brokers": 0,
        "mesh_cluster_open_transactions": 1,
        "mesh_cluster_links": 1,
        "mesh_cluster_records_in_per_second": 12.5,
        "mesh_cluster_load_ratio": 0.34,
        "mesh_cluster_connections": 16,
    }.items():
        assert (family, read.value(family)) == (family, value)
    assert read.value("mesh_metrics_source_readable", source="confluent_cloud") == 0
    assert read.value("mesh_log_directory_online", broker="2") == 0
    assert read.value("mesh_log_directory_used_bytes", broker="1", path="/data") == 10
    assert read.value("mesh_mirror_topic_lag_records", topic="orders", link="dr") == 3


def test_a_scrape_shows_topics_groups_and_connectors() -> None:
    read = scraped(a_scrape(a_world(a_full_document())))
    for family, value in {
        "mesh_topic_partitions": 2,
        "mesh_topic_replication_factor": 2,
        "mesh_topic_records": 20,
        "mesh_topic_retained_bytes": 700,
        "mesh_topic_replica_bytes": 1_400,
        "mesh_topic_under_replicated_partitions": 1,
        "mesh_topic_leaderless_partitions": 0,
        "mesh_topic_records_in_per_second": 12.5,
    }.items():
        assert (family, read.value(family, topic="orders")) == (family, value)
    assert moment(read.value("mesh_topic_newest_record_timestamp_seconds", topic="orders")) == MOMENT
    for family, value in {
        "mesh_consumer_group_lag_records": 5,
        "mesh_consumer_group_lag_seconds": 60,
        "mesh_consumer_group_members": 1,
        "mesh_consumer_group_retention_used_ratio": 0.45,
        "mesh_consumer_group_retention_left_seconds": 90,
        "mesh_consumer_group_records_committed_per_second": 3,
        "mesh_consumer_group_topic_lag_records": 5,
        "mesh_consumer_group_topic_lost_records": 2,
    }.items():
        assert (family, read.value(family, group="billing")) == (family, value)
    assert read.value("mesh_consumer_group_state", group="idle", state="Empty", type="classic") == 1
    assert read.value("mesh_connector_state", connector="orders-sink", connect="main", state="RUNNING") == 1
    assert read.value("mesh_connector_tasks", connector="orders-sink", state="FAILED") == 2
    assert read.value("mesh_connector_records_in_per_second", connector="orders-sink") == 4


def test_unknown_values_are_absent_and_never_zero() -> None:
    unreadable = replace(
        a_group("secret"), offsets=None, members=None, total_lag_records=None, error="refused"
    )
    hidden = replace(a_topic("hidden"), error="not authorized")
    document = a_document(
        topics=(hidden,),
        consumer_groups=(unreadable,),
        sections={"schemas": NEVER_READ, "access": NEVER_READ, "connectors": STALE},
    )
    read = scraped(a_scrape(a_world(document)))
    for family in (
        "mesh_topic_partitions",
        "mesh_topic_under_replicated_partitions",
        "mesh_topic_retained_bytes",
        "mesh_topic_records_in_per_second",
        "mesh_consumer_group_lag_records",
        "mesh_consumer_group_members",
        "mesh_consumer_group_lag_seconds",
        "mesh_cluster_lag_records",
        "mesh_cluster_schemas",
        "mesh_cluster_acls",
        "mesh_findings",
        "mesh_reading_timestamp_seconds",
    ):
        assert (family, read.values(family)) == (family, [])
    assert read.value("mesh_cluster_unknown_lag_consumer_groups") == 1
    assert read.value("mesh_cluster_connectors") == 0, "of the last good reading, whose age is told"
    assert read.values("mesh_section_collected_timestamp_seconds", section="schemas") == []


def test_a_group_with_a_partition_of_unknown_lag_says_so() -> None:
    known = CommittedOffset(topic="orders", partition=0, committed=5, end=10, lag_records=5)
    beyond = CommittedOffset(
        topic="users", partition=0, committed=50, end=10, lag_records=None, lag_is="beyond_end"
    )
    never = replace(beyond, topic="late", committed=None, lag_is="never_committed")
    group = replace(a_group("billing"), offsets=(known, beyond, never), total_lag_records=5)
    read = scraped(a_scrape(a_world(a_document(consumer_groups=(group,)))))
    assert read.value("mesh_consumer_group_lag_records", group="billing") == 5
    assert read.value("mesh_consumer_group_unknown_lag_partitions", group="billing") == 1
    assert read.label("mesh_consumer_group_topic_lag_records", "topic") == ["orders"]


def test_a_reading_after_the_document_gives_lag_and_rates() -> None:
    world = a_world(a_full_document())
    for minutes, end, committed, lag in ((30, 1_000, 900, 100), (35, 1_600, 1_530, 70)):
        keep_reading(
            world.store,
            MOMENT + timedelta(minutes=minutes),
            ends={"orders": end},
            commits={"billing": committed},
            lags={"billing": lag},
        )
    read = scraped(a_scrape(world))
    assert moment(read.value("mesh_reading_timestamp_seconds")) == MOMENT + timedelta(minutes=35)
    assert read.value("mesh_consumer_group_lag_records", group="billing") == 70
    assert read.value("mesh_consumer_group_lag_records", group="idle") == 5, "the reading says nothing of it"
    assert read.value("mesh_cluster_lag_records") == 75
    assert read.value("mesh_topic_records_in_per_second", topic="orders") == 2
    assert read.value("mesh_consumer_group_records_committed_per_second", group="billing") == 2.1


def test_a_group_that_has_caught_up_since_the_document_has_no_lag_in_any_form() -> None:
    world = a_world(a_full_document())
    keep_reading(world.store, MOMENT + timedelta(minutes=30), lags={"billing": 0})
    read = scraped(a_scrape(world))
    assert read.value("mesh_consumer_group_lag_records", group="billing") == 0
    assert read.value("mesh_consumer_group_lag_seconds", group="billing") == 0
    assert read.value("mesh_consumer_group_topic_lag_records", group="billing", topic="orders") == 0
    for gone in ("retention_used_ratio", "topic_lag_seconds"):
        assert read.values(f"mesh_consumer_group_{gone}", group="billing") == []


def test_a_reading_before_the_document_gives_nothing_but_its_time() -> None:
    world = a_world(a_full_document())
    keep_reading(world.store, MOMENT - timedelta(minutes=5), lags={"billing": 999}, ends={"orders": 1})
    read = scraped(a_scrape(world))
    assert read.value("mesh_consumer_group_lag_records", group="billing") == 5
    assert read.value("mesh_topic_records_in_per_second", topic="orders") == 12.5


@pytest.mark.parametrize("minutes", [0.1, 90])
def test_readings_too_close_or_too_far_apart_give_no_rate(minutes: float) -> None:
    world = a_world(a_document(topics=(a_topic("orders"),)))
    first = MOMENT + timedelta(minutes=1)
    keep_reading(world.store, first, ends={"orders": 10})
    keep_reading(world.store, first + timedelta(minutes=minutes), ends={"orders": 20})
    read = scraped(a_scrape(world, now=NOW + timedelta(hours=2)))
    assert read.values("mesh_topic_records_in_per_second") == []


def test_a_topic_that_went_back_has_no_rate() -> None:
    world = a_world(a_document(topics=(a_topic("orders"),)))
    for minutes, end in ((5, 100), (10, 3)):
        keep_reading(world.store, MOMENT + timedelta(minutes=minutes), ends={"orders": end})
    assert scraped(a_scrape(world)).values("mesh_topic_records_in_per_second") == []


def test_rates_continue_across_chunks_of_readings() -> None:
    world = a_world(a_document(topics=(a_topic("orders"),)))
    for number in range(13):  # twelve to a chunk
        keep_reading(world.store, MOMENT + timedelta(minutes=4 * number + 1), ends={"orders": 240 * number})
    assert scraped(a_scrape(world)).value("mesh_topic_records_in_per_second", topic="orders") == 1


def test_unmuted_findings_are_counted_by_severity_and_kind() -> None:
    world = a_world(a_document())
    some = [
        ("failed_connector", "critical", None),
        ("unread_topic", "info", None),
        ("unread_topic", "info", "known"),
    ]
    findings = tuple(
        Finding(
            id=str(number),
            kind=kind,  # type: ignore[arg-type]
            severity=severity,  # type: ignore[arg-type]
            cluster="warehouse",
            resource_type="topic",
            resource=f"r{number}",
            sentence="a sentence",
            muted=muted,
        )
        for number, (kind, severity, muted) in enumerate(some)
    )
    judged = ClusterFindings(cluster="warehouse", cluster_id="lkc-1", judged_at=MOMENT, findings=findings)
    other = replace(judged, cluster_id="lkc-of-before")
    findings_results(world.store).put(EstateFindings(clusters=(other, judged)), documents=(), made_at=MOMENT)
    read = scraped(a_scrape(world))
    severities = {
        name: read.value("mesh_findings", severity=name) for name in ("critical", "warning", "info")
    }
    assert severities == {"critical": 1, "warning": 0, "info": 1}
    assert read.value("mesh_findings_by_kind", kind="unread_topic", severity="info") == 1
    assert read.value("mesh_findings_muted") == 1
    assert moment(read.value("mesh_findings_judged_timestamp_seconds")) == MOMENT


def test_unselected_things_are_counted() -> None:
    topics = tuple(a_topic(name) for name in ("a-1", "a-2", "a-3", "b-1"))
    document = a_document(topics=topics, consumer_groups=(a_group("g", topics=("a-1", "b-1")), a_group("h")))
    patterns = NamePatterns(include=("a-*",), exclude=())
    read = scraped(a_scrape(a_world(document), series=("cluster", "topics"), topics=patterns, most=2))
    assert read.label("mesh_topic_records", "topic") == ["a-1", "a-2"]
    assert read.values("mesh_consumer_group_state") == []
    left = {
        (labels["series"], labels["reason"]): value
        for labels, value in read.samples["mesh_left_out_resources"]
    }
    assert left == {
        ("topics", "pattern"): 1,
        ("topics", "limit"): 1,
        ("consumer_groups", "not_chosen"): 2,
        ("group_topics", "not_chosen"): 3,
        ("partitions", "not_chosen"): 4,
    }


def test_partitions_have_series_where_selected() -> None:
    document = a_document(topics=(a_topic("orders"),), consumer_groups=(a_group("billing"),))
    read = scraped(a_scrape(a_world(document), series=SERIES))
    assert read.value("mesh_topic_partition_end_offset", topic="orders", partition="0") == 10
    lag = read.value(
        "mesh_consumer_group_partition_lag_records", group="billing", topic="orders", partition="0"
    )
    assert lag == 5


def test_families_of_several_clusters_stand_together_and_one_cluster_can_be_scraped() -> None:
    other = a_document(topics=(a_topic("clicks"),), cluster=ClusterIdentity(id="lkc-2", name="lab"))
    scrape = a_scrape(a_world(a_full_document(), other), "warehouse", "lab")
    assert scraped(scrape).label("mesh_snapshot_readable", "cluster") == ["warehouse", "lab"]
    assert scraped(scrape, "lab").label("mesh_topic_records", "topic") == ["clicks"]


@settings(max_examples=30)  # whole documents
@given(documents())
def test_any_document_gives_text_that_prometheus_reads(document: Document) -> None:
    samples, left = Samples(), LeftOut(Selection(series=SERIES))
    add_resources(samples, document, cluster="c", newest=None, left=left)
    add_cluster(samples, document, cluster="c", newest=None, left=left)
    read = Scraped(b"".join(joined([samples.texts()])).decode())
    assert len(read.values("mesh_consumer_group_state")) == len(document.consumer_groups)
    assert len(read.values("mesh_connector_state")) == len(document.connectors)
    for family, found in read.samples.items():
        assert len({tuple(sorted(labels.items())) for labels, _ in found}) == len(found), family
