"""A server with an estate and a store, its tools called as a client does, and the fixtures that tests of
tools share."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import anyio
import jsonschema  # type: ignore[import-untyped]
import pytest
from mcp import Client
from mcp.types import CallToolResult, ListToolsResult
from msgspec.structs import replace

from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import ConnectorTopic, TopicSchema
from mesh_assets.mapping_tools.mappings import OpenService
from mesh_assets.mcp_server.assembly import build_server
from mesh_assets.mcp_server.server import MeshServer
from mesh_assets.mcp_server.settings import ServerSettings
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.snapshot.world import World

Mode: TypeAlias = Literal["auto", "legacy"]
FLINK = """\
clusters:
  warehouse:
    kafka: {bootstrap_servers: "127.0.0.1:1", timeout_seconds: 1}
    allow_message_reading: ["public-*"]
    flink:
      url: http://127.0.0.1:1
      organization_id: org-1
      environment_id: env-1
      compute_pool_id: lfcp-1
      catalog: prod
      database: warehouse
      username: key
      password: ${FLINK_SECRET}
      timeout_seconds: 1
"""
ESTATE = 'clusters:\n  warehouse:\n    kafka: {bootstrap_servers: "127.0.0.1:1", timeout_seconds: 1}\n'
S3 = "io.confluent.connect.s3.S3SinkConnector"
USERS = '{"type": "object", "title": "Users", "properties": {"email": {"type": "string"}, "units": {"type": "integer"}}}'

_check_schema = jsonschema.Draft202012Validator.check_schema


@cache
def _checked(schema: str) -> None:
    _check_schema(json.loads(schema))


# A client checks a tool's schema on its first call, and most calls in tests are a client's first: the check takes three times
# as long as the call. The schemas never change.
jsonschema.Draft202012Validator.check_schema = lambda schema: _checked(json.dumps(schema))


def _numbered(document: Document, _previous: Document | None, sequence: int) -> Document:
    return replace(document, sequence=sequence)


def the_day_before() -> Document:
    return a_document(
        topics=(a_topic("orders"), a_topic("users")),
        connectors=(
            a_connector(
                "orders-sink", config={"connector.class": S3, "s3.bucket.name": "lake", "aws.secret": "hush"}
            ),
            a_connector(
                "orders-source", type="source", topics=(ConnectorTopic(name="orders", known="observed"),)
            ),
        ),
        schemas=(a_schema("users-value", definition=USERS),),
        consumer_groups=(a_group("billing", total_lag_records=5),),
    )


def today() -> Document:
    before = the_day_before()
    return a_document(
        topics=(
            a_topic("orders", config={"retention.ms": "1000"}, config_overrides=("retention.ms",)),
            a_topic("payments"),
            replace(a_topic("users"), schema=TopicSchema(value_subjects=("users-value",))),
        ),
        connectors=(
            a_connector(
                "orders-sink",
                tasks=("FAILED",),
                task_trace="x\nCaused by: out of space",
                config={"connector.class": S3, "s3.bucket.name": "lake"},
            ),
            before.connectors[1],
        ),
        schemas=(a_schema("users-value", definition=USERS, version=2, id=7),),
        consumer_groups=(a_group("billing", total_lag_records=900),),
        discovery_timestamp=MOMENT + timedelta(days=1),
    )


@dataclass(frozen=True, slots=True)
class Served:
    """A server and what it knows about its estate. `call` is a tool call by an in-memory client."""

    folder: Path
    server: MeshServer
    known: KnownEstate

    def call(self, tool: str, /, *, mode: Mode = "auto", **arguments: Any) -> CallToolResult:
        return call(self.server, tool, arguments, mode=mode)

    def answer(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a call that must succeed; its text says the same."""
        result = self.call(tool, **arguments)
        text = getattr(result.content[0], "text", "")
        assert not result.is_error, text
        assert json.loads(text) == result.structured_content
        structured = result.structured_content
        assert isinstance(structured, dict)
        return structured

    def refusal(self, tool: str, /, **arguments: Any) -> str:
        """The sentence of a call that must fail."""
        result = self.call(tool, **arguments)
        text = str(getattr(result.content[0], "text", ""))
        assert result.is_error, text
        return text


def call(server: MeshServer, tool: str, arguments: dict[str, Any], *, mode: Mode = "auto") -> CallToolResult:
    async def run() -> CallToolResult:
        async with Client(server, mode=mode) as client:
            await _tell_tools(client, server, mode)
            result = await client.call_tool(tool, arguments)
            assert isinstance(result, CallToolResult)
            return result

    return anyio.run(run)


_TOLD: dict[Any, ListToolsResult] = {}


async def _tell_tools(client: Client, server: MeshServer, mode: Mode) -> None:
    """A client lists all tools before it checks its first answer, and most calls in tests are a client's first: the list takes
    four times as long as the call. Servers with the same settings have the same tools."""
    kind = (tuple(server.mesh.toolsets), server.mesh.allow_writes, mode)
    if kind in _TOLD:
        client.session._absorb_tool_listing(_TOLD[kind], complete=True)
    else:
        _TOLD[kind] = await client.list_tools()


def serve(
    folder: Path,
    *documents: Document,
    estate: str = ESTATE,
    open_service: OpenService | None = None,
    **settings: Any,
) -> Served:
    """A store with these documents of one cluster, published in this order, and a server on it."""
    (folder / "estate.yaml").write_text(estate)
    world = World(store=open_store(str(folder / "store")))
    for document in documents:
        world.publish(
            partial(_numbered, document), cluster=document.cluster.name, cluster_id=document.cluster.id
        )
    chosen = ServerSettings(
        **{
            "audit_log": folder / "audit.jsonl",
            "estate": folder / "estate.yaml",
            "store": str(folder / "store"),
            **settings,
        }
    )
    known = KnownEstate(estate=chosen.estate, store=chosen.store)
    return Served(folder, build_server(chosen, known=known, open_service=open_service), known)


@pytest.fixture
def make_served(tmp_path: Path) -> Callable[..., Served]:
    """`make_served(documents…, setting=…)`: see `serve`."""
    return partial(serve, tmp_path)


@pytest.fixture
def served(make_served: Callable[..., Served]) -> Served:
    """Two documents a day apart: a connector failed, lag grew, a topic and a schema version are new."""
    return make_served(the_day_before(), today())
