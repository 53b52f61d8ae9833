"""The main job as a user runs it, on real servers."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mesh_assets.answering.belonging import read_estate_domains, read_estate_relationships
from mesh_assets.estate.file import load_estate
from mesh_assets.sandbox.estate.belonging import TRUE_DOMAINS, true_keys
from mesh_assets_tests.relationships.estates import found_domains, found_keys
from mesh_assets_tests.workplace import COMMAND_SECONDS, Workplace

pytestmark = pytest.mark.sandbox


def test_a_discovery_finds_the_whole_estate_and_says_what_it_found(workplace: Workplace) -> None:
    done = workplace.run("mesh_assets.cli.main", "discover", "-v")

    assert done.returncode == 0, done.stderr
    document = workplace.latest()
    summary = document.summary
    assert (summary.total_topics, summary.total_partitions) == (37, 222)
    assert (summary.total_connectors, summary.active_connectors) == (40, 40)
    assert {name: state.status for name, state in document.sections.items() if state.status != "fresh"} == {
        "cluster_links": "not_configured"
    }
    words = " ".join(done.stdout.split())
    for phrase in (
        "37 topics",
        "222 partitions",
        "40 connectors",
        "40 active",
        f"{summary.total_schemas} schemas",
        "sequence 1",
    ):
        assert phrase in words
    assert "discovery-events[0]@" in words
    assert f"store/inventories/{document.cluster.id}/inventory-" in words
    assert "kafka offsets" in done.stderr


def test_every_true_relationship_is_found_in_the_documents_and_no_other(
    first: tuple[Workplace, dict[str, Any]],
) -> None:
    workplace = first[0]
    found = read_estate_relationships(load_estate(workplace.estate), workplace.store).relationships
    assert found_keys(found) == true_keys()
    assert [gap.reason for gap in found.gaps if gap.subject is not None] == []


def test_no_domain_of_the_documents_is_false(first: tuple[Workplace, dict[str, Any]]) -> None:
    workplace = first[0]
    found = found_domains(read_estate_domains(load_estate(workplace.estate), workplace.store).domains)
    true = list(TRUE_DOMAINS.values())
    assert [domain for domain in found if not any(domain <= one for one in true)] == []
    assert len([one for one in true if one in found]) >= 8


def test_a_document_holds_what_each_section_promises(
    first: tuple[Workplace, dict[str, Any]],
) -> None:
    document = first[0].latest()

    orders = next(topic for topic in document.topics if topic.name == "orders")
    assert orders.id is not None
    assert orders.details.message_count
    assert orders.config is not None
    assert len(orders.config) > 25
    assert orders.schema.value_subjects == ("orders-value",)
    assert orders.connectors
    assert all(partition.leader == 1 and partition.isr == (1,) for partition in orders.partitions)
    assert {schema.schema_type for schema in document.schemas} == {"JSON"}
    assert any(schema.references for schema in document.schemas)
    assert all(schema.compatibility.value for schema in document.schemas)
    live = [
        group
        for group in document.consumer_groups
        if group.state == "Stable" and group.protocol_type == "consumer" and group.members
    ]
    assert len(live) >= 3
    assert any(group.state == "Empty" and group.offsets for group in document.consumer_groups)
    assert document.metrics is not None
    # Between two readings a second apart a feed on a busy machine may pause.
    assert all(rate.records_in_per_second is not None for rate in document.metrics.topics)
    assert document.metrics.partition_health.under_replicated == 0


def test_the_second_discovery_takes_its_rates_from_the_first_and_is_read_back_from_kafka(
    first: tuple[Workplace, dict[str, Any]], discovered: Workplace
) -> None:
    second = discovered.discover(
        "--trigger-type",
        "schema_updated",
        "--trigger-resource",
        "users-value",
        "--trigger-details",
        "by hand",
    )

    shown = discovered.mesh_assets("snapshot", "show", "--cluster", "warehouse")
    assert (first[1]["sequence"], first[1]["total_changes"]) == (1, None)
    assert (second["sequence"], second["total_changes"]) == (2, 0)
    assert second["trigger"] == {"type": "schema_updated", "resource": "users-value", "details": "by hand"}
    assert "kafka second reading" in first[1]["phases"]
    assert "kafka second reading" not in second["phases"]
    metrics = discovered.latest().metrics
    assert metrics is not None
    assert metrics.window_seconds is not None
    assert metrics.window_seconds > 1
    assert shown.returncode == 0, shown.stderr
    assert "schema_updated users-value" in shown.stdout
    assert f"@{second['event']['offset']}" in shown.stdout


def test_a_discovery_needs_few_http_requests_apart_from_those_for_subjects(
    first: tuple[Workplace, dict[str, Any]],
) -> None:
    report = first[1]

    # Apicurio has no usable bulk list, so every subject costs one request.
    assert report["http_requests"] - report["level_requests"] - report["summary"]["total_schemas"] <= 12


def test_a_discovery_asks_kafka_at_most_a_hundred_times_whatever_there_is(
    first: tuple[Workplace, dict[str, Any]],
) -> None:
    report = first[1]

    assert report["summary"]["total_topics"] > 20
    assert report["kafka_requests"] <= 100


def test_tables_hold_the_same_as_the_document(first: tuple[Workplace, dict[str, Any]]) -> None:
    workplace = first[0]
    document = workplace.latest()
    tables = Path(workplace.folder / "store" / "tables")
    topics = pq.read_table(tables / "topics", partitioning="hive").to_pylist()
    assert {(row["topic"], row["message_count"]) for row in topics} == {
        (t.name, t.details.message_count) for t in document.topics
    }
    configs = pq.read_table(tables / "topic_configs", partitioning="hive").to_pylist()
    assert len(configs) == sum(len(topic.config or {}) for topic in document.topics)
    assert {str(row["cluster_id"]) for row in topics} == {document.cluster.id}


def test_two_discoveries_at_once_give_one_event_each_in_sequence(
    discovered: Workplace,
) -> None:
    processes = [discovered.start("discover", "--json") for _ in range(2)]
    ended = [process.end(within_seconds=COMMAND_SECONDS) for process in processes]

    assert [done.returncode for done in ended] == [0, 0], ended
    assert discovered.latest().sequence == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["discover", "--cluster", "nowhere"], "the estate has no cluster 'nowhere'; it has: warehouse"),
        (
            ["snapshot", "show", "--cluster", "nowhere"],
            "the estate has no cluster 'nowhere'; it has: warehouse",
        ),
    ],
)
def test_an_unknown_cluster_is_refused_with_the_known_ones(
    first: tuple[Workplace, dict[str, Any]], arguments: list[str], sentence: str
) -> None:
    done = first[0].mesh_assets(*arguments)

    assert done.returncode == 1
    assert done.stderr.strip() == f"mesh-assets: {sentence}"


def test_dagsters_own_commands_run_the_same_job(workplace: Workplace) -> None:
    tags = '{"mesh/trigger": "external", "mesh/trigger_resource": "curl", "dagster/partition": "warehouse"}'

    executed = workplace.dagster(
        "job", "execute", "-m", "mesh_assets.definitions", "-j", "discovery", "--tags", tags
    )
    materialized = workplace.dagster(
        "asset", "materialize", "-m", "mesh_assets.definitions", "--select", "*", "--partition", "warehouse"
    )

    assert executed.returncode == 0, executed.stderr[-2000:]
    assert materialized.returncode == 0, materialized.stderr[-2000:]
    assert workplace.latest().sequence == 2
