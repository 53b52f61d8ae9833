"""9,000 topics: an agent with a small window can work with them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import TopicSchema
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.mcp_server.served import Served

TOPICS = 9_000
LISTS = (
    "list_topics",
    "list_connectors",
    "list_schemas",
    "list_consumer_groups",
    "list_problems",
    "list_changes",
)


def a_large_document() -> Document:
    names = [
        f"company.domain-{number % 40:02}.subdomain.events-of-kind-{number:05}.v1" for number in range(TOPICS)
    ]
    definition = json.dumps(
        {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(20)}}
    )
    return a_document(
        topics=tuple(
            a_topic(
                name,
                partitions=6,
                schema=TopicSchema(value_subjects=(f"{name}-value",) if number % 2 else ()),
            )
            for number, name in enumerate(names)
        ),
        connectors=tuple(a_connector(f"connector-of-{name}", tasks=("FAILED",)) for name in names[:500]),
        schemas=tuple(
            a_schema(f"{name}-value", definition=definition, id=number) for number, name in enumerate(names)
        ),
        consumer_groups=tuple(a_group(f"group-of-{name}", topics=tuple(names[:60])) for name in names[:1000]),
    )


@pytest.fixture(scope="module")
def _document() -> Document:
    return a_large_document()


@pytest.fixture
def large(_document: Document, make_served: Callable[..., Served]) -> Served:
    return make_served(_document)


def size(served: Served, tool: str, **arguments: Any) -> int:
    """Bytes of a whole answer, text and structured content together."""
    return len(served.call(tool, **arguments).model_dump_json(by_alias=True, exclude_none=True).encode())


@pytest.mark.slow
def test_first_answers_are_short_and_the_document_is_read_once(large: Served) -> None:
    topic = f"company.domain-01.subdomain.events-of-kind-{1:05}.v1"
    for tool in LISTS:
        assert size(large, tool) <= 10_000, tool
    for tool, arguments in {
        "get_cluster_summary": {},
        "find": {"text": "company"},
        "describe_topic": {"topic": topic},
        "describe_consumer_group": {"group": f"group-of-{topic}"},
        "describe_schema": {"subject": f"{topic}-value"},
        "get_lineage": {"topic": topic},
    }.items():
        assert size(large, tool, **arguments) <= 25_000, tool
    assert large.known.reads == 1


def pages(served: Served, **arguments: Any) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = served.answer("list_topics", **arguments, **({} if cursor is None else {"cursor": cursor}))
        yield page
        cursor = page.get("next_cursor")
        if cursor is None:
            return


@pytest.mark.slow
def test_pages_hold_every_row_once(large: Served) -> None:
    names = [row["name"] for page in pages(large, limit=500, pattern="domain-07") for row in page["topics"]]
    assert len(names) == len(set(names)) == TOPICS // 40
    assert names == sorted(names)
