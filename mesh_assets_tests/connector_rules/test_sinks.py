"""Sinks and sources of other systems: where each topic goes, by class."""

from collections.abc import Mapping

import pytest

from mesh_assets.connector_rules.registry import rule_of
from mesh_assets.inventory.records import Connector
from mesh_assets_tests.documents import a_connector
from mesh_assets_tests.lineage.configs import told

SNOWFLAKE = {
    "connector.class": "com.snowflake.kafka.connector.SnowflakeSinkConnector",
    "snowflake.url.name": "acme-eu1.snowflakecomputing.com:443",
    "snowflake.database.name": "lake",
    "snowflake.schema.name": "raw",
}
S3 = {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "s3.bucket.name": "lake"}
ICEBERG = {
    "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
    "iceberg.catalog.warehouse": "s3a://lake/iceberg",
}


@pytest.mark.parametrize(
    ("config", "flows"),
    [
        (S3, {"orders → s3://lake/topics/orders", "orders-v2 → s3://lake/topics/orders-v2"}),
        (
            {"connector.class": "S3_SINK", "s3.bucket.name": "lake", "topics.dir": "raw/kafka/"},
            {"orders → s3://lake/raw/kafka/orders", "orders-v2 → s3://lake/raw/kafka/orders-v2"},
        ),
        (
            {
                "connector.class": "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector",
                "aws.s3.bucket.name": "lake",
                "aws.s3.prefix": "raw/",
            },
            {"orders → s3://lake/raw", "orders-v2 → s3://lake/raw"},
        ),
        (
            {"connector.class": "GcsSink", "gcs.bucket.name": "lake"},
            {"orders → gs://lake/topics/orders", "orders-v2 → gs://lake/topics/orders-v2"},
        ),
        (
            {
                "connector.class": "AzureBlobSink",
                "azblob.account.name": "acme",
                "azblob.container.name": "lake",
            },
            {
                "orders → wasbs://lake@acme.blob.core.windows.net/topics/orders",
                "orders-v2 → wasbs://lake@acme.blob.core.windows.net/topics/orders-v2",
            },
        ),
        (
            {
                "connector.class": "io.confluent.connect.hdfs3.Hdfs3SinkConnector",
                "hdfs.url": "hdfs://name:9000",
            },
            {"orders → hdfs://name:9000/topics/orders", "orders-v2 → hdfs://name:9000/topics/orders-v2"},
        ),
        (
            {**SNOWFLAKE, "snowflake.topic2table.map": "orders:ORDERS_RAW"},
            {
                "orders → snowflake://acme-eu1/LAKE.RAW.ORDERS_RAW",
                # Java's "orders-v2".hashCode() is -390713756
                "orders-v2 → snowflake://acme-eu1/LAKE.RAW.ORDERS_V2_390713756",
            },
        ),
        (
            {
                "connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector",
                "project": "acme",
                "defaultDataset": "lake",
                "sanitizeTopics": "true",
            },
            {"orders → bigquery:acme.lake.orders", "orders-v2 → bigquery:acme.lake.orders_v2"},
        ),
        (
            {
                "connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector",
                "project": "acme",
                "datasets": ".*=lake",
                "topicsToTables": "orders-(.*)=t_$1,users=people",
            },
            {"orders → bigquery:acme.lake.orders", "orders-v2 → bigquery:acme.lake.t_v2"},
        ),
        (
            {
                "connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector",
                "project": "acme",
                "defaultDataset": "lake",
                "transforms": "r",
                "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
                "transforms.r.regex": "orders-(.*)",
                "transforms.r.replacement": "versions:$1",
            },
            {"orders → bigquery:acme.lake.orders", "orders-v2 → bigquery:acme.versions.v2"},
        ),
        (
            {
                "connector.class": "com.clickhouse.kafka.connect.ClickHouseSinkConnector",
                "hostname": "ch",
                "enableDbTopicSplit": "true",
                "dbTopicSplitChar": "-",
                "topic2TableMap": "v2=second",
                "transforms": "r",
                "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
                "transforms.r.regex": "orders",
                "transforms.r.replacement": "shop-orders",
            },
            {"orders → clickhouse://ch:8443/shop.orders", "orders-v2 → clickhouse://ch:8443/orders.second"},
        ),
        (
            {
                "connector.class": "ElasticsearchSink",
                "connection.url": "https://es:9243",
                "data.stream.type": "METRICS",
                "data.stream.dataset": "shop",
            },
            {
                "orders → elasticsearch://es:9243/metrics-shop-orders",
                "orders-v2 → elasticsearch://es:9243/metrics-shop-orders-v2",
            },
        ),
        (
            {
                "connector.class": "ElasticsearchSinkV2",
                "connection.url": "https://es:9243",
                "resource.type": "DATASTREAM",
                "data.stream.dataset": "shop",
                "data.stream.namespace": "prod",
                "topic.to.resource.map": "orders:all-orders",
            },
            {
                "orders → elasticsearch://es:9243/all-orders",
                "orders-v2 → elasticsearch://es:9243/logs-shop-prod",
            },
        ),
        (
            {
                "connector.class": "io.aiven.kafka.connect.opensearch.OpensearchSinkConnector",
                "connection.url": "https://os:9200",
                "data.stream.enabled": "true",
                "data.stream.prefix": "shop",
            },
            {
                "orders → opensearch://os:9200/shop-orders",
                "orders-v2 → opensearch://os:9200/shop-orders-v2",
            },
        ),
        (
            {"connector.class": "BigQueryStorageSink", "project": "acme", "datasets": "lake"},
            {"orders → bigquery:acme.lake.orders", "orders-v2 → bigquery:acme.lake.orders_v2"},
        ),
        (
            {
                "connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector",
                "project": "acme",
                "datasets": "orders-v.*=versions,.*=lake",
            },
            {"orders → bigquery:acme.lake.orders", "orders-v2 → bigquery:acme.versions.orders-v2"},
        ),
        (
            {
                "connector.class": "com.clickhouse.kafka.connect.ClickHouseSinkConnector",
                "hostname": "ch",
                "database": "shop",
                "topic2TableMap": "orders-v2=orders2",
            },
            {"orders → clickhouse://ch:8443/shop.orders", "orders-v2 → clickhouse://ch:8443/shop.orders2"},
        ),
        (
            {**ICEBERG, "iceberg.tables": "shop.orders"},
            {"orders → s3://lake/iceberg/shop.orders", "orders-v2 → s3://lake/iceberg/shop.orders"},
        ),
        (
            {
                "connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector",
                "connection.url": "https://es:9243",
                "topic.to.external.resource.mapping": "orders-v2:orders",
            },
            {"orders → elasticsearch://es:9243/orders", "orders-v2 → elasticsearch://es:9243/orders"},
        ),
        (
            {
                "connector.class": "io.aiven.kafka.connect.opensearch.OpensearchSinkConnector",
                "connection.url": "https://os",
            },
            {"orders → opensearch://os:9200/orders", "orders-v2 → opensearch://os:9200/orders-v2"},
        ),
        (
            {"connector.class": "com.redis.kafka.connect.RedisSinkConnector", "redis.uri": "redis://r:6380"},
            {"orders → redis://r:6380/0", "orders-v2 → redis://r:6380/0"},
        ),
        (
            {
                "connector.class": "RedisSink",
                "redis.hostname": "r",
                "redis.portnumber": "6381",
                "redis.database": "2",
            },
            {"orders → redis://r:6381/2", "orders-v2 → redis://r:6381/2"},
        ),
        (
            {
                "connector.class": "io.confluent.connect.http.HttpSinkConnector",
                "http.api.url": "https://api.acme/in/${topic}?key=1",
            },
            {"orders → https://api.acme/in/orders", "orders-v2 → https://api.acme/in/orders-v2"},
        ),
        (
            {
                "connector.class": "com.mongodb.kafka.connect.MongoSinkConnector",
                "connection.uri": "mongodb+srv://u:********@cluster0.x.mongodb.net/",
                "database": "shop",
                "topic.override.orders.collection": "archive",
            },
            {
                "orders → mongodb://cluster0.x.mongodb.net/shop.archive",
                "orders-v2 → mongodb://cluster0.x.mongodb.net/shop.orders-v2",
            },
        ),
        (
            {"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": "/tmp/out"},
            {"orders → file:/tmp/out", "orders-v2 → file:/tmp/out"},
        ),
        (
            {"connector.class": "FileStreamSink", "file": "/tmp/out"},
            {"orders → file:/tmp/out", "orders-v2 → file:/tmp/out"},
        ),
    ],
)
def test_each_topic_goes_to_its_own_place(config: Mapping[str, str], flows: set[str]) -> None:
    found = told("sink", {**config, "topics": "orders,orders-v2"})

    assert (found.flows, found.notes) == (flows, [])


