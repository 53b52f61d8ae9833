"""In-memory brokers that report transactions and producers."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.values import (
    BrokerNode,
    PartitionMetadata,
    TopicMetadata,
    TransactionsReading,
)
from mesh_assets.platforms.kafka.wire.forms import Answer, BrokerError, Request, UnsupportedError
from mesh_assets.platforms.kafka.wire.partition_columns import PartitionsAsked
from mesh_assets.platforms.kafka.wire.transaction_messages import (
    LIST_TRANSACTIONS,
    describe_producers,
    describe_transactions,
)
from mesh_assets.platforms.kafka.wire.transactions import read_transactions
from mesh_assets_tests.platforms.kafka.wire.messages import encoded, read, versions, written

LOADING, NOT_LEADER, TOPIC_REFUSED, GONE, REFUSED, CLUSTER_REFUSED = 14, 6, 29, 105, 53, 31
NOT_COORDINATOR, UNKNOWN_TOPIC = 16, 3


class Brokers:
    """`Connections`. `ids`: by broker, what it coordinates: state, producer, and how its DescribeTransactions answers.
    `producers`: by topic and partition. `lacking`: requests that no broker supports."""

    def __init__(self) -> None:
        self.ids: dict[int, dict[str, dict[str, Any]]] = {1: {}, 2: {}}
        self.topics: dict[str, list[int]] = {}
        self.producers: dict[tuple[str, int], dict[str, Any]] = {}
        self.placed: list[list[int]] = []
        """The leaders of __transaction_state, each time somebody asks; the last ones forever. Empty: there is no such topic."""
        self.starting: dict[int, int] = {}
        """Brokers that have not begun to load what they coordinate, and for how many more questions about it."""
        self.lacking: set[str] = set()
        self.list_codes: dict[int, int] = {}
        self.configs_code = 0
        self.moved: list[tuple[str, int]] = []
        self.asked: list[str] = []
        self.login_fails = False
        self.hides_ids = False

    def read(self) -> TransactionsReading:
        topics = [
            TopicMetadata(
                name=name,
                id=None,
                internal=False,
                partitions=tuple(
                    PartitionMetadata(partition=number, leader=leader, replicas=(leader,), isr=(leader,))
                    for number, leader in enumerate(leaders)
                ),
            )
            for name, leaders in self.topics.items()
        ]
        return asyncio.run(read_transactions(self, topics))

    async def brokers(self) -> Sequence[BrokerNode]:
        return [BrokerNode(id=number, host=f"broker-{number}", port=9092) for number in self.ids]

    async def refreshed(self) -> Sequence[BrokerNode]:
        return await self.brokers()

    async def version(self, request: Request[Answer], *, broker: int | None = None) -> int | None:
        assert broker is None or broker in self.ids
        return None if request.name in self.lacking else request.newest

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        self.asked.append(request.name)
        if self.login_fails:
            raise BrokerError(KafkaError._AUTHENTICATION, "no")
        if request.name in self.lacking:
            raise UnsupportedError(f"the broker at broker-{broker}:9092 has no {request.name}")
        body = written(request, request.newest)
        values = getattr(self, request.name)(body, broker)
        return read(request, request.newest, encoded(f"{request.name}Response", request.newest, values))

    def ListTransactions(self, _body: bytes, broker: int) -> dict[str, Any]:  # noqa: N802
        states = [
            {"transactional_id": name, "producer_id": one["producer_id"], "transaction_state": one["state"]}
            for name, one in ({} if self.starting.get(broker) else self.ids[broker]).items()
        ]
        return {"error_code": self.list_codes.get(broker, 0), "transaction_states": states}

    def DescribeTransactions(self, body: bytes, broker: int) -> dict[str, Any]:  # noqa: N802
        if nobody := re.findall(r"mesh-assets-nobody-[0-9]+", body.decode("latin-1")):
            starting = self.starting[broker] = max(0, self.starting.get(broker, 0) - 1)
            code = REFUSED if self.hides_ids else NOT_COORDINATOR if starting else GONE
            return {"transaction_states": [{"transactional_id": name, "error_code": code} for name in nobody]}
        return {
            "transaction_states": [
                {
                    "transactional_id": name,
                    "transaction_state": one["state"],
                    "producer_id": one["producer_id"],
                    **one.get("described", {}),
                }
                for name, one in self.ids[broker].items()
                if name.encode() in body
            ]
            or [
                {"transactional_id": made_up, "error_code": REFUSED if self.hides_ids else NOT_COORDINATOR}
                for made_up in re.findall(r"[0-9a-f]{32}", body.decode("latin-1"))
            ]
        }

    def DescribeProducers(self, body: bytes, broker: int) -> dict[str, Any]:  # noqa: N802
        topics = []
        for topic, leaders in self.topics.items():
            ones = []
            for number, leader in enumerate(leaders):
                if topic.encode() not in body or leader != broker:
                    continue
                if self.moved and (topic, number) in self.moved:
                    self.moved.remove((topic, number))
                    ones.append({"partition_index": number, "error_code": NOT_LEADER})
                else:
                    ones.append({"partition_index": number, **self.producers.get((topic, number), {})})
            if ones:
                topics.append({"name": topic, "partitions": ones})
        return {"topics": topics}

    def Metadata(self, body: bytes, _broker: int | None) -> dict[str, Any]:  # noqa: N802
        of_ids = b"__transaction_state" in body
        if of_ids and self.placed:
            leaders_of = {"__transaction_state": self.placed[0]}
            self.placed = self.placed[1:] or self.placed
        else:
            leaders_of = {"__transaction_state": []} if of_ids else self.topics
        return {
            "topics": [
                {
                    "name": topic,
                    "error_code": 0 if leaders else UNKNOWN_TOPIC,
                    "partitions": [
                        {"partition_index": number, "leader_id": leader}
                        for number, leader in enumerate(leaders)
                    ],
                }
                for topic, leaders in leaders_of.items()
            ]
        }

    def DescribeConfigs(self, _body: bytes, broker: int) -> dict[str, Any]:  # noqa: N802
        entry = {"name": "transaction.max.timeout.ms", "value": "900000", "config_source": 5}
        results = [
            {
                "resource_type": 4,
                "resource_name": name,
                "error_code": self.configs_code,
                "configs": [] if self.configs_code or not name else [entry],
            }
            for name in (str(broker), "")
        ]
        return {"results": results}


def producing(*producers: dict[str, Any]) -> dict[str, Any]:
    return {"active_producers": list(producers)}


MINUTE = 60_000


def ago(minutes: float) -> int:
    return int((datetime.now(UTC) - timedelta(minutes=minutes)).timestamp() * 1000)


def a_transaction(state: str = "Ongoing", producer_id: int = 7, **described: Any) -> dict[str, Any]:
    return {"state": state, "producer_id": producer_id, "described": described}


def open_by(producer_id: int, start: int, *, minutes: float) -> dict[str, Any]:
    return {
        "producer_id": producer_id,
        "producer_epoch": 3,
        "last_timestamp": ago(minutes),
        "current_txn_start_offset": start,
    }


def ongoing(minutes: float, **topics: list[int]) -> dict[str, Any]:
    """A transaction of producer 7 that began that long ago, with a timeout of a minute."""
    return a_transaction(
        transaction_timeout_ms=MINUTE,
        transaction_start_time_ms=ago(minutes),
        producer_epoch=3,
        topics=[{"topic": topic, "partitions": numbers} for topic, numbers in topics.items()],
    )


ANSWERS: list[tuple[Request[Any], dict[str, Any]]] = [
    (
        LIST_TRANSACTIONS,
        {"transaction_states": [{"transactional_id": "pay", "transaction_state": "Ongoing"}]},
    ),
    (
        describe_transactions(["pay"]),
        {
            "transaction_states": [
                {"transactional_id": "pay", "topics": [{"topic": "orders", "partitions": [1]}]}
            ]
        },
    ),
    (
        describe_producers(PartitionsAsked({"orders": [1]})),
        {
            "topics": [
                {"name": "orders", "partitions": [{"partition_index": 1, **producing({"producer_id": 7})}]}
            ]
        },
    ),
    (
        describe_producers(PartitionsAsked({"orders": [1]})),
        {"topics": [{"name": "orders", "partitions": [{"partition_index": 1, **producing()}]}]},
    ),
]
BODIES = [
    pytest.param(
        request, version, encoded(f"{request.name}Response", version, values), id=f"{request.name}-{version}"
    )
    for request, values in ANSWERS
    for version in versions(request)
]
