"""While the estate file is broken, answers use the last good one and say so."""

import json

import anyio
from mcp import Client
from mcp.types import TextResourceContents

from mesh_assets_tests.mcp_server.served import ESTATE, Served


def notes(served: Served, tool: str) -> list[str]:
    """The notice beside an answer."""
    result = served.call(tool)
    first, *others = [getattr(one, "text", "") for one in result.content]
    assert result.is_error or json.loads(first) == result.structured_content
    return others


def a_resource(served: Served) -> dict[str, object]:
    async def read() -> dict[str, object]:
        async with Client(served.server) as client:
            [content] = (await client.read_resource("mesh://clusters")).contents
            assert isinstance(content, TextResourceContents)
            found: dict[str, object] = json.loads(content.text)
            return found

    return anyio.run(read)


def test_every_answer_of_a_sound_estate_has_no_notice(served: Served) -> None:
    assert notes(served, "list_clusters") == []
    assert "estate_problem" not in a_resource(served)


def test_while_the_file_is_broken_every_answer_says_so_and_uses_the_last_good_one(served: Served) -> None:
    before = served.answer("list_clusters")
    (served.folder / "estate.yaml").write_text("clusters: {}\n")

    assert served.answer("list_clusters") == before
    for tool in ("list_clusters", "list_topics", "describe_topic"):  # the last one lacks an argument
        [note] = notes(served, tool)
        assert note.startswith("Note: the estate file is broken (seen since 20")
        assert "until it is fixed, the last good estate stays in force, with 1 cluster: " in note
        assert "estate.yaml:1: clusters: names no cluster" in note
    told = a_resource(served)
    assert str(told["estate_problem"]).startswith("the estate file is broken")
    assert told["clusters"] == before["clusters"]

    (served.folder / "estate.yaml").write_text(ESTATE)
    served.known.estate  # noqa: B018 - a look, which calls take once a second
    assert notes(served, "list_clusters") == []
    assert "estate_problem" not in a_resource(served)


def test_without_any_good_estate_the_error_itself_says_what_is_wrong(served: Served) -> None:
    (served.folder / "estate.yaml").write_text("clusters: {}\n")

    assert "names no cluster" in served.refusal("sample_messages", topic="orders")
    assert notes(served, "list_clusters") == []
