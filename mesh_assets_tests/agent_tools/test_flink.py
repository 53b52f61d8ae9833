"""Flink's tools, from an agent's call to the statements API; the API is a stand-in written from its published
specification."""

import functools
from collections.abc import Callable

import httpx
import pytest

from mesh_assets.platforms.confluent_cloud import flink
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.mcp_server.served import FLINK, Served
from mesh_assets_tests.platforms.confluent_cloud.flink_stand_in import FlinkStandIn


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> FlinkStandIn:
    """Answers any client that the tools create."""
    monkeypatch.setenv("FLINK_SECRET", "secret")
    stand_in = FlinkStandIn()
    client = functools.partial(flink.FlinkClient, transport=httpx.MockTransport(stand_in))
    monkeypatch.setattr(flink, "FlinkClient", client)
    return stand_in


@pytest.fixture
def flink_served(make_served: Callable[..., Served]) -> Served:
    """A read-only server that knows the topics `public-users`, `public-orders` and `users`; messages of `public-*` may
    be read."""
    topics = (a_topic("public-users"), a_topic("public-orders"), a_topic("users"))
    return make_served(a_document(topics=topics), estate=FLINK)


def sent(stand_in: FlinkStandIn) -> list[str]:
    return [statement["spec"]["statement"] for statement in stand_in.created]


def test_a_query_gives_columns_and_masked_rows_and_leaves_no_statement_behind(
    flink_served: Served, stand_in: FlinkStandIn
) -> None:
    answer = flink_served.answer("execute_flink_sql", sql="SELECT id, email FROM `public-users`")

    assert answer["columns"] == ["id INTEGER", "email VARCHAR"]
    assert answer["rows"] == [["1", "********"], ["2", "********"], ["3", None]]
    assert (answer["complete"], answer["deleted"]) == (True, True)
    assert stand_in.deleted == [answer["statement"]]


def test_a_statement_that_changes_something_runs_only_with_allow_writes_gives_no_rows_and_stays_listed(
    make_served: Callable[..., Served], stand_in: FlinkStandIn
) -> None:
    sql = "INSERT INTO orders_eu SELECT * FROM orders"
    assert "--allow-writes" in make_served(estate=FLINK).refusal("execute_flink_sql", sql=sql)
    assert stand_in.statements == {}

    served = make_served(estate=FLINK, allow_writes=True)
    answer = served.answer("execute_flink_sql", sql=sql)
    assert (answer["deleted"], answer["rows"]) == (False, [])
    assert "only read-only statements return rows" in answer["hint"]

    [listed] = served.answer("list_flink_statements")["statements"]
    assert (listed["name"], listed["sql"]) == (answer["statement"], sql)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT * FROM users", "'users' may not be read: it is not under allow_message_reading"),
        ("SELECT * FROM `public-users` AS a, users", "'users' may not be read"),
        ("SELECT * FROM `public-users` WHERE id IN (SELECT id FROM users)", "'users' may not be read"),
        ("WITH users AS (SELECT * FROM users) SELECT * FROM users", "'users' may not be read"),
        (
            "SELECT * FROM TABLE(TUMBLE(TABLE users, DESCRIPTOR(ts), INTERVAL '1' HOUR))",
            "'users' may not be read",
        ),
        ("SELECT * FROM other.`public-users`", "is not in cluster warehouse"),
        ("SELECT * FROM elsewhere.warehouse.`public-users`", "is not in cluster warehouse"),
        ("SELECT * FROM `public-view`", "had no topic 'public-view'"),
    ],
)
@pytest.mark.parametrize("allow_writes", [False, True])
def test_only_topics_whose_messages_may_be_read_are_queried(
    make_served: Callable[..., Served], stand_in: FlinkStandIn, sql: str, says: str, allow_writes: bool
) -> None:
    topics = (a_topic("public-users"), a_topic("users"))
    served = make_served(a_document(topics=topics), estate=FLINK, allow_writes=allow_writes)
    assert says in served.refusal("execute_flink_sql", sql=sql)
    assert stand_in.created == []


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    "sql", ["SELECT * FROM prod.warehouse.`public-users`", "SELECT * FROM `env-1`.warehouse.`public-users`"]
)
def test_a_topic_may_be_named_with_its_database(flink_served: Served, sql: str) -> None:
    assert flink_served.answer("execute_flink_sql", sql=sql)["rows"]


@pytest.mark.usefixtures("stand_in")
def test_without_a_database_a_name_could_be_of_any_cluster(make_served: Callable[..., Served]) -> None:
    served = make_served(
        a_document(topics=(a_topic("public-users"),)), estate=FLINK.replace("database: warehouse", "")
    )
    assert "flink: {database}" in served.refusal("execute_flink_sql", sql="SELECT * FROM `public-users`")


