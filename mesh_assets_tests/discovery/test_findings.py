"""The findings on the sandbox's estate: what is wrong there, and nothing else."""

from typing import Any

import pytest

from mesh_assets.findings.case import Case
from mesh_assets.findings.judge import judge
from mesh_assets.findings.past import past_of
from mesh_assets.inventory.document import Document
from mesh_assets.sandbox.estate.clusters import EMPTY_GROUP
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox

UNREAD = [
    "campaign_finance",
    "fleet_mgmt_location",
    "fleet_mgmt_sensors",
    "gaming_player_activity",
    "insurance_customer_activity",
    "payroll_bonus",
    "pizza_orders_cancelled",
    "shoe_clickstream",
    "shoe_orders",
    "stock_trades",
    "syslog_logs",
]
"""Topics that are not compacted and that no group or sink of the estate reads."""


@pytest.fixture(scope="module")
def document(first: tuple[Workplace, dict[str, Any]]) -> Document:
    return first[0].latest()


def test_only_the_group_without_members_is_wrong(document: Document) -> None:
    found = [(one.kind, one.severity, one.resource) for one in judge(Case(document))]
    assert found == [("stopped_group", "info", EMPTY_GROUP)]


def test_if_nothing_had_moved_for_a_week_exactly_the_topics_without_readers_would_be_unused(
    document: Document,
) -> None:
    findings = judge(Case(document, earlier=past_of(document)))
    assert sorted(one.resource for one in findings if one.kind == "unused_topic") == UNREAD
    # A sink without waiting records is not idle; which ones that are depends on the feed.
    assert {one.kind for one in findings} <= {"stopped_group", "unused_topic", "idle_connector"}
    idle_sources = {
        one.resource for one in findings if one.kind == "idle_connector" and one.severity == "info"
    }
    assert idle_sources == {one.name for one in document.connectors if one.type == "source"}
