"""What clients show beside tools: resources, prompts, and names that complete what a person types."""

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
def test_resources_hold_what_the_tools_answer(served: Served, mode: Mode) -> None:
    assert [row["name"] for row in read(served, "mesh://clusters", mode)["clusters"]] == ["warehouse"]
    assert read(served, "mesh://warehouse/inventory", mode)["about"]["cluster"] == "warehouse"
    assert read(served, "mesh://warehouse/topics/orders", mode)["name"] == "orders"
    for start in ("topics/orders", "connectors/orders-sink"):
        assert "external lake" in json.dumps(read(served, f"mesh://warehouse/{start}/lineage", mode))


@pytest.mark.parametrize(
    "uri", ["mesh://nope/inventory", "mesh://warehouse/topics/nope", "mesh://warehouse/nothing"]
)
def test_a_resource_that_is_not_there_is_an_error_and_not_an_empty_one(served: Served, uri: str) -> None:
    async def refused(client: Client) -> None:
        with pytest.raises(MCPError, match=r"nope|nothing"):
            await client.read_resource(uri)

    ask(served, refused)


def test_every_prompt_names_only_tools_that_there_are(served: Served) -> None:
    async def texts(client: Client) -> dict[str, str]:
        found = {}
        for prompt in (await client.list_prompts()).prompts:
            given = {argument.name: f"the-{argument.name}" for argument in prompt.arguments or ()}
            [message] = (await client.get_prompt(prompt.name, given)).messages
            found[prompt.name] = message.content.text  # type: ignore[union-attr]
            assert all(value in found[prompt.name] for value in given.values()), prompt.name
        return found

    said = ask(served, texts)
    assert set(said) == {
        "triage_failed_connector",
        "review_schema_change",
        "wire_topic_to_lambda",
        "weekly_estate_review",
    }
    tools = {tool.name for tool in anyio.run(served.server.list_tools)}
    for name, text in said.items():
        named = {word.strip("`.,:;()").partition("(")[0] for word in text.split()}
        called = {
            word
            for word in named
            if word.partition("_")[0] in ("list", "get", "describe", "create", "test", "validate")
        } - {""}
        assert {word for word in called if "_" in word} <= tools, name


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


def test_names_are_those_of_the_cluster_chosen_before(served: Served) -> None:
    def question(client: Client) -> Any:
        return client.complete(TOPIC, {"name": "topic", "value": ""}, context_arguments={"cluster": "nope"})

    assert ask(served, question).completion.values == []
