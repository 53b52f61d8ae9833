"""A small discovery: what it read, and what changed."""

from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.sections import MetricsSection, Section, SectionName, TopicsSection
from mesh_assets_tests.documents import FRESH, STALE, a_topic, some_metrics

SECTIONS: dict[SectionName, Section] = {
    "topics": TopicsSection(
        cluster_id="lkc-nd1ng3",
        state=FRESH,
        records=tuple(a_topic(f"topic-{number}") for number in range(3)),
    ),
    "metrics": MetricsSection(cluster_id="lkc-nd1ng3", state=STALE, records=some_metrics()),
}


def a_change() -> Change:
    return Change(
        kind="created",
        resource_type="topic",
        resource="orders",
        field="topic",
        before=None,
        after=None,
        severity="info",
        sentence="orders: created",
    )
