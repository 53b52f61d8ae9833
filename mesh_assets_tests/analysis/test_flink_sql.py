"""What a read-only server sends to Flink: only queries whose tables and columns it has understood."""

import pytest

from mesh_assets.analysis.flink_sql import StatementError, read_statement


@pytest.mark.parametrize(
    ("sql", "written", "tables"),
    [
        ("SELECT * FROM orders", "SELECT * FROM orders", ["orders"]),
        (" -- a comment; with a semicolon\nselect 1;", "select 1", []),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "WITH x AS ( SELECT 1 ) SELECT * FROM x", []),
        (
            "SELECT 'DROP TABLE a; INSERT', `delete` FROM t",
            "SELECT 'DROP TABLE a; INSERT' , `delete` FROM t",
            ["t"],
        ),
        ("SELECT 'it''s' /* ; DROP */ FROM t ;  -- done", "SELECT 'it''s' FROM t", ["t"]),
        ("SELECT a FROM c.d.`x``.y`", "SELECT a FROM c . d . `x``.y`", ["c.d.x`.y"]),
        ("SELECT CAST(x AS DECIMAL(10, 2)) FROM t", "SELECT CAST ( x AS DECIMAL ( 10 , 2 ) ) FROM t", ["t"]),
        ("VALUES (1, 2), (3, 4)", "VALUES ( 1 , 2 ) , ( 3 , 4 )", []),
        ("SELECT customer.email, `name` FROM t", "SELECT customer . email , `name` FROM t", ["t"]),
        (
            "SELECT COUNT(DISTINCT email) AS n FROM t GROUP BY zip ORDER BY zip DESC LIMIT 3",
            "SELECT COUNT ( DISTINCT email ) AS n FROM t GROUP BY zip ORDER BY zip DESC LIMIT 3",
            ["t"],
        ),
    ],
)
def test_a_query_is_rebuilt_from_its_tokens(sql: str, written: str, tables: list[str]) -> None:
    read = read_statement(sql)
    assert (read.effect, read.sql) == ("reads_rows", written)
    assert [".".join(path) for path in read.tables] == tables


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM a, b JOIN c ON a.i = c.i AND f.x IN (SELECT i FROM d), e WHERE g = 1", "a b c d e"),
        ("SELECT * FROM a LEFT JOIN (b JOIN c ON b.i = c.i) ON a.i = b.i", "a b c"),
        ("SELECT * FROM TABLE(HOP(DATA => TABLE a, TIMECOL => DESCRIPTOR(ts)))", "a"),
        ("SELECT * FROM TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '1' MINUTE)", "a"),
        ("SELECT EXTRACT(YEAR FROM ts) FROM a WHERE x IS NOT DISTINCT FROM y", "a"),
        ("SELECT DISTINCT FROM a", "a"),
        ("SELECT EXTRACT(YEAR FROM (SELECT ts FROM a)) FROM b", "a b"),
        ("SELECT * FROM a FOR SYSTEM_TIME AS OF ts AS x, b", "a b"),
        # Words that are keywords in some versions only, and names that look like keywords.
        ("SELECT * FROM a QUALIFY, b", "a b"),
        ("SELECT * FROM a LIMIT, b", "a b"),
        ("SELECT * FROM session", "session"),
        ("SELECT * FROM `TABLE`, `FROM`", "TABLE FROM"),
        # A query of the WITH list is visible only after it.
        ("WITH x AS (SELECT * FROM y), y AS (SELECT * FROM x) SELECT * FROM y", "y"),
        ("WITH x AS (SELECT * FROM x) SELECT * FROM x", "x"),
        ("WITH x AS (SELECT 1) SELECT * FROM c.x, X", "c.x X"),
        # Comments as Flink reads them: `//`, and to a carriage return.
        ("SELECT 1 // '\n FROM a -- '\n", "a"),
        ("SELECT 1 -- \r FROM a", "a"),
        ("SELECT 1 /* ' */ FROM a /*+ OPTIONS('x'='y') */", "a"),
    ],
)
def test_every_table_that_flink_would_read_is_found(sql: str, tables: str) -> None:
    assert " ".join(".".join(path) for path in read_statement(sql).tables) == tables


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT email AS x FROM t", "email looks personal"),
        ("SELECT email x FROM t", "email looks personal"),
        ("SELECT MAX(email) FROM t", "email looks personal"),
        ("SELECT (email) FROM t", "email looks personal"),
        ("SELECT COALESCE(a, `email`) FROM t", "`email` looks personal"),
        ("SELECT CASE WHEN a THEN phone END FROM t", "phone looks personal"),
        ("SELECT email.domain FROM t", "email looks personal"),
        ("SELECT email.* FROM t", "email looks personal"),
        ("SELECT a FROM t WHERE email LIKE 'a%'", "email looks personal"),
        ("SELECT a FROM t JOIN u ON t.i = u.iban", "iban looks personal"),
        ("SELECT a FROM t GROUP BY a HAVING MIN(email) > 'b'", "email looks personal"),
        ("SELECT x.y AS email AS z FROM t", "email looks personal"),
        ("SELECT m['email'] FROM t", "'email' looks personal"),
        ("SELECT m[k] FROM t", "one number or one text"),
        ("SELECT x.a FROM t AS x (a, b)", "x(…) cannot be judged"),
        ("SELECT a FROM t AS minute (a, b)", "minute(…) cannot be judged"),
        ("SELECT a FROM (SELECT * FROM t) session (a, b)", "session(…) cannot be judged"),
        ("WITH x (a, b) AS (SELECT * FROM t) SELECT * FROM x", "without a list of columns"),
        ("SELECT a FROM t WHERE a IN (WITH t AS (SELECT 1) SELECT * FROM t)", "only the whole statement"),
        ("SELECT a FROM t UNION ALL SELECT email FROM t", "UNION cannot be judged"),
        ("SELECT * FROM t MATCH_RECOGNIZE (MEASURES A.email AS x)", "MATCH_RECOGNIZE"),
        ("SELECT x FROM t CROSS JOIN UNNEST(t.names) AS x", "UNNEST"),
        ("SELECT UPPER(a) FROM t", "UPPER(…) cannot be judged"),
        ("SELECT SUBSTRING(a FROM 1 FOR 3) FROM t", "SUBSTRING(…) cannot be judged"),
        ("SELECT a || 'x' FROM t", "joining text"),
        ("SELECT CAST(customer AS STRING) FROM t", "the result of this CAST"),
        ("SELECT CAST(a AS VARCHAR(3)) FROM t", "the result of this CAST"),
        ("SELECT CAST(a AS `INT`) FROM t", "the result of this CAST"),
        ("SELECT AI_TOOL_INVOKE('tickets', 'close all') FROM t", "AI_TOOL_INVOKE(…) cannot be judged"),
        ("SELECT c.d.ABS(1)", "ABS(…) cannot be judged"),
        ("SELECT `ABS`(1)", "`ABS`(…) cannot be judged"),
        ("EXPLAIN SELECT AI_TOOL_INVOKE('tickets', 'close all')", "AI_TOOL_INVOKE(…) cannot be judged"),
        ("SELECT * FROM LATERAL TABLE(f(a))", "LATERAL cannot be judged"),
        ('SELECT "a" FROM t', "which Flink may read differently"),
        ("SELECT E'a\\' FROM t --'", "contain a backslash"),
        ("SELECT * FROM t\u00a0, u", "'\\\\xa0' at character 16"),
        ("\u017fELECT 1", None),
        ("SELECT * FROM \u017fession", "at character 15"),
        ("SELECT 1)", "closes a parenthesis"),
        ("SELECT (1", "not complete"),
        ("SELECT * FROM", "not complete"),
        ("SELECT * FROM 'a'", "expected the name of a table"),
    ],
)
def test_statements_that_cannot_be_judged_are_refused(sql: str, says: str | None) -> None:
    if says is None:
        assert read_statement(sql).effect == "may_change"
        return
    with pytest.raises(StatementError) as refused:
        read_statement(sql)
    assert says.replace("\\\\", "\\") in str(refused.value)
    assert len(str(refused.value)) < 1_000


