"""Whatever comes in, the answer is one clear sentence, and the server continues."""

from typing import Any

import pytest

from mesh_assets_tests.mcp_server.served import Served

MEGABYTE = "x" * 1_000_000


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("describe_topic", {"topic": "../../etc/passwd"}, "has no topic"),
        ("describe_topic", {"topic": "orders\x00\x1b[31m\n"}, "similar: 'orders'"),
        ("describe_topic", {"topic": MEGABYTE}, "at most 512 characters"),
        ("describe_topic", {"topic": ""}, "at least 1 character"),
        ("describe_topic", {"topic": 7}, "valid string"),
        ("describe_topic", {}, "topic: field required"),
        ("list_topics", {"cluster": "../warehouse"}, "there is no cluster '../warehouse'"),
        ("list_topics", {"cluster": MEGABYTE}, "at most 249 characters"),
        ("list_topics", {"limit": 0}, "greater than or equal to 1"),
        ("list_topics", {"limit": [1]}, "limit"),
        ("list_topics", {"cursor": "not a cursor"}, "not a cursor of this server"),
        ("list_topics", {"cursor": "é" * 100}, "not a cursor of this server"),
        ("list_topics", {"source": "yesterday"}, "'latest' or 'live'"),
        ("list_topics", {"patern": "orders"}, "no argument 'patern'; it takes: cluster, pattern"),
        ("list_changes", {"since": "last week"}, "is not a time"),
        ("list_changes", {"since": "999999w"}, "is not a time"),
        ("get_lineage", {}, "give one of"),
        ("get_lineage", {"topic": "orders", "group": "billing"}, "give one of"),
        ("get_metrics", {}, "no metrics"),
        ("get_schema", {"subject": "users-value", "version": 9}, "no version 9; the latest is 2"),
        ("get_schema", {"subject": "users-value", "version": 1}, "configures no schema_registry"),
        ("no_such_tool", {}, "no_such_tool"),
    ],
)
def test_a_bad_argument_is_answered_with_a_sentence(
    served: Served, tool: str, arguments: dict[str, Any], says: str
) -> None:
    text = served.refusal(tool, **arguments)
    assert says in text
    assert len(text) < 1_000
    assert text.isprintable()
    assert served.answer("list_topics")["total"] == 3