@pytest.mark.parametrize(
    ("config", "flows", "note"),
    [
        (
            {
                **S3,
                "transforms": "t",
                "transforms.t.type": "org.apache.kafka.connect.transforms.TimestampRouter",
            },
            {"orders → s3://lake"},
            "its transform t (TimestampRouter) puts the record's time into the topic's name",
        ),
        (
            {
                **S3,
                "transforms": "t",
                "transforms.t.type": "io.confluent.connect.transforms.ExtractTopic$Value",
            },
            {"orders → s3://lake"},
            "its transform t (ExtractTopic) takes the topic from each record",
        ),
        (
            {**ICEBERG, "iceberg.tables": "a,b", "iceberg.tables.route-field": "kind"},
            {"orders → s3://lake/iceberg/a", "orders → s3://lake/iceberg/b"},
            "a field of each record, kind, says which table it goes to",
        ),
        (
            {"connector.class": "BigQuerySink", "project": "acme"},
            {"orders → bigquery:acme"},
            "its config does not say which dataset of acme has the table of orders",
        ),
        (
            {"connector.class": "HttpSink", "http.api.url": "https://api.acme/in/${key}"},
            {"orders → https://api.acme"},
            "its http.api.url takes parts of the address from each record",
        ),
        (
            {"connector.class": "S3_SINK", "s3.bucket.name": "${file:/x:bucket}"},
            set(),
            "its config does not say, or hides, which bucket it writes to",
        ),
        (
            {"connector.class": "com.mongodb.kafka.connect.MongoSinkConnector", "connection.uri": "********"},
            set(),
            "its config does not say, or hides, which server it writes to",
        ),
    ],
)
def test_unknown_places_give_a_note_and_whatever_is_known(
    config: Mapping[str, str], flows: set[str], note: str
) -> None:
    found = told("sink", {**config, "topics": "orders"})

    assert (found.flows, found.notes) == (flows, [note])


