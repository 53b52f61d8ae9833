"""Debezium: the names of every engine, its own topics, and what follows only from existing topics."""

from collections.abc import Mapping

import pytest

from mesh_assets_tests.lineage.configs import told

PACKAGE = "io.debezium.connector."
POSTGRES = {
    "connector.class": f"{PACKAGE}postgresql.PostgresConnector",
    "database.hostname": "pg",
    "database.dbname": "shop",
    "topic.prefix": "dbz",
}


@pytest.mark.parametrize(
    ("config", "flows"),
    [
        (
            {**POSTGRES, "table.include.list": r"public.orders,crm\.users"},
            {
                "postgres://pg:5432/shop.public.orders → dbz.public.orders",
                "postgres://pg:5432/shop.crm.users → dbz.crm.users",
            },
        ),
        (
            {
                "connector.class": f"{PACKAGE}mysql.MySqlConnector",
                "database.hostname": "my",
                "database.port": "3307",
                "database.server.name": "old",
                "table.whitelist": "shop.orders",
                "include.schema.changes": "false",
            },
            {"mysql://my:3307/shop.orders → old.shop.orders"},
        ),
        (
            {
                "connector.class": "MySqlCdcSourceV2",
                "database.hostname": "my",
                "topic.prefix": "cc",
                "table.include.list": "shop.orders",
                "include.schema.changes": "false",
            },
            {"mysql://my:3306/shop.orders → cc.shop.orders"},
        ),
        (
            {
                "connector.class": f"{PACKAGE}sqlserver.SqlServerConnector",
                "database.hostname": "ms",
                "database.names": "erp,crm",
                "topic.prefix": "ms",
                "table.include.list": "dbo.orders",
                "include.schema.changes": "false",
            },
            {
                "mssql://ms:1433/erp.dbo.orders → ms.erp.dbo.orders",
                "mssql://ms:1433/crm.dbo.orders → ms.crm.dbo.orders",
            },
        ),
        (
            {
                "connector.class": f"{PACKAGE}sqlserver.SqlServerConnector",
                "database.hostname": "ms",
                "database.dbname": "erp",
                "database.server.name": "ms",
                "table.include.list": "dbo.orders",
                "include.schema.changes": "false",
            },
            {"mssql://ms:1433/erp.dbo.orders → ms.dbo.orders"},
        ),
        (
            {
                "connector.class": f"{PACKAGE}oracle.OracleConnector",
                "database.hostname": "ora",
                "database.dbname": "ORCLCDB",
                "database.pdb.name": "ORCLPDB1",
                "topic.prefix": "ora",
                "table.include.list": "SALES.ORDERS",
                "include.schema.changes": "false",
            },
            {"oracle://ora:1521/ORCLPDB1.SALES.ORDERS → ora.SALES.ORDERS"},
        ),
        (
            {
                "connector.class": f"{PACKAGE}mongodb.MongoDbConnector",
                "mongodb.connection.string": "mongodb://a:27017,b:27017/?replicaSet=rs0",
                "topic.prefix": "mongo",
                "collection.include.list": "shop.orders.2024",
            },
            {"mongodb://a:27017,b:27017/shop.orders.2024 → mongo.shop.orders.2024"},
        ),
        (
            {**POSTGRES, "topic.delimiter": "-", "table.include.list": "public.order items"},
            {"postgres://pg:5432/shop.public.order items → dbz-public-order_items"},
        ),
    ],
)
def test_the_tables_in_a_list_become_topics(config: Mapping[str, str], flows: set[str]) -> None:
    found = told("source", config)

    assert (found.flows, found.notes) == (flows, [])
    assert set(found.known.values()) == {"declared"}


def test_a_pattern_selects_tables_by_the_existing_topics() -> None:
    found = told(
        "source",
        {**POSTGRES, "table.include.list": r"public\.orders.*"},
        topics=[
            "dbz.public.orders",
            "dbz.public.orders_v2",
            "dbz.public.users",
            "dbz.orders",
            "other.public.orders",
        ],
    )

    assert found.flows == {
        "postgres://pg:5432/shop.public.orders → dbz.public.orders",
        "postgres://pg:5432/shop.public.orders_v2 → dbz.public.orders_v2",
    }
    assert set(found.known.values()) == {"inferred"}


