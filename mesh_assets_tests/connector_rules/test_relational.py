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


@pytest.mark.parametrize(
    "url", ["********", "${file:/etc/db:url}", "jdbc:postgresql://${env:HOST}/shop", "jdbc:what"]
)
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
