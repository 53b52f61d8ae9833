"""Tools: Flink SQL on Confluent Cloud."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from mesh_assets.analysis.flink_sql import Statement as Sql
from mesh_assets.analysis.flink_sql import read_statement
from mesh_assets.analysis.schema_fields import mask_column, mask_personal_text
from mesh_assets.answering.answers import (
    Answer,
    BadArgumentError,
    ClusterName,
    CursorArgument,
    LimitArgument,
    PatternArgument,
    current_call,
    cut,
    shown,
)
from mesh_assets.answering.known_estate import KnownEstate, check_may_read
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.estate.connections import FlinkConnection
from mesh_assets.estate.model import Cluster
from mesh_assets.importing import importing
from mesh_assets.masking.configs import MASK, mask_text

if TYPE_CHECKING:
    from mesh_assets.platforms.confluent_cloud.flink import Column, Statement

_ROW_BYTES = 9_000
_VALUE_CHARACTERS = 300


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
    """`columns`: name and type. `rows`: whatever looks personal is `********`; none for a statement that may
    change something. `complete`: these are all rows. `deleted`: the statement is gone; otherwise it keeps
    running and costs money."""

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
        from mesh_assets.platforms.confluent_cloud.flink import FlinkClient  # imports HTTP, needed only here

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
    """Runs one Flink SQL statement in the cluster's compute pool, which costs money. SELECT, WITH and VALUES read
    only topics under the estate's allow_message_reading, with personal columns masked; they, and SHOW, DESCRIBE
    and EXPLAIN, are deleted after their first rows. Anything else needs --allow-writes, and returns no rows.
    """
    with importing:
        from mesh_assets.platforms.confluent_cloud.flink import FlinkClient

    read = read_statement(sql)
    if read.effect == "may_change" and not may_write:
        raise BadArgumentError(
            "this statement may change something, which the server does not allow: use SELECT, WITH, VALUES, SHOW, DESCRIBE or "
            "EXPLAIN, or start the server with --allow-writes"
        )
    name, connection = _connection(known, cluster)
    _check_tables(known, known.cluster(name), connection, read)
    call = current_call()
    try:
        with FlinkClient(connection) as flink:
            result = flink.run(
                read.sql,
                most_rows=limit,
                within_seconds=min(seconds, call.seconds),
                keep=read.effect == "may_change",
                wait=call.wait,
            )
    except RefusedError as error:  # Flink quotes the statement and values that it could not read
        raise RefusedError(_masked_text(str(error))) from error
    columns = result.statement.columns
    rows: list[list[Any]] = []
    size = 0
    for row in result.rows if read.effect != "may_change" else ():
        short = [_short(value) for value in _masked(read, columns, row)]
        size += len(str(short))
        if rows and size > _ROW_BYTES:
            break
        rows.append(short)
    left = len(result.rows) - len(rows)
    why = "only read-only statements return rows" if read.effect == "may_change" else "ask for fewer columns"
    return SqlResult(
        cluster=name,
        statement=result.statement.name,
        phase=result.statement.phase,
        detail=_masked_text(result.statement.detail) or None,
        columns=[f"{column.name} {column.type}" for column in columns],
        rows=rows,
        complete=result.complete and not left,
        deleted=read.effect != "may_change",
        hint=f"{left} rows are left out: {why}" if left else None,
    )


def _check_tables(known: KnownEstate, cluster: Cluster, connection: FlinkConnection, read: Sql) -> None:
    """Raises RefusedError unless every table is a topic of the cluster whose messages may be read."""
    environment = cluster.environment.name if cluster.environment is not None else None
    catalogs = {connection.catalog, connection.environment_id, environment}
    databases = {connection.database, cluster.cluster_id}
    for path in read.tables:
        said = shown(".".join(path))
        if connection.database is None and len(path) == 1:
            raise EstateError(
                f"it is unknown which cluster's topic {said} is: in the estate, set `flink: {{database}}` of cluster {cluster.name} "
                "to that cluster's name in Confluent Cloud"
            )
        places: list[set[str | None]] = [{path[-1]}, databases, catalogs]
        if len(path) > 3 or any(one not in place for one, place in zip(reversed(path), places, strict=False)):
            raise RefusedError(
                f"{said} is not in cluster {cluster.name}: expected its database ({connection.database}) or none, "
                "and its catalog or none"
            )
        check_may_read(cluster, path[-1])
        view = known.view(cluster.name)
        if all(topic.name != path[-1] for topic in view.document.topics):
            raise RefusedError(
                f"cluster {cluster.name} had no topic {said} {view.about('topics').age} ago, and a view may show messages of "
                "other topics; name the topic itself, or discover the cluster first"
            )


def _masked(read: Sql, columns: Sequence["Column"], row: Sequence[Any]) -> list[Any]:
    if read.effect == "describes":
        return [mask_text(value) if isinstance(value, str) else value for value in row]
    if len(columns) != len(row):
        return [None if value is None else MASK for value in row]
    return [mask_column(one.name, one.details, value) for one, value in zip(columns, row, strict=True)]


def _short(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return value if len(text) <= _VALUE_CHARACTERS else cut(text, _VALUE_CHARACTERS)


def _masked_text(text: str) -> str:
    return cut(mask_personal_text(mask_text(text)), 1_000)


def _statement_row(statement: "Statement") -> StatementRow:
    return StatementRow(
        name=statement.name,
        phase=statement.phase,
        kind=statement.kind,
        created=statement.created_at,
        sql=cut(" ".join(mask_personal_text(mask_text(statement.sql)).split()), 200),
        detail=cut(_masked_text(statement.detail), 200) or None,
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