@pytest.mark.parametrize(
    "sql",
    ["SHOW CREATE TABLE orders", "EXPLAIN INSERT INTO a SELECT * FROM b", "DESCRIBE orders", "desc orders;"],
)
def test_describing_statements_are_recognised(sql: str) -> None:
    assert read_statement(sql).effect == "describes"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO a SELECT * FROM b",
        "/* SELECT */ DROP TABLE a",
        "WITH x AS (SELECT 1) INSERT INTO a SELECT * FROM x",
        "CREATE TABLE a AS SELECT 1",
        "ALTER TABLE a RENAME TO b",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END;",
        "SET 'x' = 'y'",
        "USE CATALOG x",
        "(SELECT 1)",
        "'SELECT' DROP",
        "`SELECT` 1",
        "SELECTED",
        "TABLE orders",
    ],
)
def test_statements_that_may_change_something_stay_as_written(sql: str) -> None:
    read = read_statement(sql)
    assert (read.effect, read.sql) == ("may_change", sql)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT 1; DROP TABLE a", "expected one statement"),
        ("SELECT 1;;SELECT 2", "expected one statement"),
        ("", "is empty"),
        (" -- nothing", "is empty"),
        ("SELECT 'never closed", "unclosed"),
        ("SELECT 1 /* never closed", "unclosed"),
        ("SELECT `a", "unclosed"),
    ],
)
def test_anything_but_one_statement_is_refused(sql: str, says: str) -> None:
    with pytest.raises(StatementError, match=says):
        read_statement(sql)
