"""A ksqlDB server in memory: what it answers to `/info` and to the lists, in the published shapes of its entities
(`ServerInfo`, `StreamsList`, `TablesList`, `QueryDescriptionList` of confluentinc/ksql), with fields that we ignore."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

JSON = "application/vnd.ksql.v1+json"
URL = "https://ksqldb.example"


def query(name: str, sources: list[str], sinks: list[str], **fields: Any) -> dict[str, Any]:
    return {
        "id": name,
        "statementText": "CREATE STREAM … AS SELECT …",
        "windowType": None,
        "fields": [{"name": "ID", "schema": {"type": "STRING", "fields": None, "memberSchema": None}}],
        "sources": sources,
        "sinks": sinks,
        "topology": "Topologies:\n …",
        "executionPlan": " > [ PROJECT ] …",
        "overriddenProperties": {},
        "ksqlHostQueryStatus": {"one:8088": "RUNNING", "two:8088": "RUNNING"},
        "queryType": "PERSISTENT",
        "queryErrors": [],
        "tasksMetadata": [],
        "consumerGroupId": f"_confluent-ksql-default_query_{name}",
        "state": "RUNNING",
        **fields,
    }


def _source(kind: str, name: str, topic: str) -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "topic": topic,
        "keyFormat": "KAFKA",
        "valueFormat": "JSON",
        "isWindowed": False,
    }


@dataclass
class KsqlDbStandIn:
    """`streams`, `tables`: the topic of each. `answers`: by path, instead of the usual ones."""

    cluster_id: str = "the-cluster"
    streams: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    queries: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path))
        if (answer := self.answers.get(request.url.path)) is not None:
            return httpx.Response(answer.status_code, content=answer.content)
        assert JSON in request.headers["Accept"]
        if request.url.path == "/info":
            info = {"version": "0.29.0", "kafkaClusterId": self.cluster_id, "ksqlServiceId": "default_"}
            return httpx.Response(200, json={"KsqlServerInfo": {**info, "serverStatus": "RUNNING"}})
        assert request.headers["Content-Type"] == JSON
        statements = json.loads(request.content)["ksql"].split(";")[:-1]
        return httpx.Response(200, json=[self._entity(statement.strip()) for statement in statements])

    def _entity(self, statement: str) -> dict[str, Any]:
        parts: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
            "LIST STREAMS": (
                "streams",
                "streams",
                [_source("STREAM", *one) for one in self.streams.items()],
            ),
            "LIST TABLES": ("tables", "tables", [_source("TABLE", *one) for one in self.tables.items()]),
            "LIST QUERIES EXTENDED": ("query_descriptions", "queryDescriptions", self.queries),
        }
        kind, name, entries = parts[statement]
        return {"@type": kind, "statementText": f"{statement};", name: entries, "warnings": []}
