"""Prompts: each can be rendered, and names only tools that exist."""

import anyio
from mcp import Client

from mesh_assets_tests.mcp_server.served import Served


def test_every_prompt_names_only_existing_tools(served: Served) -> None:
    async def texts() -> dict[str, str]:
        found = {}
        async with Client(served.server) as client:
            for prompt in (await client.list_prompts()).prompts:
                given = {argument.name: f"the-{argument.name}" for argument in prompt.arguments or ()}
                [message] = (await client.get_prompt(prompt.name, given)).messages
                found[prompt.name] = message.content.text  # type: ignore[union-attr]
                assert all(value in found[prompt.name] for value in given.values()), prompt.name
        return found

    said = anyio.run(texts)
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
