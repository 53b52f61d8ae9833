"""Confluent Cloud's Flink: SQL statements through `sql/v1` of its region.

Source: Confluent's OpenAPI, `sql/v1` (Statements, Statement Results). A statement is a resource: it is
created, goes through phases (PENDING, RUNNING, COMPLETED, FAILED, …) and stays until it is deleted. Results
come in pages; a running statement's list goes on for ever.
"""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mesh_assets.errors import RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.estate.connections import FlinkConnection
from mesh_assets.platforms.confluent_cloud.service import patient, read_pages
from mesh_assets.platforms.http import (
    SYSTEM_CLOCK,
    Answer,
    Clock,
    Credential,
    HttpService,
    RetryPolicy,
    Transport,
    path_segment,
)

NAME = "Confluent Cloud Flink"
_KEY = Credential(
    kind="Flink API key",
    unknown="expected a Flink API key of this region; check username and password of flink in the estate",
    lacking="the owner of this Flink API key needs the role FlinkDeveloper on the environment",
)
_ENDED = frozenset({"COMPLETED", "FAILED", "STOPPED", "DELETING"})
_POLL_SECONDS = 0.5
_FINISH_SECONDS = 3.0
_NOT_A_NAME = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`phase` as Confluent says it; `detail`: what it says about it, an error as a rule. `columns`: names and
    types, once known."""

    name: str
    sql: str
    phase: str
    detail: str
    created_at: str | None
    compute_pool_id: str | None
    kind: str | None
    is_bounded: bool | None
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The rows read, and whether these are all. Of an updating query the rows are those of the changes that
    add (`+I`, `+U`)."""

    statement: Statement
    rows: tuple[tuple[Any, ...], ...]
    complete: bool


