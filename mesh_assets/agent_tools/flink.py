"""Tools: Flink SQL on Confluent Cloud."""

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from mesh_assets.answering.answers import (
    Answer,
    BadArgumentError,
    ClusterName,
    CursorArgument,
    LimitArgument,
    PatternArgument,
    current_call,
    cut,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.errors import EstateError, MeshError
from mesh_assets.estate.connections import FlinkConnection
from mesh_assets.importing import importing

if TYPE_CHECKING:
    from mesh_assets.platforms.confluent_cloud.flink import Statement

_ROW_BYTES = 9_000
_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^']|'')*'|`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")"
    r"|(?P<word>[A-Za-z_][\w$]*)|(?P<end>;)|(?P<open>['`\"]|/\*)|(?P<other>.)",
    re.DOTALL,
)
_READS = frozenset({"SELECT", "WITH", "VALUES", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"})
# These only describe a statement, whatever words it contains.
_DESCRIBES = frozenset({"SHOW", "DESCRIBE", "DESC", "EXPLAIN"})
_WRITING = """
INSERT UPDATE DELETE UPSERT MERGE CREATE DROP ALTER TRUNCATE EXECUTE CALL ANALYZE LOAD UNLOAD RESET USE BEGIN COMPILE GRANT REVOKE INTO
"""
_CHANGES = frozenset(_WRITING.split())


class StatementError(MeshError):
    """Not exactly one complete statement."""


def reads_only(sql: str) -> bool:
    """Whether the one statement in `sql` is known to change nothing.

    Raises StatementError for no statement, for several, and for a literal or comment that is never closed.
    """
    words: list[str] = []
    ended = False
    for token in _TOKEN.finditer(sql):
        if token["space"] is not None:
            continue
        if token["open"] is not None:
            raise StatementError(
                f"the statement has {token['open']} at character {token.start() + 1} that is never closed"
            )
        if ended:
            raise StatementError("expected one statement; run each in a call of its own")
        if token["end"] is not None:
            ended = True
            continue
        words.append(token["word"].upper() if token["word"] is not None else "")
    if not words:
        raise StatementError("the statement is empty")
    if words[0] not in _READS:
        return False
    return words[0] in _DESCRIBES or _CHANGES.isdisjoint(words)


class StatementRow(Answer):
    name: str
    phase: str
    kind: str | None = None
    created: str | None = None
    sql: str
    detail: str | None = None


class StatementPage(Answer):
    cluster: str
    statements: list[StatementRow]
    total: int
    next_cursor: str | None = None
    hint: str | None = None


class SqlResult(Answer):
    """`columns`: name and type. `complete`: these are all rows. `deleted`: the statement is gone; otherwise
    it runs on and costs money."""

    cluster: str
    statement: str
    phase: str
    detail: str | None = None
    columns: list[str]
    rows: list[list[Any]]
    complete: bool
    deleted: bool
    hint: str | None = None


def list_flink_statements(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    pattern: PatternArgument = None,
    phase: Annotated[
        str | None, Field(max_length=40, description="Only statements in this phase: RUNNING, FAILED, …")
    ] = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> StatementPage:
    """Flink SQL statements of the cluster's compute pool, with phase and the start of their SQL. Asks
    Confluent Cloud now."""
    with importing:
        from mesh_assets.platforms.confluent_cloud.flink import FlinkClient  # brings HTTP, needed only here

    name, connection = _connection(known, cluster)
    with FlinkClient(connection) as flink:
        statements = flink.statements()
    return build_page(
        StatementPage,
        "statements",
        [
            one
            for one in statements
            if matches(one.name, pattern) and (phase is None or one.phase == phase.upper())
        ],
        place=lambda statement: (statement.name,),
        row=_statement_row,
        limit=limit,
        cursor=cursor,
        question=("flink", name, pattern, phase),
        narrow="pattern or phase",
        cluster=name,
    )


def execute_flink_sql(
    known: KnownEstate,
    may_write: bool,
    /,
    sql: Annotated[str, Field(min_length=1, max_length=20_000, description="One statement.")],
    cluster: ClusterName = None,
    limit: Annotated[int, Field(ge=1, le=200, description="Maximum number of rows.")] = 20,
    seconds: Annotated[
        int, Field(ge=1, le=300, description="How long to wait for the statement to start, and for rows.")
    ] = 30,
) -> SqlResult:
    """Runs one Flink SQL statement in the cluster's compute pool, which costs money. Without --allow-writes
    only SELECT, WITH, VALUES, SHOW, DESCRIBE and EXPLAIN, which are deleted after their first rows.
    """
    with importing:
        from mesh_assets.platforms.confluent_cloud.flink import FlinkClient

    only_reads = reads_only(sql)
    if not only_reads and not may_write:
        raise BadArgumentError(
            "this statement may change something, which the server does not allow: use SELECT, WITH, VALUES, SHOW, DESCRIBE or "
            "EXPLAIN, or start the server with --allow-writes"
        )
    name, connection = _connection(known, cluster)
    call = current_call()
    with FlinkClient(connection) as flink:
        result = flink.run(
            sql,
            most_rows=limit,
            within_seconds=min(seconds, call.seconds),
            keep=not only_reads,
            wait=call.wait,
        )
    rows: list[list[Any]] = []
    size = 0
    for row in result.rows:
        short = [cut(value, 300) if isinstance(value, str) else value for value in row]
        size += len(str(short))
        if rows and size > _ROW_BYTES:
            break
        rows.append(short)
    left = len(result.rows) - len(rows)
    return SqlResult(
        cluster=name,
        statement=result.statement.name,
        phase=result.statement.phase,
        detail=result.statement.detail or None,
        columns=[f"{column} {kind}" for column, kind in result.statement.columns],
        rows=rows,
        complete=result.complete and not left,
        deleted=only_reads,
        hint=f"{left} rows are left out; ask for fewer columns" if left else None,
    )


def _statement_row(statement: "Statement") -> StatementRow:
    return StatementRow(
        name=statement.name,
        phase=statement.phase,
        kind=statement.kind,
        created=statement.created_at,
        sql=cut(" ".join(statement.sql.split()), 200),
        detail=cut(statement.detail, 200) or None,
    )


def _connection(known: KnownEstate, cluster: str | None) -> tuple[str, FlinkConnection]:
    name = known.name(cluster)
    connection = known.cluster(name).flink
    if connection is None:
        raise EstateError(
            f"the estate configures no Flink for cluster {name}; "
            "add `flink: {url, organization_id, environment_id, compute_pool_id, username, password}`"
        )
    return name, connection
