"""The kinds of configs in the connector tests of DataHub and OpenMetadata: each gives at least their edges.

Read from DataHub's `metadata-ingestion/tests/{unit/kafka_connect,integration/kafka-connect}` and OpenMetadata's
`ingestion/tests/unit/topology/pipeline/test_kafkaconnect*.py` and `test_confluentcdc.py`; the configs here are our own.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import pytest

from mesh_assets_tests.lineage.configs import told

ROUTER = "org.apache.kafka.connect.transforms.RegexRouter"
MYSQL_URL = "jdbc:mysql://db:3306/shop"
JDBC = "io.confluent.connect.jdbc.JdbcSourceConnector"


class Kind(NamedTuple):
    type: Literal["source", "sink"]
    config: Mapping[str, str]
    flows: set[str]
    topics: Sequence[str] = ()
    observed: Sequence[str] = ()


def routed(regex: str, replacement: str, kind: str = ROUTER) -> dict[str, str]:
    return {
        "transforms": "r",
        "transforms.r.type": kind,
        "transforms.r.regex": regex,
        "transforms.r.replacement": replacement,
    }


CDC = {
    "connector.class": "PostgresCdcSource",
    "database.hostname": "pg",
    "database.dbname": "shop",
    "database.server.name": "srv",
    "table.include.list": "public.orders",
}
PG_TABLE = "postgres://pg:5432/shop.public.orders"

KINDS = {
    "jdbc source with a prefix and the tables that connect saw": Kind(
        "source",
        {"connector.class": JDBC, "connection.url": MYSQL_URL, "topic.prefix": "my-"},
        {"mysql://db:3306/shop.orders → my-orders"},
        observed=["my-orders"],
    ),
    "jdbc source whose router takes the prefix off again": Kind(
        "source",
        {
            "connector.class": JDBC,
            "connection.url": MYSQL_URL,
            "topic.prefix": "my-",
            "table.whitelist": "orders",
            **routed("my-(.*)", "$1"),
        },
        {"mysql://db:3306/shop.orders → orders"},
    ),
    "jdbc source of one table routed to a name of its own": Kind(
        "source",
        {
            "connector.class": JDBC,
            "connection.url": MYSQL_URL,
            "table.whitelist": "orders",
            **routed(".*", "sales"),
        },
        {"mysql://db:3306/shop.orders → sales"},
    ),
    "jdbc source with a query": Kind(
        "source",
        {
            "connector.class": JDBC,
            "connection.url": MYSQL_URL,
            "query": "select * from orders",
            "topic.prefix": "q",
        },
        {"mysql://db:3306/shop.orders → q"},
    ),
    "managed jdbc source": Kind(
        "source",
        {
            "connector.class": "MySqlSource",
            "connection.host": "db",
            "connection.port": "3306",
            "db.name": "shop",
            "table.whitelist": "orders,users",
            "topic.prefix": "m_",
        },
        {"mysql://db:3306/shop.orders → m_orders", "mysql://db:3306/shop.users → m_users"},
    ),
    "managed postgres cdc by its server name": Kind("source", CDC, {f"{PG_TABLE} → srv.public.orders"}),
    "managed postgres cdc of the second version, routed by confluent's router": Kind(
        "source",
        {
            **CDC,
            "connector.class": "PostgresCdcSourceV2",
            "topic.prefix": "srv",
            **routed(
                r"srv\.public\.(.*)", "shop.$1", "io.confluent.connect.cloud.transforms.TopicRegexRouter"
            ),
        },
        {f"{PG_TABLE} → shop.orders"},
    ),
    "managed mysql cdc, with a server name that has dots": Kind(
        "source",
        {
            "connector.class": "MySqlCdcSourceV2",
            "database.hostname": "db",
            "topic.prefix": "acme.shop.dev",
            "table.include.list": "shop.orders",
        },
        {"mysql://db:3306/shop.orders → acme.shop.dev.shop.orders"},
    ),
    "debezium for sql server with several databases": Kind(
        "source",
        {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
            "database.hostname": "ms",
            "database.names": "shop,crm",
            "topic.prefix": "ms",
        },
        {
            "mssql://ms:1433/shop.dbo.orders → ms.shop.dbo.orders",
            "mssql://ms:1433/crm.dbo.leads → ms.crm.dbo.leads",
        },
        topics=["ms.shop.dbo.orders", "ms.crm.dbo.leads"],
    ),
    "debezium with a pattern of tables": Kind(
        "source",
        {
            **CDC,
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "table.include.list": "public.*",
        },
        {f"{PG_TABLE} → srv.public.orders"},
        topics=["srv.public.orders", "srv.audit.log"],
    ),
    "debezium whose logical router joins shards": Kind(
        "source",
        {
            "connector.class": "io.debezium.connector.mysql.MySqlConnector",
            "database.hostname": "db",
            "topic.prefix": "m",
            "table.include.list": "shop.orders_1,shop.orders_2",
            "transforms": "r",
            "transforms.r.type": "io.debezium.transforms.ByLogicalTableRouter",
            "transforms.r.topic.regex": r"(.*)orders_\d+",
            "transforms.r.topic.replacement": "$1orders",
        },
        {"mysql://db:3306/shop.orders_1 → m.shop.orders", "mysql://db:3306/shop.orders_2 → m.shop.orders"},
    ),
    "mongo source of one collection": Kind(
        "source",
        {
            "connector.class": "com.mongodb.kafka.connect.MongoSourceConnector",
            "connection.uri": "mongodb://mongo:27017",
            "database": "shop",
            "collection": "orders",
            "topic.prefix": "mongodb",
        },
        {"mongodb://mongo:27017/shop.orders → mongodb.shop.orders"},
    ),
    "managed mongo cdc": Kind(
        "source",
        {
            "connector.class": "MongoDbCdcSource",
            "mongodb.connection.string": "mongodb://mongo:27017",
            "topic.prefix": "m",
            "collection.include.list": "shop.orders",
        },
        {"mongodb://mongo:27017/shop.orders → m.shop.orders"},
    ),
    "s3 sink in a folder": Kind(
        "sink",
        {
            "connector.class": "io.confluent.connect.s3.S3SinkConnector",
            "topics": "orders,users",
            "s3.bucket.name": "lake",
            "topics.dir": "raw",
        },
        {"orders → s3://lake/raw/orders", "users → s3://lake/raw/users"},
    ),
    "bigquery sink that maps some of its topics": Kind(
        "sink",
        {
            "connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector",
            "topics": "orders,users",
            "project": "p",
            "defaultDataset": "d",
            "topic2TableMap": "orders:sales",
        },
        {"orders → bigquery:p.d.sales", "users → bigquery:p.d.users"},
    ),
    "snowflake sink that maps some of its topics": Kind(
        "sink",
        {
            "connector.class": "SnowflakeSink",
            "topics": "orders,users",
            "snowflake.url.name": "acme.snowflakecomputing.com",
            "snowflake.database.name": "LAKE",
            "snowflake.schema.name": "RAW",
            "snowflake.topic2table.map": "orders:SALES",
        },
        {"orders → snowflake://acme/LAKE.RAW.SALES", "users → snowflake://acme/LAKE.RAW.USERS"},
    ),
    "managed jdbc sink after a router": Kind(
        "sink",
        {
            "connector.class": "PostgresSink",
            "topics": "srv.public.orders",
            "connection.host": "pg",
            "db.name": "lake",
            "table.name.format": "kafka_${topic}",
            **routed(r".*\.(.*)", "$1"),
        },
        {"srv.public.orders → postgres://pg:5432/lake.public.kafka_orders"},
    ),
    "iceberg sink of one table": Kind(
        "sink",
        {
            "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
            "topics": "orders",
            "iceberg.tables": "raw.orders",
            "iceberg.catalog.warehouse": "s3://lake",
        },
        {"orders → s3://lake/raw.orders"},
    ),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_edges_that_other_catalogs_find_in_such_configs_are_found(kind: Kind) -> None:
    found = told(kind.type, kind.config, topics=kind.topics, observed=kind.observed)

    assert kind.flows == found.flows
