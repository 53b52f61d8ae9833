"""Confluent Cloud's managed classes and Confluent's own sources: which system each connects with which topic."""

from collections.abc import Mapping

import pytest

from mesh_assets_tests.lineage.configs import told


@pytest.mark.parametrize(
    ("name", "config", "dataset"),
    [
        ("KinesisSource", {"kinesis.region": "eu-1", "kinesis.stream": "clicks"}, "kinesis://eu-1/clicks"),
        (
            "SqsSource",
            {"sqs.url": "https://sqs.eu-1.amazonaws.com/12/jobs"},
            "https://sqs.eu-1.amazonaws.com/12/jobs",
        ),
        (
            "PubSubSource",
            {"gcp.pubsub.project.id": "acme", "gcp.pubsub.subscription.id": "s"},
            "pubsub:subscription:acme:s",
        ),
        (
            "AzureEventHubsSource",
            {"azure.eventhubs.namespace": "acme", "azure.eventhubs.hub.name": "h"},
            "eventhubs://acme.servicebus.windows.net/h",
        ),
        (
            "AzureServiceBusSource",
            {"azure.servicebus.namespace": "acme", "azure.servicebus.entity.name": "q"},
            "servicebus://acme.servicebus.windows.net/q",
        ),
        ("RabbitMQSource", {"rabbitmq.host": "mq", "rabbitmq.queue": "jobs"}, "rabbitmq://mq:5672/jobs"),
        (
            "IbmMQSource",
            {"mq.hostname": "mq", "mq.queue.manager": "QM1", "jms.destination.name": "DEV.1"},
            "ibmmq://mq:1414/QM1.DEV.1",
        ),
        (
            "MqttSource",
            {"mqtt.server.uri": "ssl://mq:8883", "mqtt.topics": "sensors"},
            "ssl://mq:8883/sensors",
        ),
        ("SftpSource", {"sftp.host": "files", "input.path": "/in"}, "file://files/in"),
        (
            "SalesforceCdcSource",
            {
                "salesforce.instance": "https://acme.my.salesforce.com",
                "salesforce.cdc.name": "ContactChangeEvent",
            },
            "https://acme.my.salesforce.com/ContactChangeEvent",
        ),
        ("RedisKafkaSource", {"redis.host": "cache"}, "redis://cache:6379/0"),
    ],
)
def test_a_source_with_one_topic_reads_one_place(name: str, config: Mapping[str, str], dataset: str) -> None:
    found = told("source", {"connector.class": name, "kafka.topic": "in", **config})

    assert (found.flows, found.notes) == ({f"{dataset} → in"}, [])


