"""Four registries with their different answers, each written from its source code or its observed answers.

Confluent: `SchemasResource`, `SubjectsResource`, `ConfigResource`. Apicurio 3.3: `SchemasResourceImpl`,
`SubjectsResourceImpl`, `ConfigResourceImpl`. AxonOps: `internal/api/handlers`, `internal/storage/memory`.
Karapace: `api/routers`, `api/controller.py`.
"""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import httpx

from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.platforms.schema_registry import RegisteredSchema, SchemaReference, SchemaRegistryClient
from mesh_assets_tests.platforms.http.fakes import FakeTime

URL = "http://registry.test/base"


def contract_item(contract: DataContract) -> dict[str, Any]:
    """As Confluent's registry sends it: empty values are left out."""
    metadata = {
        "properties": contract.properties,
        "sensitive": list(contract.sensitive),
        "tags": {path: list(tags) for path, tags in contract.tags.items()},
    }
    rules: dict[str, list[dict[str, Any]]] = {}
    for rule in contract.rules:
        said = {
            "name": rule.name,
            "kind": rule.kind,
            "mode": rule.mode,
            "type": rule.type,
            "tags": list(rule.tags),
            "params": rule.params,
            "expr": rule.expr,
            "doc": rule.doc,
            "onSuccess": rule.on_success,
            "onFailure": rule.on_failure,
            "disabled": rule.disabled,
        }
        rules.setdefault(f"{rule.phase}Rules", []).append(
            {key: value for key, value in said.items() if value}
        )
    item = {"metadata": {key: value for key, value in metadata.items() if value}, "ruleSet": rules}
    return {key: value for key, value in item.items() if value}


