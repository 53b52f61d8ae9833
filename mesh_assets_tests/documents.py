"""Small known documents, such as `a_document(topics=(a_topic("orders"),))`; arbitrary ones are in `arbitrary_documents`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from mesh_assets.inventory.access_records import Access, Acl, ClientQuota, ScramCredential, ScramUser
from mesh_assets.inventory.broker_records import (
    BrokerConfig,
    BrokerConfigs,
    Brokers,
    ClusterBroker,
    Feature,
    Features,
    Quorum,
    QuorumReplica,
)
from mesh_assets.inventory.cluster_link_records import ClusterLink, ClusterLinks, MirrorTopic
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity, summarize
from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup, GroupMember
from mesh_assets.inventory.records import (
    Connector,
    ConnectorTask,
    ConnectorTopic,
    Metrics,
    Partition,
    PartitionHealth,
    RegistryFacts,
    Schema,
    Topic,
    TopicDetails,
    TopicRate,
)
from mesh_assets.inventory.sections import SECTION_NAMES, SectionName, SectionState
from mesh_assets.inventory.transaction_records import (
    OpenTransaction,
    TopicProducers,
    TransactionalId,
    Transactions,
)

MOMENT = datetime(2026, 11, 23, 16, 40, 2, tzinfo=UTC)
FRESH = SectionState(status="fresh", collected_at=MOMENT)
STALE = SectionState(status="stale", collected_at=MOMENT, error="connection refused")
NEVER_READ = SectionState(status="stale", collected_at=None, error="connection refused; never read before")
NOT_CONFIGURED = SectionState(status="not_configured", collected_at=None)


def a_topic(
    name: str = "orders",
    *,
    id: str | None = None,  # noqa: A002 - the record's own word
    partitions: int = 1,
    replicas: tuple[int, ...] = (1,),
    config: Mapping[str, str | None] | None = None,
    **fields: Any,
) -> Topic:
    """Every partition with the same replicas and ten records; `config`, which is set on the topic itself
    unless `config_overrides` says less; None: an empty one, which is known."""
    return Topic(
        name=name,
        id=f"id-of-{name}" if id is None else id,
        details=TopicDetails(
            partitions=partitions,
            replication_factor=len(replicas),
            cleanup_policy=(config or {}).get("cleanup.policy"),
            internal=False,
            message_count=10 * partitions,
            message_count_is="exact_without_transactions",
        ),
        partitions=tuple(
            Partition(
                partition=number, leader=replicas[0], replicas=replicas, isr=replicas, earliest=0, latest=10
            )
            for number in range(partitions)
        ),
        **{"config": dict(config or {}), "config_overrides": tuple(sorted(config or {})), **fields},
    )


def a_connector(
    name: str = "orders-sink",
    *,
    connect: str = "main",
    status: str = "RUNNING",
    tasks: tuple[str, ...] = ("RUNNING",),
    trace: str | None = None,
    task_trace: str | None = None,
    config: Mapping[str, str | None] | None = None,
    **fields: Any,
) -> Connector:
    """A sink whose tasks have the given states; `task_trace` goes to the failed ones. `config` stands beside
    its class and topics."""
    all_config = {"connector.class": "FileStreamSink", "topics": "orders", **(config or {})}
    return Connector(
        name=name,
        connect=connect,
        status=status,
        trace=trace,
        tasks=tuple(
            ConnectorTask(
                id=number,
                state=state,
                worker_id="worker-1:8083",
                trace=task_trace if state == "FAILED" else None,
            )
            for number, state in enumerate(tasks)
        ),
        config=all_config,
        **{
            "type": "sink",
            "connector_class": all_config["connector.class"],
            "worker_id": "worker-1:8083",
            "topics": (ConnectorTopic(name="orders", known="declared"),),
            **fields,
        },
    )


def a_schema(subject: str = "users-value", **fields: Any) -> Schema:
    return Schema(
        subject=subject,
        **{"version": 1, "id": 1, "schema_type": "JSON", "definition": '{"type":"object"}', **fields},
    )


def a_group(
    group_id: str = "fraud-detection",
    *,
    state: str = "Stable",
    topics: tuple[str, ...] = ("orders",),
    **fields: Any,
) -> ConsumerGroup:
    """It has one member unless it is empty, and a committed offset in each of its topics."""
    offsets = tuple(
        CommittedOffset(topic=topic, partition=0, committed=5, end=10, lag_records=5) for topic in topics
    )
    member = GroupMember(
        member_id="member-1", client_id="client", host="/10.0.0.1", group_instance_id=None, assignment={}
    )
    return ConsumerGroup(
        group_id=group_id,
        state=state,
        topics=topics,
        **{
            "type": "classic",
            "protocol_type": "consumer",
            "coordinator": 1,
            "members": () if state == "Empty" else (member,),
            "offsets": offsets,
            "total_lag_records": 5 * len(offsets),
            **fields,
        },
    )


def a_metrics(window_seconds: float = 600.0, **records_in_per_second: float) -> Metrics:
    """Rates by topic, over a window that ends with the document."""
    return Metrics(
        source="offsets",
        window_start=MOMENT - timedelta(seconds=window_seconds),
        window_end=MOMENT,
        window_seconds=window_seconds,
        topics=tuple(
            TopicRate(topic=topic, records_in_per_second=rate, message_count=None)
            for topic, rate in records_in_per_second.items()
        ),
        consumer_groups=(),
        brokers=(),
        controller=None,
        partition_health=PartitionHealth(
            partitions=0, under_replicated=0, under_min_isr=0, offline=0, leaderless=0
        ),
    )


def some_brokers(**fields: Any) -> Brokers:
    """Two brokers that differ in one config, with a quorum of one voter."""
    replica = QuorumReplica(id=1, log_end_offset=10, lag_records=0)
    entry = BrokerConfig(name="log.dirs", value="/data", source="static")
    return Brokers(
        **{
            "brokers": (
                ClusterBroker(id=1, host="one", port=9092, rack="a", fenced=False),
                ClusterBroker(id=2, host="two", port=9092, fenced=False),
            ),
            "controller": 1,
            "configs": BrokerConfigs(
                brokers=(1, 2),
                entries=(
                    replace(entry, brokers=(1,)),
                    replace(entry, value="/disk", brokers=(2,)),
                ),
                cluster_wide={},
            ),
            "features": Features(
                epoch=3,
                broker=1,
                features=(Feature(name="metadata.version", level=25, minimum=7, maximum=29),),
            ),
            "quorum": Quorum(
                leader=1,
                epoch=4,
                high_watermark=9,
                voters=(replica,),
                observers=(replace(replica, id=2, log_end_offset=8, lag_records=2),),
            ),
            **fields,
        },
    )


def an_acl(principal: str = "User:alice", operation: str = "read", **fields: str) -> Acl:
    """An allowed operation on the topic `orders`, from everywhere."""
    return Acl(
        principal=principal,
        operation=operation,
        **{
            "permission": "allow",
            "resource_type": "topic",
            "resource": "orders",
            "pattern": "literal",
            "host": "*",
            **fields,
        },
    )


def some_access(**fields: Any) -> Access:
    return Access(
        **{
            "acls": (an_acl(), an_acl("User:bob", "write")),
            "quotas": (
                ClientQuota(
                    entity={"client-id": None, "user": "alice"},
                    limits={"consumer_byte_rate": 1000.0, "producer_byte_rate": 2000.0},
                ),
            ),
            "scram_users": (
                ScramUser(
                    name="alice",
                    credentials=(ScramCredential(mechanism="SCRAM-SHA-512", iterations=4096),),
                ),
            ),
            **fields,
        },
    )


def an_open_transaction(**fields: Any) -> OpenTransaction:
    return OpenTransaction(
        **{
            "topic": "orders",
            "partition": 0,
            "producer_id": 7,
            "producer_epoch": 1,
            "start_offset": 40,
            "last_written_at": MOMENT,
            "transactional_id": "pay",
            "hanging": None,
            **fields,
        }
    )


def some_transactions(**fields: Any) -> Transactions:
    return Transactions(
        **{
            "transactional_ids": (
                TransactionalId(transactional_id="pay", state="Ongoing", producer_id=7, coordinator=1),
            ),
            "open_transactions": (an_open_transaction(),),
            "producers": (TopicProducers(topic="orders", by_partition=(1, 0), transactional=True),),
            "total_transactional_ids": 1,
            "total_open_transactions": 1,
            "max_timeout_ms": 900_000,
            **fields,
        }
    )


def a_link(name: str = "dr", **fields: Any) -> ClusterLink:
    """From the cluster `lkc-2`."""
    return ClusterLink(
        **{
            "name": name,
            "id": f"id-of-{name}",
            "source_cluster_id": "lkc-2",
            "state": "ACTIVE",
            "config": {"bootstrap.servers": "afar:9092"},
            **fields,
        }
    )


def a_mirror(name: str = "orders", **fields: Any) -> MirrorTopic:
    return MirrorTopic(
        **{
            "name": name,
            "link": "dr",
            "source_topic": name,
            "status": "ACTIVE",
            "partitions": 2,
            "status_since": MOMENT,
            "lag_records": 3,
            "largest_lag_records": 2,
            **fields,
        }
    )


def some_links(**fields: Any) -> ClusterLinks:
    return ClusterLinks(**{"links": (a_link(),), "mirror_topics": (a_mirror(),), **fields})


def a_document(
    *,
    topics: tuple[Topic, ...] = (),
    connectors: tuple[Connector, ...] = (),
    schemas: tuple[Schema, ...] = (),
    consumer_groups: tuple[ConsumerGroup, ...] = (),
    sections: Mapping[SectionName, SectionState] | None = None,
    **fields: Any,
) -> Document:
    """Every section is fresh unless `sections` says otherwise."""
    return Document(
        topics=topics,
        connectors=connectors,
        schemas=schemas,
        consumer_groups=consumer_groups,
        sections={**dict.fromkeys(SECTION_NAMES, FRESH), **(sections or {})},
        summary=summarize(topics, connectors, schemas, consumer_groups),
        **{
            "environment": EnvironmentIdentity(id="env-1", name="test"),
            "cluster": ClusterIdentity(id="lkc-1", name="warehouse"),
            "discovery_timestamp": MOMENT,
            "sequence": 1,
            "run_id": "run-1",
            "metrics": None,
            "schema_registry": RegistryFacts(compatibility="BACKWARD", mode="READWRITE", contexts=()),
            **fields,
        },
    )


def some_metrics(**fields: object) -> Metrics:
    metrics = {
        "source": "offsets",
        "window_start": None,
        "window_end": None,
        "window_seconds": None,
        "topics": (),
        "consumer_groups": (),
        "brokers": (),
        "controller": None,
        "partition_health": PartitionHealth(
            partitions=0, under_replicated=0, under_min_isr=0, offline=0, leaderless=0
        ),
        **fields,
    }
    return Metrics(**metrics)  # type: ignore[arg-type]
