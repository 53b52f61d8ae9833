"""Sends scripted brokers one request, with a timeout that suits a busy machine and is short to wait for; and the result of a
login."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from mesh_assets.errors import PlatformError
from mesh_assets.platforms.kafka.wire.forms import Connections, Request
from mesh_assets.platforms.kafka.wire.login import Login
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets_tests.platforms.kafka.wire.broker import ECHO, Asked, Peer, Script

# Long enough for a busy machine, short enough for tests that wait for it.
TIMEOUT_SECONDS = 1.0
USER = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "reader",
    "sasl.password": "hush-hush",
}


def echo(words: str) -> Request[str]:
    return Request("Echo", ECHO, 0, 0, 1, lambda out, _: out.text(words), lambda answer, _: answer.text())


def run(
    servers: str,
    read: Callable[[Connections], Coroutine[Any, Any, Any]],
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    **properties: Any,
) -> Any:
    running = RunningCluster({"bootstrap.servers": servers, **properties}, timeout_seconds)
    try:
        return running.run(read, doing="reading", right="DESCRIBE")
    finally:
        running.close()


def failure_of(servers: str, words: str = "hello", **options: Any) -> PlatformError:
    with pytest.raises(PlatformError) as raised:
        run(servers, lambda kafka: kafka.ask(echo(words)), **options)
    return raised.value


def first(script: Script, *others: Script) -> Script:
    """A script for each of the first requests; the last one for all that follow."""
    remaining = [script, *others]

    async def chosen(peer: Peer, asked: Asked) -> None:
        await (remaining.pop(0) if len(remaining) > 1 else remaining[0])(peer, asked)

    return chosen


HUSH = "hush-hush"


def words(properties: Mapping[str, Any], *received: bytes) -> list[bytes | None]:
    """What the client sends, given the broker's answers."""
    conversation = Login({"security.protocol": "SASL_PLAINTEXT", **properties}).conversation("broker.shop")
    return [conversation.next_words(one) for one in (None, *received)]
