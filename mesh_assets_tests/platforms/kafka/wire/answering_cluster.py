"""A cluster of one broker that answers every request of a discovery about brokers, access, transactions, storage and groups:
over a socket, so that each answer can be spoilt there, and in kafka-python's encoding.
"""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any

from mesh_assets.platforms.kafka.wire import access, quorum
from mesh_assets.platforms.kafka.wire.commits import describe_share_offsets, fetch_offsets
from mesh_assets.platforms.kafka.wire.described_cluster import DESCRIBED_CLUSTER
from mesh_assets.platforms.kafka.wire.forms import Reader, Request
from mesh_assets.platforms.kafka.wire.group_kinds import describe_consumer_groups, describe_share_groups
from mesh_assets.platforms.kafka.wire.group_requests import LIST_GROUPS, describe_classic_groups
from mesh_assets.platforms.kafka.wire.log_dirs import DESCRIBE_LOG_DIRS
from mesh_assets.platforms.kafka.wire.partition_columns import PartitionsAsked
from mesh_assets.platforms.kafka.wire.placement import LIST_REASSIGNMENTS
from mesh_assets.platforms.kafka.wire.streams_groups import describe_streams_groups
from mesh_assets.platforms.kafka.wire.transaction_messages import (
    LIST_TRANSACTIONS,
    describe_producers,
    describe_transactions,
)
from mesh_assets_tests.platforms.kafka.wire import cluster_messages as told
from mesh_assets_tests.platforms.kafka.wire.broker import METADATA, Asked, Peer, Script
from mesh_assets_tests.platforms.kafka.wire.group_brokers import Group, GroupBrokers
from mesh_assets_tests.platforms.kafka.wire.groups_read import billing, sharing, streams_group
from mesh_assets_tests.platforms.kafka.wire.messages import encoded
from mesh_assets_tests.platforms.kafka.wire.storage_messages import described, directory, led, moving, row
from mesh_assets_tests.platforms.kafka.wire.transaction_brokers import Brokers as TransactionBrokers
from mesh_assets_tests.platforms.kafka.wire.transaction_brokers import ongoing, open_by, producing

_METADATA_VERSION = 8
Values = Callable[[Asked], dict[str, Any]]

KINDS: dict[str, Request[Any]] = {
    request.name: request
    for request in (
        DESCRIBED_CLUSTER,
        Request("DescribeConfigs", 32, 1, 4, 4, lambda *_: None, lambda *_: None),
        quorum._QUORUM,
        access._ACLS,
        access._QUOTAS,
        access._SCRAM_USERS,
        LIST_TRANSACTIONS,
        describe_transactions([]),
        describe_producers(PartitionsAsked({})),
        DESCRIBE_LOG_DIRS,
        LIST_REASSIGNMENTS,
        Request("DescribeTopicPartitions", 75, 0, 0, 0, lambda *_: None, lambda *_: None),
        LIST_GROUPS,
        describe_classic_groups([]),
        describe_consumer_groups([]),
        describe_share_groups([]),
        describe_streams_groups([]),
        fetch_offsets([]),
        describe_share_offsets([]),
    )
}
"""The requests that it answers, besides those of each connection, by name."""

SPOKEN = {METADATA: (0, _METADATA_VERSION), 18: (0, 3), 36: (0, 1)} | {
    one.api: (one.oldest, one.newest) for one in KINDS.values()
}


