"""Living groups of every kind on a real broker: as its own tools see them, and the same in every version of the protocol that
it still supports.
"""

import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from confluent_kafka import Consumer, ShareConsumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.platforms.kafka.values import BrokerNode, CommittedPartition, ConsumerGroup
from mesh_assets.platforms.kafka.wire.coordinators import NOT_READY
from mesh_assets.platforms.kafka.wire.forms import Answer, Connections, Reader, Request, Writer
from mesh_assets.platforms.kafka.wire.group_requests import Failure, find_coordinators
from mesh_assets.platforms.kafka.wire.groups import read_groups
from mesh_assets.platforms.kafka.wire.named_groups import group_presence, read_group, read_share_group
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.platforms.kafka.wire.messages import encoded

pytestmark = pytest.mark.sandbox

KINDS = ("classic", "consumer", "share", "streams")


@dataclass
class Living:
    """A group of each kind on `topic`, which has two partitions; the one that streams also reads `beside`, which has
    one. `name`: of the group of that kind."""

    name: Callable[[str], str]
    topic: str
    beside: str
    cluster: RunningCluster
    beat: Callable[[], None]

    def read(self, newest: dict[str, int] | None = None) -> dict[str, ConsumerGroup]:
        """The groups of the test, by kind; at most in these versions."""
        self.beat()
        prefix, endpoint = self.name(""), self.cluster.endpoint
        reading = self.run(
            lambda brokers: read_groups(
                _Older(brokers, newest or {}),
                lambda name: not name or name.startswith(prefix),
                endpoint=endpoint,
                timeout_seconds=30,
            )
        )
        return {group.group_id.removeprefix(prefix): group for group in reading.groups}

    def run(self, read: Callable[[Connections], Any]) -> Any:
        return self.cluster.run(read, doing="reading groups", right="DESCRIBE on the group")


class _Older:
    """`Connections` to a broker that supports nothing newer."""

    def __init__(self, connections: Connections, newest: dict[str, int]) -> None:
        self._connections, self._newest = connections, newest

    def _cut(self, request: Request[Answer]) -> Request[Answer]:
        return replace(request, newest=min(request.newest, self._newest.get(request.name, request.newest)))

    async def brokers(self) -> Sequence[BrokerNode]:
        return await self._connections.brokers()

    async def refreshed(self) -> Sequence[BrokerNode]:
        return await self._connections.refreshed()

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        return await self._connections.ask(self._cut(request), broker=broker)

    async def version(self, request: Request[Answer], *, broker: int | None = None) -> int | None:
        return await self._connections.version(self._cut(request), broker=broker)


@pytest.fixture(scope="module")
def living(broker: Endpoints) -> Iterator[Living]:
    mark = f"__groups-{uuid4().hex[:12]}"  # outside the estate that other tests look at
    topic, beside = f"{mark}-two", f"{mark}-one"
    servers: dict[str, Any] = {"bootstrap.servers": broker.bootstrap_servers}
    with ExitStack() as stack:
        admin = stack.enter_context(AdminClient(servers))
        for future in admin.create_topics([NewTopic(topic, 2, 1), NewTopic(beside, 1, 1)]).values():
            future.result(timeout=60)
        stack.callback(
            lambda: [future.result(60) for future in admin.delete_topics([topic, beside]).values()]
        )
        cluster = stack.enter_context(closing(RunningCluster(servers, 30)))
        streams = _StreamsMember(cluster, f"{mark}-streams", [topic, beside])
        found = Living(lambda kind: f"{mark}-{kind}", topic, beside, cluster, streams.beat)
        common = {**servers, "client.id": "reader"}
        consumers = [
            Consumer({**common, "group.id": found.name("classic"), "enable.auto.commit": False}),
            Consumer(
                {
                    **common,
                    "group.id": found.name("consumer"),
                    "group.protocol": "consumer",
                    "enable.auto.commit": False,
                }
            ),
        ]
        sharing = ShareConsumer({**common, "group.id": found.name("share")})
        clients: list[Any] = [*consumers, sharing]
        for client in clients:
            stack.callback(client.close)
            client.subscribe([topic])
        deadline = time.monotonic() + 90
        while not _is_assigned(groups := found.read(), topic):
            assert time.monotonic() < deadline, groups
            for client in clients:
                client.poll(0.2)
        for consumer in consumers:
            consumer.commit(offsets=[TopicPartition(topic, 1, 0)], asynchronous=False)
        _commit_without_a_name(cluster, topic)
        yield found
        streams.leave()


