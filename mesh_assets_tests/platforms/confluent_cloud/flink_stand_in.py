"""A stand-in for Confluent Cloud's Flink SQL statements API (`sql/v1`), written from its published
specification; not Confluent's."""

import json
import re
from typing import Any

import httpx

_PATH = re.compile(
    r"/sql/v1/organizations/(?P<org>[^/]+)/environments/(?P<env>[^/]+)/statements(/(?P<name>[^/]+)(?P<results>/results)?)?"
)
_COLUMNS = [
    {"name": "id", "type": {"type": "INTEGER", "nullable": False}},
    {"name": "email", "type": {"type": "VARCHAR", "nullable": True}},
]


class FlinkStandIn:
    """`rows`, of `columns`, come two per page. `endless`: a query continues after them. `refuses`, `fails`: its answer to the
    next statement."""

    def __init__(self) -> None:
        self.statements: dict[str, dict[str, Any]] = {}
        self.created: list[dict[str, Any]] = []
        self.rows: list[list[Any]] = [["1", "a"], ["2", "b"], ["3", None]]
        self.columns: list[dict[str, Any]] = _COLUMNS
        self.endless = False
        self.refuses: str | None = None
        self.fails: str | None = None
        self.deleted: list[str] = []
        self.key = ("key", "secret")

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match = _PATH.fullmatch(request.url.path)
        if match is None:
            return _error(404, "no such path")
        if request.headers.get("authorization") != httpx.BasicAuth(*self.key)._auth_header:
            return _error(401, "invalid API key")
        name = match["name"]
        if request.method == "POST" and name is None:
            return self._create(json.loads(request.content))
        if request.method == "GET" and name is None:
            return self._list(request)
        statement = self.statements.get(name or "")
        if statement is None:
            return _error(404, "statement not found")
        if request.method == "DELETE":
            self.deleted.append(str(self.statements.pop(name or "")["name"]))
            return httpx.Response(202)
        if match["results"]:
            return self._results(request)
        if statement["status"]["phase"] == "PENDING":
            statement["status"] = self._begun()
        return httpx.Response(200, json=statement)

    def _begun(self) -> dict[str, Any]:
        if self.fails is not None:
            return {"phase": "FAILED", "detail": self.fails}
        traits = {
            "sql_kind": "SELECT",
            "is_bounded": not self.endless,
            "is_append_only": True,
            "schema": {"columns": self.columns},
        }
        return {"phase": "RUNNING" if self.endless else "COMPLETED", "detail": "", "traits": traits}

    def _create(self, body: dict[str, Any]) -> httpx.Response:
        if self.refuses is not None:
            return _error(400, self.refuses)
        name = body["name"]
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
        assert len(name) <= 72
        statement = {
            "api_version": "sql/v1",
            "kind": "Statement",
            "metadata": {"created_at": "2026-11-23T16:40:02Z", "self": "https://flink.example/x"},
            "name": name,
            "organization_id": body["organization_id"],
            "environment_id": body["environment_id"],
            "spec": body["spec"],
            "status": {"phase": "PENDING", "detail": ""},
        }
        self.statements[name] = statement
        self.created.append(statement)
        return httpx.Response(201, json=statement)

    def _list(self, request: httpx.Request) -> httpx.Response:
        pool = request.url.params.get("spec.compute_pool_id")
        found = [one for one in self.statements.values() if one["spec"]["compute_pool_id"] == pool]
        start = int(request.url.params.get("page_token", "0"))
        size = min(int(request.url.params.get("page_size", "10")), 2)
        more = start + size < len(found)
        following = f"https://flink.example/sql/v1/x?page_token={start + size}" if more else ""
        page = {
            "api_version": "sql/v1",
            "kind": "StatementList",
            "metadata": {"next": following},
            "data": found[start : start + size],
        }
        return httpx.Response(200, json=page)

    def _results(self, request: httpx.Request) -> httpx.Response:
        start = int(request.url.params.get("page_token", "0"))
        data = [{"op": 0, "row": row} for row in self.rows[start : start + 2]]
        end = start + len(data)
        following = (
            f"https://flink.example/results?page_token={end}" if self.endless or end < len(self.rows) else ""
        )
        return httpx.Response(
            200, json={"kind": "StatementResult", "metadata": {"next": following}, "results": {"data": data}}
        )


def _error(status: int, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"id": "1", "status": str(status), "detail": detail}]})