class AnsweringCluster:
    """`scripts`: for a ScriptedBroker, which has its `address` when it runs. `spoilt`: what happens instead, by request
    name."""

    def __init__(self) -> None:
        self.address = ""
        self.spoilt: dict[str, Script] = {}
        self._groups = GroupBrokers(
            billing=billing(), modern=Group("consumer"), sharing=sharing(), totals=streams_group("orders")
        )
        self._groups.ids, self._groups.leaders = [1], [1, 1, 1]
        self._groups.topics = {"orders": 2}
        self._transactions = TransactionBrokers()
        self._transactions.topics = {
            "__consumer_offsets": [1, 1, 1],
            "__transaction_state": [1],
            "orders": [1, 1],
        }
        self._transactions.ids = {1: {"pay": ongoing(0.5, orders=[0])}}
        self._transactions.producers["orders", 0] = producing(open_by(7, 40, minutes=0.5))

    @property
    def scripts(self) -> dict[int, Script]:
        return {METADATA: self._metadata} | {one.api: self._script(one) for one in KINDS.values()}

    def body(self, request: Request[Any], asked: Asked) -> bytes:
        """Of the true answer."""
        return encoded(f"{request.name}Response", asked.version, self.values(request.name, asked))

    def _script(self, request: Request[Any]) -> Script:
        def answer(peer: Peer, asked: Asked) -> Awaitable[None]:
            spoilt = self.spoilt.get(request.name)
            return (spoilt or self.answers(request))(peer, asked)

        return answer

    def answers(self, request: Request[Any]) -> Script:
        async def answer(peer: Peer, asked: Asked) -> None:
            flexible = asked.version >= request.flexible_from
            await peer.answer(asked, self.body(request, asked), flexible=flexible)

        return answer

    async def _metadata(self, peer: Peer, asked: Asked) -> None:
        host, _, port = self.address.rpartition(":")
        groups = [{"partition_index": number, "leader_id": 1} for number in range(3)]
        orders = [
            {
                "partition_index": number,
                "leader_id": 1,
                "replica_nodes": [1, 2],
                "isr_nodes": [1],
            }
            for number in range(2)
        ]
        topics: dict[str, list[dict[str, Any]]] = {
            "__consumer_offsets": groups,
            "__transaction_state": groups[:1],
            "orders": orders,
        }
        of_all = asked.body.startswith(b"\xff\xff\xff\xff")
        names = list(topics) if of_all else GroupBrokers.names_in("Metadata", asked.version, _body(asked))
        values = {
            "brokers": [{"node_id": 1, "host": host, "port": int(port), "rack": None}],
            "cluster_id": "a-cluster",
            "controller_id": 1,
            "topics": [{"name": name, "partitions": topics[name]} for name in names],
        }
        await peer.answer(asked, encoded("MetadataResponse", asked.version, values))

    def values(self, name: str, asked: Asked) -> dict[str, Any]:
        """Of the true answer; the caller's own."""
        return deepcopy(self._values(name, asked))

    def _values(self, name: str, asked: Asked) -> dict[str, Any]:
        match name:
            case "DescribeCluster":
                host, _, port = self.address.rpartition(":")
                return {**told.CLUSTER, "brokers": [{"broker_id": 1, "host": host, "port": int(port)}]}
            case "DescribeConfigs":
                return told.broker_configs(1, cluster_wide=True)
            case "DescribeQuorum":
                return told.QUORUM_WITH_NODES
            case "DescribeAcls":
                return told.ACLS
            case "DescribeClientQuotas":
                return told.QUOTAS
            case "DescribeUserScramCredentials":
                return told.SCRAM_USERS
            case "DescribeLogDirs":
                return {"results": [directory("/data", orders=[row(0, 100), row(1, 20)])]}
            case "ListPartitionReassignments":
                return {"topics": [{"name": "orders", "partitions": [moving(1, [3], [2])]}]}
            case "DescribeTopicPartitions":
                return {"topics": [described("orders", led(0, [2]), led(1, [], [2]))]}
            case "ListTransactions" | "DescribeTransactions" | "DescribeProducers":
                values: dict[str, Any] = getattr(self._transactions, name)(asked.body, 1)
                return values
            case _:
                names = GroupBrokers.names_in(name, asked.version, _body(asked, flexible=True))
                answer: dict[str, Any] = getattr(self._groups, f"_{name}")(asked.version, 1, names)
                return answer


def _body(asked: Asked, *, flexible: bool = False) -> Reader:
    """What follows the head, which ends with tagged fields in flexible versions."""
    return Reader(asked.body[1:] if flexible else asked.body, flexible=flexible)