def _is_assigned(groups: dict[str, ConsumerGroup], topic: str) -> bool:
    return all(
        kind in groups
        and [sorted(m.assignment.get(topic, ())) for m in groups[kind].members or ()] == [[0, 1]]
        for kind in KINDS
    )


class _StreamsMember:
    """A member of a streams group that only sends heartbeats (StreamsGroupHeartbeat)."""

    def __init__(self, cluster: RunningCluster, group: str, topics: Sequence[str]) -> None:
        self._cluster, self._group, self._topics = cluster, group, topics
        self._member, self._epoch = uuid4().hex, 0

    def beat(self) -> None:
        deadline = time.monotonic() + 60
        while (answer := self._cluster.run(self._send, doing="joining", right="READ on the group"))[0]:
            # A broker does not know its groups right after its start.
            assert answer[0] in NOT_READY, answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.2)
        self._epoch = answer[2]

    def leave(self) -> None:
        self._epoch = -1
        self._cluster.run(self._send, doing="leaving", right="READ on the group")

    async def _send(self, connections: Connections) -> tuple[int, str | None, int]:
        broker = (await connections.ask(find_coordinators([self._group])))[self._group]
        if isinstance(broker, Failure):
            return broker.code, broker.said, 0
        return await connections.ask(
            Request("StreamsGroupHeartbeat", 88, 0, 0, 0, self._write, self._read), broker=broker
        )

    def _write(self, out: Writer, _version: int) -> None:
        joins = self._epoch == 0
        out.text(self._group)
        out.text(self._member)
        out.int32(self._epoch)
        out.int32(0)
        out.text(None)
        out.text(None)
        out.int32(300_000)
        out.int8(1 if joins else -1)  # the topology: of one subtopology
        if joins:
            out.int32(0)
            out.count(1)
            out.text("0")
            out.array(self._topics, out.text)
            for _ in range(5):
                out.count(0)
            out.tags()
            out.tags()
        for _ in range(3):
            out.count(0 if joins else None)
        out.text("process" if joins else None)
        out.int8(-1)
        out.count(0 if joins else None)
        out.count(None)
        out.count(None)
        out.boolean(False)
        out.tags()

    @staticmethod
    def _read(answer: Reader, _version: int) -> tuple[int, str | None, int]:
        answer.throttle()
        code, said, _, epoch = answer.int16(), answer.nullable_text(), answer.text(), answer.int32()
        answer.take(answer.end - answer.at)
        return code, said, epoch


def _commit_without_a_name(cluster: RunningCluster, topic: str) -> None:
    """Like clients that do not check the group's name."""
    partition = {"partition_index": 0, "committed_offset": 5, "committed_leader_epoch": -1}
    commit = {
        "group_id": "",
        "generation_id_or_member_epoch": -1,
        "topics": [{"name": topic, "partitions": [partition]}],
    }

    def write(out: Writer, version: int) -> None:
        out.raw(encoded("OffsetCommitRequest", version, commit))

    def read(answer: Reader, _version: int) -> bytes:
        return answer.take(answer.end - answer.at)

    async def send(connections: Connections) -> bytes:
        broker = (await connections.ask(find_coordinators([""])))[""]
        assert not isinstance(broker, Failure), broker
        return await connections.ask(Request("OffsetCommit", 8, 8, 8, 8, write, read), broker=broker)

    answer = cluster.run(send, doing="committing", right="READ on the group")
    expected = {"topics": [{"name": topic, "partitions": [{"partition_index": 0}]}]}
    assert answer == encoded("OffsetCommitResponse", 8, expected)


