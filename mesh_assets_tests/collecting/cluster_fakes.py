"""A cluster without servers: Kafka behind the seam of its reads, Connect and the registry behind their
transports."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from msgspec.structs import replace

from mesh_assets.collecting.clients import ClusterClients
from mesh_assets.collecting.connectors import ConnectReader
from mesh_assets.errors import RefusedError
from mesh_assets.estate.connections import (
    ConfluentCloudConnectEndpoint,
    KafkaConnectEndpoint,
    KafkaConnection,
)
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.broker_records import Brokers, ClusterBroker
from mesh_assets.inventory.parts import Unread
from mesh_assets.inventory.storage_records import EligibleLeaders, Reassignment, TieredPartition
from mesh_assets.inventory.transaction_records import Transactions
from mesh_assets.platforms import Presence
from mesh_assets.platforms.connect.confluent_cloud import ConfluentCloudConnectClient
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.platforms.kafka import (
    AccessReading,
    BrokerNode,
    BrokersReading,
    ClusterMetadata,
    CommitsReading,
    ConsumerGroup,
    Edges,
    EndsReading,
    GroupsReading,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    TopicConfigs,
    TopicMetadata,
    TransactionsReading,
    UnlistedGroups,
)
from mesh_assets.platforms.kafka.storage import RecordTimes, StorageReading
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets_tests.platforms.http.fakes import FakeTime
from mesh_assets_tests.platforms.kafka.columns import commits_of, edges_of

CLUSTER_ID = "lkc-1"
A_BROKER = Brokers(brokers=(ClusterBroker(id=1, host="127.0.0.1", port=9092, fenced=False),), controller=1)
NO_TRANSACTIONS = Transactions(
    transactional_ids=(),
    open_transactions=(),
    producers=(),
    total_transactional_ids=0,
    total_open_transactions=0,
    max_timeout_ms=900_000,
)
NOBODYS_ACCESS = Access(acls=(), quotas=(), scram_users=())


@dataclass
class FakeKafka:
    """`topics`: name → end offsets of its partitions. `fail`: read → what it raises. `growth`: what each
    reading adds to the ends.

    `hidden`: topics and groups that are not listed but exist, by what a request by name says. `storage` None: the user may not
    see the log directories. `requests` leaves out reads of how topics are stored.
    """

    topics: dict[str, list[int]] = field(default_factory=dict)
    consumer_groups: tuple[ConsumerGroup, ...] = ()
    fail: dict[str, Exception] = field(default_factory=dict)
    growth: int = 0
    cluster_id: str | None = CLUSTER_ID
    read_at: list[datetime] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    hidden: dict[str, Presence] = field(default_factory=dict)
    unlisted: UnlistedGroups | None = None
    known_brokers: Brokers = A_BROKER
    known_access: Access = NOBODYS_ACCESS
    known_transactions: Transactions = NO_TRANSACTIONS
    unread: dict[str, Unread] = field(default_factory=dict)
    storage: StorageReading | None = None
    moving: dict[str, tuple[Reassignment, ...]] = field(default_factory=dict)
    times: dict[str, RecordTimes] = field(default_factory=dict)
    asked_for_times: list[Mapping[str, Collection[int]]] = field(default_factory=list)
    asked_for_newest_only: list[set[str]] = field(default_factory=list)
    asked_for_producers: list[set[str]] = field(default_factory=list)

    def read_cluster_id(self) -> str | None:
        self._count("cluster_id")
        return self.cluster_id

    def metadata(self) -> ClusterMetadata:
        self._count("metadata")
        return ClusterMetadata(
            cluster_id=self.cluster_id,
            brokers=(BrokerNode(id=1, host="127.0.0.1", port=9092),),
            topics=tuple(
                TopicMetadata(
                    name=name,
                    id=f"id-of-{name}",
                    internal=name.startswith("__"),
                    partitions=tuple(
                        PartitionMetadata(partition=p, leader=1, replicas=(1,), isr=(1,))
                        for p in range(len(ends))
                    ),
                )
                for name, ends in sorted(self.topics.items())
            ),
        )

    def configs(self, topics: Iterable[str]) -> dict[str, TopicConfigs]:
        self._count("configs")
        values: dict[str, str | None] = {"cleanup.policy": "delete", "min.insync.replicas": "1"}
        return {
            name: TopicConfigs(topic=name, values=dict(values), overridden=("cleanup.policy",))
            for name in topics
        }

    def offsets(self, partitions_by_topic: Mapping[str, Collection[int]]) -> OffsetsReading:
        self._count("offsets")
        moment = self.read_at.pop(0) if self.read_at else datetime.now(UTC)
        reading = OffsetsReading(
            read_at=moment,
            topics={
                name: tuple(
                    PartitionOffsets(partition=p, earliest=0, latest=self.topics[name][p]) for p in partitions
                )
                for name, partitions in partitions_by_topic.items()
            },
        )
        self.topics = {name: [end + self.growth for end in ends] for name, ends in self.topics.items()}
        return reading

    def edges(self, partitions_by_topic: Mapping[str, Collection[int]]) -> Edges:
        return edges_of(self.offsets(partitions_by_topic))

    def ends(self, partitions_by_topic: Mapping[str, Collection[int]]) -> EndsReading:
        self._count("ends")
        moment = self.read_at.pop(0) if self.read_at else datetime.now(UTC)
        reading = EndsReading(
            read_at=moment,
            topics={
                name: {p: self.topics[name][p] for p in partitions}
                for name, partitions in partitions_by_topic.items()
            },
        )
        self.topics = {name: [end + self.growth for end in ends] for name, ends in self.topics.items()}
        return reading

    def commits(self, coordinators: Mapping[str, int]) -> dict[str, dict[str, dict[int, int]]]:
        self._count("commits")
        found: dict[str, dict[str, dict[int, int]]] = {}
        for group in self.consumer_groups:
            if group.group_id in coordinators:
                by_topic = found[group.group_id] = {}
                for one in group.offsets or ():
                    if one.committed is not None:
                        by_topic.setdefault(one.topic, {})[one.partition] = one.committed
        return found

    def log_dirs(self, metadata: ClusterMetadata) -> StorageReading:  # noqa: ARG002
        self._fail("log_dirs")
        if self.storage is None:
            raise RefusedError("refused reading the log directories; needs DESCRIBE on the cluster")
        return self.storage

    def reassignments(self) -> dict[str, tuple[Reassignment, ...]]:
        self._fail("reassignments")
        return self.moving

    def eligible_leaders(self, topics: Collection[str]) -> dict[str, tuple[EligibleLeaders, ...] | None]:
        self._fail("eligible_leaders")
        return dict.fromkeys(topics, ())

    def record_times(
        self,
        partitions_by_topic: Mapping[str, Collection[int]],
        *,
        tiered: Collection[str],
        newest_only: Collection[str] = (),
    ) -> dict[str, RecordTimes]:
        self._fail("record_times")
        self.asked_for_times.append(partitions_by_topic)
        self.asked_for_newest_only.append(set(newest_only) & partitions_by_topic.keys())
        assert not set(tiered) - self.topics.keys()
        unknown = RecordTimes(oldest_ms=None, newest_ms=None)
        return {topic: self.times.get(topic, unknown) for topic in partitions_by_topic}

    def tiered(
        self, partitions_by_topic: Mapping[str, Collection[int]]
    ) -> dict[str, tuple[TieredPartition, ...]]:
        self._fail("tiered")
        return {
            topic: tuple(
                TieredPartition(partition=number, earliest_local=5, latest_tiered=4) for number in numbers
            )
            for topic, numbers in partitions_by_topic.items()
        }

    def groups(self, selects: Callable[[str], bool]) -> GroupsReading:
        self._count("groups")
        chosen = tuple(group for group in self.consumer_groups if selects(group.group_id))
        return GroupsReading(
            read_at=datetime.now(UTC),
            groups=chosen,
            excluded=len(self.consumer_groups) - len(chosen),
            unlisted=self.unlisted,
        )

    def committed(self, selects: Callable[[str], bool]) -> CommitsReading:
        return commits_of(self.groups(selects))

    def brokers(self) -> BrokersReading:
        self._count("brokers")
        parts = ("configs", "features", "quorum")
        return BrokersReading(**self._in_parts("brokers", self.known_brokers, parts))

    def access(self) -> AccessReading:
        self._count("access")
        return AccessReading(**self._in_parts("access", self.known_access, ("acls", "quotas", "scram_users")))

    def transactions(self, selects: Callable[[str], bool]) -> TransactionsReading:
        """Ignores the selection: a test that selects says what exists."""
        self.asked_for_producers.append(set(filter(selects, self.topics)))
        self._count("transactions")
        parts = ("transactional_ids", "producers", "open_transactions")
        return TransactionsReading(**self._in_parts("transactions", self.known_transactions, parts))

    def _in_parts(self, name: str, records: Any, parts: Sequence[str]) -> dict[str, Any]:
        """The records without their `unread` parts."""
        unread = {part: self.unread[part] for part in parts if part in self.unread}
        unknown = {part: one.reason for part, one in unread.items()}
        return {name: replace(records, **dict.fromkeys(unread), unknown=unknown), "unread": unread}

    def topic_presence(self, names: Sequence[str]) -> dict[str, Presence]:
        self._count("topic_presence")
        return {name: self.hidden.get(name, "gone") for name in names}

    def group_presence(self, names: Sequence[str]) -> dict[str, Presence]:
        self._count("group_presence")
        return {name: self.hidden.get(name, "gone") for name in names}

    def close(self) -> None:
        pass

    def _count(self, read: str) -> None:
        self.requests[read] += 1
        self._fail(read)

    def _fail(self, read: str) -> None:
        if read in self.fail:
            raise self.fail[read]


def a_worker(
    connectors: Mapping[str, Mapping[str, str]], *, passwords: Mapping[str, str] | None = None
) -> httpx.MockTransport:
    """A Connect worker that supports the expanded list, name → config, and declares one password config per connector class."""

    def answer(request: httpx.Request) -> httpx.Response:
        plugin = request.url.path.removeprefix("/connector-plugins/").removesuffix("/config")
        if passwords and plugin in passwords:
            return httpx.Response(
                200,
                json=[{"name": passwords[plugin], "type": "PASSWORD"}, {"name": "topic", "type": "STRING"}],
            )
        if request.url.path != "/connectors":
            return httpx.Response(404, json={"error_code": 404, "message": "not found"})
        return httpx.Response(
            200, json={name: _entry(name, dict(config)) for name, config in connectors.items()}
        )

    return httpx.MockTransport(answer)


def _entry(name: str, config: dict[str, str]) -> dict[str, Any]:
    running = {"state": "RUNNING", "worker_id": "worker:8083"}
    return {
        "info": {"name": name, "config": config, "tasks": [{"connector": name, "task": 0}], "type": "source"},
        "status": {"name": name, "connector": running, "tasks": [{"id": 0, **running}], "type": "source"},
    }


def a_cluster(**fields: Any) -> Cluster:
    return Cluster(name="warehouse", kafka=KafkaConnection(bootstrap_servers="127.0.0.1:9092"), **fields)


@dataclass
class FakeCloudConnect:
    """Confluent Cloud's Connect v1 with Datagen connectors. `states`: name → its state. `hidden`: left out of the list, as
    missing rights would. `by_name`: the status code for such a one by name. `stand_in`: what it says it stands in for.
    """

    states: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    by_name: int = 403
    stand_in: str | None = None
    requests: list[str] = field(default_factory=list)

    def client(self) -> ConfluentCloudConnectClient:
        endpoint = ConfluentCloudConnectEndpoint(
            kind="confluent_cloud",
            username="CLOUDKEY",
            password="${HOME}",
            environment_id="env-1",
            cluster_id=CLUSTER_ID,
        )
        return ConfluentCloudConnectClient(
            endpoint, transport=httpx.MockTransport(self), clock=FakeTime().clock
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        _, _, name = request.url.path.partition("/connectors")
        self.requests.append(name or "list")
        headers = {} if self.stand_in is None else {"X-Mesh-Stand-In": self.stand_in}
        if not name:
            listed = {
                name: self._entry(name, state)
                for name, state in self.states.items()
                if name not in self.hidden
            }
            return httpx.Response(200, json=listed, headers=headers)
        if name.strip("/") not in self.states:
            return httpx.Response(
                404, json={"error": {"code": 404, "message": "resource not found"}}, headers=headers
            )
        return httpx.Response(
            self.by_name, json={"error": {"code": self.by_name, "message": "Forbidden"}}, headers=headers
        )

    def _entry(self, name: str, state: str) -> dict[str, Any]:
        config = {
            "connector.class": "DatagenSource",
            "kafka.topic": name,
            "quickstart": name.upper(),
            "kafka.api.secret": "*" * 16,
        }
        task = {"id": 0, "state": state, "worker_id": name, "msg": ""}
        return {
            "id": {"id": f"lcc-{name}", "id_type": "ID"},
            "info": {
                "name": name,
                "config": config,
                "tasks": [{"connector": name, "task": 0}],
                "type": "source",
            },
            "status": {
                "name": name,
                "connector": {"state": state, "worker_id": name, "trace": ""},
                "tasks": [task],
                "type": "source",
            },
        }


def opened(
    kafka: FakeKafka,
    *,
    registry: SchemaRegistryClient | None = None,
    workers: Sequence[httpx.MockTransport] = (),
    cloud: FakeCloudConnect | None = None,
) -> Callable[[Cluster], AbstractContextManager[ClusterClients]]:
    """What `collect_sections` takes as `clients`."""

    @contextmanager
    def open_clients(_: Cluster) -> Iterator[ClusterClients]:
        connect: list[ConnectReader] = [
            KafkaConnectClient(
                KafkaConnectEndpoint(kind="kafka_connect", url=f"http://connect-{number}.test:8083"),
                transport=worker,
                clock=FakeTime().clock,
            )
            for number, worker in enumerate(workers)
        ]
        connect.extend([] if cloud is None else [cloud.client()])
        yield ClusterClients(kafka=kafka, registry=registry, connect=connect)

    return open_clients
