"""JDBC: which table becomes which topic, and which topic which table."""

from collections.abc import Mapping

import pytest

from mesh_assets_tests.lineage.configs import told

CONFLUENT = "io.confluent.connect.jdbc.JdbcSourceConnector"
SINK = "io.confluent.connect.jdbc.JdbcSinkConnector"
PG = "jdbc:postgresql://db.shop:5433/shop?user=etl&password=********"


def source(**config: str) -> Mapping[str, str]:
    return {
        "connector.class": CONFLUENT,
        "connection.url": PG,
        **{key.replace("_", "."): value for key, value in config.items()},
    }


@pytest.mark.parametrize(
    ("config", "flows"),
    [
        (
            source(table_whitelist="orders, crm.customers", topic_prefix="pg-"),
            {
                "postgres://db.shop:5433/shop.public.orders → pg-orders",
                "postgres://db.shop:5433/shop.crm.customers → pg-customers",
            },
        ),
        (
            source(**{"table.include.list": r"crm\.customers", "topic_prefix": "pg-"}),
            {"postgres://db.shop:5433/shop.crm.customers → pg-customers"},
        ),
        (
            source(table_whitelist="orders", topic_prefix="pg-", schema_pattern="sales"),
            {"postgres://db.shop:5433/shop.sales.orders → pg-orders"},
        ),
        (
            source(
                query="SELECT o.id, c.name FROM sales.orders o JOIN crm.customers c ON o.c = c.id",
                topic_prefix="joined",
            ),
            {
                "postgres://db.shop:5433/shop.sales.orders → joined",
                "postgres://db.shop:5433/shop.crm.customers → joined",
            },
        ),
        (
            source(
                table_whitelist="orders,orders_v2",
                topic_prefix="pg-",
                transforms="r",
                transforms_r_type="org.apache.kafka.connect.transforms.RegexRouter",
                transforms_r_regex="pg-(.*)",
                transforms_r_replacement="shop.$1",
            ),
            {
                "postgres://db.shop:5433/shop.public.orders → shop.orders",
                "postgres://db.shop:5433/shop.public.orders_v2 → shop.orders_v2",
            },
        ),
        (
            {
                **source(table_whitelist="shop.orders", topic_prefix="my-"),
                "connection.url": "jdbc:mysql://my/other",
            },
            {"mysql://my:3306/shop.orders → my-orders"},
        ),
        (
            {
                **source(table_whitelist="orders", topic_prefix="ms-"),
                "connection.url": "jdbc:sqlserver://ms\\inst:1444;databaseName=erp;encrypt=true",
            },
            {"mssql://ms:1444/erp.dbo.orders → ms-orders"},
        ),
        (
            {
                **source(table_whitelist="SALES.ORDERS", topic_prefix="ora-"),
                "connection.url": "jdbc:oracle:thin:@//ora:1521/ORCLPDB1",
            },
            {"oracle://ora:1521/ORCLPDB1.SALES.ORDERS → ora-ORDERS"},
        ),
        (
            {
                "connector.class": "PostgresSource",
                "connection.host": "rds",
                "connection.port": "5432",
                "db.name": "shop",
                "table.whitelist": "public.orders",
                "topic.prefix": "cc_",
            },
            {"postgres://rds:5432/shop.public.orders → cc_orders"},
        ),
    ],
)
def test_tables_become_topics(config: Mapping[str, str], flows: set[str]) -> None:
    found = told("source", config)

    assert (found.flows, found.notes) == (flows, [])


def test_a_table_without_a_schema_is_assumed_in_the_default_one() -> None:
    found = told("source", source(table_whitelist="orders,crm.users", topic_prefix="pg-"))

    assert found.known == {
        "postgres://db.shop:5433/shop.public.orders → ·": "inferred",
        "postgres://db.shop:5433/shop.crm.users → ·": "declared",
        "· → pg-orders": "inferred",
        "· → pg-users": "declared",
    }


def test_without_a_list_the_topics_that_connect_observed_show_the_tables() -> None:
    found = told(
        "source",
        source(topic_prefix="pg-"),
        observed=["pg-orders", "pg-users"],
        topics=["pg-orders", "pg-other"],
    )

    assert found.flows == {
        "postgres://db.shop:5433/shop.public.orders → pg-orders",
        "postgres://db.shop:5433/shop.public.users → pg-users",
    }
    assert found.known["· → pg-orders"] == "observed"


def test_without_a_list_or_observed_topics_only_the_database_is_known() -> None:
    found = told("source", source(topic_prefix="pg-"), topics=["pg-orders"])

    assert (found.flows, found.edges) == (set(), {"postgres://db.shop:5433/shop → ·"})
    assert found.notes == [
        "its config has no list of table names, so it is not known which tables of the database it reads"
    ]


@pytest.mark.parametrize("url", ["********", "${file:/etc/db:url}", "jdbc:postgresql://${env:HOST}/shop"])
def test_a_hidden_database_gives_a_note(url: str) -> None:
    found = told("source", {**source(table_whitelist="orders"), "connection.url": url})

    assert (found.flows, found.edges) == (set(), {"· → orders"})
    assert found.notes == ["its config does not say, or hides, which database it uses"]


def test_an_unparsable_query_leads_to_the_database_alone() -> None:
    found = told("source", source(query="SELEKT ((", topic_prefix="all"))

    assert found.edges == {"postgres://db.shop:5433/shop → ·", "· → all"}
    assert found.notes == ["the tables of its query are not known: the query could not be parsed"]