@pytest.mark.parametrize(
    ("name", "config", "dataset"),
    [
        (
            "DynamoDbSink",
            {
                "aws.dynamodb.endpoint": "https://dynamodb.eu-1.amazonaws.com",
                "table.name.format": "kafka_${topic}",
            },
            "https://dynamodb.eu-1.amazonaws.com/kafka_orders",
        ),
        (
            "BigTableSink",
            {"gcp.bigtable.project.id": "acme", "gcp.bigtable.instance.id": "i"},
            "bigtable://acme:i/orders",
        ),
        (
            "DatabricksDeltaLakeSink",
            {
                "delta.lake.host.name": "dbc.cloud.databricks.com",
                "delta.lake.topic2table.map": "orders:sales",
            },
            "databricks://dbc.cloud.databricks.com/default.sales",
        ),
        (
            "AzureCognitiveSearchSink",
            {"azure.search.service.name": "acme", "index.name": "${topic}-index"},
            "https://acme.search.windows.net/orders-index",
        ),
        ("AzureFunctionsSink", {"function.url": "https://f.azure.net/api/x"}, "https://f.azure.net/api/x"),
        (
            "CouchbaseSink",
            {"couchbase.seed.nodes": "couchbases://cb", "couchbase.bucket": "shop"},
            "couchbases://cb/shop",
        ),
        ("Neo4jSink", {"neo4j.uri": "neo4j://graph:7687"}, "neo4j://graph:7687/neo4j"),
        (
            "SplunkSink",
            {"splunk.hec.uri": "http://splunk:8088", "splunk.indexes": "main"},
            "http://splunk:8088/main",
        ),
        (
            "RedshiftSink",
            {"aws.redshift.domain": "wh.redshift.amazonaws.com", "aws.redshift.database": "dev"},
            "redshift://wh.redshift.amazonaws.com:5439/dev.public.orders",
        ),
        (
            "AzureSqlDwSink",
            {"azure.sql.dw.server.name": "acme.database.windows.net", "azure.sql.dw.database.name": "dw"},
            "mssql://acme.database.windows.net:1433/dw.dbo.orders",
        ),
        (
            "CosmosDbSinkV2",
            {
                "azure.cosmos.account.endpoint": "https://acme.documents.azure.com:443/",
                "azure.cosmos.sink.database.name": "shop",
                "azure.cosmos.sink.containers.topicMap": "orders#sales",
            },
            "azurecosmos://acme.documents.azure.com/dbs/shop/colls/sales",
        ),
        (
            "AzureDataLakeGen2Sink",
            {"azure.datalake.gen2.account.name": "acme"},
            "abfss://topics@acme.dfs.core.windows.net/orders",
        ),
        (
            "AzureDataLakeGen2Sink",
            {"azure.datalake.gen2.account.name": "acme", "topics.dir": "lake/raw"},
            "abfss://lake@acme.dfs.core.windows.net/raw/orders",
        ),
        ("ElasticsearchSinkV2", {"connection.url": "https://es:9243"}, "elasticsearch://es:9243/orders"),
        ("LambdaSink", {"aws.lambda.function.name": "bill:live"}, "function bill"),
        (
            "LambdaSink",
            {"aws.lambda.topic2function.map": "orders;arn:aws:lambda:eu-1:12:function:bill:1"},
            "function bill",
        ),
    ],
)
def test_a_sink_writes_its_topic_to_one_place(name: str, config: Mapping[str, str], dataset: str) -> None:
    found = told("sink", {"connector.class": name, "topics": "orders", **config})

    assert (found.flows, found.notes) == ({f"orders → {dataset}"}, [])


