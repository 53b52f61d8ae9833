"""In-memory brokers with scripted answers, in kafka-python's encoding of Kafka's own messages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire.forms import Answer, Request, UnsupportedError
from mesh_assets_tests.platforms.kafka.wire.messages import answer_of, written
from mesh_assets_tests.platforms.kafka.wire.oracle import node

Answers = Callable[[int | None], Mapping[str, Any]]
"""The values of a broker's answer (None: of any broker); or raises BrokerError."""


class ScriptedAnswers:
    """`Connections`. `answers`: by request name. `newest`: versions, if not the newest of all. `asked`: names, brokers and
    bodies of the requests."""

    def __init__(
        self, *brokers: int, answers: Mapping[str, Answers], newest: Mapping[str, int] | None = None
    ) -> None:
        self._nodes = [node(number) for number in brokers]
        self._answers = answers
        self._newest = newest or {}
        self.asked: list[tuple[str, int | None, bytes]] = []

    async def brokers(self) -> Sequence[BrokerNode]:
        return self._nodes

    async def refreshed(self) -> Sequence[BrokerNode]:
        return self._nodes

    async def version(self, request: Request[Any], *, broker: int | None = None) -> int | None:  # noqa: ARG002
        version = min(request.newest, self._newest.get(request.name, request.newest))
        return version if version >= request.oldest else None

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        version = await self.version(request)
        if version is None:
            raise UnsupportedError(f"the broker has no {request.name}")
        self.asked.append((request.name, broker, written(request, version)))
        return answer_of(request, version, dict(self._answers[request.name](broker)))
