"""Brokers in memory: what we write is read, and what we read is written, by another implementation of the protocol."""

import asyncio
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire.forms import Answer, Reader, Request, UnsupportedError, Writer

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of how it reads its own files, with Python 3.11
    from kafka.protocol.admin import DescribeConfigsRequest, DescribeConfigsResponse
    from kafka.protocol.consumer import ListOffsetsRequest, ListOffsetsResponse
    from kafka.protocol.metadata import MetadataRequest, MetadataResponse

__all__ = [
    "Brokers",
    "DescribeConfigsRequest",
    "DescribeConfigsResponse",
    "ListOffsetsRequest",
    "ListOffsetsResponse",
    "MetadataRequest",
    "MetadataResponse",
    "decode",
    "node",
]

Handler = Callable[[Any, int | None], Any]
"""Answers a request that kafka-python has read: with a response of kafka-python's, or by raising."""


def node(number: int) -> BrokerNode:
    return BrokerNode(id=number, host=f"broker-{number}", port=9092)


def decode(request: Request[Answer], version: int, data: bytes) -> Answer:
    """As a connection does with an answer."""
    reader = Reader(data, flexible=version >= request.flexible_from)
    answer = request.read(reader, version)
    reader.finish()
    return answer


class Brokers:
    """`Connections` to the brokers with these numbers. `handlers`: by the names of requests, with the class that reads
    them. `newest`: the newest version that the brokers know, where they are not the newest of all."""

    def __init__(
        self,
        *numbers: int,
        handlers: Mapping[str, tuple[Any, Handler]],
        newest: Mapping[str, int] | None = None,
    ) -> None:
        self.nodes = [node(number) for number in numbers]
        self.newest = dict(newest or {})
        self.asked: list[tuple[str, int | None, Any]] = []
        self.refreshes = 0
        self._handlers = handlers

    def requests(self, name: str) -> list[Any]:
        return [request for asked, _, request in self.asked if asked == name]

    async def brokers(self) -> Sequence[BrokerNode]:
        return self.nodes

    async def refreshed(self) -> Sequence[BrokerNode]:
        self.refreshes += 1
        return self.nodes

    async def version(self, request: Request[Any], *, broker: int | None = None) -> int | None:  # noqa: ARG002
        version = min(request.newest, self.newest.get(request.name, request.newest))
        return version if version >= request.oldest else None

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        version = await self.version(request)
        if version is None:
            raise UnsupportedError(request.name)
        message, handler = self._handlers[request.name]
        assert (request.api, request.flexible_from) == (message.API_KEY, message._flexible_versions[0])
        out = Writer(flexible=version >= request.flexible_from)
        request.write(out, version)
        read_from = message._struct.compiled_decode_from(
            version, compact=out.flexible, tagged=out.flexible, data_class=message
        )
        read, end = read_from(memoryview(out.data), 0)
        assert end == len(out.data)
        self.asked.append((request.name, broker, read))
        await asyncio.sleep(0)  # others write their requests meanwhile
        return decode(request, version, bytes(handler(read, broker).encode(version=version)))
