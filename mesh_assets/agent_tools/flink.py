"""Tools: Flink SQL on Confluent Cloud."""

import re
from typing import Annotated, Any

from pydantic import Field

from mesh_assets.answering.answers import (
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    PatternArgument,
    cut,
)
from mesh_assets.answering.calls import current_call
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import BadArgumentError, cut_page, matches
from mesh_assets.errors import EstateError, MeshError
from mesh_assets.estate.connections import FlinkConnection
from mesh_assets.mcp_server.server import LONG, MeshServer

# What a Flink SQL statement does, told from its words: whether it reads only, or changes something.

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^']|'')*'|`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")"
    r"|(?P<word>[A-Za-z_][\w$]*)|(?P<end>;)|(?P<open>['`\"]|/\*)|(?P<other>.)",
    re.DOTALL,
)
_READS = frozenset({"SELECT", "WITH", "VALUES", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"})
# These only tell of a statement, whatever words it has.
_ONLY_TELLS = frozenset({"SHOW", "DESCRIBE", "DESC", "EXPLAIN"})
_WRITING = """
INSERT UPDATE DELETE UPSERT MERGE CREATE DROP ALTER TRUNCATE EXECUTE CALL ANALYZE LOAD UNLOAD RESET USE BEGIN COMPILE GRANT REVOKE INTO
"""
_CHANGES = frozenset(_WRITING.split())


class StatementError(MeshError):
    """Not one statement that can be told."""


def reads_only(sql: str) -> bool:
    """Whether the one statement in `sql` changes nothing; what is not known to read only does not.

    Raises StatementError for none, for several, and for text or a comment that does not end.
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
            raise StatementError("expected one statement; pass each in a call of its own")
        if token["end"] is not None:
            ended = True
            continue
        words.append(token["word"].upper() if token["word"] is not None else "")
    if not words:
        raise StatementError("the statement is empty")
    if words[0] not in _READS:
        return False
    return words[0] in _ONLY_TELLS or _CHANGES.isdisjoint(words)


# Tools: Flink SQL on Confluent Cloud.

_ROW_BYTES = 9_000


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
    """`columns`: name and type. `complete`: these are all rows. `deleted`: the statement is gone again;
    otherwise it goes on and costs."""

    cluster: str
    statement: str
    phase: str
    detail: str | None = None
    columns: list[str]
    rows: list[list[Any]]
    complete: bool
    deleted: bool
    hint: str | None = None


def add_flink(server: MeshServer) -> None:
    known = server.known
    writes = server.mesh.allow_writes

    @server.answers("List Flink statements", "reads_systems")
    def list_flink_statements(
        cluster: ClusterName = None,
        pattern: PatternArgument = None,
        phase: Annotated[
            str | None, Field(max_length=40, description="Only those in this phase: RUNNING, FAILED, …")
        ] = None,
        limit: LimitArgument = None,
        cursor: CursorArgument = None,
    ) -> StatementPage:
        """Flink SQL statements of the cluster's compute pool, with phase and the beginning of their SQL. Asks
        Confluent Cloud now."""
        from mesh_assets.platforms.confluent_cloud.flink import (
            FlinkClient,
            Statement,
        )  # HTTP is needed here only

        name, connection = _connection(known, cluster)
        with FlinkClient(connection) as flink:
            statements = flink.statements()

        def row(statement: Statement) -> StatementRow:
            return StatementRow(
                name=statement.name,
                phase=statement.phase,
                kind=statement.kind,
                created=statement.created_at,
                sql=cut(" ".join(statement.sql.split()), 200),
                detail=cut(statement.detail, 200) or None,
            )

        page = cut_page(
            [
                one
                for one in statements
                if matches(one.name, pattern) and (phase is None or one.phase == phase.upper())
            ],
            place=lambda statement: (statement.name,),
            row=row,
            limit=limit,
            cursor=cursor,
            question=("flink", name, pattern, phase),
            version="",
            narrow="pattern or phase",
        )
        return StatementPage(
            cluster=name, statements=page.rows, total=page.total, next_cursor=page.next_cursor, hint=page.hint
        )

    @server.answers("Execute Flink SQL", "destroys" if writes else "changes", times=LONG)
    def execute_flink_sql(
        sql: Annotated[str, Field(min_length=1, max_length=20_000, description="One statement.")],
        cluster: ClusterName = None,
        limit: Annotated[int, Field(ge=1, le=200, description="Most rows.")] = 20,
        seconds: Annotated[
            int, Field(ge=1, le=300, description="How long to wait for the beginning, and for rows.")
        ] = 30,
    ) -> SqlResult:
        """Runs one Flink SQL statement in the cluster's compute pool, which costs. Without --allow-writes
        only SELECT, WITH, VALUES, SHOW, DESCRIBE and EXPLAIN; these are deleted again after their first rows.
        """
        from mesh_assets.platforms.confluent_cloud.flink import FlinkClient

        only_reads = reads_only(sql)
        if not only_reads and not writes:
            raise BadArgumentError(
                "this statement may change something, and the server may not; it takes SELECT, WITH, VALUES, SHOW, DESCRIBE and EXPLAIN, "
                "or start it with --allow-writes"
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
            shown = [cut(value, 300) if isinstance(value, str) else value for value in row]
            size += len(str(shown))
            if rows and size > _ROW_BYTES:
                break
            rows.append(shown)
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


def _connection(known: KnownEstate, cluster: str | None) -> tuple[str, FlinkConnection]:
    name = known.name(cluster)
    connection = known.cluster(name).flink
    if connection is None:
        raise EstateError(
            f"the estate names no Flink for cluster {name}; "
            "give it `flink: {url, organization_id, environment_id, compute_pool_id, username, password}`"
        )
    return name, connection