@pytest.mark.parametrize(
    ("config", "flows", "edges"),
    [
        (
            {
                "connector.class": "com.mongodb.kafka.connect.MongoSourceConnector",
                "connection.uri": "mongodb://m",
                "database": "shop",
                "collection": "orders",
                "topic.prefix": "cdc",
                "topic.suffix": "raw",
            },
            {"mongodb://m:27017/shop.orders → cdc.shop.orders.raw"},
            set(),
        ),
        (
            {
                "connector.class": "MongoDbAtlasSource",
                "connection.host": "cluster0.x.mongodb.net",
                "database": "shop",
                "collection": "orders",
                "topic.namespace.map": '{"shop": "store"}',
            },
            {"mongodb://cluster0.x.mongodb.net/shop.orders → store.orders"},
            set(),
        ),
        (
            {"connector.class": "DatagenSource", "kafka.topic": "orders", "quickstart": "ORDERS"},
            set(),
            {"· → orders"},
        ),
    ],
)
def test_sources_of_other_systems(config: Mapping[str, str], flows: set[str], edges: set[str]) -> None:
    found = told("source", config)

    assert (found.flows, found.edges, found.notes) == (flows, edges, [])


def test_a_source_that_restores_a_bucket_has_the_topics_that_its_folders_name() -> None:
    found = told("source", {"connector.class": "S3Source", "s3.bucket.name": "lake", "topics.dir": "raw"})

    assert found.edges == {"s3://lake/raw → ·"}
    assert found.notes == ["the folders that it finds name its topics, so its config does not say them"]


def test_topics_that_may_each_go_to_many_tables_have_edges_but_no_flow_for_each_pair() -> None:
    """3,000 topics and 100 tables would have 300,000."""
    config = {
        **ICEBERG,
        "iceberg.tables": ",".join(f"t{number}" for number in range(101)),
        "iceberg.tables.route-field": "kind",
        "topics": ",".join(f"topic-{number}" for number in range(100)),
    }
    found = told("sink", config)

    assert found.flows == set()
    assert sum(1 for edge in found.edges if " → s3://lake/iceberg/t" in edge) == 101
    assert found.notes == ["a field of each record, kind, says which table it goes to"]


def test_the_control_topic_of_iceberg_is_internal() -> None:
    found = told("sink", {**ICEBERG, "iceberg.tables": "a", "topics": "orders"})

    assert found.internal == {"control-iceberg → ·", "· → control-iceberg"}


def test_dead_letters_that_connect_observed_are_not_what_a_sink_reads() -> None:
    found = told(
        "sink",
        {**S3, "topics": "orders", "errors.deadletterqueue.topic.name": "dlq"},
        observed=["orders", "dlq"],
    )

    assert found.flows == {"orders → s3://lake/topics/orders"}
    assert "dlq → ·" not in found.known


def named(connector_class: str) -> Connector:
    return a_connector(config={"connector.class": connector_class})


@pytest.mark.parametrize("name", ["S3SinkConnector", "com.example.S3SinkConnector", "", "DebeziumSomething"])
def test_an_unknown_or_ambiguous_class_has_no_rule(name: str) -> None:
    assert rule_of(named(name)) is None


def test_a_simple_name_stands_for_its_class() -> None:
    assert rule_of(named("PostgresConnector")) is rule_of(
        named("io.debezium.connector.postgresql.PostgresConnector")
    )


def test_a_simple_name_of_two_classes_with_one_rule_stands_for_either() -> None:
    assert rule_of(named("JdbcSource")) is rule_of(named("io.aiven.connect.jdbc.JdbcSourceConnector"))
    assert rule_of(named("JdbcSinkConnector")) is None  # Debezium's names its tables in another way