def test_topics_of_a_longer_prefix_belong_to_the_connector_that_has_it() -> None:
    topics = ["dbz.public.orders", "dbz.eu.orders", "dbz.eu.shop.orders"]
    other = {**POSTGRES, "topic.prefix": "dbz.eu"}

    found = told("source", POSTGRES, topics=topics, others=[other])

    assert found.flows == {"postgres://pg:5432/shop.public.orders → dbz.public.orders"}


def test_what_connect_observed_outweighs_the_names_of_topics() -> None:
    found = told(
        "source", POSTGRES, topics=["dbz.public.orders", "dbz.public.old"], observed=["dbz.public.orders"]
    )

    assert found.flows == {"postgres://pg:5432/shop.public.orders → dbz.public.orders"}
    assert found.known["· → dbz.public.orders"] == "observed"


def test_excluded_tables_and_schemas_are_left_out() -> None:
    found = told(
        "source",
        {**POSTGRES, "table.exclude.list": r"public\.secret.*", "schema.include.list": "public"},
        topics=["dbz.public.orders", "dbz.public.secrets", "dbz.crm.users"],
    )

    assert found.flows == {"postgres://pg:5432/shop.public.orders → dbz.public.orders"}


def test_a_pattern_that_python_reads_differently_gives_a_note_and_no_table() -> None:
    found = told(
        "source", {**POSTGRES, "table.include.list": r"public\.\p{Lower}+"}, topics=["dbz.public.orders"]
    )

    assert found.flows == set()
    assert found.edges == {"postgres://pg:5432/shop → ·"}
    assert any("Python does not read it as Java does" in note for note in found.notes)


def test_debeziums_own_topics_are_internal() -> None:
    found = told(
        "source",
        {
            "connector.class": f"{PACKAGE}mysql.MySqlConnector",
            "database.hostname": "my",
            "topic.prefix": "shop",
            "table.include.list": "shop.orders",
            "schema.history.internal.kafka.topic": "history",
            "heartbeat.interval.ms": "1000",
            "provide.transaction.metadata": "true",
            "signal.enabled.channels": "source,kafka",
            "notification.enabled.channels": "sink",
            "notification.sink.topic.name": "noted",
        },
        observed=["shop", "shop.shop.orders", "__debezium-heartbeat.shop"],
        topics=["shop", "shop.shop.orders"],
    )

    assert found.internal == {
        "· → history",
        "· → __debezium-heartbeat.shop",
        "· → shop.transaction",
        "· → shop",
        "shop-signal → ·",
        "· → noted",
    }
    assert found.flows == {"mysql://my:3306/shop.orders → shop.shop.orders"}
    assert found.edges == set()


OUTBOX = {
    **POSTGRES,
    "table.include.list": "public.outbox",
    "transforms": "outbox",
    "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
}


def test_an_outbox_with_a_static_topic_is_followed() -> None:
    found = told("source", {**OUTBOX, "transforms.outbox.route.topic.replacement": "shop.events"})

    assert (found.flows, found.notes) == ({"postgres://pg:5432/shop.public.outbox → shop.events"}, [])


def test_an_outbox_that_routes_by_row_gives_a_note_and_keeps_what_connect_observed() -> None:
    found = told("source", OUTBOX, observed=["outbox.event.order"])

    assert found.flows == set()
    assert found.edges == {"postgres://pg:5432/shop.public.outbox → ·", "· → outbox.event.order"}
    assert found.notes == [
        "its transform outbox (EventRouter) takes the topic from each row, by its column aggregatetype"
    ]


def test_the_logical_table_router_merges_shards() -> None:
    found = told(
        "source",
        {
            **POSTGRES,
            "table.include.list": "public.orders_1,public.orders_2,public.users",
            "transforms": "shards",
            "transforms.shards.type": "io.debezium.transforms.ByLogicalTableRouter",
            "transforms.shards.topic.regex": r"(.*)orders_\d+",
            "transforms.shards.topic.replacement": "$1orders",
        },
    )

    assert found.flows == {
        "postgres://pg:5432/shop.public.orders_1 → dbz.public.orders",
        "postgres://pg:5432/shop.public.orders_2 → dbz.public.orders",
        "postgres://pg:5432/shop.public.users → dbz.public.users",
    }


