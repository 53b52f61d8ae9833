"""Resources, and names that complete what a person types."""

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.types import PromptReference, ResourceTemplateReference

from mesh_assets_tests.mcp_server.served import Mode, Served

TOPIC = ResourceTemplateReference(type="ref/resource", uri="mesh://{cluster}/topics/{topic}")


def ask(served: Served, question: Callable[[Client], Any], mode: Mode = "auto") -> Any:
    async def run() -> Any:
        async with Client(served.server, mode=mode) as client:
            return await question(client)

    return anyio.run(run)


def read(served: Served, uri: str, mode: Mode = "auto") -> Any:
    [content] = ask(served, lambda client: client.read_resource(uri), mode).contents
    assert content.mime_type == "application/json"
    return json.loads(content.text)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_resources_hold_the_tools_answers(served: Served, mode: Mode) -> None:
    assert [row["name"] for row in read(served, "mesh://clusters", mode)["clusters"]] == ["warehouse"]
    assert read(served, "mesh://warehouse/inventory", mode)["about"]["cluster"] == "warehouse"
    assert read(served, "mesh://warehouse/topics/orders", mode)["name"] == "orders"
    for start in ("topics/orders", "connectors/orders-sink"):
        assert "dataset s3://lake/topics/orders" in json.dumps(
            read(served, f"mesh://warehouse/{start}/lineage", mode)
        )


@pytest.mark.parametrize(
    "uri", ["mesh://nope/inventory", "mesh://warehouse/topics/nope", "mesh://warehouse/nothing"]
)
def test_a_missing_resource_is_an_error_not_an_empty_one(served: Served, uri: str) -> None:
    async def refused(client: Client) -> None:
        with pytest.raises(MCPError, match=r"nope|nothing"):
            await client.read_resource(uri)

    ask(served, refused)


@pytest.mark.parametrize(
    ("reference", "argument", "typed", "offered"),
    [
        (TOPIC, "cluster", "ware", ["warehouse"]),
        (TOPIC, "topic", "", ["orders", "payments", "users"]),
        (TOPIC, "topic", "RS", ["orders", "users"]),
        (
            PromptReference(type="ref/prompt", name="triage_failed_connector"),
            "connector",
            "sink",
            ["orders-sink"],
        ),
        (PromptReference(type="ref/prompt", name="review_schema_change"), "subject", "u", ["users-value"]),
        (TOPIC, "topic", "nothing-like-it", []),
    ],
)
def test_names_complete_what_was_typed(
    served: Served, reference: Any, argument: str, typed: str, offered: list[str]
) -> None:
    assert (
        ask(
            served, lambda client: client.complete(reference, {"name": argument, "value": typed})
        ).completion.values
        == offered
    )


def test_names_are_those_of_the_chosen_cluster(served: Served) -> None:
    def question(client: Client) -> Any:
        return client.complete(TOPIC, {"name": "topic", "value": ""}, context_arguments={"cluster": "nope"})

    assert ask(served, question).completion.values == []
