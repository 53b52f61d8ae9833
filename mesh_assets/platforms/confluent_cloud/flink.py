"""Confluent Cloud's Flink: SQL statements through `sql/v1` of its region.

Source: Confluent's OpenAPI, `sql/v1` (Statements, Statement Results). A statement is a resource: it is
created, passes through phases (PENDING, RUNNING, COMPLETED, FAILED, …) and stays until it is deleted. Results
come in pages; those of a running statement never end.
"""

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mesh_assets.errors import RefusedError, UnreachableError
from mesh_assets.estate.connections import FlinkConnection
from mesh_assets.platforms.confluent_cloud.service import FLINK_KEY, ConfluentCloudClient, page_token
from mesh_assets.platforms.http import Answer, path_segment

NAME = "Confluent Cloud Flink"
_ENDED = frozenset({"COMPLETED", "FAILED", "STOPPED", "DELETING"})
_POLL_SECONDS = 0.5
_FINISH_SECONDS = 3.0
_NOT_A_NAME = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Column:
    """`type`: its SQL type. `details`: the type as Confluent describes it, including nested types."""

    name: str
    type: str
    details: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement. `phase` is Confluent's word, `detail` its comment on the phase, usually an error.

    `columns`: once they are known.
    """

    name: str
    sql: str
    phase: str
    detail: str
    created_at: str | None
    compute_pool_id: str | None
    kind: str | None
    is_bounded: bool | None
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The rows read, and whether they are all. For an updating query: the rows it adds (`+I`, `+U`)."""

    statement: Statement
    rows: tuple[tuple[Any, ...], ...]
    complete: bool


class FlinkClient(ConfluentCloudClient[FlinkConnection]):
    """Lists and runs statements. Safe to use from many threads. Every method raises PlatformError."""

    service_name = NAME
    key = FLINK_KEY

    def statements(self) -> tuple[Statement, ...]:
        """All statements of the compute pool, by name."""
        found = self._items(self._path, {"spec.compute_pool_id": self._connection.compute_pool_id})
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

        Unless `keep` is set, the statement is deleted however the call ends: a query that never ends would
        cost money for as long as it exists. `wait` may raise to give up. Raises RefusedError when Flink does
        not accept the statement, UnreachableError when it does not start in time.
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

    @property
    def _path(self) -> str:
        organization = path_segment(self._connection.organization_id)
        environment = path_segment(self._connection.environment_id)
        return f"/sql/v1/organizations/{organization}/environments/{environment}/statements"

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
                raise answer.unexpected("with something other than a page of results")
            new = [
                tuple(item["row"])
                for item in data
                if isinstance(item, dict)
                and isinstance(item.get("row"), list)
                and item.get("op", 0) in (0, 2)
            ]
            rows.extend(new)
            token = page_token(answer, (value.get("metadata") or {}).get("next"))
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
        raise answer.unexpected("with something other than a statement")
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
        columns=tuple(_column(column) for column in columns if isinstance(column, dict)),
    )


def _column(value: Mapping[str, Any]) -> Column:
    details = value.get("type")
    details = details if isinstance(details, dict) else {}
    return Column(name=str(value.get("name")), type=str(details.get("type")), details=details)