def test_the_statement_that_is_sent_is_built_from_the_one_that_was_checked(
    flink_served: Served, stand_in: FlinkStandIn
) -> None:
    """Flink ends a comment at a carriage return and supports `//` comments, in which quotes mean nothing."""
    hidden = "SELECT 1 -- \rINTO a\n FROM `public-users`"
    assert "may change something" in flink_served.refusal("execute_flink_sql", sql=hidden)
    flink_served.answer("execute_flink_sql", sql="SELECT 1 // '\n, 2 /*+ x */ FROM `public-users` -- '; DROP")
    assert sent(stand_in) == ["SELECT 1 , 2 FROM `public-users`"]


def test_rows_are_masked_as_samples_are(flink_served: Served, stand_in: FlinkStandIn) -> None:
    text = {"type": "VARCHAR"}
    customer = {
        "type": "ROW",
        "fields": [{"name": "name", "field_type": text}, {"name": "tier", "field_type": text}],
    }
    stand_in.columns = [
        {"name": "customer", "type": customer},
        {"name": "attributes", "type": {"type": "MAP", "key_type": text, "value_type": text}},
        {"name": "notes", "type": text},
        {"name": "payload", "type": text},
        {"name": "number", "type": {"type": "BIGINT"}},
        {"name": "at", "type": {"type": "BIGINT"}},
        {"name": "date_of_birth", "type": {"type": "DATE"}},
        {"name": "raw", "type": {"type": "VARBINARY"}},
        {"name": "odd", "type": text},
    ]
    stand_in.rows = [
        [
            ["Ada", "gold"],
            [["email", "a"], ["colour", "red"]],
            "write to ada@example.com, password=hunter2",
            '{"name": "Ada", "units": 3}',
            "4111111111111111",
            "1764000000000",
            "1815-12-10",
            "x'41'",
            ["Ada"],
        ]
    ]
    [row] = flink_served.answer("execute_flink_sql", sql="SELECT * FROM `public-users`")["rows"]
    assert row == [
        {"name": "********", "tier": "gold"},
        {"email": "********", "colour": "red"},
        "write to ********, password=********",
        {"name": "********", "units": 3},
        "********",
        "1764000000000",
        "********",
        "5 characters of bytes, which are not shown",
        "********",
    ]


def test_listed_statements_and_what_flink_quotes_are_masked(
    make_served: Callable[..., Served], stand_in: FlinkStandIn
) -> None:
    served = make_served(a_document(topics=(a_topic("public-users"),)), estate=FLINK, allow_writes=True)
    sql = (
        "CREATE CONNECTION c WITH ('type' = 'openai', 'api-key' = 'hunter2hunter2', 'to' = 'ada@example.com')"
    )
    served.answer("execute_flink_sql", sql=sql)
    [listed] = served.answer("list_flink_statements")["statements"]
    assert listed["sql"] == (
        "CREATE CONNECTION c WITH ('type' = 'openai', 'api-key' = '********', 'to' = '********')"
    )
    stand_in.fails = "cannot read 'ada@example.com' with password=hunter2"
    refusal = served.refusal("execute_flink_sql", sql="SELECT * FROM `public-users`")
    assert "failed: cannot read '********' with password=********" in refusal


def test_describe_statements_are_masked_where_they_show_options(
    flink_served: Served, stand_in: FlinkStandIn
) -> None:
    stand_in.columns = [{"name": "Table", "type": {"type": "VARCHAR"}}]
    stand_in.rows = [["CREATE TABLE t WITH ('sasl.password' = 'hunter2', 'kafka.retention.time' = '7 d')"]]
    answer = flink_served.answer("execute_flink_sql", sql="SHOW CREATE TABLE users")
    assert answer["rows"] == [
        ["CREATE TABLE t WITH ('sasl.password' = '********', 'kafka.retention.time' = '7 d')"]
    ]


def test_the_agent_learns_why_flink_rejects_a_statement(
    make_served: Callable[..., Served], stand_in: FlinkStandIn
) -> None:
    stand_in.refuses = "SQL parse failed at line 1"
    assert "SQL parse failed at line 1" in make_served(estate=FLINK).refusal(
        "execute_flink_sql", sql="SELECT 1 1"
    )


def test_a_wrong_key_gives_one_sentence_without_the_secret(
    make_served: Callable[..., Served], stand_in: FlinkStandIn
) -> None:
    stand_in.key = ("key", "another")
    refusal = make_served(estate=FLINK).refusal("list_flink_statements")
    assert "401" in refusal
    assert "secret" not in refusal.replace("${FLINK_SECRET}", "")
