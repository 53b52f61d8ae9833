"""What an engineer asks: each answered in at most two calls and 20 kB."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from mesh_assets_tests.mcp_server.served import Served

MOST_CALLS = 2
MOST_BYTES = 20_000
YESTERDAY = "2026-11-23T17:00:00Z"
Calls = Sequence[tuple[str, dict[str, Any]]]

QUESTIONS: dict[str, tuple[Calls, tuple[str, ...]]] = {
    "Which connectors failed since yesterday, and what do they feed?": (
        [
            ("list_changes", {"since": YESTERDAY, "resource_type": "connector", "severity": "critical"}),
            ("get_lineage", {"connector": "orders-sink", "direction": "downstream"}),
        ],
        ("orders-sink", "RUNNING → FAILED", "dataset s3://lake/topics/orders"),
    ),
    "Why did it fail?": ([("list_problems", {"kind": "failed_connector"})], ("out of space",)),
    "Who reads orders?": ([("describe_topic", {"topic": "orders"})], ("billing", "orders-sink")),
    "What changed this week?": (
        [("list_changes", {"since": YESTERDAY})],
        ("payments", "Schema version 1", "orders-sink"),
    ),
    "Where does an e-mail address occur?": (
        [("find", {"text": "email", "by": "field"})],
        ("users-value", "email: string"),
    ),
    "Which group is furthest behind, and where?": (
        [
            ("list_consumer_groups", {"sort": "lag", "limit": 1}),
            ("describe_consumer_group", {"group": "billing"}),
        ],
        ("billing", "900"),
    ),
    "Which topics have no schema?": ([("list_problems", {"kind": "missing_schema"})], ("payments", "orders")),
    "What is in users, and may its schema change?": (
        [("describe_schema", {"subject": "users-value"})],
        ("email", "units", '"topics":["users"]'),
    ),
    "How long are orders kept, and who set that?": (
        [("get_topic_configs", {"topic": "orders", "pattern": "retention*"})],
        ('"retention.ms":"1000"', '"overridden":["retention.ms"]'),
    ),
    "What breaks when orders-source stops?": (
        [("get_lineage", {"connector": "orders-source", "direction": "downstream"})],
        ("topic orders", "application billing", "connector orders-sink"),
    ),
    "How is the estate today?": (
        [("list_clusters", {}), ("get_cluster_summary", {})],
        ("failed_connector", "growing_lag", "warehouse"),
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_in_two_calls_and_twenty_kilobytes(served: Served, question: str) -> None:
    calls, tells = QUESTIONS[question]
    assert len(calls) <= MOST_CALLS
    text = "".join(
        json.dumps(served.answer(tool, **arguments), separators=(",", ":"), ensure_ascii=False)
        for tool, arguments in calls
    )
    assert len(text.encode()) <= MOST_BYTES
    for told in tells:
        assert told in text, (question, text)