@pytest.mark.parametrize(
    ("config", "flows"),
    [
        (
            {},
            {
                "orders → postgres://db.shop:5433/shop.public.orders",
                "crm.users → postgres://db.shop:5433/shop.crm.users",
            },
        ),
        (
            {"table.name.format": "kafka_${topic}"},
            {
                "orders → postgres://db.shop:5433/shop.public.kafka_orders",
                "crm.users → postgres://db.shop:5433/shop.kafka_crm.users",
            },
        ),
        (
            {
                "transforms": "r",
                "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
                "transforms.r.regex": r"crm\.(.*)",
                "transforms.r.replacement": "$1",
            },
            {
                "orders → postgres://db.shop:5433/shop.public.orders",
                "crm.users → postgres://db.shop:5433/shop.public.users",
            },
        ),
        (
            {"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector"},
            {
                "orders → postgres://db.shop:5433/shop.public.orders",
                "crm.users → postgres://db.shop:5433/shop.public.crm_users",
            },
        ),
    ],
)
def test_topics_become_tables(config: Mapping[str, str], flows: set[str]) -> None:
    found = told(
        "sink", {"connector.class": SINK, "connection.url": PG, "topics": "orders,crm.users", **config}
    )

    assert (found.flows, found.notes) == (flows, [])


def test_a_sink_that_takes_the_table_from_each_record_leads_to_the_database() -> None:
    found = told(
        "sink",
        {
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
            "connection.url": PG,
            "topics": "orders",
            "table.name.format": "${source.schema}_x",
        },
    )

    assert found.flows == {"orders → postgres://db.shop:5433/shop"}
    assert found.notes == ["its table.name.format ${source.schema}_x takes the table from each record"]


@pytest.mark.parametrize(
    ("url", "table"),
    [
        ("jdbc:aws-wrapper:postgresql://db:5432/shop", "postgres://db:5432/shop.public.t"),
        ("jdbc:mysql:loadbalance://a,b:3307/shop", "mysql://a:3306,b:3307/shop.t"),
        ("jdbc:mysql://address=(host=a)(port=3307)(user=u)/shop", "mysql://a:3307/shop.t"),
        ("jdbc:mysql://(host=a,port=3306),(host=b,port=3307)/shop", "mysql://a:3306,b:3307/shop.t"),
        ("jdbc:postgresql://[2001:db8::1]:5433/shop", "postgres://[2001:db8::1]:5433/shop.public.t"),
        ("jdbc:teradata://td/LOGMECH=TD2,DATABASE=shop,CHARSET=UTF8", "teradata://td:1025/shop.t"),
        ("jdbc:ch:https://ch:8443/shop", "clickhouse://ch:8443/shop.t"),
        # A named instance has its own port, which the config does not say.
        ("jdbc:sqlserver://ms\\blue;databaseName=shop", "mssql://ms/blue/shop.dbo.t"),
        ("jdbc:sqlserver://ms;instanceName=blue;databaseName=shop", "mssql://ms/blue/shop.dbo.t"),
        ("jdbc:jtds:sqlserver://ms:1444/shop;instance=blue", "mssql://ms:1444/shop.dbo.t"),
        ("jdbc:oracle:thin:@tcps://ora:2484/SVC", "oracle://ora:2484/SVC.t"),
        (
            "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=ora)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=SVC)))",
            "oracle://ora:1522/SVC.t",
        ),
        (
            "jdbc:oracle:thin:@(description=(address_list=(address=(host=a)(port=1521))(address=(host=b)(port=1521)))"
            "(connect_data=(sid=X)))",
            "oracle://a:1521,b:1521/X.t",
        ),
        (
            "jdbc:snowflake://acme.eu.snowflakecomputing.com/?db=lake&schema=raw",
            "snowflake://acme.eu/LAKE.RAW.t",
        ),
        (
            "jdbc:redshift://dw.abc123.eu-west-1.redshift.amazonaws.com:5439/shop",
            "redshift://dw.eu-west-1:5439/shop.public.t",
        ),
    ],
)
def test_a_url_names_its_database_as_other_tools_do(url: str, table: str) -> None:
    found = told("source", {**source(table_whitelist="t", topic_prefix="x-"), "connection.url": url})

    assert (found.flows, found.notes) == ({f"{table} → x-t"}, [])


def test_a_database_of_mysql_may_be_named_beside_its_url() -> None:
    config = source(table_whitelist="t", topic_prefix="x-", catalog_pattern="shop")
    found = told("source", {**config, "connection.url": "jdbc:mysql://my:3306/"})

    assert found.flows == {"mysql://my:3306/shop.t → x-t"}


def test_a_url_of_an_unknown_form_is_not_said_to_be_hidden() -> None:
    found = told(
        "source", {**source(table_whitelist="t", topic_prefix="x-"), "connection.url": "jdbc:sqlite:a.db"}
    )

    assert found.edges == {"· → x-t"}
    assert found.notes == [
        "its connection.url has a form that is not known here, so its database is not known"
    ]


def test_a_quoted_table_has_a_topic_without_quotes() -> None:
    found = told("source", source(table_whitelist='"sales"."Orders"', topic_prefix="x-"))

    assert found.flows == {"postgres://db.shop:5433/shop.sales.Orders → x-Orders"}


def test_a_naming_strategy_of_its_own_hides_the_tables_of_a_sink() -> None:
    config = {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "connection.url": "jdbc:postgresql://dw/shop",
        "topics": "orders",
    }
    default = "io.debezium.sink.naming.DefaultCollectionNamingStrategy"

    assert told("sink", {**config, "collection.naming.strategy": default}).flows == {
        "orders → postgres://dw:5432/shop.public.orders"
    }
    hidden = told("sink", {**config, "collection.naming.strategy": "com.example.Names"})
    assert hidden.flows == {"orders → postgres://dw:5432/shop"}
    assert hidden.notes == ["its tables are named by a class that is not known here: com.example.Names"]