def test_groups_of_every_kind_have_their_state_members_and_offsets(living: Living) -> None:
    groups = living.read()
    assert {name: (group.type, group.protocol_type, group.state) for name, group in groups.items()} == {
        "": ("classic", "", "Empty"),
        "classic": ("classic", "consumer", "Stable"),
        "consumer": ("consumer", "consumer", "Stable"),
        "share": ("share", "share", "Stable"),
        "streams": ("streams", "streams", "Stable"),
    }
    assert {kind: [member.assignment for member in groups[kind].members or ()] for kind in KINDS} == {
        "classic": [{living.topic: (0, 1)}],
        "consumer": [{living.topic: (0, 1)}],
        "share": [{living.topic: (0, 1)}],
        "streams": [{living.beside: (0,), living.topic: (0, 1)}],
    }
    for kind in ("classic", "consumer"):
        assert groups[kind].error is None
        assert groups[kind].offsets == (
            CommittedPartition(topic=living.topic, partition=0, committed=None),
            CommittedPartition(topic=living.topic, partition=1, committed=0),
        )
    assert groups["streams"].error is None
    assert [(one.topic, one.partition) for one in groups["share"].share or ()] == [
        (living.topic, 0),
        (living.topic, 1),
    ]
    nameless = groups[""]
    assert (nameless.members, nameless.error) == ((), None)
    assert CommittedPartition(topic=living.topic, partition=0, committed=5) in (nameless.offsets or ())


# From Kafka 4.3's oldest version to our newest, each at least once.
VERSIONS = [
    {
        "ListGroups": min(step, 5),
        "FindCoordinator": min(step, 4),
        "DescribeGroups": min(step, 6),
        "OffsetFetch": step + 2,
        "ConsumerGroupDescribe": step % 2,
        "DescribeShareGroupOffsets": step % 2,
    }
    for step in range(8)
]


@pytest.mark.parametrize("newest", VERSIONS, ids=lambda newest: f"ListGroups-{newest['ListGroups']}")
def test_every_version_reports_the_same(living: Living, newest: dict[str, int]) -> None:
    told, expected = living.read(newest), living.read()
    if newest["ConsumerGroupDescribe"] == 0:  # it does not report yet which members use the classic protocol
        members = tuple(
            msgspec.structs.replace(member, is_classic=None) for member in expected["consumer"].members or ()
        )
        expected["consumer"] = msgspec.structs.replace(expected["consumer"], members=members)
    assert told == expected


def test_each_group_is_found_by_name(living: Living) -> None:
    groups, endpoint = living.read(), living.cluster.endpoint
    for kind in KINDS:
        living.beat()
        named = partial(read_group, group_id=living.name(kind), endpoint=endpoint, timeout_seconds=30)
        found = living.run(named)
        assert found == groups[kind]
    names = [*map(living.name, KINDS), "", living.name("nobody")]
    presence = living.run(lambda c: group_presence(c, names, endpoint=endpoint, timeout_seconds=30))
    assert list(presence.values()) == ["here", "here", "here", "here", "here", "gone"]
    shared = living.run(
        lambda c: read_share_group(
            c, living.name("share"), living.topic, endpoint=endpoint, timeout_seconds=30
        )
    )
    assert (shared.members, set(shared.partitions)) == (groups["share"].members, {0, 1})


def test_kafkas_own_tools_say_the_same(living: Living, stand_ins: Sandbox, broker: Endpoints) -> None:
    def told(main_class: str, *arguments: str) -> str:
        living.beat()
        command = stand_ins.kafka_tool(
            f"org.apache.kafka.tools.{main_class}", "--bootstrap-server", broker.bootstrap_servers, *arguments
        )
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    groups = living.read()
    kinds = dict(
        re.findall(rf"^{re.escape(living.name(''))}(\w+)\s+(\w+)", told("GroupsCommand", "--list"), re.M)
    )
    assert {kind: told_kind.lower() for kind, told_kind in kinds.items()} == {
        kind: groups[kind].type for kind in KINDS
    }
    commands = {
        "classic": "consumer.group.ConsumerGroupCommand",
        "consumer": "consumer.group.ConsumerGroupCommand",
        "share": "consumer.group.ShareGroupCommand",
    }
    for kind, command in commands.items():
        text = told(command, "--describe", "--group", living.name(kind), "--members", "--verbose")
        [member] = groups[kind].members or ()
        row = re.search(
            rf"^{living.name(kind)}\s+{re.escape(member.member_id)}\s+/(\S+)\s+(\S+)\s.*?{living.topic}:(\S+)",
            text,
            re.M,
        )
        assert row is not None, text
        assert row.groups() == (member.host, member.client_id, "0,1")
    text = told(
        "streams.StreamsGroupCommand",
        "--describe",
        "--group",
        living.name("streams"),
        "--members",
        "--verbose",
    )
    [member] = groups["streams"].members or ()
    assert re.search(rf"\s{member.member_id}\s.*\sACTIVE: 0:\[0,1\];", text), text
