"""A topic deleted and recreated under its name between two discoveries: what was known of the first is not reported of the second."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # re-exported without saying so

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.components.reporting import section_ends
from mesh_assets.estate.file import load_estate
from mesh_assets.findings.judge import judge
from mesh_assets.findings.reading import read_case
from mesh_assets.findings.samples import read_samples
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.sections import TopicsSection
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.profiling.estate import keep_estate_profiles, profile_estate
from mesh_assets.profiling.results import of_present_topics, profile_results
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox

NAME, GROUP, IDLE_GROUP = "recreated-test", "recreated-test-reader", "recreated-test-idle"


@contextmanager
def the_topic(endpoints: Endpoints, values: list[bytes]) -> Iterator[None]:
    with AdminClient({"bootstrap.servers": endpoints.bootstrap_servers}) as admin:
        admin.create_topics([NewTopic(NAME, num_partitions=1, replication_factor=1)])[NAME].result(30)
        try:
            producer = Producer({"bootstrap.servers": endpoints.bootstrap_servers})
            for value in values:
                producer.produce(NAME, value)
            assert producer.flush(30) == 0
            yield
        finally:
            admin.delete_topics([NAME])[NAME].result(30)


def commit(endpoints: Endpoints, group: str, offset: int) -> None:
    consumer = Consumer({"bootstrap.servers": endpoints.bootstrap_servers, "group.id": group})
    try:
        consumer.commit(offsets=[TopicPartition(NAME, 0, offset)], asynchronous=False)
    finally:
        consumer.close()


@pytest.fixture(autouse=True)
def _without_the_groups(endpoints: Endpoints) -> Iterator[None]:
    """Afterwards, or the next discovery in this sandbox would find them created."""
    yield
    with AdminClient({"bootstrap.servers": endpoints.bootstrap_servers}) as admin:
        for removal in admin.delete_consumer_groups([GROUP, IDLE_GROUP]).values():
            removal.result(30)


class Known(NamedTuple):
    document: Document
    topic: Topic
    changes: list[str]
    readers: set[str]
    faults: list[str]
    data_version: tuple[str, float]


def discover(workplace: Workplace) -> Known:
    changes = workplace.discover()["first_changes"]
    document = workplace.latest()
    [topic] = [one for one in document.topics if one.name == NAME]
    estate = load_estate(workplace.estate)
    samples = read_samples(workplace.store)
    findings = judge(read_case(document, store=workplace.store, estate=estate, samples=samples))
    section = document.section("topics")
    assert isinstance(section, TopicsSection)
    [end] = [one for one in section_ends(section).ends if one.series.startswith(NAME)]
    return Known(
        document=document,
        topic=topic,
        changes=[one for one in changes if one.startswith(f"Topic {NAME} ")],
        readers=_readers(cluster_graph(ClusterFacts(document=document))),
        faults=[one.sentence for one in findings if one.kind == "data_fault" and one.resource == NAME],
        data_version=(end.series, end.end),
    )


def _readers(graph: LineageGraph) -> set[str]:
    return {
        edge.target.name
        for edge in graph.edges
        if edge.source.kind == "topic" and edge.source.name == NAME and edge.purpose == "data"
    }


def lags(document: Document) -> dict[str, list[tuple[int | None, str | None]]]:
    return {
        group.group_id: [(one.lag_records, one.lag_is) for one in group.offsets or () if one.topic == NAME]
        for group in document.consumer_groups
        if group.group_id in (GROUP, IDLE_GROUP)
    }


def test_nothing_of_the_first_topic_is_told_of_the_second(
    discovered: Workplace, endpoints: Endpoints
) -> None:
    written = yaml.safe_load(discovered.estate.read_text())
    written["clusters"]["warehouse"]["allow_message_reading"] = [NAME]
    discovered.estate.write_text(yaml.safe_dump(written))
    estate, store = load_estate(discovered.estate), discovered.store
    card = b'{"note": "4111 1111 1111 1111"}'
    with the_topic(endpoints, [card] * 40):
        commit(endpoints, GROUP, 40)
        commit(endpoints, IDLE_GROUP, 30)
        made = profile_estate(estate, store, now=lambda: datetime.now(UTC))
        keep_estate_profiles(store, made, made_at=datetime.now(UTC))
        first = discover(discovered)
    recreated_at = datetime.now(UTC)
    with the_topic(endpoints, [b"{}"] * 3):
        commit(endpoints, GROUP, 1)
        second = discover(discovered)
        kept = profile_results(store).get()
        profiled_anew = profile_estate(estate, store, now=lambda: datetime.now(UTC)).quality.profile(
            "warehouse", NAME
        )

    assert first.readers == {GROUP, IDLE_GROUP}
    assert lags(first.document) == {GROUP: [(0, "known")], IDLE_GROUP: [(10, "known")]}
    assert len(first.faults) == 1
    assert second.topic.id not in (None, first.topic.id)
    assert second.changes == [
        f"Topic {NAME} deleted and created again: the old one had 1 partition, replication factor 1",
        f"Topic {NAME} created again after deletion: 1 partition, replication factor 1",
    ]
    assert second.topic.details.message_count == 3
    assert second.readers == {GROUP}
    assert lags(second.document) == {GROUP: [(2, "known")], IDLE_GROUP: []}
    assert second.faults == []
    assert second.data_version[0] != first.data_version[0]
    assert second.topic.storage is not None
    assert second.topic.storage.oldest_record_at is not None
    assert second.topic.storage.oldest_record_at >= recreated_at - timedelta(seconds=1)
    assert kept is not None
    assert of_present_topics(kept.result, {"warehouse": second.document}).profile("warehouse", NAME) is None
    assert profiled_anew is not None
    assert (profiled_anew.sampled_records, profiled_anew.trend) == (3, ())