@pytest.mark.parametrize(
    ("config", "flows"),
    [
        (
            {
                "connector.class": "CosmosDbSource",
                "connect.cosmos.connection.endpoint": "https://acme.documents.azure.com:443/",
                "connect.cosmos.databasename": "shop",
                "connect.cosmos.containers.topicmap": "orders#sales,users#people",
            },
            {
                "azurecosmos://acme.documents.azure.com/dbs/shop/colls/sales → orders",
                "azurecosmos://acme.documents.azure.com/dbs/shop/colls/people → users",
            },
        ),
        (
            {
                "connector.class": "HttpSourceV2",
                "http.api.base.url": "https://api.shop",
                "api1.http.api.path": "/v1/orders",
                "api1.topics": "orders",
                "api2.http.api.path": "/v1/users",
                "api2.topics": "users",
            },
            {"https://api.shop/v1/orders → orders", "https://api.shop/v1/users → users"},
        ),
        (
            {
                "connector.class": "HttpSource",
                "url": "https://api.shop/v1/${entityName}?since=${offset}",
                "topic.name.pattern": "shop-${entityName}",
                "entity.names": "orders,users",
            },
            {"https://api.shop/v1/orders → shop-orders", "https://api.shop/v1/users → shop-users"},
        ),
        (
            {
                "connector.class": "CouchbaseSource",
                "couchbase.seed.nodes": "couchbases://cb",
                "couchbase.bucket": "shop",
                "couchbase.topic": "orders",
            },
            {"couchbases://cb/shop → orders"},
        ),
        (
            {
                "connector.class": "SnowflakeSource",
                "connection.url": "acme-eu1.snowflakecomputing.com",
                "topic.prefix": "sf_",
                "table.include.list": "LAKE.RAW.ORDERS,LAKE.RAW.USERS",
            },
            {
                "snowflake://acme-eu1/LAKE.RAW.ORDERS → sf_LAKE.RAW.ORDERS",
                "snowflake://acme-eu1/LAKE.RAW.USERS → sf_LAKE.RAW.USERS",
            },
        ),
        (
            {
                "connector.class": "SnowflakeSource",
                "connection.url": "acme-eu1.snowflakecomputing.com",
                "topic.prefix": "sf_",
                "table.include.list": "LAKE.RAW.ORD.*",
            },
            {"snowflake://acme-eu1/LAKE.RAW.ORDERS → sf_LAKE.RAW.ORDERS"},
        ),
        (
            {
                "connector.class": "OracleCdcSource",
                "oracle.server": "ora",
                "oracle.sid": "ORCLCDB",
                "oracle.pdb.name": "PDB1",
                "table.inclusion.regex": "PDB1[.]SHOP[.]ORDERS",
                "table.topic.name.template": "ora.${schemaName}.${tableName}",
            },
            {"oracle://ora:1521/PDB1.SHOP.ORDERS → ora.SHOP.ORDERS"},
        ),
        (
            {
                "connector.class": "io.confluent.connect.oracle.cdc.OracleCdcSourceConnector",
                "oracle.server": "ora",
                "oracle.sid": "PDB1",
                "table.inclusion.regex": "PDB1[.]SHOP[.](ORDERS|USERS)",
            },
            {"oracle://ora:1521/PDB1.SHOP.ORDERS → PDB1.SHOP.ORDERS"},
        ),
        (
            {
                "connector.class": "OracleXStreamSource",
                "database.hostname": "ora",
                "database.dbname": "ORCLCDB",
                "topic.prefix": "cflt",
                "table.include.list": "SHOP[.]ORDERS",
            },
            {"oracle://ora:1521/ORCLCDB.SHOP.ORDERS → cflt.SHOP.ORDERS"},
        ),
        (
            {
                "connector.class": "io.debezium.connector.informix.InformixConnector",
                "database.hostname": "ifx",
                "database.dbname": "shop",
                "topic.prefix": "ifx",
                "table.include.list": "informix.orders",
            },
            {"informix://ifx:9088/shop.informix.orders → ifx.informix.orders"},
        ),
        (
            {
                "connector.class": "io.debezium.connector.spanner.SpannerConnector",
                "gcp.spanner.project.id": "acme",
                "gcp.spanner.instance.id": "i",
                "gcp.spanner.database.id": "shop",
                "table.include.list": "orders",
            },
            {"spanner://acme:i/shop.orders → c.orders"},
        ),
        (
            {
                "connector.class": "S3Source",
                "s3.bucket.name": "lake",
                "topic.regex.list": "orders:topics/orders/.*,users:.*users.*",
            },
            # The second pattern matches files anywhere in the bucket.
            {"s3://lake/topics/orders → orders", "s3://lake → users"},
        ),
    ],
)
def test_a_source_with_several_pairs_has_a_topic_for_each(config: Mapping[str, str], flows: set[str]) -> None:
    found = told(
        "source", config, topics=("sf_LAKE.RAW.ORDERS", "sf_LAKE.RAW.NEWS", "PDB1.SHOP.ORDERS", "PDB1.SHOP.X")
    )

    assert (found.flows, found.notes) == (flows, [])


def test_the_redo_log_of_oracle_is_internal_and_read_back() -> None:
    found = told(
        "source",
        {
            "connector.class": "OracleCdcSource",
            "oracle.server": "ora",
            "oracle.sid": "DB",
            "table.inclusion.regex": "DB[.]S[.]T",
            "table.topic.name.template": "",
        },
    )

    assert found.internal == {"· → c-DB-redo-log", "c-DB-redo-log → ·"}
    assert found.edges == {"oracle://ora:1521/DB → ·"}


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (
            "source",
            {"connector.class": "KinesisSource", "kafka.topic": "in", "kinesis.region": "${env:REGION}"},
        ),
        ("source", {"connector.class": "SnowflakeSource", "connection.url": "${file:/s:url}"}),
        ("source", {"connector.class": "OracleCdcSource", "oracle.server": "********"}),
        ("source", {"connector.class": "CosmosDbSource", "connect.cosmos.containers.topicmap": "a#b"}),
        ("source", {"connector.class": "HttpSource"}),
        ("source", {"connector.class": "SpannerCdcSource", "table.include.list": "orders"}),
        ("sink", {"connector.class": "DynamoDbSink", "topics": "a"}),
        ("sink", {"connector.class": "CosmosDbSink", "topics": "a"}),
        ("sink", {"connector.class": "LambdaSink", "topics": "a"}),
        ("sink", {"connector.class": "AzureDataLakeGen2Sink", "topics": "a"}),
        ("sink", {"connector.class": "RedshiftSink", "topics": "a"}),
    ],
)
def test_hidden_configs_give_a_note_and_no_dataset(kind: str, config: Mapping[str, str]) -> None:
    found = told(kind, config)

    assert found.flows == set()
    assert not any("://" in edge for edge in found.edges)
    assert len(found.notes) == 1