def test_only_the_database_is_known_without_any_topic() -> None:
    found = told("source", POSTGRES, topics=["elsewhere"])

    assert found.edges == {"postgres://pg:5432/shop → ·"}
    assert found.notes == [
        "no topic is named after a table that it reads, so it is not known which tables these are"
    ]


def test_a_hidden_server_gives_a_note_and_the_known_topics() -> None:
    config = {**POSTGRES, "database.hostname": "${env:HOST}", "table.include.list": "public.orders"}
    found = told("source", config)

    assert (found.flows, found.edges) == (set(), {"· → dbz.public.orders"})
    assert found.notes == ["its config does not say, or hides, which server it reads"]


def test_a_prefix_with_dots_is_one_prefix() -> None:
    config = {
        "connector.class": f"{PACKAGE}mysql.MySqlConnector",
        "database.hostname": "my",
        "database.server.name": "cdc.eu",
        "include.schema.changes": "false",
    }
    found = told(
        "source", config, observed=["cdc.eu.shop.orders"], topics=["cdc.eu.shop.orders", "cdc.shop.orders"]
    )

    assert found.flows == {"mysql://my:3306/shop.orders → cdc.eu.shop.orders"}


def test_a_named_instance_of_sql_server_is_a_server_of_its_own() -> None:
    config = {
        "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
        "database.hostname": "ms",
        "database.instance": "blue",
        "database.names": "erp",
        "topic.prefix": "p",
        "table.include.list": "dbo.orders",
    }

    assert told("source", config).flows == {"mssql://ms/blue/erp.dbo.orders → p.erp.dbo.orders"}
    assert told("source", {**config, "database.port": "1433"}).flows == {
        "mssql://ms:1433/erp.dbo.orders → p.erp.dbo.orders"
    }


def test_a_pattern_that_selects_no_topic_is_named() -> None:
    found = told("source", {**POSTGRES, "table.include.list": "crm[.].*"}, topics=["dbz.public.orders"])

    assert found.edges == {"postgres://pg:5432/shop → ·"}
    assert found.notes == [
        "no topic is named after a table that 'crm[.].*' selects, so it is not known which tables these are"
    ]


def test_an_escaped_sign_is_part_of_a_name() -> None:
    found = told("source", {**POSTGRES, "table.include.list": r"public\.ord\$x"})

    assert (found.flows, found.notes) == ({"postgres://pg:5432/shop.public.ord$x → dbz.public.ord_x"}, [])


def test_a_table_listed_in_other_letters_is_the_one_whose_topic_exists() -> None:
    """Debezium's lists ignore case."""
    config = {**POSTGRES, "table.include.list": "PUBLIC.orders,public.users"}
    found = told("source", config, topics=["dbz.public.Orders", "dbz.public.users"])

    assert found.flows == {
        "postgres://pg:5432/shop.public.Orders → dbz.public.Orders",
        "postgres://pg:5432/shop.public.users → dbz.public.users",
    }
    assert found.known["· → dbz.public.Orders"] == "inferred"
    # Where two differ only in that, the list does not say which it means.
    both = told("source", config, topics=["dbz.public.Orders", "dbz.public.ORDERS", "dbz.public.users"])
    assert "postgres://pg:5432/shop.PUBLIC.orders → dbz.PUBLIC.orders" in both.flows


def test_a_naming_strategy_of_its_own_hides_the_topics_and_not_the_tables() -> None:
    config = {
        **POSTGRES,
        "table.include.list": "public.orders",
        "topic.naming.strategy": "com.example.Names",
    }
    found = told("source", config)

    assert found.edges == {"postgres://pg:5432/shop.public.orders → ·"}
    assert found.notes == ["its topics are named by a class that is not known here: com.example.Names"]
