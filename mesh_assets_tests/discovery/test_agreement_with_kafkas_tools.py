"""The document says what Kafka's own command-line tools say, on a cluster where nothing moves."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox


OFFSETS = ("org.apache.kafka.tools.GetOffsetShell", "--exclude-internal-topics", "--time")
TOOLS = (
    ("org.apache.kafka.tools.TopicCommand", "--describe", "--exclude-internal"),
    (*OFFSETS, "-1"),
    (*OFFSETS, "-2"),
    ("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--describe", "--all-groups", "--offsets"),
    (
        "kafka.admin.ConfigCommand",
        "--describe",
        "--entity-type",
        "topics",
        "--all",
        "--entity-name",
        "orders",
    ),
)


def said_by_kafkas_tools(sandbox: Sandbox) -> list[str]:
    """What each of them prints, all run at the same time."""
    server = ("--bootstrap-server", sandbox.endpoints().bootstrap_servers)

    def run(tool: tuple[str, ...]) -> str:
        command = sandbox.kafka_tool(*tool, *server)
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    with ThreadPoolExecutor(len(TOOLS)) as pool:
        return list(pool.map(run, TOOLS))


def test_topics_partitions_configs_offsets_and_lag_agree(sandbox: Sandbox, workplace: Workplace) -> None:
    with sandbox.quiet():
        workplace.discover()
        document = workplace.latest()
        described, latest, earliest, groups, configs = said_by_kafkas_tools(sandbox)

    names = {topic.name for topic in document.topics}
    assert {(n, i) for n, i in topics_told(described) if n in names} == {
        (topic.name, topic.id) for topic in document.topics
    }
    assert {key: replicas for key, replicas in replicas_told(described).items() if key[0] in names} == {
        (topic.name, p.partition): (p.leader, p.replicas, p.isr)
        for topic in document.topics
        for p in topic.partitions
    }
    for told, field in ((latest, "latest"), (earliest, "earliest")):
        assert {key: offset for key, offset in offsets_told(told).items() if key[0] in names} == {
            (topic.name, p.partition): getattr(p, field)
            for topic in document.topics
            for p in topic.partitions
        }
    orders = next(topic for topic in document.topics if topic.name == "orders")
    assert configs_told(configs) == orders.config
    assert lags_told(groups) == {
        (group.group_id, o.topic, o.partition): (o.committed, o.end, o.lag_records)
        for group in document.consumer_groups
        for o in group.offsets or ()
        if o.committed is not None
    }


def topics_told(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^Topic: (\S+)\tTopicId: (\S+)", text, re.MULTILINE))


def replicas_told(text: str) -> dict[tuple[str, int], tuple[int, tuple[int, ...], tuple[int, ...]]]:
    lines = re.findall(
        r"^\tTopic: (\S+)\s+Partition: (\d+)\s+Leader: (\d+)\s+Replicas: (\S+)\s+Isr: (\S+)",
        text,
        re.MULTILINE,
    )
    return {
        (topic, int(p)): (int(leader), _ids(replicas), _ids(isr)) for topic, p, leader, replicas, isr in lines
    }


def _ids(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def offsets_told(text: str) -> dict[tuple[str, int], int]:
    return {
        (topic, int(p)): int(offset)
        for topic, p, offset in re.findall(r"^(\S+):(\d+):(\d+)$", text, re.MULTILINE)
    }


def configs_told(text: str) -> dict[str, str]:
    return dict(re.findall(r"^  ([\w.]+)=(.*?) sensitive=false", text, re.MULTILINE))


def lags_told(text: str) -> dict[tuple[str, str, int], tuple[int, int, int]]:
    """Rows of the tables, whose columns differ by kind of group; `-` where nothing is committed."""
    told = {}
    for line in text.splitlines():
        match = re.match(r"(\S+)\s+(\S+)\s+(\d+)\s+(?:\S+\s+)?(\d+)\s+(\d+)\s+(\d+)\s", line)
        if match:
            group, topic, partition, committed, end, lag = match.groups()
            told[(group, topic, int(partition))] = (int(committed), int(end), int(lag))
    return told