class FlinkClient:
    """Lists and runs statements. Safe to use from many threads. Every method raises PlatformError."""

    def __init__(
        self,
        connection: FlinkConnection,
        *,
        policy: RetryPolicy | None = None,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._connection = connection
        self._service = HttpService.open(
            connection,
            name=NAME,
            policy=policy or patient(connection.timeout_seconds),
            credential=_KEY,
            transport=transport,
            clock=clock,
        )
        self._path = (
            f"/sql/v1/organizations/{path_segment(connection.organization_id)}"
            f"/environments/{path_segment(connection.environment_id)}/statements"
        )

    def __enter__(self) -> "FlinkClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service.close()

    def statements(self) -> tuple[Statement, ...]:
        """All statements of the compute pool, by name."""
        found = read_pages(
            self._service, self._path, {"spec.compute_pool_id": self._connection.compute_pool_id}
        )
        return tuple(
            sorted((_statement(answer, item) for answer, item in found), key=lambda statement: statement.name)
        )

    def run(
        self,
        sql: str,
        *,
        most_rows: int,
        within_seconds: float,
        keep: bool,
        wait: Callable[[float], None] = time.sleep,
        name: str = "mesh-assets",
    ) -> Result:
        """Runs one statement and reads up to `most_rows` rows of its result.

        `keep` False: the statement is deleted at the end, however that comes (a query that goes on for ever
        would cost for ever). `wait` may raise to give up. RefusedError when Flink does not accept the
        statement, UnreachableError when it does not begin in time.
        """
        deadline = time.monotonic() + within_seconds
        unique = (
            f"{_NOT_A_NAME.sub('-', name.lower()).strip('-')[:40] or 'mesh-assets'}-{uuid.uuid4().hex[:12]}"
        )
        properties = {
            key: value
            for key, value in (
                ("sql.current-catalog", self._connection.catalog),
                ("sql.current-database", self._connection.database),
            )
            if value is not None
        }
        spec = {
            "statement": sql,
            "properties": properties,
            "compute_pool_id": self._connection.compute_pool_id,
            "stopped": False,
        }
        content = {
            "name": unique,
            "organization_id": self._connection.organization_id,
            "environment_id": self._connection.environment_id,
            "spec": spec,
        }
        answer = self._service.ask("POST", self._path, content=content)
        if answer.status in (400, 409, 422):
            raise RefusedError(
                f"{self._service} does not accept the statement: {answer.message or 'it does not say why'}"
            )
        statement = _statement(answer, answer.json())
        try:
            statement = self._begun(statement, deadline, wait)
            if statement.phase == "FAILED":
                raise RefusedError(
                    f"{self._service}: the statement failed: {statement.detail or 'it does not say why'}"
                )
            if not statement.columns:
                return Result(statement=statement, rows=(), complete=statement.phase == "COMPLETED")
            return self._read(statement, most_rows, deadline, wait)
        finally:
            if not keep:
                self._service.ask("DELETE", f"{self._path}/{path_segment(unique)}")

    def _begun(self, statement: Statement, deadline: float, wait: Callable[[float], None]) -> Statement:
        while statement.phase not in _ENDED and statement.phase != "RUNNING":
            if time.monotonic() > deadline:
                raise UnreachableError(
                    f"{self._service}: the statement is still {statement.phase}; the compute pool may be exhausted"
                )
            wait(_POLL_SECONDS)
            answer = self._service.ask("GET", f"{self._path}/{path_segment(statement.name)}")
            statement = _statement(answer, answer.json())
        return statement

    def _read(
        self, statement: Statement, most_rows: int, deadline: float, wait: Callable[[float], None]
    ) -> Result:
        rows: list[tuple[Any, ...]] = []
        token: str | None = None
        quiet_since = time.monotonic()
        while True:
            params = {} if token is None else {"page_token": token}
            answer = self._service.ask(
                "GET", f"{self._path}/{path_segment(statement.name)}/results", params=params
            )
            value = answer.json()
            data = (value.get("results") or {}).get("data") if isinstance(value, dict) else None
            if not isinstance(data, list):
                raise answer.unexpected("with something that is no page of results")
            new = [
                tuple(item["row"])
                for item in data
                if isinstance(item, dict)
                and isinstance(item.get("row"), list)
                and item.get("op", 0) in (0, 2)
            ]
            rows.extend(new)
            token = _next(answer, value)
            if token is None or len(rows) >= most_rows:
                return Result(
                    statement=statement,
                    rows=tuple(rows[:most_rows]),
                    complete=token is None and len(rows) <= most_rows,
                )
            now = time.monotonic()
            if new:
                quiet_since = now
            elif now > deadline or (rows and now - quiet_since > _FINISH_SECONDS):
                return Result(statement=statement, rows=tuple(rows), complete=False)
            else:
                wait(_POLL_SECONDS)


def _statement(answer: Answer, value: Any) -> Statement:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise answer.unexpected("with something that is no statement")
    spec, status, metadata = (value.get(key) or {} for key in ("spec", "status", "metadata"))
    traits = status.get("traits") or {}
    columns = (traits.get("schema") or {}).get("columns") or ()
    return Statement(
        name=value["name"],
        sql=str(spec.get("statement") or ""),
        phase=str(status.get("phase") or "UNKNOWN"),
        detail=str(status.get("detail") or ""),
        created_at=metadata.get("created_at"),
        compute_pool_id=spec.get("compute_pool_id"),
        kind=traits.get("sql_kind"),
        is_bounded=traits.get("is_bounded"),
        columns=tuple(
            (str(column.get("name")), str((column.get("type") or {}).get("type")))
            for column in columns
            if isinstance(column, dict)
        ),
    )


def _next(answer: Answer, value: dict[str, Any]) -> str | None:
    link = (value.get("metadata") or {}).get("next")
    if not link:
        return None
    tokens = parse_qs(urlsplit(str(link)).query).get("page_token", [])
    if len(tokens) != 1:
        raise UnexpectedAnswerError(f"{answer.service} gave a link to the next page that holds no page token")
    return tokens[0]
