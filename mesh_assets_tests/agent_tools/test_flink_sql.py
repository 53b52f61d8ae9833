import pytest

from mesh_assets.agent_tools.flink import StatementError, reads_only


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM orders",
        " -- a comment; with a semicolon\nselect 1;",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "SHOW CREATE TABLE orders",
        "EXPLAIN INSERT INTO a SELECT * FROM b",
        "SELECT 'DROP TABLE a; INSERT', `delete` FROM orders",
        "SELECT 'it''s' /* ; DROP */ FROM t ;  -- done",
        "DESCRIBE orders",
    ],
)
def test_statements_that_only_read(sql: str) -> None:
    assert reads_only(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO a SELECT * FROM b",
        "/* SELECT */ DROP TABLE a",
        "WITH x AS (SELECT 1) INSERT INTO a SELECT * FROM x",
        "CREATE TABLE a AS SELECT 1",
        "ALTER TABLE a RENAME TO b",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1",
        "SET 'x' = 'y'",
        "USE CATALOG x",
        "(SELECT 1)",
        "'SELECT' DROP",
        "SELECTED",
    ],
)
def test_what_may_change_something(sql: str) -> None:
    assert not reads_only(sql)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT 1; DROP TABLE a", "expected one statement"),
        ("SELECT 1;;SELECT 2", "expected one statement"),
        ("", "is empty"),
        (" -- nothing", "is empty"),
        ("SELECT 'never closed", "never closed"),
        ("SELECT 1 /* never closed", "never closed"),
        ("SELECT `a", "never closed"),
    ],
)
def test_what_is_not_one_statement_is_refused(sql: str, says: str) -> None:
    with pytest.raises(StatementError, match=says):
        reads_only(sql)
