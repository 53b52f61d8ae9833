"""A cluster with a known value for every metric."""

from msgspec.structs import replace

from mesh_assets.inventory.document import Document, summarize
from mesh_assets.inventory.records import ClusterLoad, ConnectorRate, GroupRate, GroupTopicRate, MetricsSource
from mesh_assets.inventory.storage_records import LogDirectory, TopicStorage
from mesh_assets_tests.documents import (
    MOMENT,
    a_connector,
    a_document,
    a_group,
    a_metrics,
    a_mirror,
    a_topic,
    some_brokers,
    some_links,
    some_transactions,
)


def a_full_document() -> Document:
    orders = replace(
        a_topic("orders", partitions=2, replicas=(1, 2)),
        storage=TopicStorage(leader_bytes=700, replica_bytes=1_400, newest_record_at=MOMENT),
    )
    behind = replace(orders.partitions[1], isr=(1,))
    metrics = replace(
        a_metrics(orders=12.5),
        consumer_groups=(
            GroupRate(
                group_id="billing",
                records_committed_per_second=3.0,
                lag_records=5,
                lag_seconds=60.0,
                retention_used_percent=45.0,
                retention_left_seconds=90.0,
            ),
        ),
        group_topics=(
            GroupTopicRate(
                group_id="billing", topic="orders", lag_records=5, lost_records=2, lag_seconds=60.0
            ),
        ),
        connectors=(ConnectorRate(connector="orders-sink", connect="main", records_in_per_second=4.0),),
        cluster=ClusterLoad(load_percent=34.0, connections=16, bytes_in_per_second=6_900.0),
        sources=(
            MetricsSource(name="offsets"),
            MetricsSource(name="confluent_cloud", error="refused"),
        ),
    )
    found = a_document(
        topics=(replace(orders, partitions=(orders.partitions[0], behind)), a_topic("users")),
        connectors=(a_connector(tasks=("RUNNING", "FAILED", "FAILED")),),
        consumer_groups=(a_group("billing", state="Stable"), a_group("idle", state="Empty")),
        metrics=metrics,
        brokers=some_brokers(),
        transactions=some_transactions(),
        cluster_links=some_links(mirror_topics=(a_mirror(), a_mirror("users", lag_records=None))),
        log_directories=(
            LogDirectory(broker=1, path="/data", bytes=10, total_bytes=100, usable_bytes=90),
            LogDirectory(broker=2, path="/data", error="offline"),
        ),
    )
    lists = (found.topics, found.connectors, found.schemas, found.consumer_groups)
    rest = (found.brokers, found.access, found.transactions, found.cluster_links)
    return replace(found, summary=summarize(*lists, *rest))
