from datetime import timedelta

import pytest
from msgspec.structs import replace

from mesh_assets.findings.case import Case
from mesh_assets.findings.finding import Finding, count_findings
from mesh_assets.findings.judge import judge
from mesh_assets.findings.past import past_of
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import ConnectorTopic, Partition, TopicSchema
from mesh_assets.inventory.transaction_records import OpenTransaction, Transactions
from mesh_assets_tests.documents import (
    MOMENT,
    NOT_CONFIGURED,
    STALE,
    a_connector,
    a_document,
    a_group,
    a_metrics,
    a_topic,
)

WITH_SCHEMA = TopicSchema(value_subjects=("orders-value",))


def judge_document(document: Document, before: Document | None = None) -> tuple[Finding, ...]:
    return judge(Case(document, before=None if before is None else past_of(before)))


def sentences(document: Document, before: Document | None = None) -> list[str]:
    return [problem.sentence for problem in judge_document(document, before)]


def test_a_healthy_cluster_has_no_problem() -> None:
    document = a_document(
        topics=(a_topic("orders", schema=WITH_SCHEMA),),
        connectors=(a_connector(),),
        consumer_groups=(a_group(),),
    )
    assert judge_document(document) == ()


def test_a_failed_task_is_reported_with_its_cause_and_the_topics_it_reads() -> None:
    trace = "org.apache.kafka.connect.errors.ConnectException: Exiting\n\tat x\nCaused by: java.net.ConnectException: refused\n\tat y"
    failed = a_connector("orders-sink", tasks=("RUNNING", "FAILED"), task_trace=trace)
    assert sentences(a_document(connectors=(failed,))) == [
        "orders-sink: 1 of 2 tasks FAILED; reads orders: java.net.ConnectException: refused"
    ]


def test_lag_grows_only_in_comparison_with_the_previous_document() -> None:
    now = a_document(
        consumer_groups=(a_group(total_lag_records=900),), discovery_timestamp=MOMENT + timedelta(hours=6)
    )
    before = a_document(consumer_groups=(a_group(total_lag_records=40),))
    assert sentences(now) == []
    assert sentences(now, before) == ["fraud-detection: 900 records behind, 40 at 2026-11-23 16:40 UTC"]
    assert sentences(before, now) == []


def test_a_group_without_members_is_reported_once() -> None:
    document = a_document(consumer_groups=(a_group("nightly", state="Empty"),))
    assert sentences(document) == ["nightly: nobody reads (Empty) and 5 records wait"]
    one = a_document(consumer_groups=(a_group("nightly", state="Empty", total_lag_records=1),))
    assert sentences(one) == ["nightly: nobody reads (Empty) and 1 record waits"]


def test_out_of_sync_and_leaderless_partitions_are_reported_separately() -> None:
    partitions = (
        Partition(partition=0, leader=1, replicas=(1, 2), isr=(1,), earliest=0, latest=1),
        Partition(partition=1, leader=None, replicas=(1, 2), isr=(1, 2), earliest=None, latest=None),
    )
    topic = replace(a_topic("orders", schema=WITH_SCHEMA), partitions=partitions)
    found = judge_document(a_document(topics=(topic,)))
    assert [(problem.kind, problem.severity) for problem in found] == [
        ("leaderless_partitions", "critical"),
        ("under_replicated", "warning"),
    ]


def test_a_topic_with_hanging_transactions_is_reported_once_with_where_readers_stop() -> None:
    hangs = OpenTransaction(
        topic="orders",
        partition=0,
        producer_id=7,
        producer_epoch=0,
        start_offset=40,
        last_written_at=MOMENT,
        hanging="unknown_to_coordinator",
    )
    ones = (
        hangs,
        replace(hangs, partition=2, start_offset=9, transactional_id="pay-1", hanging="overdue"),
        replace(hangs, partition=3, hanging=None),
        replace(hangs, topic="users", hanging=None),
    )
    [finding] = judge_document(a_document(transactions=Transactions(open_transactions=ones)))
    assert (finding.kind, finding.severity, finding.resource) == ("hanging_transaction", "warning", "orders")
    assert finding.sentence == (
        "orders: 2 open transactions that will not end by itself, by producer 7, pay-1; readers of committed records stop on "
        "partition 0 at 40, 2 at 9"
    )
    assert finding.evidence == {
        "hanging_transactions": 2,
        "affected_partitions": 2,
        "unknown_to_coordinator": 1,
    }


@pytest.mark.parametrize("transactions", [None, Transactions(), Transactions(open_transactions=())])
def test_unknown_or_absent_transactions_are_not_a_finding(transactions: Transactions | None) -> None:
    assert judge_document(a_document(transactions=transactions)) == ()


def test_without_a_registry_no_topic_lacks_a_schema() -> None:
    topics = (a_topic("orders"),)
    assert count_findings(judge_document(a_document(topics=topics))) == {"missing_schema": 1}
    assert judge_document(a_document(topics=topics, sections={"schemas": NOT_CONFIGURED})) == ()


def test_an_outdated_section_is_a_problem_with_its_reason() -> None:
    assert sentences(a_document(sections={"connectors": STALE})) == [
        "connectors are not current (last read 2026-11-23 16:40 UTC): connection refused"
    ]


def test_a_topic_is_silent_only_where_records_are_expected() -> None:
    feeding = a_connector(
        "orders-source", type="source", topics=(ConnectorTopic(name="orders", known="observed"),)
    )
    before = a_document(metrics=a_metrics(orders=4.0, users=2.5, audit=0.0, payments=1.0))
    now = a_document(connectors=(feeding,), metrics=a_metrics(orders=0.0, users=0.0, audit=0.0, payments=3.0))
    assert sentences(now, before) == [
        "orders: no record came in over 600 s, though orders-source is running",
        "users: no record came in over 600 s, 2.5 a second before",
    ]
    assert sentences(now) == ["orders: no record came in over 600 s, though orders-source is running"]
    too_short = a_document(connectors=(feeding,), metrics=a_metrics(window_seconds=1.0, orders=0.0))
    assert sentences(too_short, before) == []