@dataclass
class FakeRegistry:
    """A registry with `schemas` in its order. `compatibility`, `modes`: subjects' own values.

    `before`: called with every request, may change the registry or answer instead. `requests`: method
    and path, in order.
    """

    schemas: list[RegisteredSchema] = field(default_factory=list)
    compatibility: dict[str, str] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)
    global_compatibility: str = "BACKWARD"
    global_mode: str = "READWRITE"
    contexts: list[str] = field(default_factory=lambda: ["."])
    page_limit: int = 1000
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    requests: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    decodes_slashes = True

    def client(self, *, page_size: int = 1000, workers: int = 4) -> SchemaRegistryClient:
        return SchemaRegistryClient(
            SchemaRegistryConnection(url=URL),
            page_size=page_size,
            workers=workers,
            transport=httpx.MockTransport(self),
            clock=FakeTime().clock,
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/base")
        with self._lock:
            self.requests.append(f"{request.method} {path}")
            instead = self.before(request)
            if instead is not None:
                return instead
            parts = path.strip("/").split("/")
            context = "."
            if parts[0] == "contexts" and len(parts) > 2:
                context, parts = unquote(parts[1]).strip(":"), parts[2:]
            if self.decodes_slashes:
                parts = [unquote(part) for part in parts]
            return self.route(request, parts, context, request.url.params)

    def route(
        self, request: httpx.Request, parts: list[str], context: str, params: httpx.QueryParams
    ) -> httpx.Response:
        match request.method, parts:
            case "GET", ["schemas"]:
                return self.bulk(context, params)
            case "GET", ["subjects"]:
                return self.subjects(context, params)
            case "GET", ["contexts"]:
                return httpx.Response(200, json=self.contexts)
            case "GET", ["subjects", subject, "versions", "latest"]:
                found = [schema for schema in self.schemas if schema.subject == subject]
                return httpx.Response(200, json=self.item(found[-1])) if found else self.no_subject(subject)
            case "POST", ["subjects", subject, "versions"]:
                return self.register(subject, json.loads(request.content))
            case "GET", ["schemas", "ids", number]:
                found = [schema for schema in self.schemas if schema.id == int(number)]
                if not found:
                    return error(404, 40403, "Schema not found")
                return httpx.Response(
                    200,
                    json={
                        k: v for k, v in self.item(found[0]).items() if k not in ("subject", "version", "id")
                    },
                )
            case "GET", ["config"]:
                return httpx.Response(200, json={"compatibilityLevel": self.global_compatibility})
            case "GET", ["mode"]:
                return httpx.Response(200, json={"mode": self.global_mode})
            case "GET", ["config", subject]:
                return self.subject_config(subject, params.get("defaultToGlobal") == "true")
            case "GET", ["mode", subject]:
                return self.subject_mode(subject, params.get("defaultToGlobal") == "true")
        return self.unknown_path()

    def item(self, schema: RegisteredSchema) -> dict[str, Any]:
        """A version as JSON; `schemaType`, `references` and contracts only where there are any (Confluent)."""
        item: dict[str, Any] = {
            "subject": schema.subject,
            "version": schema.version,
            "id": schema.id,
            "schema": schema.definition,
        }
        if schema.schema_type != "AVRO":
            item["schemaType"] = schema.schema_type
        if schema.references:
            item["references"] = [
                {"name": r.name, "subject": r.subject, "version": r.version} for r in schema.references
            ]
        return item | contract_item(schema.contract)

    def in_context(self, context: str) -> list[RegisteredSchema]:
        prefix = "" if context == "." else f":{context}:"
        return [
            schema
            for schema in self.schemas
            if schema.subject.startswith(prefix) and (prefix or not schema.subject.startswith(":."))
        ]

    def bulk(self, context: str, params: httpx.QueryParams) -> httpx.Response:
        wanted = params.get("subjectPrefix", "")
        found = (
            self.schemas
            if wanted == ":*:"
            else [s for s in self.in_context(context) if s.subject.startswith(wanted)]
        )
        found = sorted(found, key=lambda schema: schema.subject)
        offset, limit = int(params["offset"]), min(int(params["limit"]), self.page_limit)
        return httpx.Response(200, json=[self.item(schema) for schema in found[offset : offset + limit]])

    def subjects(self, context: str, params: httpx.QueryParams) -> httpx.Response:
        names = sorted(
            schema.subject for schema in (self.schemas if context == "." else self.in_context(context))
        )
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 2**31 - 1))
        return httpx.Response(200, json=names[offset : offset + limit])

    def no_subject(self, subject: str) -> httpx.Response:
        return error(404, 40401, f"Subject '{subject}' not found.")

    def subject_config(self, subject: str, default_to_global: bool) -> httpx.Response:
        level = self.compatibility.get(subject) or (self.global_compatibility if default_to_global else None)
        return (
            httpx.Response(200, json={"compatibilityLevel": level})
            if level
            else error(404, 40408, "no subject-level compatibility")
        )

    def subject_mode(self, subject: str, default_to_global: bool) -> httpx.Response:
        mode = self.modes.get(subject) or (self.global_mode if default_to_global else None)
        return (
            httpx.Response(200, json={"mode": mode}) if mode else error(404, 40409, "no subject-level mode")
        )

    def register(self, subject: str, content: dict[str, Any]) -> httpx.Response:
        same = [s for s in self.schemas if (s.subject, s.definition) == (subject, content["schema"])]
        if not same:
            same = [
                a_schema(
                    subject,
                    schema_id=len(self.schemas) + 1,
                    kind=content.get("schemaType", "AVRO"),
                    definition=content["schema"],
                )
            ]
            self.schemas += same
        return httpx.Response(200, json={"id": same[0].id})

    def unknown_path(self) -> httpx.Response:
        return error(404, 404, "HTTP 404 Not Found")


class Confluent(FakeRegistry):
    """The published shape."""


@dataclass
class Apicurio(FakeRegistry):
    """No subjects in the bulk list; rows of other types count in pages of subjects but are not shown; ids
    have gaps."""

    hidden_rows: int = 0
    max_subjects: int = 1000
    contexts: list[str] = field(default_factory=lambda: [":.:"])

    def bulk(self, _context: str, params: httpx.QueryParams) -> httpx.Response:
        found = [s for s in self.schemas if s.subject.startswith(params.get("subjectPrefix", ""))]
        offset, limit = int(params["offset"]), int(params["limit"])
        return httpx.Response(
            200, json=[{"schema": schema.definition} for schema in found[offset : offset + limit]]
        )

    def subjects(self, _context: str, params: httpx.QueryParams) -> httpx.Response:
        rows: list[str | None] = [None] * self.hidden_rows + [schema.subject for schema in self.schemas]
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", self.max_subjects))
        return httpx.Response(
            200, json=sorted(row for row in rows[offset : offset + limit] if row is not None)
        )

    def item(self, schema: RegisteredSchema) -> dict[str, Any]:
        return super().item(replace(schema, contract=DataContract()))

    def subject_config(self, subject: str, default_to_global: bool) -> httpx.Response:
        if default_to_global and subject not in {schema.subject for schema in self.schemas}:
            return self.no_subject(subject)
        return httpx.Response(
            200, json={"compatibilityLevel": self.compatibility.get(subject, self.global_compatibility)}
        )

    def subject_mode(self, subject: str, _default_to_global: bool) -> httpx.Response:
        return httpx.Response(200, json={"mode": self.modes.get(subject, self.global_mode)})

    def unknown_path(self) -> httpx.Response:
        return httpx.Response(404)


