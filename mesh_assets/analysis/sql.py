"""Which tables a statement reads and writes, as sqlglot parses it. What it does not understand is reported, never guessed."""

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mesh_assets.analysis.sql_columns import SqlColumn, columns_of_query
from mesh_assets.errors import MeshError
from mesh_assets.importing import importing
from mesh_assets.inventory.records import Record

if TYPE_CHECKING:
    from sqlglot import exp

Path = tuple[str, ...]
"""The parts of a table's name, without quotes: (`catalog`, `database`, `table`) or the last of them."""

# sqlglot has no dialect for Flink. Spark's quotes names alike; these are the differences that statements need.
_SKIPPED = r"(?P<skipped>'(?:[^']|'')*'|`[^`]*`|--[^\n]*|/\*.*?\*/)"
_WINDOWED = re.compile(
    _SKIPPED + r"|(?<=[(>,])\s*\bTABLE\s+(?P<table>(?:`[^`]+`|\w+)(?:\.(?:`[^`]+`|\w+))*)",
    re.DOTALL | re.IGNORECASE,
)
_BEFORE = re.compile(r"(?:\s|--[^\n]*|/\*.*?\*/)*+", re.DOTALL)
_SET = re.compile(
    r"\s*(?:EXECUTE\s+STATEMENT\s+SET\s+BEGIN|BEGIN\s+STATEMENT\s+SET\s*;)(?P<body>.*?)\bEND\s*;?\s*",
    re.DOTALL | re.IGNORECASE,
)
_CREATE_AS = re.compile(
    r"\s*CREATE\s+(?:OR\s+(?:REPLACE|ALTER)\s+)?(?:MATERIALIZED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<table>(?:`[^`]+`|\w+)(?:\.(?:`[^`]+`|\w+))*)(?P<rest>.*)",
    re.DOTALL | re.IGNORECASE,
)
_QUERY = re.compile(
    _SKIPPED + r"|(?P<open>\()|(?P<close>\))|\bAS\s+(?P<query>(?:SELECT|WITH)\b)", re.DOTALL | re.IGNORECASE
)
_WRITES = re.compile(
    r"\s*(?:INSERT|CREATE\s+(?:OR\s+(?:REPLACE|ALTER)\s+)?(?:MATERIALIZED\s+)?TABLE|EXECUTE\s+STATEMENT|BEGIN\s+STATEMENT|WITH)\b",
    re.IGNORECASE,
)


class UnreadableSqlError(MeshError):
    """SQL whose tables cannot be determined."""


class Insertion(Record, frozen=True, kw_only=True):
    """A table that is written, and those that its rows come from. `columns`: which of theirs become which of its own; None:
    not known. An INSERT without a column list fills the columns in table order, which is not known here."""

    target: Path
    sources: tuple[Path, ...]
    columns: tuple[SqlColumn, ...] | None = None


def tables_of_query(sql: str) -> tuple[str, ...]:
    """The tables that a query of a database reads, as `schema.table`, sorted. Raises UnreadableSqlError."""
    for dialect in ("", "mysql", "tsql", "oracle"):
        try:
            [query] = _parsed(sql, dialect)
            return tuple(sorted({".".join(path) for path in _sources(query)}))
        except (UnreadableSqlError, ValueError):
            continue
    raise UnreadableSqlError("the query could not be parsed")


def insertions(sql: str) -> tuple[Insertion, ...]:
    """What a Flink statement writes: `INSERT INTO … SELECT`, `CREATE TABLE … AS SELECT`, a statement set; empty for one
    that writes nothing. Raises UnreadableSqlError."""
    sql = _BEFORE.sub("", sql, count=1)
    if _WRITES.match(sql) is None:
        return ()
    in_set = _SET.fullmatch(sql)
    statement = in_set["body"] if in_set else sql
    text = _WINDOWED.sub(_as_query, _as_insertion(statement))
    creates = _CREATE_AS.fullmatch(statement) is not None
    return tuple(
        found for parsed in _parsed(text, "spark") for found in _insertions_of(parsed, creates=creates)
    )


def _as_query(found: re.Match[str]) -> str:
    """`TABLE orders` as an argument of a window function: a query that reads it."""
    return found[0] if found["skipped"] is not None else f"(SELECT * FROM {found['table']})"


def _as_insertion(sql: str) -> str:
    """`CREATE TABLE x … AS SELECT` without what only Flink knows between the name and the query."""
    created = _CREATE_AS.fullmatch(sql)
    if created is None:
        return sql
    depth = 0
    for found in _QUERY.finditer(created["rest"]):
        depth += (found["open"] is not None) - (found["close"] is not None)
        if found["query"] is not None and depth == 0:
            return f"INSERT INTO {created['table']} {created['rest'][found.start('query') :]}"
    return ""  # it creates an empty table


def _insertions_of(parsed: "exp.Expression", *, creates: bool) -> Iterator[Insertion]:
    """`creates`: the table has the query's columns."""
    with importing:
        from sqlglot import exp

    if isinstance(parsed, exp.Select | exp.SetOperation):
        return
    if not isinstance(parsed, exp.Insert):
        raise UnreadableSqlError(f"it is not known what {type(parsed).__name__.upper()} writes")
    target = parsed.this.this if isinstance(parsed.this, exp.Schema) else parsed.this
    if not isinstance(target, exp.Table):
        raise UnreadableSqlError("it inserts into something that is not a table")
    query = parsed.expression
    if isinstance(query, exp.Values):
        yield Insertion(target=_path(target), sources=())
        return
    if with_ := parsed.args.get("with_") or parsed.args.get("with"):
        query.set("with_" if "with_" in query.arg_types else "with", with_)
    listed = isinstance(parsed.this, exp.Schema)
    columns = (
        columns_of_query(query, tuple(one.name for one in parsed.this.expressions) if listed else None)
        if listed or creates
        else None
    )
    yield Insertion(target=_path(target), sources=tuple(sorted(set(_sources(query)))), columns=columns)


def _parsed(sql: str, dialect: str) -> "list[exp.Expression]":
    with importing:  # a third of a second, and needed only where there is SQL
        import sqlglot
        from sqlglot import exp

    logging.getLogger("sqlglot").setLevel(
        logging.ERROR
    )  # it warns with the statement's text; the caller gets an error
    try:
        found: list[Any] = sqlglot.parse(sql, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    except (
        Exception
    ) as error:  # its own, and AttributeError and others from within, on what it does not expect
        raise UnreadableSqlError("the statement could not be parsed") from error
    statements = [one for one in found if one is not None]
    if any(one.find(exp.Command) for one in statements):
        raise UnreadableSqlError("the statement has parts that could not be parsed")
    return statements


def _sources(query: "exp.Expression") -> Iterator[Path]:
    """The tables a query reads, without the queries that it names itself."""
    with importing:
        from sqlglot import exp
        from sqlglot.optimizer.scope import traverse_scope

    if not isinstance(query, exp.Query):
        raise UnreadableSqlError("it is not a query")
    try:
        scopes = traverse_scope(query)
    except Exception as error:  # as when parsing
        raise UnreadableSqlError("its tables could not be told apart") from error
    for scope in scopes:
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                yield _path(source)


def _path(table: "exp.Table") -> Path:
    return tuple(part.name for part in table.parts)
