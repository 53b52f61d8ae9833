"""In-memory brokers with groups: they follow Kafka's rules in the versions that a test allows, and fail as it says.
kafka-python encodes their answers.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mesh_assets.platforms.kafka.errors import Endpoint
from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire.forms import Answer, BrokerError, Reader, Request, UnsupportedError
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets_tests.platforms.kafka.wire.messages import encoded, read, written
from mesh_assets_tests.platforms.kafka.wire.oracle import running_on

Result = TypeVar("Result")

ENDPOINT = Endpoint({"bootstrap.servers": "broker-1:9092"})
NOT_COORDINATOR, LOADING, UNAVAILABLE = 16, 14, 15
GROUP_REFUSED, TOPIC_REFUSED, NOT_FOUND, INVALID_GROUP, UNSUPPORTED = 30, 29, 69, 24, 35
KINDS = {
    "DescribeGroups": "classic",
    "ConsumerGroupDescribe": "consumer",
    "ShareGroupDescribe": "share",
    "StreamsGroupDescribe": "streams",
}
OLD_BROKERS = {
    "ListGroups": 4,
    "DescribeGroups": 5,
    "FindCoordinator": 3,
    "OffsetFetch": 7,
    "ConsumerGroupDescribe": None,
    "ShareGroupDescribe": None,
    "StreamsGroupDescribe": None,
    "DescribeShareGroupOffsets": None,
}
"""The versions of Kafka 2.8."""


@dataclass
class Group:
    """`described`: fields of its description beyond the common ones. `commits`: offsets by topic and partition."""

    kind: str = "classic"
    state: str = "Stable"
    protocol_type: str = "consumer"
    broker: int = 1
    described: dict[str, Any] = field(default_factory=dict)
    commits: dict[str, dict[int, int]] = field(default_factory=dict)
    shares: dict[str, dict[int, tuple[int, int]]] = field(default_factory=dict)


class GroupBrokers:
    """`Connections`. `leaders`: of the partitions of __consumer_offsets, None: it does not exist or is hidden.

    `failures`: answers to requests about a group (or to a broker, by its number) instead of the true ones: in turn, the last
    one forever; None: the true answer. `newest`: the newest supported version; None: they lack the request.
    """

    def __init__(self, **groups: Group) -> None:
        self.groups: dict[str, Group] = dict(groups)
        self.ids = [1, 2]
        self.leaders: list[int | None] | None = [1, 2, 1]
        self.epoch = 0
        """Of all these leaders."""
        self.topics: dict[str, int] = {}
        self.failures: dict[tuple[str, str | int], list[int | Exception | None]] = {}
        self.newest: dict[str, int | None] = {}
        self.commit_codes: dict[tuple[str, int], int] = {}
        """The error of groups' commits on a partition."""
        self.tells_brokers = False
        """Whether Metadata names the brokers, too."""
        self.asked: list[tuple[str, int | None, list[str]]] = []
        self.patience_seconds = 10.0
        """The timeout: short where a test waits for its end."""
        self.before: dict[str, Callable[[], None]] = {}
        """Called when a request of that name is first asked."""

    def run(self, question: Callable[..., Coroutine[Any, Any, Result]], *arguments: Any) -> Result:
        asked = question(self, *arguments, endpoint=ENDPOINT, timeout_seconds=self.patience_seconds)
        return asyncio.run(asked)

    @contextmanager
    def running(self) -> Iterator[RunningCluster]:
        """For synchronous code."""
        properties = {"bootstrap.servers": ENDPOINT.servers}
        with closing(running_on(self, properties, self.patience_seconds)) as made:
            yield made

    def names(self, request: str) -> list[list[str]]:
        return [names for name, _, names in self.asked if name == request]

    # --- Connections

    async def brokers(self) -> Sequence[BrokerNode]:
        return [BrokerNode(id=number, host=f"broker-{number}", port=9092) for number in self.ids]

    async def refreshed(self) -> Sequence[BrokerNode]:
        return await self.brokers()

    async def close(self) -> None:
        """Nothing to close."""

    async def version(self, request: Request[Answer], *, broker: int | None = None) -> int | None:
        assert broker is None or isinstance(broker, int)
        newest = self.newest.get(request.name, request.newest)
        return None if newest is None or newest < request.oldest else min(newest, request.newest)

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        version = await self.version(request, broker=broker)
        if version is None:
            raise UnsupportedError(f"the broker at broker-{broker}:9092 has no {request.name}")
        names = self._names(request, version)
        self.asked.append((request.name, broker, names))
        if (before := self.before.pop(request.name, None)) is not None:
            before()
        await asyncio.sleep(0)
        if broker is not None:
            if broker not in self.ids:
                raise BrokerError(8, f"there is no broker {broker} in the cluster now")
            if failure := self._failure(request.name, broker):
                if isinstance(failure, Exception):
                    raise failure
                assert request.name == "ListGroups"
                return self._answer(request, version, {"error_code": failure, "groups": []})
        return self._answer(request, version, getattr(self, f"_{request.name}")(version, broker, names))

    def _answer(self, request: Request[Answer], version: int, values: dict[str, Any]) -> Answer:
        return read(request, version, encoded(f"{request.name}Response", version, values))

    @staticmethod
    def _names(request: Request[Any], version: int) -> list[str]:
        """The groups (or topics) that a request is about."""
        flexible = version >= request.flexible_from
        return GroupBrokers.names_in(
            request.name, version, Reader(written(request, version), flexible=flexible)
        )

    @staticmethod
    def names_in(name: str, version: int, body: Reader) -> list[str]:
        """The groups (or topics) that a request of that name is about. `body`: what follows its head."""
        match name:
            case "ListGroups" | "DescribeCluster":
                return []
            case "Metadata":

                def topic() -> str:
                    body.take(16 if version >= 10 else 0)
                    topic_name = body.text()
                    body.tags()
                    return topic_name

                return body.array(topic)
            case "FindCoordinator" if version >= 4:
                body.int8()
                return body.array(body.text)
            case "FindCoordinator":
                return [body.text()]
            case "OffsetFetch" | "DescribeShareGroupOffsets" if name != "OffsetFetch" or version >= 8:

                def group() -> str:
                    group_id = body.text()
                    if version >= 9:
                        body.text() if body.data[body.at] else body.take(1)
                        body.int32()
                    assert body.count() == -1
                    body.tags()
                    return group_id

                return body.array(group)
            case "OffsetFetch":
                return [body.text()]
            case _:
                return body.array(body.text)

    def _failure(self, request: str, place: str | int) -> int | Exception | None:
        scripted = self.failures.get((request, place))
        if not scripted:
            return None
        return scripted.pop(0) if len(scripted) > 1 else scripted[0]

    # --- what they answer

    def _code(self, request: str, name: str, broker: int | None) -> int:
        if failure := self._failure(request, name):
            assert isinstance(failure, int)
            return failure
        group = self.groups.get(name)
        return NOT_COORDINATOR if group is not None and group.broker != broker else 0

    def _Metadata(self, _version: int, _broker: int | None, names: list[str]) -> dict[str, Any]:  # noqa: N802
        leaders = {name: [1] * count for name, count in self.topics.items()}
        if self.leaders is not None:
            leaders["__consumer_offsets"] = [-1 if leader is None else leader for leader in self.leaders]
        nodes = [{"node_id": one, "host": f"broker-{one}", "port": 9092} for one in self.ids]
        return {
            "brokers": nodes if self.tells_brokers else [],
            "topics": [
                {
                    "name": name,
                    "error_code": 0 if name in leaders else 3,
                    "partitions": [
                        {"partition_index": number, "leader_id": leader, "leader_epoch": self.epoch}
                        for number, leader in enumerate(leaders.get(name, ()))
                    ],
                }
                for name in names
            ],
        }

    def _FindCoordinator(self, version: int, _broker: int | None, names: list[str]) -> dict[str, Any]:  # noqa: N802
        found = []
        for name in names:
            code = self._failure("FindCoordinator", name) or 0
            node = self.groups[name].broker if name in self.groups else self.ids[0]
            found.append({"key": name, "node_id": -1 if code else node, "error_code": code})
        if version >= 4:
            return {"coordinators": found}
        return {key: value for key, value in found[0].items() if key != "key"}

    def _ListGroups(self, _version: int, broker: int | None, _names: list[str]) -> dict[str, Any]:  # noqa: N802
        return {
            "groups": [
                {
                    "group_id": name,
                    "protocol_type": group.protocol_type,
                    "group_state": group.state,
                    "group_type": group.kind.capitalize(),
                }
                for name, group in self.groups.items()
                if group.broker == broker
            ]
        }

    def _described(self, request: str, version: int, broker: int | None, names: list[str]) -> dict[str, Any]:
        answers = []
        for name in names:
            group = self.groups.get(name)
            answer: dict[str, Any] = {"group_id": name, "error_code": self._code(request, name, broker)}
            if not answer["error_code"] and (group is None or group.kind != KINDS[request]):
                # The oldest of these requests calls missing groups dead.
                old = request == "DescribeGroups" and version < 6
                answer |= {"group_state": "Dead"} if old else {"error_code": NOT_FOUND}
            elif group is not None and not answer["error_code"]:
                answer |= {"group_state": group.state, **group.described}
                answer |= {"protocol_type": group.protocol_type} if request == "DescribeGroups" else {}
            answers.append(answer)
        return {"groups": answers}

    def _DescribeGroups(self, *asked: Any) -> dict[str, Any]:  # noqa: N802
        return self._described("DescribeGroups", *asked)

    def _ConsumerGroupDescribe(self, *asked: Any) -> dict[str, Any]:  # noqa: N802
        return self._described("ConsumerGroupDescribe", *asked)

    def _ShareGroupDescribe(self, *asked: Any) -> dict[str, Any]:  # noqa: N802
        return self._described("ShareGroupDescribe", *asked)

    def _StreamsGroupDescribe(self, *asked: Any) -> dict[str, Any]:  # noqa: N802
        return self._described("StreamsGroupDescribe", *asked)

    def _OffsetFetch(self, version: int, broker: int | None, names: list[str]) -> dict[str, Any]:  # noqa: N802
        answers = []
        for name in names:
            code = self._code("OffsetFetch", name, broker)
            commits = self.groups[name].commits if name in self.groups and not code else {}
            topics = [
                {
                    "name": topic,
                    "partitions": [
                        {
                            "partition_index": number,
                            "committed_offset": offset,
                            "metadata": "",
                            "error_code": self.commit_codes.get((topic, number), 0),
                        }
                        for number, offset in offsets.items()
                    ],
                }
                for topic, offsets in commits.items()
            ]
            answers.append({"group_id": name, "topics": topics, "error_code": code})
        if version >= 8:
            return {"groups": answers}
        return {key: value for key, value in answers[0].items() if key != "group_id"}

    def _DescribeShareGroupOffsets(  # noqa: N802
        self, _version: int, broker: int | None, names: list[str]
    ) -> dict[str, Any]:
        answers = []
        for name in names:
            code = self._code("DescribeShareGroupOffsets", name, broker)
            group = self.groups.get(name)
            if not code and (group is None or group.kind != "share"):
                code = NOT_FOUND
            shares = group.shares if group is not None and not code else {}
            topics = [
                {
                    "topic_name": topic,
                    "partitions": [
                        {"partition_index": number, "start_offset": start, "lag": lag}
                        for number, (start, lag) in partitions.items()
                    ],
                }
                for topic, partitions in shares.items()
            ]
            answers.append({"group_id": name, "topics": topics, "error_code": code})
        return {"groups": answers}