class AxonOps(FakeRegistry):
    """`null` for no subjects, `schemaType` always present, ordered by id, a wildcard is a prefix like any, `%2F` is not
    decoded."""

    decodes_slashes = False

    def item(self, schema: RegisteredSchema) -> dict[str, Any]:
        return {**super().item(schema), "schemaType": schema.schema_type}

    def bulk(self, context: str, params: httpx.QueryParams) -> httpx.Response:
        found = [s for s in self.in_context(context) if s.subject.startswith(params.get("subjectPrefix", ""))]
        found = sorted(found, key=lambda schema: schema.id)
        offset, limit = int(params["offset"]), int(params["limit"])
        items = [
            self.item(replace(s, subject=s.subject.removeprefix(f":{context}:")))
            for s in found[offset : offset + limit]
        ]
        return httpx.Response(200, json=items)

    def subjects(self, context: str, params: httpx.QueryParams) -> httpx.Response:
        names = [schema.subject.removeprefix(f":{context}:") for schema in self.in_context(context)]
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 2**31 - 1))
        return httpx.Response(200, content=json.dumps(sorted(names)[offset : offset + limit] or None))


class Karapace(FakeRegistry):
    """Ignores `offset`, `limit` and `subjectPrefix`, has `references: null` and no `/contexts`, modes are read-only, errors are
    strings."""

    def item(self, schema: RegisteredSchema) -> dict[str, Any]:
        item = super().item(replace(schema, contract=DataContract()))
        return {**item, "schemaType": schema.schema_type, "references": item.get("references")}

    def route(
        self, request: httpx.Request, parts: list[str], context: str, params: httpx.QueryParams
    ) -> httpx.Response:
        return (
            self.unknown_path() if parts == ["contexts"] else super().route(request, parts, context, params)
        )

    def bulk(self, _context: str, _params: httpx.QueryParams) -> httpx.Response:
        return httpx.Response(200, json=[self.item(schema) for schema in self.schemas])

    def subjects(self, _context: str, _params: httpx.QueryParams) -> httpx.Response:
        return httpx.Response(200, json=[schema.subject for schema in self.schemas])

    def subject_mode(self, _subject: str, _default_to_global: bool) -> httpx.Response:
        return httpx.Response(200, json={"mode": self.global_mode})

    def unknown_path(self) -> httpx.Response:
        return httpx.Response(404, json="Not Found")


STYLES: tuple[type[FakeRegistry], ...] = (Confluent, Apicurio, AxonOps, Karapace)


def error(status: int, code: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error_code": code, "message": message})


def a_schema(
    subject: str,
    *,
    schema_id: int = 1,
    version: int = 1,
    kind: str = "AVRO",
    definition: str = '"string"',
    **more: Any,
) -> RegisteredSchema:
    return RegisteredSchema(
        subject=subject, version=version, id=schema_id, schema_type=kind, definition=definition, **more
    )


def some_schemas(count: int) -> list[RegisteredSchema]:
    """`count` subjects of all types, some with references; ids as registered, with gaps; names in another
    order than ids."""
    kinds = ("AVRO", "JSON", "PROTOBUF")
    return [
        a_schema(
            f"s{(number * 7919) % 1_000_003:07d}-value",
            schema_id=number * 2 + 1,
            version=number % 3 + 1,
            kind=kinds[number % 3],
            definition=f"schema {number}",
            references=(SchemaReference(name="base", subject="base-value", version=2),)
            if number % 5 == 0
            else (),
        )
        for number in range(count)
    ]


def by_subject(schemas: Iterable[RegisteredSchema]) -> tuple[RegisteredSchema, ...]:
    return tuple(sorted(schemas, key=lambda schema: schema.subject))
