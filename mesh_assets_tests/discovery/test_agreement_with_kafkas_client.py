"""The document agrees with Kafka's own AdminClient on an idle cluster."""

import pytest

from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.platforms.kafka.wire.kafka_programs import kafkas_own_client
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox


def test_topics_partitions_configs_offsets_and_lag_agree(sandbox: Sandbox, workplace: Workplace) -> None:
    servers = {"bootstrap.servers": sandbox.endpoints().bootstrap_servers}
    with sandbox.quiet(), kafkas_own_client(servers) as client:
        workplace.discover()
        document, told = workplace.latest(), client.read(everything=False)

    assert {topic.name: topic.id for topic in document.topics} == {
        topic.name: told["topics"][topic.name]["id"] for topic in document.topics
    }
    assert {
        topic.name: {
            str(p.partition): {"leader": p.leader, "replicas": list(p.replicas), "isr": list(p.isr)}
            for p in topic.partitions
        }
        for topic in document.topics
    } == {topic.name: told["topics"][topic.name]["partitions"] for topic in document.topics}
    for edge in ("earliest", "latest"):
        assert {
            f"{topic.name}-{p.partition}": getattr(p, edge)
            for topic in document.topics
            for p in topic.partitions
        } == {
            f"{topic.name}-{number}": told[edge][f"{topic.name}-{number}"]
            for topic in document.topics
            for number in told["topics"][topic.name]["partitions"]
        }
    assert {topic.name: topic.config for topic in document.topics} == {
        topic.name: {name: entry["value"] for name, entry in told["configs"][topic.name].items()}
        for topic in document.topics
    }
    assert {
        (group.group_id, f"{o.topic}-{o.partition}"): (o.committed, o.end, o.lag_records)
        for group in document.consumer_groups
        for o in group.offsets or ()
        if o.committed is not None
    } == {
        (group_id, place): (committed, told["latest"][place], told["latest"][place] - committed)
        for group_id, group in told["groups"].items()
        for place, committed in group.get("committed", {}).items()
    }
    assert document.topics
    assert document.consumer_groups
